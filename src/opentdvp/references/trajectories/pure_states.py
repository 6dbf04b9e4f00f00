"""Expectation values of pure states of 2ᴺ amplitudes, and of averages over many of them."""

from collections.abc import Callable, Iterable, Iterator
from functools import cache, reduce
from typing import NamedTuple

import numpy as np
from jaxtyping import Complex, Float

from opentdvp.config import Observables
from opentdvp.errors import ConfigError
from opentdvp.geometry.lattice import Lattice
from opentdvp.physics.model import Model
from opentdvp.physics.pauli.strings import PauliString, letters_of, sites_of
from opentdvp.physics.spin import AXES, PAULI, pauli_string, spin_state
from opentdvp.references.site_averages import site_averages

Amplitudes = Complex[np.ndarray, " n"]

# Sites whose density matrices are reduced from one of all of them.
_TOGETHER = 4

#: From random numbers to the normalised states at all output times of one trajectory.
Simulator = Callable[[np.random.Generator], Iterator[Amplitudes]]


def spin_amplitudes(bloch: Float[np.ndarray, " 3"]) -> Complex[np.ndarray, " 2"]:
    """Amplitudes of one spin from its Bloch vector.

    Raises
    ------
    ConfigError
        If the state is mixed.
    """
    length = float(np.linalg.norm(bloch))
    if abs(length - 1) > 1e-9:
        raise ConfigError(
            "`start` must be a pure state for amplitudes, but its Bloch vector has the length "
            f"{length:.6g}; use the method exact, exact_reduced, moments, mpo or tdvp."
        )
    return np.linalg.eigh(spin_state(bloch))[1][:, -1]


def pure_start(model: Model) -> Amplitudes:
    """The product of all spins; site 0 is the most significant bit. Errors as for one spin."""
    return reduce(np.kron, [spin_amplitudes(vector) for vector in model.bloch])


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
        parallel = _z_correlations(amplitudes)
        ones = _sites(amplitudes)
        values = [_trace(rho, axis) for axis in AXES for rho in ones]
        for pair, wanted in zip(self.pairs, self.letters, strict=True):
            # The most frequent pair of letters needs no density matrix.
            rho = _reduced(amplitudes, pair) if set(wanted) != {"ZZ"} else np.zeros((4, 4))
            values += [parallel[pair] if w == "ZZ" else _trace(rho, w) for w in wanted]
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


def string_expectations(
    amplitudes: Amplitudes, strings: Iterable[PauliString]
) -> Float[np.ndarray, " strings"]:
    """<ψ|P|ψ> of Pauli strings."""

    @cache
    def reduced(sites: tuple[int, ...]) -> np.ndarray:
        return _reduced(amplitudes, sites)

    found = [
        _trace(reduced(sites_of(string)), letters_of(string))
        if len(string) <= _TOGETHER
        else _of_long_string(amplitudes, string)
        for string in strings
    ]
    return np.array(found)


def _of_long_string(amplitudes: Amplitudes, string: PauliString) -> float:
    tensor = amplitudes.reshape((2,) * _count(amplitudes))
    for site, letter in string:
        tensor = np.moveaxis(np.tensordot(PAULI[letter], tensor, (1, site)), 0, site)
    return float(np.vdot(amplitudes, tensor.ravel()).real)


def halves(sites: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What there is for the first sites and for the last, half of them each.

    What depends on Z alone is known for both from 2^(N/2) states, and need not be for 2ᴺ.
    """
    return sites[: len(sites) // 2], sites[len(sites) // 2 :]


@cache
def spin_signs(n_sites: int) -> Float[np.ndarray, "states sites"]:
    """Z of every site in every basis state."""
    return 1.0 - 2.0 * ((np.arange(2**n_sites)[:, None] >> np.arange(n_sites)[::-1]) & 1)


def _z_correlations(amplitudes: Amplitudes) -> Float[np.ndarray, "sites sites"]:
    """<Z_i Z_j> of all pairs at once."""
    first, last = (spin_signs(len(half)) for half in halves(np.arange(_count(amplitudes))))
    chances = (np.abs(amplitudes) ** 2).reshape(len(first), len(last))
    across = first.T @ (chances @ last)
    inside = [
        signs.T @ (chances.sum(axis=axis)[:, None] * signs)
        for axis, signs in ((1, first), (0, last))
    ]
    return np.block([[inside[0], across], [across.T, inside[1]]])


def _sites(amplitudes: Amplitudes) -> list[np.ndarray]:
    """Reduced density matrices of all sites, from those of a few neighbours together."""
    found = []
    for first in range(0, _count(amplitudes), _TOGETHER):
        group = range(first, min(first + _TOGETHER, _count(amplitudes)))
        rho = _reduced(amplitudes, tuple(group))
        for k in range(len(group)):
            split = (2**k, 2, 2 ** (len(group) - k - 1))
            found.append(np.einsum("aibajb->ij", rho.reshape(split + split)))
    return found


def _count(amplitudes: Amplitudes) -> int:
    return amplitudes.size.bit_length() - 1


def _reduced(amplitudes: Amplitudes, sites: tuple[int, ...]) -> np.ndarray:
    """Reduced density matrix of a few sites."""
    tensor = np.moveaxis(amplitudes.reshape((2,) * _count(amplitudes)), sites, range(len(sites)))
    matrix = tensor.reshape(2 ** len(sites), -1)
    return matrix @ matrix.conj().T


def _trace(rho: np.ndarray, letters: str) -> float:
    return float(np.trace(rho @ pauli_string(letters)).real)
