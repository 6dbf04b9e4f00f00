"""Pauli strings of bounded weight and range on a lattice of any size, and their orbits.

A string is an array of letters, a number per site in the order of `LETTERS`: 0 = I, 1 = X, 2 = Y,
3 = Z. Of its orbit it is known by the support that stands for its own (`cuts`) and by the letters
there, up to the permutations that leave that support as it is; so strings need not be listed.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Int, Int8, Int32

from opentdvp.geometry.lattice import Lattice
from opentdvp.physics.pauli.cuts import (
    Cut,
    Supports,
    count_supports,
    images,
    kept_permutations,
    site_keys,
    stabilizers,
    standing_supports,
)
from opentdvp.physics.pauli.local_generators import LETTERS
from opentdvp.physics.pauli.orbits import ODD

#: In place of an orbit's number, besides `ODD`, of strings that vanish by symmetry: of those beyond
#: the cut, odd ones too, and of the string without letters.
OUTSIDE, IDENTITY = -2, -3

#: Letters besides I.
_OTHERS = len(LETTERS) - 1


class _Listed(NamedTuple):
    """All supports of a cut, by ascending key.

    `sites` are in the order of the support that stands for the orbit, `powers` is what a letter
    there counts for in the code of the letters, 0 beyond the weight; in the list of numbers the
    codes of the support begin at `start`, and to these `base` is added.
    """

    keys: np.ndarray
    sites: np.ndarray
    powers: np.ndarray
    start: np.ndarray
    base: np.ndarray


@dataclass(frozen=True, eq=False)
class CutOrbits:
    """Orbits of the strings of a cut, without those odd under half turns and without the identity.

    Attributes
    ----------
    representatives
        Letters of one string of every orbit, lighter ones first.
    permutations
        The symmetries that were used.
    """

    representatives: Int8[np.ndarray, "orbits sites"]
    permutations: Int[np.ndarray, "group sites"]
    _supports: _Listed
    _numbers: np.ndarray

    def index(self, strings: Int8[np.ndarray, "strings sites"]) -> Int32[np.ndarray, " strings"]:
        """Number of the orbit of every string, or `ODD`, `OUTSIDE`, `IDENTITY`."""
        known = self._supports
        keys = (strings != 0) @ site_keys(strings.shape[1])
        row = np.minimum(np.searchsorted(known.keys, keys), len(known.keys) - 1)
        code = known.start[row]
        for sites, powers in zip(known.sites.T, known.powers.T, strict=True):
            letters = strings[np.arange(len(strings)), sites[row]]
            code += powers[row] * (letters.astype(np.int64) - 1)
        found = known.keys[row] == keys
        local = self._numbers[np.where(found, code, 0)]
        inside = np.where(local == ODD, ODD, known.base[row] + local)
        outside = np.where(keys == 0, IDENTITY, OUTSIDE)
        return np.where(found, inside, outside).astype(np.int32)


def strings_within(lattice: Lattice, cut: Cut) -> Int8[np.ndarray, "strings sites"]:
    """All strings of a cut but the identity, lighter ones first; always in the same order."""
    return orbits_within(lattice, np.arange(lattice.n_sites)[None], (), cut).representatives


def orbits_within(
    lattice: Lattice,
    permutations: Int[np.ndarray, "group sites"],
    turns: tuple[str, ...],
    cut: Cut,
) -> CutOrbits:
    """The orbits of a cut under a group of permutations and half turns about some axes.

    Of the permutations, those that do not keep ranges are left out (`cuts.kept_permutations`).
    """
    group = kept_permutations(lattice, permutations, cut)
    tables = _Tables(turns)
    strings: list[np.ndarray] = []
    listed: list[_Listed] = []
    count = 0
    for supports in standing_supports(lattice, group, cut):
        chosen = tables.choose(group, supports)
        sizes = np.array([len(tables.standing[t]) for t in chosen], dtype=np.int64)
        base = count + np.cumsum(sizes) - sizes
        strings.append(_letters(supports, tables, chosen, base - count, lattice.n_sites))
        count += len(strings[-1])
        starts = np.array(tables.starts)[chosen]
        for keys, number, sites in images(group, supports):
            listed.append(_list(keys, sites, starts[number], base[number], cut.weight))
    every = _Listed(*map(np.concatenate, zip(*listed, strict=True)))
    order = np.argsort(every.keys)
    return CutOrbits(
        representatives=np.concatenate(strings),
        permutations=group,
        _supports=_Listed(*(part[order] for part in every)),
        _numbers=np.concatenate(tables.numbers),
    )


def estimated_orbits(
    lattice: Lattice,
    permutations: Int[np.ndarray, "group sites"],
    turns: tuple[str, ...],
    cut: Cut,
) -> float:
    """About how many orbits there are, without listing them: strings by the size of the group."""
    weights = range(1, min(cut.weight, lattice.n_sites) + 1)
    strings = sum(_OTHERS**k * count_supports(lattice, k, cut) for k in weights)
    shares = len(kept_permutations(lattice, permutations, cut)) * 2 ** min(len(turns), 2)
    return strings / shares


def _list(
    keys: np.ndarray, sites: Supports, start: np.ndarray, base: np.ndarray, weight: int
) -> _Listed:
    """Supports of one weight, with the columns of the largest."""
    missing = [(0, 0), (0, weight - sites.shape[1])]
    powers = np.broadcast_to(_powers(sites.shape[1]), sites.shape)
    # No site is too large for two bytes.
    padded = np.pad(sites.astype(np.int16), missing)
    return _Listed(keys, padded, np.pad(powers, missing), start, base)


def _letters(
    supports: Supports, tables: "_Tables", chosen: np.ndarray, first: np.ndarray, n_sites: int
) -> Int8[np.ndarray, "orbits sites"]:
    """One string of every orbit of strings on some supports, numbered from `first` on each."""
    total = sum(len(tables.standing[t]) for t in chosen)
    strings = np.zeros((total, n_sites), dtype=np.int8)
    for table in np.unique(chosen):
        (rows,) = np.nonzero(chosen == table)
        letters = 1 + _digits(supports.shape[1])[tables.standing[table]]
        numbers = first[rows, None] + np.arange(len(letters))
        strings[numbers[:, :, None], supports[rows, None, :]] = letters
    return strings


class _Tables:
    """Numbers of the orbits of letters on a support, by the permutations that leave it as it is.

    `standing` are the codes of one string of every orbit, by table; `numbers` has an entry per
    code, table after table, and `starts` is where those of a table begin.
    """

    def __init__(self, turns: tuple[str, ...]) -> None:
        self.standing: list[np.ndarray] = []
        self.numbers: list[np.ndarray] = []
        self.starts: list[int] = []
        self._turns = turns
        self._known: dict[bytes, int] = {}

    def choose(self, group: np.ndarray, supports: Supports) -> Int[np.ndarray, " supports"]:
        """The table of every support."""
        nothing = np.arange(supports.shape[1])[None]
        chosen = np.full(len(supports), self._find(nothing))
        for number, positions in stabilizers(group, supports):
            chosen[number] = self._find(positions)
        return chosen

    def _find(self, positions: np.ndarray) -> int:
        key = positions.astype(np.int64).tobytes() + bytes([positions.shape[1]])
        if key not in self._known:
            self._known[key] = len(self.standing)
            self._add(positions)
        return self._known[key]

    def _add(self, positions: np.ndarray) -> None:
        letters = _digits(positions.shape[1])
        powers = _powers(positions.shape[1])
        smallest = np.arange(len(letters))
        for position in positions:
            smallest = np.minimum(smallest, letters @ powers[position])
        even = np.ones(len(letters), dtype=bool)
        for axis in self._turns:
            even &= (letters + 1 != LETTERS.index(axis)).sum(axis=1) % 2 == 0
        standing, number = np.unique(smallest[even], return_inverse=True)
        numbers = np.full(len(letters), ODD)
        numbers[even] = number
        self.starts.append(sum(map(len, self.numbers)))
        self.standing.append(standing)
        self.numbers.append(numbers)


def _powers(weight: int) -> Int[np.ndarray, " weight"]:
    """What a letter counts for in a code; the first one most, so that codes sort by alphabet."""
    return _OTHERS ** np.arange(weight - 1, -1, -1, dtype=np.int64)


def _digits(weight: int) -> Int[np.ndarray, "codes weight"]:
    """The letters besides I on `weight` sites, counted from 0, by their code."""
    return np.arange(_OTHERS**weight)[:, None] // _powers(weight) % _OTHERS
