"""Expectation values of pure states of 2ᴺ amplitudes, and of averages over many of them."""

from collections.abc import Callable, Iterator
from functools import reduce
from typing import NamedTuple

import numpy as np
from jaxtyping import Complex, Float

from opentdvp.config import Observables
from opentdvp.errors import ConfigError
from opentdvp.models import Lattice, Model
from opentdvp.references.averages import site_averages
from opentdvp.spin import AXES, pauli_string, spin_state

Amplitudes = Complex[np.ndarray, " n"]

#: From random numbers to the normalised states at all output times of one trajectory.
Simulator = Callable[[np.random.Generator], Iterator[Amplitudes]]


def pure_start(model: Model) -> Amplitudes:
    """The product of equal spins as amplitudes; site 0 is the most significant bit.

    Raises
    ------
    ConfigError
        If the start state is mixed.
    """
    length = float(np.linalg.norm(model.bloch))
    if abs(length - 1) > 1e-9:
        raise ConfigError(
            "`start` must be a pure state for trajectories of pure states, but its Bloch vector "
            f"has the length {length:.6g}."
        )
    spin = np.linalg.eigh(spin_state(model.bloch))[1][:, -1]
    return reduce(np.kron, [spin] * model.n_sites)


class Expectations(NamedTuple):
    """Which expectation values are linear in the density matrix and give all observables.

    Attributes
    ----------
    pairs
        (i, j) of all correlators; `letters` are those of each, in the same order.
    """

    lattice: Lattice
    observables: Observables
    pairs: tuple[tuple[int, int], ...]
    letters: tuple[tuple[str, ...], ...]

    @property
    def size(self) -> int:
        """Number of values."""
        return len(AXES) * self.lattice.n_sites + sum(map(len, self.letters))

    def of_state(self, amplitudes: Amplitudes) -> Float[np.ndarray, " values"]:
        """<A_i> for A in X, Y, Z and all sites i, then <A_i B_j> of all pairs."""
        sites = range(self.lattice.n_sites)
        ones = [_reduced(amplitudes, (site,)) for site in sites]
        values = [_trace(rho, axis) for axis in AXES for rho in ones]
        for pair, wanted in zip(self.pairs, self.letters, strict=True):
            rho = _reduced(amplitudes, pair)
            values += [_trace(rho, letters) for letters in wanted]
        return np.array(values)

    def averages(self, values: Float[np.ndarray, "*times values"]) -> dict[str, np.ndarray]:
        """All observables from averages of the values over an ensemble of states."""
        n_sites = self.lattice.n_sites
        means = {axis: values[..., k * n_sites : (k + 1) * n_sites] for k, axis in enumerate(AXES)}
        names = [
            (letters, pair)
            for pair, wanted in zip(self.pairs, self.letters, strict=True)
            for letters in wanted
        ]
        column = {name: len(AXES) * n_sites + k for k, name in enumerate(names)}

        def correlation(letters: str, first: np.ndarray, second: np.ndarray) -> np.ndarray:
            ends = zip(first.tolist(), second.tolist(), strict=True)
            return values[..., [column[letters, pair] for pair in ends]]

        return site_averages(means, correlation, self.lattice, self.observables)


def linear_expectations(lattice: Lattice, observables: Observables) -> Expectations:
    """What has to be averaged for the observables of a lattice."""
    wanted: dict[tuple[int, int], list[str]] = {}
    for letters, distances in observables.correlators.items():
        for distance in distances:
            for pair in lattice.pairs(distance):
                wanted.setdefault(pair, []).append(letters)
    return Expectations(lattice, observables, tuple(wanted), tuple(map(tuple, wanted.values())))


def _reduced(amplitudes: Amplitudes, sites: tuple[int, ...]) -> np.ndarray:
    """Reduced density matrix of a few sites."""
    n_sites = amplitudes.size.bit_length() - 1
    tensor = np.moveaxis(amplitudes.reshape((2,) * n_sites), sites, range(len(sites)))
    matrix = tensor.reshape(2 ** len(sites), -1)
    return matrix @ matrix.conj().T


def _trace(rho: np.ndarray, letters: str) -> float:
    return float(np.trace(rho @ pauli_string(letters)).real)
