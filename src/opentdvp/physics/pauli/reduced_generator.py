"""The Lindblad equation for expectation values of Pauli strings, one per orbit.

d<σ_s>/dt = <𝓛†(σ_s)> with 𝓛†(A) = i[H, A] + Σ γ(L†AL − ½{L†L, A}) (adjoint of the paper's eq. 3).
What happens on some sites maps the letters there to others.
"""

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import numpy as np
import scipy.sparse
from jaxtyping import Float, Int

from opentdvp.physics.model import Model
from opentdvp.physics.pauli.local_generators import LETTERS, local_generators
from opentdvp.physics.pauli.orbits import ODD, PauliOrbits
from opentdvp.physics.pauli.row_blocks import RowBlocks

#: Letters by their code: one bit for x, two for z, so that products are exclusive ors.
_LETTERS = "IXZY"

# The same as positions in the order of local generators.
_ORDER = [LETTERS.index(letter) for letter in _LETTERS]


class ReducedGenerator:
    """A sparse matrix in blocks of rows."""

    def __init__(self, blocks: list[scipy.sparse.csr_matrix], rows: RowBlocks) -> None:
        self._blocks = blocks
        self._rows = rows

    def __call__(self, values: Float[np.ndarray, " orbits"]) -> Float[np.ndarray, " orbits"]:
        """Derivatives of the expectation values; the same for any number of threads."""
        return np.concatenate(self._rows.map(lambda block: block @ values, self._blocks))

    @property
    def entries(self) -> int:
        """Number of stored matrix elements."""
        return sum(block.nnz for block in self._blocks)


class _Moves(NamedTuple):
    """What one term does to strings: coefficients, and the strings that it leads to."""

    coefficients: np.ndarray
    x: np.ndarray
    z: np.ndarray


def build_reduced_generator(model: Model, orbits: PauliOrbits, rows: RowBlocks) -> ReducedGenerator:
    """The matrix A with d<σ_s>/dt = Σ_s' A_ss' <σ_s'> for one string of every orbit."""
    maps = list(_letter_maps(model))
    blocks = rows.map(lambda part: _block(orbits, maps, part), rows.slices)
    return ReducedGenerator(blocks, rows)


def _block(orbits: PauliOrbits, maps: list["_LetterMap"], part: slice) -> scipy.sparse.csr_matrix:
    x, z = orbits.x[part], orbits.z[part]
    # Nothing follows where there are neither terms nor jumps.
    rows, columns = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]
    values = [np.zeros(0)]
    for letter_map in maps:
        for moves in letter_map.moves(x, z):
            (row,) = np.nonzero(moves.coefficients)
            column = orbits.index(moves.x[row], moves.z[row])
            # What is odd vanishes.
            kept = column != ODD
            rows.append(row[kept].astype(np.int32))
            columns.append(column[kept])
            values.append(moves.coefficients[row[kept]])
    entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    return scipy.sparse.coo_matrix(entries, shape=(len(x), len(orbits.x))).tocsr()


class _LetterMap(NamedTuple):
    """Coefficients by the letters on some sites; letters are multiplied by others there.

    `coefficients` has an axis per site for the letter of the string and, before them, one for the
    products; `factors` are the codes that the letters are multiplied by, (products, sites).
    """

    sites: tuple[int, ...]
    factors: Int[np.ndarray, "products sites"]
    coefficients: Float[np.ndarray, "products *letters"]

    def moves(self, x: np.ndarray, z: np.ndarray) -> Iterator[_Moves]:
        """Where strings are led, for every product."""
        codes = tuple(((x >> s) & 1) | (((z >> s) & 1) << 1) for s in self.sites)
        for factor, coefficients in zip(self.factors, self.coefficients, strict=True):
            bits = [(int(f) & 1, int(f) >> 1, s) for f, s in zip(factor, self.sites, strict=True)]
            flip_x = np.uint16(sum(by_x << s for by_x, _, s in bits))
            flip_z = np.uint16(sum(by_z << s for _, by_z, s in bits))
            yield _Moves(coefficients[codes], x ^ flip_x, z ^ flip_z)


def _letter_maps(model: Model) -> Iterator[_LetterMap]:
    """What happens on the same sites: their letters to themselves and to all others."""
    for sites, generator in local_generators(model).items():
        count = len(sites)
        tensor = generator.reshape((4,) * (2 * count))[np.ix_(*[_ORDER] * (2 * count))]
        letters = np.indices((4,) * count)
        for factor in product(range(4), repeat=count):
            led = tuple(here ^ other for here, other in zip(letters, factor, strict=True))
            coefficients = tensor[(*letters, *led)]
            if coefficients.any():
                yield _LetterMap(sites, np.array([factor]), coefficients[None])
