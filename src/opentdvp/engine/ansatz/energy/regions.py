"""How far a changed outcome is felt in each layer of a convolution on a periodic lattice."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Int

from opentdvp.engine.ansatz.energy.surroundings import box

#: In place of a class of displacements: what a kernel does not read.
UNREAD = -1


@dataclass(frozen=True, eq=False)
class Regions:
    """For each layer, the sites around one that its outcome reaches, in equal order for all sites.

    Attributes
    ----------
    shape
        Lengths of the lattice, (Lx,) or (Lx, Ly).
    kernels, classes
        Of the layers: length, and the class of every displacement (`Convolution`).
    """

    shape: tuple[int, ...]
    kernels: tuple[int, ...]
    classes: tuple[tuple[int, ...], ...]

    @cached_property
    def read(self) -> list[Int[np.ndarray, "sites displacements"]]:
        """What the kernel of every layer reads at each site."""
        return [self._around(length, length // 2) for length in self.kernels]

    @cached_property
    def reached(self) -> list[Int[np.ndarray, "sites region"]]:
        """The sites of every layer that an outcome reaches."""
        halves = np.cumsum([length // 2 for length in self.kernels]).tolist()
        return [self._around(2 * half + 1, half) for half in halves]

    @cached_property
    def connections(self) -> list[Int[np.ndarray, "region before"]]:
        """For every layer, which class connects its region to that of the layer before."""
        sources = [np.arange(1)[None], *(region[:1] for region in self.reached)]
        found = []
        for read, classes, targets, (before,) in zip(
            self.read, self.classes, self.reached, sources[:-1], strict=True
        ):
            windows = read[targets[0]]
            matches = windows[:, None, :] == before[:, None]
            numbers = np.array(classes)[matches.argmax(axis=2)]
            found.append(np.where(matches.any(axis=2), numbers, UNREAD))
        return found

    def seen_from(self, pairs: Int[np.ndarray, "pairs 2"]) -> list[Int[np.ndarray, "pairs region"]]:
        """Where the sites around the first of a pair stand in the region of the second.

        The length of the region stands for those that are not in it.
        """
        found = []
        for region in self.reached:
            first, second = region[pairs[:, 0]], region[pairs[:, 1]]
            matches = first[:, :, None] == second[:, None, :]
            found.append(np.where(matches.any(axis=2), matches.argmax(axis=2), region.shape[1]))
        return found

    def _around(self, length: int, before: int) -> Int[np.ndarray, "sites box"]:
        lengths = np.minimum(length, self.shape[::-1])
        return np.array(
            [box(self.shape, site, -before, lengths).ravel() for site in range(np.prod(self.shape))]
        )
