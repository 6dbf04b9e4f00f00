"""The Lindbladian on the Pauli matrices of one site, and of a pair of sites.

Expectation values obey d<P_a>/dt = Σ_b G_ab <P_b> with G_ab = 2⁻ⁿ Tr(P_a 𝓛[P_b]), 𝓛 the Lindbladian
(paper, eq. 3) and P the Pauli strings on n = 1 or 2 sites, their letters in the order of `LETTERS`.
"""

from itertools import product

import numpy as np
from jaxtyping import Float

from opentdvp.physics.model import Model, Term
from opentdvp.physics.spin import AXES, PAULI, pauli_string

LETTERS = ("I", *AXES)


def site_generator(model: Model, site: int) -> Float[np.ndarray, "4 4"]:
    """M with d<σ_a>/dt = Σ_b M_ab <σ_b> from the fields and jumps on a site; a, b in I, X, Y, Z."""
    paulis = [PAULI[letter] for letter in LETTERS]
    generator = np.zeros((4, 4))
    for term in model.terms:
        if term.sites == (site,):
            matrix = term.strength * PAULI[term.operators]
            images = [1j * (matrix @ pauli - pauli @ matrix) for pauli in paulis]
            generator += _in_paulis(images, paulis)
    for jump in model.jumps:
        if jump.site == site:
            operator, adjoint = jump.matrix, jump.matrix.conj().T
            loss = adjoint @ operator
            images = [
                jump.rate * (adjoint @ pauli @ operator - (loss @ pauli + pauli @ loss) / 2)
                for pauli in paulis
            ]
            generator += _in_paulis(images, paulis)
    return generator


def _in_paulis(images: list[np.ndarray], paulis: list[np.ndarray]) -> np.ndarray:
    """Coefficients of Hermitian 2×2 matrices: tr(image · σ_b)/2."""
    return np.array([[np.trace(image @ pauli).real / 2 for pauli in paulis] for image in images])


def pair_generator(term: Term) -> Float[np.ndarray, "16 16"]:
    """G of a Hamiltonian term on two sites, ¼ Tr(P_a (−i)[H, P_b]), the first site leading."""
    operator = term.strength * pauli_string(term.operators)
    strings = [pauli_string("".join(letters)) for letters in product(LETTERS, repeat=2)]
    images = [-1j * (operator @ string - string @ operator) for string in strings]
    return np.array([[np.trace(a @ b).real for b in images] for a in strings]) / 4
