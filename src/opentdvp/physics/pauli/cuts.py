"""Sets of sites of bounded size and range on any lattice: the supports of Pauli strings.

All of them are listed, each with the permutation that leads to it from the one that stands for its
orbit. They are grown site by site from those, since a part of a support within a cut is within it.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import comb, prod

import numpy as np
from jaxtyping import Bool, Int, UInt64

from opentdvp.geometry.lattice import Lattice
from opentdvp.physics.pauli.symmetries import lattice_group

Supports = Int[np.ndarray, "supports weight"]

# Numbers in the largest intermediate arrays.
_BLOCK = 2**22


@dataclass(frozen=True)
class Cut:
    """Which Pauli strings are kept.

    Attributes
    ----------
    weight
        Largest number of letters besides I.
    range
        Sites of the shortest window of a chain, or of the side of the smallest box of the grid of
        sites, that the letters may fill; along periodic axes, windows wrap around. The grid of a
        honeycomb is a wall of bricks with two sites per cell along x. Of a graph it is the order
        of the sites, in which neighbours may be far apart: there a range of all sites is best.
    pair_range
        The same for strings of weight two, if that is larger.
    """

    weight: int
    range: int
    pair_range: int | None = None

    def keeps(self, lattice: Lattice, supports: Supports) -> Bool[np.ndarray, " supports"]:
        """Whether supports, given by their sites, are within the ranges."""
        return extents(lattice, supports) <= self.range_of(supports.shape[1])

    def range_of(self, weight: int) -> int:
        """Largest range of strings of a weight."""
        if weight == 2 and self.pair_range is not None:
            return self.pair_range
        return self.range

    def bounds_range(self, lattice: Lattice) -> bool:
        """Whether some strings are beyond the range."""
        return self.range < max(lattice.shape)


def extents(lattice: Lattice, supports: Supports) -> Int[np.ndarray, " supports"]:
    """Sites of the shortest window, or of the side of the smallest box, around each support."""
    found = np.zeros(len(supports), dtype=int)
    coordinates = np.unravel_index(supports, lattice.shape[::-1])[::-1]
    for along, length, closed in zip(coordinates, lattice.shape, lattice.closed, strict=True):
        ordered = np.sort(along, axis=1)
        if closed:
            # What is left of the circle without the largest gap.
            gaps = np.diff(ordered, axis=1, append=ordered[:, :1] + length)
            sides = length + 1 - gaps.max(axis=1)
        else:
            sides = ordered[:, -1] - ordered[:, 0] + 1
        found = np.maximum(found, sides)
    return found


def count_supports(lattice: Lattice, weight: int, cut: Cut) -> int:
    """How many supports of a weight there are; where windows wrap around, at most so many.

    In a box, those that touch all its lower faces, for every place of the box.
    """
    reach = cut.range_of(weight)
    along = [
        # Beyond an open end there is nothing, so that the last boxes are smaller.
        Counter(min(reach, length if closed else length - corner) for corner in range(length))
        for length, closed in zip(lattice.shape, lattice.closed, strict=True)
    ]
    total = 0
    for boxes in product(*(counts.items() for counts in along)):
        for inner in product((0, 1), repeat=len(boxes)):
            volume = prod(side - less for (side, _), less in zip(boxes, inner, strict=True))
            sign = -1 if sum(inner) % 2 else 1
            total += sign * prod(places for _, places in boxes) * comb(volume, weight)
    return min(total, comb(lattice.n_sites, weight))


def site_keys(n_sites: int) -> UInt64[np.ndarray, " sites"]:
    """Words whose sums tell supports apart.

    Beyond the bits of one word they are scattered (splitmix64): of a million supports, some two
    share a sum with a chance of 3·10⁻⁸.
    """
    numbers = np.arange(n_sites, dtype=np.uint64)
    if n_sites <= 64:
        return np.left_shift(np.uint64(1), numbers)
    words = (numbers + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def kept_permutations(
    lattice: Lattice, permutations: Int[np.ndarray, "group sites"], cut: Cut
) -> Int[np.ndarray, "kept sites"]:
    """The permutations that keep ranges: all of them, or those of the lattice.

    The torus of 4×4 sites is a hypercube, most of whose symmetries change the boxes around strings.
    """
    if not cut.bounds_range(lattice):
        return permutations
    known = {row.tobytes() for row in lattice_group(lattice).astype(np.int64)}
    return permutations[[row.tobytes() in known for row in permutations.astype(np.int64)]]


def standing_supports(
    lattice: Lattice, permutations: Int[np.ndarray, "group sites"], cut: Cut
) -> Iterator[Supports]:
    """One support of every orbit, as ascending sites; by weight, from 1 to that of the cut."""
    keys = site_keys(lattice.n_sites)
    supports = np.zeros((1, 0), dtype=int)
    for _ in range(min(cut.weight, lattice.n_sites)):
        grown = _extended(supports, lattice.n_sites)
        _, first = np.unique(keys[grown].sum(axis=1), return_index=True)
        grown = grown[first]
        grown = grown[cut.keeps(lattice, grown)]
        smallest = [
            _smallest_images(permutations, grown[part], keys)
            for part in _blocks(len(grown), permutations.size)
        ]
        images = np.concatenate(smallest) if smallest else grown
        _, first = np.unique(keys[images].sum(axis=1), return_index=True)
        supports = images[first]
        yield supports


def _extended(supports: Supports, n_sites: int) -> Supports:
    """Every support with one more site, ascending."""
    outside = np.ones((len(supports), n_sites), dtype=bool)
    np.put_along_axis(outside, supports, False, axis=1)
    row, site = np.nonzero(outside)
    return np.sort(np.column_stack([supports[row], site]), axis=1)


def _smallest_images(permutations: np.ndarray, supports: Supports, keys: np.ndarray) -> Supports:
    moved = permutations[:, supports]
    best = keys[moved].sum(axis=-1).argmin(axis=0)
    return np.sort(moved[best, np.arange(len(supports))], axis=1)


def images(
    permutations: Int[np.ndarray, "group sites"], supports: Supports
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """All supports of the orbits of some: keys, numbers of those that they come from, and sites.

    The sites are in the order in which they come from those of the support that is moved.
    """
    keys = site_keys(permutations.shape[1])
    for part in _blocks(len(supports), permutations.size):
        moved = permutations[:, supports[part]]
        found, first = np.unique(keys[moved].sum(axis=-1), return_index=True)
        mover, number = np.divmod(first, moved.shape[1])
        yield found, number + part.start, moved[mover, number]


def stabilizers(
    permutations: Int[np.ndarray, "group sites"], supports: Supports
) -> Iterator[tuple[int, Int[np.ndarray, "stabilizer weight"]]]:
    """For supports that some permutation maps to themselves: number, and where positions go.

    The letter at position j of the support goes to position p[j]; the identity is among them.
    """
    keys = site_keys(permutations.shape[1])
    for part in _blocks(len(supports), permutations.size):
        moved = permutations[:, supports[part]]
        fixed = keys[moved].sum(axis=-1) == keys[supports[part]].sum(axis=-1)
        for number in np.flatnonzero(fixed.sum(axis=0) > 1):
            sites = supports[part.start + number]
            positions = np.searchsorted(sites, moved[fixed[:, number], number])
            yield part.start + int(number), np.unique(positions, axis=0)


def _blocks(rows: int, width: int) -> Iterator[slice]:
    height = max(1, _BLOCK // width)
    return (slice(k, min(k + height, rows)) for k in range(0, rows, height))
