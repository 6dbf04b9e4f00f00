"""What every kept string leads to: rows, columns, and which entry of the tables is the coefficient.

The tables are those of all pair classes, then of all site classes, then the velocities of the means
that follow from correlations, each flat.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Int, Int8

from opentdvp.physics.pauli.cut_orbits import IDENTITY, CutOrbits
from opentdvp.references.moments.centred import PAIR, SITE, Pairs, Sites

#: In place of a column: the constant 1.
CONSTANT = -1


class Entries(NamedTuple):
    """Entries of a sparse matrix; the same row and column may be there several times."""

    rows: Int[np.ndarray, " entries"]
    columns: Int[np.ndarray, " entries"]
    places: Int[np.ndarray, " entries"]


class Structure(NamedTuple):
    """What decides which string leads to which."""

    orbits: CutOrbits
    means: Int[np.ndarray, "sites 3"]
    sites: Sites
    pairs: Pairs

    @property
    def first_site(self) -> int:
        """Where the tables of sites begin."""
        return self.pairs.generators.size

    @property
    def first_velocity(self) -> int:
        """Where the velocities of the means begin."""
        return self.first_site + self.sites.generators.size

    @property
    def n_means(self) -> int:
        """Number of unknowns that are means; they come first."""
        return int(self.means.max(initial=-1)) + 1


def find_entries(structure: Structure, part: slice) -> Entries:
    """All entries of some rows, without those whose columns are beyond the cut or vanish."""
    strings = structure.orbits.representatives[part]
    found = [
        _resolved(structure, *leads)
        for leads in (
            *_by_pairs(structure, strings),
            *_by_sites(structure, strings),
            *_by_velocities(structure, strings),
        )
    ]
    return Entries(*map(np.concatenate, zip(*found, strict=True)))


def _resolved(
    structure: Structure, rows: np.ndarray, targets: np.ndarray, places: np.ndarray
) -> Entries:
    columns = structure.orbits.index(targets).astype(np.int64)
    # A centred operator alone has no mean.
    kept = (columns >= structure.n_means) | (columns == IDENTITY)
    columns = np.where(columns == IDENTITY, CONSTANT, columns)
    return Entries(rows[kept], columns[kept], places[kept])


_Leads = Iterator[tuple[np.ndarray, Int8[np.ndarray, "targets sites"], np.ndarray]]


def _by_pairs(structure: Structure, strings: Int8[np.ndarray, "strings sites"]) -> _Leads:
    alone = np.count_nonzero(strings, axis=1) == 1
    targets = np.arange(PAIR)
    for (i, j), number in zip(structure.pairs.sites, structure.pairs.number, strict=True):
        codes = SITE * strings[:, i].astype(int) + strings[:, j]
        leads = structure.pairs.leads[number][codes]
        # From one letter to none: only as the velocity of a mean.
        one = (strings[:, i] == 0) | (strings[:, j] == 0)
        leads &= (targets != 0) | (~one | alone)[:, None]
        rows, target = np.nonzero(leads)
        moved = strings[rows]
        moved[:, i], moved[:, j] = np.divmod(target, SITE)
        yield rows, moved, (number * PAIR + codes[rows]) * PAIR + target


def _by_sites(structure: Structure, strings: Int8[np.ndarray, "strings sites"]) -> _Leads:
    alone = np.count_nonzero(strings, axis=1) == 1
    leads = structure.sites.generators != 0
    # To no letter also by the means of the others.
    leads[:, 1:, 0] = True
    for site, number in enumerate(structure.sites.number):
        letters = strings[:, site].astype(int)
        found = leads[number][letters] & (letters != 0)[:, None]
        found[:, 0] &= alone
        rows, target = np.nonzero(found)
        moved = strings[rows]
        moved[:, site] = target
        place = (number * SITE + letters[rows]) * SITE + target
        yield rows, moved, structure.first_site + place


def _by_velocities(structure: Structure, strings: Int8[np.ndarray, "strings sites"]) -> _Leads:
    heavy = np.count_nonzero(strings, axis=1) > 2
    for site, means in enumerate(structure.means):
        letters = strings[:, site].astype(int)
        number = np.append(-1, means)[letters]
        (rows,) = np.nonzero(heavy & (number >= 0))
        moved = strings[rows]
        moved[:, site] = 0
        yield rows, moved, structure.first_velocity + number[rows]
