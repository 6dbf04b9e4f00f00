"""Windows of one shape and their strings: what these are worth for some outcomes."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from opentdvp.engine.ansatz.jastrow.far_pairs import couplings_of
from opentdvp.engine.ansatz.jastrow.strings import Products
from opentdvp.engine.ansatz.jastrow.windows import Windows

#: Windows of a loop's body: their products are added without being written between.
_UNROLLED = 16


class Family(NamedTuple):
    """Windows of one shape, and which of their strings have which parameter.

    Attributes
    ----------
    products
        All strings of a window.
    entries
        Those that have a parameter, as (class of windows, place among the products).
    parameter
        Its number, for each of them.
    share
        One over the number of windows that the string lies in.
    start
        Tables of the product start state.
    tabulated
        Whether its strings are a table; pairs far apart are not.
    """

    windows: Windows
    products: Products
    entries: tuple[Int[np.ndarray, " entries"], Int[np.ndarray, " entries"]]
    parameter: Int[np.ndarray, " entries"]
    share: Float[np.ndarray, " entries"]
    start: Float[np.ndarray, " outcomes"]
    tabulated: bool = True


def couplings(family: Family, theta: Float[Array, " P"]) -> Float[Array, "sites 3 most 3"]:
    """Of the sites of far pairs."""
    classes, places = family.entries
    values = theta[family.parameter] * family.share
    return couplings_of(family.windows, values, classes, family.products.numbers[places])


def values_of(
    family: Family, letters: Float[Array, "sites batch 4"]
) -> Float[Array, "entries batch"]:
    """Strings of a family, each summed over the windows of its class."""
    first, second = _halves(family, letters)
    found = []
    for rows, columns in family.products.blocks:
        block = jnp.einsum("cwbi,cwbj->cijb", first[..., rows], second[..., columns])
        found.append(block.reshape(len(first), -1, block.shape[-1]))
    return jnp.concatenate(found, axis=1)[family.entries]


class Entries(NamedTuple):
    """Some strings of a family, ordered by the column that they add to.

    Attributes
    ----------
    first, second
        Which products of letters of the two halves of a window they are; those of all classes of
        windows are counted one after the other.
    share
        Zero for those that stand for none.
    column
        One behind the last for those.
    """

    first: Int[Array, " entries"]
    second: Int[Array, " entries"]
    share: Float[Array, " entries"]
    column: Int[Array, " entries"]


def choose(family: Family, order: Int[Array, " numbers"], count: int) -> Entries:
    """The strings of `count` parameters, whose columns `order` has; `count` for all others."""
    column = order[family.parameter]
    most = np.sort(np.bincount(family.parameter))[::-1][:count].sum()
    chosen = jnp.argsort(column, stable=True)[:most]
    (classes, places), products = family.entries, family.products
    first, second = (factors[places] for factors in products.factors)
    column = column[chosen]
    return Entries(
        jnp.array(classes * len(products.first) + first)[chosen],
        jnp.array(classes * len(products.second) + second)[chosen],
        jnp.where(column < count, jnp.array(family.share)[chosen], 0),
        column,
    )


def chosen_values(
    family: Family, entries: Entries, letters: Float[Array, "sites batch 4"], count: int
) -> Float[Array, "count batch"]:
    """Strings of a family, summed over the windows of their class and over each column."""
    first, second = (_by_window(half) for half in _halves(family, letters))

    def add(total: Array, window: tuple[Array, Array]) -> tuple[Array, None]:
        return total + window[0][entries.first] * window[1][entries.second], None

    start = jnp.zeros((len(entries.first), letters.shape[1]), letters.dtype)
    total, _ = jax.lax.scan(add, start, (first, second), unroll=min(len(first), _UNROLLED))
    weighted = total * entries.share[:, None].astype(total.dtype)
    summed = jax.ops.segment_sum(weighted, entries.column, count + 1, indices_are_sorted=True)
    return summed[:count]


def _by_window(values: Float[Array, "classes windows batch strings"]) -> Array:
    """Windows first, then the strings of all classes, and samples side by side."""
    moved = jnp.transpose(values, (1, 0, 3, 2))
    return moved.reshape(len(moved), -1, moved.shape[-1])


def _halves(family: Family, letters: Float[Array, "sites batch 4"]) -> tuple[Array, Array]:
    """Products of letters of the two halves of every window."""
    sites, parts = family.windows.sites, family.products
    first = _outer(letters, sites[:, :, : parts.split])[..., parts.first]
    second = _outer(letters, sites[:, :, parts.split :])[..., parts.second]
    return first, second


def _outer(letters: Array, sites: Int[np.ndarray, "classes windows size"]) -> Array:
    """All products of letters on some sites, the first site least significant."""
    result = jnp.ones((*sites.shape[:2], letters.shape[1], 1), letters.dtype)
    for k in range(sites.shape[2]):
        here = letters[sites[:, :, k]]  # (classes, windows, batch, 4)
        result = (here[..., :, None] * result[..., None, :]).reshape(*result.shape[:-1], -1)
    return result
