"""Expectation values from a chain of tensors.

Going from left to right, an environment is what is left of the tensors and operators passed so far:
a vector for Pauli expectation values, a matrix for amplitudes, where it also holds <ψ|.
"""

from functools import cache
from itertools import permutations
from typing import NamedTuple, Protocol

import numpy as np
from jaxtyping import Float

from opentdvp.config import Observables
from opentdvp.geometry.lattice import Lattice
from opentdvp.physics.spin import AXES
from opentdvp.references.site_averages import site_averages
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
    environments: _Environments
    if chain.space.pure:
        environments = _AmplitudeEnvironments(tensors)
    else:
        environments = _PauliEnvironments(chain, tensors)
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


def _means(chain: Chain, environments: "_Environments", axis: str) -> Float[np.ndarray, " spins"]:
    found = {
        spin: environments.close(environments.start(k), k, chain.functional(k, {spin: axis}))[0]
        for k, spins in enumerate(chain.layout.tensors)
        for spin in spins
    }
    return np.array([found[spin] for spin in sorted(found)])


def _pairs(
    chain: Chain, environments: "_Environments", letters: str, last: int
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


class _Environments(Protocol):
    """Stacks of environments, the first axis counting them."""

    trace: float

    def start(self, tensor: int) -> np.ndarray:
        """The one at the left of a tensor without any operators."""

    def advance(self, stack: np.ndarray, tensor: int, functional: np.ndarray) -> np.ndarray:
        """Those at the right of a tensor with these operators on it."""

    def close(self, stack: np.ndarray, tensor: int, functional: np.ndarray) -> np.ndarray:
        """Values if nothing follows behind this tensor."""


class _PauliEnvironments:
    """Vectors on the bond; identities everywhere give the trace."""

    def __init__(self, chain: Chain, tensors: Tensors) -> None:
        self._tensors = list(tensors.tensors)
        numbers = range(len(self._tensors))
        steps = [self._step(k, chain.functional(k, {})) for k in numbers]
        left = right = np.ones(1)
        self.trace = tensors.norm
        if chain.layout.infinite:
            left, right, eigenvalue = _dominant(steps[0] @ steps[1])
            self.trace *= eigenvalue
            # One cell then has the eigenvalue 1.
            self._tensors[0] = self._tensors[0] / eigenvalue
            steps[0] = steps[0] / eigenvalue
        self._lefts = [left]
        for step in steps:
            self._lefts.append(self._lefts[-1] @ step)
        whole = float(self._lefts[-1] @ right)
        self.trace *= 1.0 if chain.layout.infinite else whole
        self._rights = [right / whole]
        for step in steps[:0:-1]:
            self._rights.insert(0, step @ self._rights[0])

    def start(self, tensor: int) -> np.ndarray:
        return self._lefts[tensor][None]

    def advance(self, stack: np.ndarray, tensor: int, functional: np.ndarray) -> np.ndarray:
        return stack @ self._step(tensor, functional)

    def close(self, stack: np.ndarray, tensor: int, functional: np.ndarray) -> np.ndarray:
        return self.advance(stack, tensor, functional) @ self._rights[tensor]

    def _step(self, tensor: int, functional: np.ndarray) -> np.ndarray:
        return np.einsum("apb,p->ab", self._tensors[tensor], functional)


class _AmplitudeEnvironments:
    """Matrices (bra bond, ket bond); in right-canonical form nothing is needed from behind."""

    def __init__(self, tensors: Tensors) -> None:
        self._tensors = tensors.tensors
        self._values = tensors.values
        self.trace = tensors.norm**2

    def start(self, tensor: int) -> np.ndarray:
        return np.diag(self._values[tensor].astype(complex) ** 2)[None]

    def advance(self, stack: np.ndarray, tensor: int, functional: np.ndarray) -> np.ndarray:
        ket = self._applied(tensor, functional)
        left, states, right = ket.shape
        passed = (stack @ ket.reshape(left, -1)).reshape(-1, left * states, right)
        return self._tensors[tensor].reshape(left * states, right).conj().T @ passed

    def close(self, stack: np.ndarray, tensor: int, functional: np.ndarray) -> np.ndarray:
        ket, bra = self._applied(tensor, functional), self._tensors[tensor].conj()
        behind = bra.reshape(len(bra), -1) @ ket.reshape(len(ket), -1).T
        return np.einsum("nab,ab->n", stack, behind).real

    def _applied(self, tensor: int, functional: np.ndarray) -> np.ndarray:
        return np.einsum("qp,apb->aqb", functional, self._tensors[tensor])


def _dominant(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Left and right eigenvectors of the eigenvalue of largest size, which is real."""
    right_values, rights = np.linalg.eig(matrix)
    left_values, lefts = np.linalg.eig(matrix.T)
    chosen = np.argmax(np.abs(right_values))
    left, right = lefts[:, np.argmax(np.abs(left_values))], rights[:, chosen]
    return left.real, right.real, float(right_values[chosen].real)
