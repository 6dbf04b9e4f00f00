"""Windows of a lattice: the groups of sites on which a sum of local terms is tabulated.

f(a) = Σ_w T_c(w)[number of a on w], one table for each class of windows that translations connect.
Outcomes are pairs of bits, so a changed outcome changes the number of a window by an exclusive or.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from jaxtyping import Int

from opentdvp.engine.povm.tetrahedron import OUTCOMES
from opentdvp.geometry.lattice import Lattice


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows of equal size, ordered by class.

    Attributes
    ----------
    sites
        The sites of each window, shape (classes, windows, size); position k of a window counts 4ᵏ.
    n_sites
        Of the lattice.
    """

    sites: Int[np.ndarray, "classes windows size"]
    n_sites: int

    @property
    def size(self) -> int:
        """Sites of a window."""
        return self.sites.shape[2]

    @property
    def entries(self) -> int:
        """Outcomes of a window."""
        return OUTCOMES**self.size

    @property
    def flat(self) -> Int[np.ndarray, "windows size"]:
        """The sites of all windows, class by class."""
        return self.sites.reshape(-1, self.size)

    @property
    def offsets(self) -> Int[np.ndarray, " windows"]:
        """Where the table of a window begins in the tables of all classes, one after the other.

        The last one is that of no window: a table of zeros.
        """
        classes, windows, _ = self.sites.shape
        return np.append(np.repeat(np.arange(classes), windows), classes) * self.entries

    @cached_property
    def around(self) -> tuple[Int[np.ndarray, "sites most"], ...]:
        """The windows that contain each site, and its position there; filled up with none."""
        found: list[list[tuple[int, int]]] = [[] for _ in range(self.n_sites)]
        for (window, position), site in np.ndenumerate(self.flat):
            found[site].append((window, position))
        return _filled(found, (len(self.flat), 0))

    def joint(
        self, groups: Int[np.ndarray, "groups n"]
    ) -> tuple[Int[np.ndarray, "groups most"], Int[np.ndarray, "n groups most"]]:
        """The windows that contain at least two sites of each group, and the positions there.

        The position of a site that is not there is `size`.
        """
        found = []
        for sites in groups.tolist():
            at = [self.flat == site for site in sites]
            places = np.array([np.where(h.any(1), h.argmax(1), self.size) for h in at])
            windows = np.flatnonzero((places < self.size).sum(axis=0) > 1)
            found.append(list(zip(windows.tolist(), *places[:, windows].tolist(), strict=True)))
        numbers, *positions = _filled(found, (len(self.flat), *(0,) * groups.shape[1]))
        return numbers, np.array(positions)


def box_windows(lattice: Lattice, length: int, moves: np.ndarray) -> Windows:
    """All windows of `length` sites along each axis, or of the whole axis if that is shorter.

    `moves` are permutations that leave the model as it is; those of them that take windows to
    windows join these to classes.
    """
    sizes = [min(length, extent) for extent in lattice.shape]
    firsts = [
        range(extent if closed and size < extent else extent - size + 1)
        for size, extent, closed in zip(sizes, lattice.shape, lattice.closed, strict=True)
    ]
    grid = np.arange(lattice.n_sites).reshape(lattice.shape[::-1])
    windows = []
    for corner in product(*firsts[::-1]):
        axes = [
            np.arange(first, first + size) % extent
            for first, size, extent in zip(corner, sizes[::-1], grid.shape, strict=True)
        ]
        windows.append(grid[np.ix_(*axes)].ravel())
    return classify(np.array(windows), moves)


def pair_windows(lattice: Lattice, nearest: int, farthest: int, moves: np.ndarray) -> Windows:
    """A window for every pair of sites whose distance along some axis is in nearest … farthest.

    On a periodic lattice each pair that is its own image by half of the lattice stands there twice,
    so that translations connect pairs of equal displacement.
    """
    halves = lattice.farthest
    reach = [range(-min(half, farthest), min(half, farthest) + 1) for half in halves]
    pairs: list[tuple[int, int]] = []
    for step in product(*reach):
        # Of a displacement and its opposite, one.
        if step > tuple(-s for s in step) and max(map(abs, step)) >= nearest:
            pairs += lattice.displaced(step)
    return classify(np.array(pairs).reshape(-1, 2), moves)


def classify(windows: Int[np.ndarray, "windows size"], moves: np.ndarray) -> Windows:
    """Join windows that moves of all windows onto each other connect; else each is its own class.

    Classes of unequal size are not joined: only tables would be fewer.
    """
    number = {tuple(window): k for k, window in enumerate(windows.tolist())}
    class_of = np.arange(len(windows))
    for images in moves[:, windows].tolist():
        reached = [number.get(tuple(image)) for image in images]
        if None not in reached:
            class_of = np.minimum(class_of, np.array(reached))
    names, counts = np.unique(class_of, return_counts=True)
    if len(set(counts.tolist())) > 1:
        return Windows(windows[:, None], moves.shape[1])
    ordered = windows[np.argsort(class_of, kind="stable")]
    return Windows(ordered.reshape(len(names), counts[0], -1), moves.shape[1])


def _filled(
    rows: Sequence[Sequence[tuple[int, ...]]], nothing: tuple[int, ...]
) -> tuple[Int[np.ndarray, "rows most"], ...]:
    """Rows of unequal length as arrays, one for each entry of a tuple."""
    most = max((len(row) for row in rows), default=0)
    filled = [[*row] + [nothing] * (most - len(row)) for row in rows]
    table = np.array(filled, dtype=np.int32).reshape(len(rows), most, len(nothing))
    return tuple(np.moveaxis(table, -1, 0))
