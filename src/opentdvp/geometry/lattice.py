"""Lattices: sites with numbers, positions and bonds, and what moves them onto themselves.

Sites are numbered row by row on a grid, site = x + Lx·y. A unit cell of several sites lies along x.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from math import prod

import numpy as np
from jaxtyping import Float, Int

Pair = tuple[int, int]

#: Distances that differ by less are the same, in units of the lattice constant.
_ROUNDING = 6

#: Positions on a grid of unit length.
_UNIT = ((1.0, 0.0), (0.0, 1.0))


@dataclass(frozen=True)
class Step:
    """A bond from every site at this place of its unit cell to the one at an offset on the grid."""

    offset: tuple[int, ...]
    place: int = 0


@dataclass(frozen=True)
class Lattice:
    """Sites on a grid, with bonds between neighbours.

    Attributes
    ----------
    shape
        Sites along each axis of the grid: (Lx,) or (Lx, Ly).
    periodic
        Whether each axis closes; one truth value stands for all axes.
    cell
        Sites of a unit cell; they follow each other along x.
    vectors, basis
        Positions: of the next cell along each axis, and of the sites in a cell.
    steps
        Where bonds lead; without any, to the next site along each axis.
    graph
        Positions and bonds by hand; the sites then have only their order in common with a chain.
    """

    shape: tuple[int, ...]
    periodic: bool | tuple[bool, ...]
    cell: int = 1
    vectors: tuple[tuple[float, float], ...] = _UNIT
    basis: tuple[tuple[float, float], ...] = ((0.0, 0.0),)
    steps: tuple[Step, ...] = ()
    graph: tuple[tuple[tuple[float, ...], ...], tuple[Pair, ...]] | None = field(default=None)

    @property
    def closed(self) -> tuple[bool, ...]:
        """Whether each axis closes."""
        given = self.periodic
        return (given,) * len(self.shape) if isinstance(given, bool) else given

    @property
    def is_periodic(self) -> bool:
        """Whether every axis closes."""
        return all(self.closed)

    @property
    def farthest(self) -> tuple[int, ...]:
        """The largest distance of two sites along each axis of the grid."""
        sizes = zip(self.shape, self.closed, strict=True)
        return tuple(length // 2 if closed else length - 1 for length, closed in sizes)

    @property
    def n_sites(self) -> int:
        """Number of sites."""
        return prod(self.shape)

    @cached_property
    def bonds(self) -> tuple[Pair, ...]:
        """Nearest-neighbour pairs, each once, along +x or +y; those of a graph as given."""
        if self.graph is not None:
            return self.graph[1]
        if self.steps:
            return tuple(pair for step in self.steps for pair in self._of_step(step))
        axes = range(len(self.shape))
        along = (tuple(int(axis == other) for other in axes) for axis in axes)
        return tuple(pair for offset in along for pair in self.displaced(offset))

    def pairs(self, distance: int) -> tuple[Pair, ...]:
        """Pairs (i, j) with j at `distance` from i along +x."""
        return self.displaced((distance,) + (0,) * (len(self.shape) - 1))

    def displaced(self, offset: tuple[int, ...]) -> tuple[Pair, ...]:
        """Pairs (i, j) with j at `offset` from i on the grid."""
        every = (self._of_step(Step(offset, place)) for place in range(self.cell))
        return tuple(sorted(pair for pairs in every for pair in pairs))

    def _of_step(self, step: Step) -> Iterable[Pair]:
        for site in range(self.n_sites):
            if self._at(site)[0] % self.cell != step.place:
                continue
            target = self._moved(site, step.offset)
            if self._is_inside(target):
                yield site, self._site(target)

    def _is_inside(self, target: tuple[int, ...]) -> bool:
        """Whether a place on the grid is there: along an open axis there is nothing beyond it."""
        sizes = zip(target, self.shape, self.closed, strict=True)
        return all(closed or 0 <= t < length for t, length, closed in sizes)

    def shell(self, number: int) -> tuple[Pair, ...]:
        """Pairs of sites by distance: the nearest ones (1), the next-nearest (2), and so on.

        On a graph the distance is the number of bonds in between. Each pair is there once, directed
        along +x or +y.
        """
        if number == 1:
            return self.bonds
        i, j = np.triu_indices(self.n_sites, 1)
        distances = self._steps_between if self.graph is not None else self.distances
        values = np.round(distances[i, j], _ROUNDING)
        shells = np.unique(values[np.isfinite(values)])
        if number > len(shells):
            return ()
        chosen = np.flatnonzero(values == shells[number - 1])
        return tuple(self.directed(int(i[k]), int(j[k])) for k in chosen)

    def within(self, distance: float) -> tuple[Pair, ...]:
        """All pairs that are at most so far from each other, directed along +x or +y."""
        i, j = np.nonzero(np.triu(self.distances <= distance * (1 + 1e-9), 1))
        return tuple(self.directed(a, b) for a, b in zip(i.tolist(), j.tolist(), strict=True))

    def directed(self, i: int, j: int) -> Pair:
        """The pair in the order in which the second site lies along +y, or else along +x."""
        x, y = np.round(self._between[i, j], _ROUNDING)
        return (i, j) if (y, x) >= (0, 0) else (j, i)

    @cached_property
    def positions(self) -> Float[np.ndarray, "sites 2"]:
        """Where every site is, in units of the lattice constant."""
        if self.graph is not None:
            found = np.zeros((self.n_sites, 2))
            for site, place in enumerate(self.graph[0]):
                found[site, : len(place)] = place
            return found
        at = np.array([self._at(site) for site in range(self.n_sites)])
        cells = np.stack([at[:, 0] // self.cell, *at.T[1:]], axis=1)
        inside = np.array(self.basis)[at[:, 0] % self.cell]
        return cells @ np.array(self.vectors[: len(self.shape)]) + inside

    @property
    def distances(self) -> Float[np.ndarray, "sites sites"]:
        """Distances, around periodic axes the shortest ones."""
        return np.linalg.norm(self._between, axis=2)

    @cached_property
    def _between(self) -> Float[np.ndarray, "sites sites 2"]:
        """From every site to every other, the shortest way; of two, the one along +y or +x."""
        straight = self.positions[None] - self.positions[:, None]
        spans = np.array(self.vectors[: len(self.shape)]) * self._cells[:, None]
        turns = product(*((-1, 0, 1) if closed else (0,) for closed in self.closed))
        ways = np.array([straight + np.array(turn) @ spans for turn in turns])
        lengths = np.round(np.linalg.norm(ways, axis=3), _ROUNDING)
        forward = np.round(ways[..., 1] * 1e3 + ways[..., 0], _ROUNDING)
        best = np.lexsort((-forward, lengths), axis=0)[0]
        return np.take_along_axis(ways, best[None, ..., None], axis=0)[0]

    @cached_property
    def _steps_between(self) -> Float[np.ndarray, "sites sites"]:
        """Bonds on the shortest way between sites; infinite where there is none."""
        reached = np.eye(self.n_sites, dtype=bool)
        joined = np.zeros_like(reached)
        for i, j in self.bonds:
            joined[i, j] = joined[j, i] = True
        found = np.where(reached, 0.0, np.inf)
        for count in range(1, self.n_sites):
            new = (reached.astype(int) @ joined > 0) & ~reached
            if not new.any():
                break
            found[new] = count
            reached |= new
        return found

    @property
    def _cells(self) -> Int[np.ndarray, " axes"]:
        return np.array([self.shape[0] // self.cell, *self.shape[1:]])

    def two_colours(self) -> Int[np.ndarray, " sites"] | None:
        """0 or 1 by site, different at both ends of every bond; None if there is no such way."""
        around: list[list[int]] = [[] for _ in range(self.n_sites)]
        for i, j in self.bonds:
            around[i].append(j)
            around[j].append(i)
        colours = np.full(self.n_sites, -1)
        for first in range(self.n_sites):
            waiting = [first] if colours[first] < 0 else []
            colours[waiting] = 0
            while waiting:
                site = waiting.pop()
                new = [other for other in around[site] if colours[other] < 0]
                colours[new] = 1 - colours[site]
                waiting += new
        return None if any(colours[i] == colours[j] for i, j in self.bonds) else colours

    def translations(self, step: int) -> Int[np.ndarray, "shifts sites"]:
        """Site permutations of all shifts by multiples of `step` cells along each periodic axis.

        The identity is first; the shifted configuration is a[permutation].
        """
        cells = zip(self._cells.tolist(), self.closed, strict=True)
        shifts = product(*(range(0, n, step) if closed else (0,) for n, closed in cells))
        sites = range(self.n_sites)
        offsets = [(x * self.cell, *rest) for x, *rest in shifts]
        return np.array([[self._site(self._moved(site, o)) for site in sites] for o in offsets])

    def point_group(self) -> Int[np.ndarray, "group sites"]:
        """Site permutations by reflections about the centre, and by turns of a square.

        The identity is first; the image of a configuration is a[permutation]. Of other lattices,
        the inversion only; of a graph, none.
        """
        rows = np.arange(self.n_sites).reshape(self.shape[::-1])
        if self.graph is not None:
            return rows.reshape(1, -1)
        if self.steps:
            return np.array([rows.ravel(), rows.ravel()[::-1]])
        axes = range(rows.ndim)
        is_square = len(set(self.shape)) < rows.ndim and len(set(self.closed)) == 1
        transposed = [rows, rows.T] if is_square else [rows]
        mirrors = (
            np.flip(grid, tuple(axis for axis in axes if flip[axis]))
            for grid in transposed
            for flip in product((False, True), repeat=rows.ndim)
        )
        return np.array([mirror.ravel() for mirror in mirrors])

    def _at(self, site: int) -> tuple[int, ...]:
        """Coordinates of a site on the grid."""
        return tuple(int(c) for c in np.unravel_index(site, self.shape[::-1])[::-1])

    def _moved(self, site: int, offset: tuple[int, ...]) -> tuple[int, ...]:
        """Coordinates of a site plus an offset, not wrapped."""
        return tuple(c + step for c, step in zip(self._at(site), offset, strict=True))

    def _site(self, coordinates: tuple[int, ...]) -> int:
        return int(np.ravel_multi_index(coordinates[::-1], self.shape[::-1], mode="wrap"))
