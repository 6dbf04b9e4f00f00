"""What every kept string leads to: rows, columns, and which entry of the tables is the coefficient.

The tables are those of all classes of groups of sites, widest ones first, then the velocities of
the means that follow from correlations, each flat.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Int, Int8

from opentdvp.physics.pauli.cut_orbits import IDENTITY, CutOrbits
from opentdvp.references.moments.centred import SITE, Groups

#: In place of a column: the constant 1.
CONSTANT = -1


class Entries(NamedTuple):
    """Entries of a sparse matrix; the same row and column may be there several times."""

    rows: Int[np.ndarray, " entries"]
    columns: Int[np.ndarray, " entries"]
    places: Int[np.ndarray, " entries"]


class Structure(NamedTuple):
    """What decides which string leads to which."""

    means: Int[np.ndarray, "sites 3"]
    groups: tuple[Groups, ...]

    @property
    def starts(self) -> list[int]:
        """Where the tables of every width begin, and then the velocities of the means."""
        return np.cumsum([0, *(groups.leads.size for groups in self.groups)]).tolist()

    @property
    def n_means(self) -> int:
        """Number of unknowns that are means; they come first."""
        return int(self.means.max(initial=-1)) + 1


class Leads(NamedTuple):
    """Rows of strings, the strings that they lead to, and entries of the tables."""

    rows: Int[np.ndarray, " leads"]
    targets: Int8[np.ndarray, "leads sites"]
    places: Int[np.ndarray, " leads"]


def find_entries(structure: Structure, orbits: CutOrbits, part: slice) -> Entries:
    """All entries of some rows, without those whose columns are beyond the cut or vanish."""
    found = [
        _resolved(leads, orbits, structure.n_means)
        for leads in find_leads(structure, orbits.representatives[part])
    ]
    return Entries(*map(np.concatenate, zip(*found, strict=True)))


def _resolved(leads: Leads, orbits: CutOrbits, n_means: int) -> Entries:
    columns = orbits.index(leads.targets).astype(np.int64)
    # A centred operator alone has no mean.
    kept = (columns >= n_means) | (columns == IDENTITY)
    columns = np.where(columns == IDENTITY, CONSTANT, columns)
    return Entries(leads.rows[kept], columns[kept], leads.places[kept])


def find_leads(structure: Structure, strings: Int8[np.ndarray, "strings sites"]) -> Iterator[Leads]:
    """Everything that some strings lead to, beyond any cut too."""
    for groups, start in zip(structure.groups, structure.starts, strict=False):
        for sites, number in zip(groups.sites, groups.number, strict=True):
            leads = groups.leads[number]
            yield _by_group(strings, sites, leads, start + int(number) * leads.size)
    yield from _by_velocities(structure, strings)


def _by_group(
    strings: Int8[np.ndarray, "strings sites"], sites: np.ndarray, leads: np.ndarray, start: int
) -> Leads:
    powers = SITE ** np.arange(len(sites))[::-1]
    codes = strings[:, sites] @ powers
    (there,) = np.nonzero(codes)
    codes, touched = codes[there], strings[there]
    found = leads[codes]
    # From one letter to none: only as the velocity of a mean.
    one = np.count_nonzero(touched[:, sites], axis=1) == 1
    found[:, 0] &= ~one | (np.count_nonzero(touched, axis=1) == 1)
    rows, target = np.nonzero(found)
    moved = touched[rows]
    moved[:, sites] = target[:, None] // powers % SITE
    return Leads(there[rows], moved, start + codes[rows] * len(leads) + target)


def _by_velocities(
    structure: Structure, strings: Int8[np.ndarray, "strings sites"]
) -> Iterator[Leads]:
    heavy = np.count_nonzero(strings, axis=1) > 2
    for site, means in enumerate(structure.means):
        letters = strings[:, site].astype(int)
        number = np.append(-1, means)[letters]
        (rows,) = np.nonzero(heavy & (number >= 0))
        moved = strings[rows]
        moved[:, site] = 0
        yield Leads(rows, moved, structure.starts[-1] + number[rows])
