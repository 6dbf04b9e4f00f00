"""Outcomes that are equal up to the orbit: the ansatz gives them the same P, O and E.

Small systems have fewer such classes than a solve has samples. Each is then evaluated once, with
the number of samples that fell into it.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from opentdvp.engine.ansatz.symmetries import Symmetries
from opentdvp.engine.devices import for_samples
from opentdvp.engine.povm.tetrahedron import OUTCOMES

#: Outcomes of two bits each that fit into a signed integer of 64.
_SITES_PER_WORD = 31


def class_count(symmetries: Symmetries) -> int:
    """Number of classes: the mean number of outcomes that an element leaves alone (Burnside)."""
    elements = zip(symmetries.permutations, symmetries.shifts.tolist(), strict=True)
    return sum(_fixed(*element) for element in elements) // len(symmetries.shifts)


def _fixed(permutation: np.ndarray, shift: int) -> int:
    """4^(cycles of the permutation); none if a shift goes round a cycle of odd length."""
    sites = np.arange(len(permutation))
    graph = coo_array((np.ones_like(sites), (sites, permutation)))
    count, cycle_of = connected_components(graph)
    if shift != 0 and (np.bincount(cycle_of) % 2).any():
        return 0
    return int(OUTCOMES ** int(count))


class Classes(NamedTuple):
    """All classes of a small system.

    Attributes
    ----------
    outcomes
        One outcome per class.
    sizes
        How many outcomes are in it; they add up to 4ᴺ.
    of_outcome
        The class of every outcome, by its digits to base 4, the first site most significant.
    """

    outcomes: Int[np.ndarray, "classes sites"]
    sizes: Int[np.ndarray, " classes"]
    of_outcome: Int[np.ndarray, " outcomes"]


def all_classes(symmetries: Symmetries) -> Classes:
    """The classes of all outcomes, by listing them."""
    n_sites = symmetries.permutations.shape[1]
    outcomes = np.indices((OUTCOMES,) * n_sites).reshape(n_sites, -1).T
    digits = place_values(n_sites)
    elements = zip(symmetries.permutations, symmetries.shifts, strict=True)
    smallest = np.min([(outcomes[:, sites] ^ shift) @ digits for sites, shift in elements], axis=0)
    chosen, classes, sizes = np.unique(smallest, return_inverse=True, return_counts=True)
    return Classes(outcomes[chosen].astype(np.int32), sizes, classes.astype(np.int32))


def place_values(n_sites: int) -> Int[np.ndarray, " sites"]:
    """What the outcome of each site counts as a digit to base 4, the first site most."""
    return OUTCOMES ** np.arange(n_sites)[::-1]


def merge(
    symmetries: Symmetries,
    outcomes: Int[Array, "samples sites"],
    chunk: int,
) -> tuple[Int[Array, "rows sites"], Int[Array, " rows"]]:
    """One outcome for every class among the samples, and how many of the samples fell into it.

    There are as many rows as classes could be met, min(samples, classes of the group); those that
    are left over come last, with a count of zero.
    """
    samples, n_sites = outcomes.shape
    rows = min(samples, class_count(symmetries))

    def smallest(part: Array) -> Array:
        return _smallest_image(_words(symmetries.images(part)))

    words = for_samples(smallest, outcomes, chunk)
    distinct, counts = jnp.unique(words, axis=0, return_counts=True, size=rows, fill_value=0)
    return _outcomes(distinct, n_sites), counts


def _words(images: Int[Array, "sites orbit batch"]) -> Int[Array, "words orbit batch"]:
    """Outcomes as digits to base 4 of a few integers, the first site most significant."""
    n_sites, *rest = images.shape
    padded = jnp.pad(images.astype(jnp.int64), ((0, -n_sites % _SITES_PER_WORD), (0, 0), (0, 0)))
    digits = jnp.array(place_values(_SITES_PER_WORD))
    return jnp.tensordot(padded.reshape(-1, _SITES_PER_WORD, *rest), digits, axes=(1, 0))


def _smallest_image(words: Int[Array, "words orbit batch"]) -> Int[Array, "batch words"]:
    """The image that comes first in lexicographic order."""
    largest = jnp.iinfo(words.dtype).max
    candidates = jnp.ones(words.shape[1:], dtype=bool)
    smallest = []
    for word in words:
        smallest.append(jnp.min(jnp.where(candidates, word, largest), axis=0))
        candidates &= word == smallest[-1]
    return jnp.stack(smallest, axis=1)


def _outcomes(words: Int[Array, "rows words"], n_sites: int) -> Int[Array, "rows sites"]:
    """The inverse of `_words`."""
    shifts = 2 * jnp.arange(_SITES_PER_WORD)[::-1]
    digits = (words[:, :, None] >> shifts) % OUTCOMES
    return digits.reshape(len(words), -1)[:, :n_sites].astype(jnp.int32)
