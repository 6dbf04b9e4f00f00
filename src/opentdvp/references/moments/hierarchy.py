"""The equations of motion of means and centred moments, one unknown per symmetry orbit.

dC_s/dt = Σ_s' A_ss'(m) C_s' + b_s(m), C_s = <Π (σ − m)> over the letters of the string s, in whose
place the means themselves stand for strings of one letter. What is beyond the cut is left out. With
drives, A and b depend on the time as the Lindbladian does.
"""

from typing import NamedTuple

import numpy as np
import scipy.sparse
from jaxtyping import Inexact, Int

from opentdvp.config.strengths import Drive
from opentdvp.physics.model import Model
from opentdvp.physics.pauli.cut_orbits import CutOrbits, orbits_within
from opentdvp.physics.pauli.cuts import Cut
from opentdvp.physics.pauli.row_blocks import RowBlocks
from opentdvp.physics.pauli.symmetries import automorphisms, half_turns
from opentdvp.physics.spin import AXES
from opentdvp.references.moments.centred import find_groups
from opentdvp.references.moments.entries import CONSTANT, Structure, find_entries


class Hierarchy:
    """Derivative of the unknowns.

    Attributes
    ----------
    orbits
        The strings whose centred moments are the unknowns; those of one letter come first.
    means
        Numbers of the unknowns that are the means of X, Y, Z, by site; negative where they vanish.
    """

    def __init__(self, orbits: CutOrbits, structure: Structure, drives: tuple[Drive, ...]) -> None:
        self.orbits = orbits
        self.means = structure.means
        self._structure = structure
        self._drives = drives
        unknowns = len(orbits.representatives)
        # Where the symmetries leave nothing, one block without rows.
        self._rows = RowBlocks(max(unknowns, 1))
        merged = self._rows.map(lambda part: _merge(structure, orbits, part), self._rows.slices)
        used = np.unique(np.concatenate([block.coefficients for block in merged]))
        self._uses = np.divmod(used, unknowns)
        self._blocks = [block.build(used, unknowns) for block in merged]
        means = _merge(structure, orbits, slice(0, structure.n_means))
        self._mean_block = means.build(used, unknowns)

    def __call__(
        self, time: float, values: Inexact[np.ndarray, " unknowns"]
    ) -> Inexact[np.ndarray, " unknowns"]:
        """The same for any number of threads; complex values give the analytic continuation."""
        factors = [1.0, *(drive(time) for drive in self._drives)]
        places, counts = self._uses
        n_means = self._structure.n_means
        # Behind the last one is what vanishes.
        means = np.append(values[:n_means], 0.0)
        tables = [groups.tables(factors, means).ravel() for groups in self._structure.groups]
        tables.append(np.zeros(n_means, values.dtype))
        coefficients = counts * np.concatenate(tables)[places]
        tables[-1] = -(self._mean_block.matrix_product(coefficients, values))
        coefficients = counts * np.concatenate(tables)[places]
        return np.concatenate(
            self._rows.map(lambda block: block(coefficients, values), self._blocks)
        )

    @property
    def entries(self) -> int:
        """Number of stored matrix elements."""
        return sum(block.matrix.nnz for block in self._blocks)


class _Block(NamedTuple):
    """Some rows of A and b; `places` are the coefficients of the elements of A."""

    matrix: scipy.sparse.csr_matrix
    places: Int[np.ndarray, " elements"]
    constant: scipy.sparse.csr_matrix

    def __call__(self, coefficients: np.ndarray, values: np.ndarray) -> np.ndarray:
        """A C + b."""
        return self.matrix_product(coefficients, values) + self.constant @ coefficients

    def matrix_product(self, coefficients: np.ndarray, values: np.ndarray) -> np.ndarray:
        """A C."""
        self.matrix.data = coefficients[self.places]
        return np.asarray(self.matrix @ values)


class _Merged(NamedTuple):
    """Elements of some rows of A and b, by row and column.

    A coefficient is an entry of the tables and how often it counts: entry · unknowns + times.
    """

    n_rows: int
    rows: np.ndarray
    columns: np.ndarray
    coefficients: np.ndarray

    def build(self, used: np.ndarray, unknowns: int) -> _Block:
        """The matrices; `used` are all coefficients that occur anywhere, ascending."""
        places = np.searchsorted(used, self.coefficients)
        inner = self.columns != CONSTANT
        starts = np.searchsorted(self.rows[inner], np.arange(self.n_rows + 1))
        # SciPy need not sort elements, nor add those of the same row and column.
        matrix = scipy.sparse.csr_matrix(
            (np.zeros(inner.sum()), self.columns[inner].astype(np.int32), starts),
            shape=(self.n_rows, unknowns),
        )
        constant = scipy.sparse.csr_matrix(
            (np.ones((~inner).sum()), (self.rows[~inner], places[~inner])),
            shape=(self.n_rows, len(used)),
        )
        return _Block(matrix, places[inner], constant)


def _merge(structure: Structure, orbits: CutOrbits, part: slice) -> _Merged:
    """The elements of some rows, each coefficient once per row and column."""
    entries = find_entries(structure, orbits, part)
    unknowns = len(orbits.representatives)
    # One number per element: row, then column, then entry of the tables.
    columns, places = unknowns + 1, structure.starts[-1] + structure.n_means
    keys = (entries.rows * columns + entries.columns + 1) * places + entries.places
    keys, counts = np.unique(keys, return_counts=True)
    where, place = np.divmod(keys, places)
    row, column = np.divmod(where, columns)
    rows = len(orbits.representatives[part])
    return _Merged(rows, row, column - 1, place * unknowns + counts)


def build_hierarchy(model: Model, cut: Cut) -> Hierarchy:
    """The equations of a model, with the symmetries that it has."""
    orbits = orbits_within(model.lattice, automorphisms(model), half_turns(model), cut)
    letters = np.arange(1, len(AXES) + 1, dtype=np.int8)
    single = np.zeros((model.n_sites, len(letters), model.n_sites), dtype=np.int8)
    for site in range(model.n_sites):
        single[site, :, site] = letters
    means = orbits.index(single.reshape(-1, model.n_sites)).reshape(model.n_sites, -1)
    return Hierarchy(orbits, Structure(means, find_groups(model, means)), model.drives)
