"""The tetrahedral POVM: density matrices as probability distributions (paper, eq. 1).

M^a = (1 + s^a·σ)/4 with four unit vectors s^a that form a tetrahedron. P^a = tr(ρ M^a), and
ρ = Σ_b P^b D^b with the dual frame D^b = Σ_a (T⁻¹)^{ba} M^a, T^{ab} = tr(M^a M^b). For several
spins the frames are tensor products; the first spin is the most significant digit of an outcome.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Complex, Float

from opentdvp.physics.spin import AXES, TETRAHEDRA, spin_state

#: Number of outcomes of one spin.
OUTCOMES = 4


@dataclass(frozen=True, eq=False)
class Povm:
    """A tetrahedral POVM of one spin.

    Attributes
    ----------
    directions
        The tetrahedron s^a, shape (4, 3).
    elements, dual
        M^a and D^a, shape (4, 2, 2).
    """

    directions: np.ndarray
    elements: np.ndarray
    dual: np.ndarray

    def weights(self, axis: str) -> Float[np.ndarray, "4"]:
        """Ω^a = tr(σ D^a) = 3 s^a, so that <σ> = Σ_a P^a Ω^a, for the Pauli matrix `axis`."""
        return 3 * self.directions[:, AXES.index(axis)]


def build_povm(orientation: Literal["cubic", "z_aligned"]) -> Povm:
    """The POVM in one of two orientations of its tetrahedron.

    `z_aligned` has s¹ along +z, so the state Z = −1 has an outcome of probability zero. `cubic` has
    (±1, ±1, ±1)/√3 with an even number of minus signs; every product state along an axis then has
    P ≥ 0.105 (ours).
    """
    directions = TETRAHEDRA[orientation]
    elements = np.array([spin_state(s) for s in directions]) / 2
    overlap = np.einsum("aij,bji->ab", elements, elements).real
    dual = np.einsum("ba,aij->bij", np.linalg.inv(overlap), elements)
    return Povm(directions, elements, dual)


def outcome_probabilities(povm: Povm, bloch: Float[np.ndarray, "3"]) -> Float[np.ndarray, "4"]:
    """P^a = (1 + s^a·r)/4 of one spin with Bloch vector r."""
    return (1 + povm.directions @ bloch) / 4


def start_probabilities(
    povm: Povm, bloch: Float[np.ndarray, "sites 3"]
) -> Float[np.ndarray, "sites 4"]:
    """P^a of every spin of a product state."""
    return np.array([outcome_probabilities(povm, vector) for vector in bloch])


def frame(elements: Complex[np.ndarray, "4 2 2"], n_sites: int) -> np.ndarray:
    """Tensor products of a one-spin frame, shape (4ᴺ, 2ᴺ, 2ᴺ); for small N."""
    product = np.ones((1, 1, 1), dtype=complex)
    for _ in range(n_sites):
        product = np.array([np.kron(left, right) for left in product for right in elements])
    return product
