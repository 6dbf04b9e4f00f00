"""Which sites a network reads, and which terms of its sum an outcome changes.

The sum may be averaged over images of an outcome, a[π] ^ shift: then there is a network for each
image, which reads the sites π of the lattice.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Int


@dataclass(frozen=True, eq=False)
class Surroundings:
    """The patches of a periodic lattice, as numbers of sites.

    Attributes
    ----------
    shape
        Lengths of the lattice, (Lx,) or (Lx, Ly).
    reach
        How far along each axis a term reads.
    permutations, shifts
        The images that are averaged over, shapes (images, N) and (images,).
    """

    shape: tuple[int, ...]
    reach: int
    permutations: Int[np.ndarray, "images sites"]
    shifts: Int[np.ndarray, " images"]

    @property
    def n_sites(self) -> int:
        """Of the lattice."""
        return self.permutations.shape[1]

    @property
    def windows(self) -> Int[np.ndarray, "sites *box"]:
        """What the term of every site reads."""
        return np.array(
            [self._box(site, -self.reach, self._widths) for site in range(self.n_sites)]
        )

    @property
    def whole(self) -> Int[np.ndarray, "images *patch"]:
        """All sites and, once more, those that the terms at the ends read beyond them."""
        lengths = [extent + 2 * self.reach for extent in self.shape[::-1]]
        return self.permutations[:, self._box(0, -self.reach, lengths)]

    @cached_property
    def changed(self) -> Int[np.ndarray, "images sites terms"]:
        """The terms that a site's outcome is read by, in the image's own order of sites."""
        widths = np.minimum(self._widths, self.shape[::-1])
        return np.array(
            [
                [
                    self._box(site, -self.reach, widths).ravel()
                    for site in np.argsort(permutation).tolist()
                ]
                for permutation in self.permutations
            ]
        )

    @cached_property
    def read(self) -> Int[np.ndarray, "images sites *patch"]:
        """What these terms read."""
        widths = np.minimum(self._widths, self.shape[::-1]) + 2 * self.reach
        return np.array(
            [
                [
                    permutation[self._box(site, -2 * self.reach, widths)]
                    for site in np.argsort(permutation).tolist()
                ]
                for permutation in self.permutations
            ]
        )

    @property
    def everything(self) -> bool:
        """Whether an outcome changes all terms."""
        return self.changed.shape[2] == self.n_sites

    @property
    def overlaps(self) -> bool:
        """Whether a term reads a site twice."""
        return 2 * self.reach + 1 > min(self.shape)

    @property
    def _widths(self) -> list[int]:
        return [2 * self.reach + 1] * len(self.shape)

    def _box(self, site: int, start: int, widths: np.ndarray | list[int]) -> np.ndarray:
        return box(self.shape, site, start, widths)


def box(
    shape: tuple[int, ...], site: int, start: int, widths: np.ndarray | list[int]
) -> Int[np.ndarray, "*box"]:
    """Sites of a box that begins `start` sites from one along each axis, y before x."""
    grid = np.arange(np.prod(shape)).reshape(shape[::-1])
    corner = np.unravel_index(site, grid.shape)
    axes = [
        np.arange(first + start, first + start + width) % extent
        for first, width, extent in zip(corner, widths, grid.shape, strict=True)
    ]
    return grid[np.ix_(*axes)]
