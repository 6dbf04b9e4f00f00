"""Site averages from a chain of tensors."""

from functools import cache
from itertools import permutations
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from opentdvp.config import Observables
from opentdvp.geometry.lattice import Lattice
from opentdvp.physics.spin import AXES
from opentdvp.references.site_averages import site_averages
from opentdvp.references.tensors.environments import Environments, build_environments
from opentdvp.references.tensors.evolution import Tensors
from opentdvp.references.tensors.space import Chain


class Measurement(NamedTuple):
    """Observables, and the trace of the density matrix or norm of the state (per cell)."""

    observables: dict[str, np.ndarray]
    trace: float


def measure(
    chain: Chain, tensors: Tensors, lattice: Lattice, observables: Observables
) -> Measurement:
    """Every configured observable (`averages.site_averages`), divided by the trace."""
    environments = build_environments(chain, tensors)
    cell = chain.layout.n_spins
    sites = np.arange(lattice.n_sites)
    means = {axis: _means(chain, environments, axis)[sites % cell] for axis in AXES}
    largest = max((max(d) for d in observables.correlators.values()), default=0)

    @cache
    def table(letters: str) -> Float[np.ndarray, "firsts lasts"]:
        if chain.layout.infinite:
            return _pairs(chain, environments, letters, cell + largest)
        forwards = backwards = _pairs(chain, environments, letters, cell)
        if letters[0] != letters[1]:
            backwards = _pairs(chain, environments, letters[::-1], cell)
        return np.where(np.isnan(forwards), backwards.T, forwards)

    def correlation(letters: str, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        if chain.layout.infinite:
            first, second = first % cell, first % cell + (second - first) % lattice.n_sites
        return table(letters)[first, second]

    found = site_averages(means, correlation, lattice, observables)
    return Measurement(found, environments.trace)


def _means(chain: Chain, environments: Environments, axis: str) -> Float[np.ndarray, " spins"]:
    found = {
        spin: environments.close(environments.start(k), k, chain.functional(k, {spin: axis}))[0]
        for k, spins in enumerate(chain.layout.tensors)
        for spin in spins
    }
    return np.array([found[spin] for spin in sorted(found)])


def _pairs(
    chain: Chain, environments: Environments, letters: str, last: int
) -> Float[np.ndarray, "firsts lasts"]:
    """<A_i B_j> where i lies in an earlier tensor than j or in the same one, else nan.

    In an infinite chain, i is a spin of the first cell, and j goes on to the cells behind it.
    """
    tensors, infinite = chain.layout.tensors, chain.layout.infinite
    count = len(tensors)
    table = np.full((chain.layout.n_spins, last), np.nan)
    firsts: list[int] = []
    passed = environments.start(0)[:0]
    for number in range(last if infinite else count):
        k = number % count
        for j in tensors[k]:
            functional = chain.functional(k, {j: letters[1]})
            table[firsts, j + number - k] = environments.close(passed, k, functional)
        passed = environments.advance(passed, k, chain.functional(k, {}))
        if number == k:
            first = environments.start(k)
            for i in tensors[k]:
                begun = environments.advance(first, k, chain.functional(k, {i: letters[0]}))
                passed = np.concatenate([passed, begun])
                firsts.append(i)
            for i, j in permutations(tensors[k], 2):
                both = chain.functional(k, {i: letters[0], j: letters[1]})
                table[i, j] = environments.close(first, k, both)[0]
    return table
