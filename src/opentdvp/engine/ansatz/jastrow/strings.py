"""Strings of letters in windows, tied under the symmetries of a model.

A string puts x, y or z on some sites. Its value is Π_i χ_α(a_i) with χ_α(a) = √3 s^a_α, whose mean
over the four outcomes is 0 and whose mean square is 1. Strings that a symmetry connects have one
parameter; those whose mean vanishes by a half turn have none.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from jaxtyping import Float, Int

from opentdvp.engine.ansatz.jastrow.windows import Windows

#: Letters on a site: none, x, y, z.
LETTERS = 4


@dataclass(frozen=True, eq=False)
class Products:
    """The strings of a window up to a weight, as products of strings of its two halves.

    Attributes
    ----------
    split
        Sites of the first half.
    first, second
        Strings of the halves, ordered by weight, as numbers whose digits to base 4 are letters.
    blocks
        Slices of both: of all their products, those of the wanted weights and few others.
    numbers
        The strings of the window, block by block, in the same way.
    weights
        How many letters each has.
    """

    split: int
    first: Int[np.ndarray, " first"]
    second: Int[np.ndarray, " second"]
    blocks: tuple[tuple[slice, slice], ...]
    numbers: Int[np.ndarray, " strings"]
    weights: Int[np.ndarray, " strings"]

    @cached_property
    def factors(self) -> tuple[Int[np.ndarray, " strings"], Int[np.ndarray, " strings"]]:
        """The place of both factors of each string among those of the halves."""
        first, second = [], []
        for rows, columns in self.blocks:
            ahead, behind = np.arange(len(self.first))[rows], np.arange(len(self.second))[columns]
            first.append(np.repeat(ahead, len(behind)))
            second.append(np.tile(behind, len(ahead)))
        return np.concatenate(first), np.concatenate(second)


def products(size: int, weight: int) -> Products:
    """The strings of a window of `size` sites with up to `weight` letters."""
    split = size // 2
    first, first_weights = _by_weight(split)
    second, second_weights = _by_weight(size - split)
    blocks, numbers, weights = [], [], []
    for w in range(min(split, weight) + 1):
        rows = slice(*np.searchsorted(first_weights, [w, w + 1]))
        columns = slice(0, np.searchsorted(second_weights, weight - w, side="right"))
        blocks.append((rows, columns))
        numbers.append((first[rows, None] + LETTERS**split * second[columns]).ravel())
        weights.append((w + second_weights[columns] + 0 * first[rows, None]).ravel())
    return Products(
        split, first, second, tuple(blocks), np.concatenate(numbers), np.concatenate(weights)
    )


def _by_weight(size: int) -> tuple[np.ndarray, np.ndarray]:
    """All strings of some sites and their weights, ordered by these."""
    letters = np.array(list(product(range(LETTERS), repeat=size)), dtype=int)
    weights = (letters > 0).sum(axis=1)
    order = np.argsort(weights, kind="stable")
    return (letters @ LETTERS ** np.arange(size))[order], weights[order]


def on_lattice(
    windows: Windows, numbers: Int[np.ndarray, " strings"]
) -> Int[np.ndarray, "classes strings sites"]:
    """The strings of the first window of every class, as letters of all sites."""
    digits = numbers[:, None] // LETTERS ** np.arange(windows.size) % LETTERS
    classes = len(windows.sites)
    strings = np.zeros((classes, len(numbers), windows.n_sites), dtype=np.int8)
    for k, window in enumerate(windows.sites[:, 0]):
        strings[k][:, window] = digits
    return strings


def shares(
    windows: Windows, strings: Int[np.ndarray, "classes strings sites"]
) -> Float[np.ndarray, "classes strings"]:
    """One over the number of windows that contain all letters of a string."""
    inside = np.zeros((len(windows.flat), windows.n_sites), dtype=np.int32)
    np.put_along_axis(inside, windows.flat, 1, axis=1)
    letters = (strings > 0).astype(np.int32)
    missing = letters.sum(axis=-1)[..., None] - letters @ inside.T
    return 1 / np.maximum((missing == 0).sum(axis=-1), 1)
