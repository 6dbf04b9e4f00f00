"""Conventions for spins: the one place that owns basis order, signs and named operators.

ħ = 1. X, Y, Z are Pauli matrices, not spin-1/2 operators. Basis state 0 is "up", Z = +1.
Site 0 is the leftmost factor of a tensor product, so it is the most significant digit of an index.
"""

from typing import Literal

import numpy as np

_X = np.array([[0, 1], [1, 0]], dtype=complex)
_Y = np.array([[0, -1j], [1j, 0]], dtype=complex)
_Z = np.array([[1, 0], [0, -1]], dtype=complex)

PAULI: dict[str, np.ndarray] = {"I": np.eye(2, dtype=complex), "X": _X, "Y": _Y, "Z": _Z}

AXES = ("X", "Y", "Z")

#: One-site operators that a configuration may name. σ⁻ = (X − iY)/2 maps up to down.
SITE_OPERATORS: dict[str, np.ndarray] = {
    "X": _X,
    "Y": _Y,
    "Z": _Z,
    "sigma_minus": (_X - 1j * _Y) / 2,
    "sigma_plus": (_X + 1j * _Y) / 2,
}


#: Bloch vectors s^a of the four POVM elements M^a = (1 + s^a·σ)/4, a = 1 … 4, by orientation.
TETRAHEDRA: dict[Literal["cubic", "z_aligned"], np.ndarray] = {
    "cubic": np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3),
    "z_aligned": np.array(
        [
            [0, 0, 1],
            [2 * np.sqrt(2) / 3, 0, -1 / 3],
            [-np.sqrt(2) / 3, np.sqrt(2 / 3), -1 / 3],
            [-np.sqrt(2) / 3, -np.sqrt(2 / 3), -1 / 3],
        ]
    ),
}


def pauli_string(letters: str) -> np.ndarray:
    """Tensor product of Pauli matrices, the first letter leftmost; shape (2ⁿ, 2ⁿ)."""
    product = np.eye(1, dtype=complex)
    for letter in letters:
        product = np.kron(product, PAULI[letter])
    return product


def spin_state(bloch: np.ndarray) -> np.ndarray:
    """Density matrix of one spin, (1 + r·σ)/2, from its Bloch vector r of shape (3,)."""
    return (PAULI["I"] + sum(r * PAULI[axis] for r, axis in zip(bloch, AXES, strict=True))) / 2
