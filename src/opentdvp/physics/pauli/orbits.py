"""Pauli strings up to symmetry: one number per orbit, found without visiting all 4ᴺ strings.

A string is two bit masks: x marks the sites with X or Y, z those with Y or Z, so that the product
of two strings is the exclusive or of their masks, up to a phase. The orbits of x alone are few;
those of a string are, for every representative of x, the orbits of z under the permutations that
leave this x as it is.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Integer

#: Largest number of sites: masks are numbers of 16 bits, and tables have an entry for each.
MAXIMAL_SITES = 16

#: Marks strings whose expectation value vanishes by symmetry.
ODD = -1

#: By axis of a half turn: whether the parities of x and of z decide the sign of a string.
_SIGNED_BY = {"X": (False, True), "Y": (True, True), "Z": (True, False)}


@dataclass(frozen=True, eq=False)
class PauliOrbits:
    """Orbits of Pauli strings under site permutations, without those odd under half turns.

    Attributes
    ----------
    x, z
        Masks of one string of every orbit; the identity comes first.
    """

    x: Integer[np.ndarray, " orbits"]
    z: Integer[np.ndarray, " orbits"]
    _number: Integer[np.ndarray, "representatives masks"]
    _representative: Integer[np.ndarray, " masks"]
    _mover: Integer[np.ndarray, " masks"]
    _moved: Integer[np.ndarray, "group masks"]

    def index(
        self, x: Integer[np.ndarray, " strings"], z: Integer[np.ndarray, " strings"]
    ) -> Integer[np.ndarray, " strings"]:
        """Number of the orbit of every string, `ODD` where its expectation value vanishes."""
        return self._number[self._representative[x], self._moved[self._mover[x], z]]


def count_orbits(permutations: Integer[np.ndarray, "group sites"], turns: tuple[str, ...]) -> int:
    """How many orbits there are, by Burnside's lemma: the mean number of strings left unchanged.

    A string that a permutation leaves unchanged is constant on its cycles, so if all of these have
    even length it is even under every half turn; otherwise every independent one halves them.
    """
    shares = 2 ** min(len(turns), 2)
    total = 0
    for permutation in permutations:
        lengths = _cycle_lengths(permutation)
        odd = any(length % 2 for length in lengths)
        total += 4 ** len(lengths) // (shares if odd else 1)
    return total // len(permutations)


def find_orbits(
    permutations: Integer[np.ndarray, "group sites"], turns: tuple[str, ...]
) -> PauliOrbits:
    """List the orbits under a group of permutations and half turns about some axes."""
    moved = _moved_masks(permutations)
    masks = np.arange(moved.shape[1])
    mover = moved.argmin(axis=0)
    smallest = moved[mover, masks]
    representatives, representative = np.unique(smallest, return_inverse=True)
    number = np.full((len(representatives), len(masks)), ODD, dtype=np.int32)
    found: list[tuple[np.ndarray, np.ndarray]] = []
    count = 0
    for row, x in enumerate(representatives):
        stabilizer = moved[moved[:, x] == x]
        even = np.flatnonzero(_is_even(np.full_like(masks, x), masks, turns))
        z, inverse = np.unique(stabilizer.min(axis=0)[even], return_inverse=True)
        number[row, even] = count + inverse
        found.append((np.full_like(z, x), z))
        count += len(z)
    x, z = (np.concatenate(part).astype(np.uint16) for part in zip(*found, strict=True))
    return PauliOrbits(x, z, number, representative, mover, moved)


def _moved_masks(permutations: np.ndarray) -> np.ndarray:
    """Every mask moved by every permutation: bit i goes to bit π[i]."""
    n_sites = permutations.shape[1]
    moved = np.zeros((len(permutations), 2**n_sites), dtype=np.uint16)
    masks = np.arange(2**n_sites, dtype=np.uint16)
    for site in range(n_sites):
        bit = (masks >> site) & 1
        moved |= bit << permutations[:, site, None].astype(np.uint16)
    return moved


def _is_even(x: np.ndarray, z: np.ndarray, turns: tuple[str, ...]) -> np.ndarray:
    """Whether strings keep their sign under all half turns."""
    even = np.ones(len(x), dtype=bool)
    for axis in turns:
        by_x, by_z = _SIGNED_BY[axis]
        even &= np.bitwise_count((by_x * x) ^ (by_z * z)) % 2 == 0
    return even


def _cycle_lengths(permutation: np.ndarray) -> list[int]:
    lengths, seen = [], set()
    for start in range(len(permutation)):
        length, site = 0, start
        while site not in seen:
            seen.add(site)
            site = int(permutation[site])
            length += 1
        if length:
            lengths.append(length)
    return lengths
