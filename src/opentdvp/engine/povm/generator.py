"""The Lindbladian in POVM form: Ṗ^a = Σ_b L^{ab} P^b (paper, eq. 2), as a sum of local generators.

One-site terms are shared out over the pairs of sites that interact, so that the connected outcomes
of a pair are visited once for everything that happens on it.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from opentdvp.engine.povm.tetrahedron import OUTCOMES, Povm
from opentdvp.physics.model import Model
from opentdvp.physics.pauli.local_generators import local_generators


@dataclass(frozen=True, eq=False)
class Generator:
    """A sum of two-site generators.

    Attributes
    ----------
    pairs
        Sites (i, j) with i < j in ascending order, shape (B, 2); of one site alone (0, 0), and
        then nothing changes at j.
    matrices
        Generator of each pair, shape (B, 4, 4, 4, 4): [to i, to j, from i, from j]. Summed over the
        first two axes it vanishes, because probability is conserved.
    shifts
        How outcomes that the generator connects differ on a pair: (a_i ^ b_i, a_j ^ b_j), bitwise,
        shape (K, 2). Those between which it vanishes for all pairs and outcomes are left out. Half
        turns about the axes permute the four outcomes of the cubic tetrahedron like these bits, so
        that for models with a few Pauli terms whole shifts vanish.
    rates
        L^{ab} for every shift and outcome a, shape (B, K, 4, 4): [shift, a_i, a_j].
    diagonal
        L^{aa}, shape (B, 4, 4).
    """

    pairs: Int[np.ndarray, "B 2"]
    matrices: Float[np.ndarray, "B 4 4 4 4"]
    shifts: Int[np.ndarray, "K 2"]
    rates: Float[np.ndarray, "B K 4 4"]
    diagonal: Float[np.ndarray, "B 4 4"]


def build_generator(model: Model, povm: Povm) -> Generator:
    """The POVM generator of a model: L^{ab} = tr(M^a 𝓛[D^b]) on every pair of sites."""
    on_pairs: dict[tuple[int, int], np.ndarray] = {}
    on_sites: dict[int, np.ndarray] = {}
    for sites, generator in local_generators(model).items():
        if len(sites) == 1:
            on_sites[sites[0]] = in_frame(generator, povm)
        else:
            on_pairs[sites[0], sites[1]] = in_frame(generator, povm)
    # Every site that nothing couples gets a pair of its own, in a way that translations keep.
    for site in set(on_sites) - {site for pair in on_pairs for site in pair}:
        other = (site + 1) % model.n_sites
        on_pairs.setdefault((min(site, other), max(site, other)), np.zeros((OUTCOMES**2,) * 2))
    for site, matrix in on_sites.items():
        _share(site, matrix, on_pairs)
    pairs = sorted(on_pairs)
    matrices = np.array([on_pairs[pair] for pair in pairs]).reshape(-1, *(OUTCOMES,) * 4)
    return Generator(np.array(pairs, dtype=np.int32).reshape(-1, 2), matrices, *_by_shift(matrices))


def in_frame(generator: Float[np.ndarray, "n n"], povm: Povm) -> Float[np.ndarray, "n n"]:
    """L^{ab} of a generator G of Pauli strings on some sites: B G B⁻¹, P^a = Σ_k B^a_k <σ_k>.

    On one site B^a = (1, s^a)/4.
    """
    one = np.concatenate([np.ones((OUTCOMES, 1)), povm.directions], axis=1) / 4
    n_sites = len(generator).bit_length() // 2
    basis = np.ones((1, 1))
    for _ in range(n_sites):
        basis = np.array(np.kron(basis, one))
    return basis @ generator @ np.linalg.inv(basis)


def _by_shift(matrices: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shifts that connect anything, rates by shift, and the diagonal."""
    to_i, to_j = np.indices((OUTCOMES, OUTCOMES))
    shifts = np.array([(i, j) for i in range(OUTCOMES) for j in range(OUTCOMES)])
    rates = np.stack([matrices[:, to_i, to_j, to_i ^ i, to_j ^ j] for i, j in shifts], axis=1)
    scale = np.abs(rates).max(initial=0)
    connects = np.abs(rates).max(axis=(0, 2, 3), initial=0) > 1e-14 * scale
    connects[0] = False
    return shifts[connects], rates[:, connects], rates[:, 0]


def apply_generator(
    generator: Generator, probabilities: Float[np.ndarray, "..."]
) -> Float[np.ndarray, "..."]:
    """L P for a full distribution of shape (4,)·N; for small N, independent of the estimator."""
    change = np.zeros_like(probabilities)
    for (i, j), matrix in zip(generator.pairs, generator.matrices, strict=True):
        moved = np.tensordot(matrix, probabilities, axes=((2, 3), (int(i), int(j))))
        change += np.moveaxis(moved, (0, 1), (i, j))
    return change


def _share(site: int, matrix: np.ndarray, on_pairs: dict[tuple[int, int], np.ndarray]) -> None:
    """Add a one-site generator in equal parts to the pairs that contain its site."""
    identity = np.eye(OUTCOMES)
    partners = [pair for pair in on_pairs if site in pair]
    for pair in partners:
        factors = (matrix, identity) if pair[0] == site else (identity, matrix)
        on_pairs[pair] += np.kron(*factors) / len(partners)
