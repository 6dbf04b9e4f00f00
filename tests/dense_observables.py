"""All observables of density matrices, from matrices of the whole space: a second way to them."""

from itertools import product
from typing import Any

import numpy as np
from dense import ONE_SITE, _placed, hamiltonian_terms

from opentdvp.config import System

#: Some of each kind, on a chain of four sites.
EVERYTHING: dict[str, Any] = {
    "strings": ["Z@3", "Y@0 X@2", "Z@0 X@1 Y@3", "X@0 Y@1 Z@2 X@3"],
    "profiles": ["X", "Z"],
    "correlation_matrices": ["ZZ", "XY"],
    "displacements": {"ZX": [[1], [-2]]},
    "structure_factors": {"ZZ": [0, "pi/2", 1.3], "YX": ["2*pi/3"]},
    "energy": True,
    "currents": ["Z", "X"],
    "density_matrices": {"sites": [[1], [0, 3], [2, 1]]},
}


def dense_observables(
    system: System, times: np.ndarray, states: np.ndarray
) -> dict[str, np.ndarray]:
    """By name, of the density matrices at these times: (times, …)."""
    wanted, sites = system.observables, range(system.lattice.n_sites)
    found = {}
    for text in wanted.strings:
        letters = {int(part[2:]): part[0] for part in text.split()}
        found[text] = mean(states, {site: ONE_SITE[letter] for site, letter in letters.items()})
    for axis in wanted.profiles:
        found[f"{axis}_i"] = np.stack([mean(states, {i: ONE_SITE[axis]}) for i in sites], -1)
    for pair in wanted.correlation_matrices:
        found[f"C_{pair}_ij"] = connected(states, pair)
    for pair, offsets in wanted.displacements.items():
        matrix = connected(states, pair)
        columns = [
            np.mean([matrix[:, i, i + r] for i in sites if 0 <= i + r < len(sites)], axis=0)
            for (r,) in offsets
        ]
        found[f"C_{pair}_r"] = np.stack(columns, -1)
    for pair, momenta in wanted.structure_factors.items():
        waves = [eval(str(k), {"pi": np.pi}) for k in momenta]
        found[f"S_{pair}"] = np.stack([structure_factor(states, pair, k) for k in waves], -1)
    if wanted.energy:
        found["energy"] = energies(system, times, states, None)
    for axis in wanted.currents:
        columns = [
            energies(system, times, states, (i, i + 1), operator(states, {i + 1: ONE_SITE[axis]}))
            for i in sites[:-1]
        ]
        found[f"J_{axis}"] = np.stack(columns, -1)
    if wanted.density_matrices is not None:
        spectra = [np.linalg.eigvalsh(reduced(states, s)) for s in wanted.density_matrices.sites]
        found["purity"] = np.stack([np.sum(p**2, -1) for p in spectra], -1)
        found["entropy"] = np.stack(
            [-np.sum(p * np.log(np.maximum(p, 1e-300)), -1) for p in spectra], -1
        )
        found["smallest_eigenvalue"] = np.stack([p[:, 0] for p in spectra], -1)
    return found


def operator(states: np.ndarray, factors: dict[int, np.ndarray]) -> np.ndarray:
    return _placed(factors, states.shape[1].bit_length() - 1).toarray()


def mean(states: np.ndarray, factors: dict[int, np.ndarray]) -> np.ndarray:
    return np.einsum("tij,ji->t", states, operator(states, factors)).real


def connected(states: np.ndarray, pair: str) -> np.ndarray:
    """The Hermitian part of A_i B_j, less the product of the means."""
    n_sites = states.shape[1].bit_length() - 1
    matrix = np.zeros((len(states), n_sites, n_sites))
    for i, j in product(range(n_sites), repeat=2):
        a, b = (operator(states, {k: ONE_SITE[x]}) for k, x in ((i, pair[0]), (j, pair[1])))
        both = np.einsum("tij,jk,ki->t", states, a, b).real
        matrix[:, i, j] = both - mean(states, {i: ONE_SITE[pair[0]]}) * mean(
            states, {j: ONE_SITE[pair[1]]}
        )
    return matrix


def structure_factor(states: np.ndarray, pair: str, k: float) -> np.ndarray:
    """<A(k)† B(k)>/N with A(k) = Σ e^(−ikj) A_j, its real part."""
    n_sites = states.shape[1].bit_length() - 1
    first, second = (
        sum(np.exp(-1j * k * j) * operator(states, {j: ONE_SITE[x]}) for j in range(n_sites))
        for x in pair
    )
    return np.einsum("tij,jk,ki->t", states, first.conj().T, second).real / n_sites


def energies(
    system: System,
    times: np.ndarray,
    states: np.ndarray,
    bond: tuple[int, int] | None,
    moved: np.ndarray | None = None,
) -> np.ndarray:
    """<H(t)> of all terms, or of those on a bond; of i[H, A] if an operator A is given."""
    total = np.zeros(len(times))
    for drive, strength, placed in hamiltonian_terms(system):
        if bond is not None and set(placed) != set(bond):
            continue
        h = strength * operator(states, placed)
        if moved is not None:
            h = 1j * (h @ moved - moved @ h)
        factor = np.array([1.0 if drive is None else drive(t) for t in times])
        total += factor * np.einsum("tij,ji->t", states, h).real
    return total


def reduced(states: np.ndarray, sites: tuple[int, ...]) -> np.ndarray:
    """The density matrices of some sites."""
    n_sites = states.shape[1].bit_length() - 1
    tensor = states.reshape((len(states),) + (2,) * (2 * n_sites))
    order = [*sites, *(i for i in range(n_sites) if i not in sites)]
    axes = [0, *(1 + i for i in order), *(1 + n_sites + i for i in order)]
    size, rest = 2 ** len(sites), 2 ** (n_sites - len(sites))
    blocks = tensor.transpose(axes).reshape(len(states), size, rest, size, rest)
    return np.einsum("tarbr->tab", blocks)
