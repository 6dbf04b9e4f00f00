"""Expectation values of Pauli strings, in groups of independent samples, from an ensemble.

The weight of a string is the product of the weights of its Pauli matrices, Ω(a) = Π_i 3 s_i^{a_i},
and its expectation value is <Ω>. Where the ansatz knows the outcomes of a site given all others,
one Pauli matrix of a string after the other has its conditional mean in place of its weight
(`given_rest`).
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from opentdvp.engine.devices import for_samples
from opentdvp.engine.measuring.given_rest import GivenRest
from opentdvp.engine.povm.tetrahedron import Povm
from opentdvp.engine.sampling.ensemble import Ensemble
from opentdvp.physics.pauli.strings import PauliString
from opentdvp.physics.spin import AXES

#: Samples, and strings, whose weights are together in memory: they fit the cache.
_SAMPLES, _STRINGS = 256, 128

#: Of independent samples; a standard error from so many is known to 1/√(2 · 31), 13 %.
_GROUPS = 32

#: Means of every group, shape (groups, strings); one row for an enumeration.
Means = Float[Array, "groups strings"]


class _Places(NamedTuple):
    """Where the weights of the Pauli matrices of strings are, the identity in place of none.

    Attributes
    ----------
    numbers
        Site + N · letter, shape (S, L) for strings of at most L letters.
    shares
        1 over the number of letters, 0 where there is none.
    """

    numbers: Int[np.ndarray, "strings letters"]
    shares: Float[np.ndarray, "strings letters"]


def expectations(
    ensemble: Ensemble,
    povm: Povm,
    strings: Sequence[PauliString],
    independent: int,
    given_rest: GivenRest | None = None,
) -> Means:
    """Expectation values of strings in each group of samples.

    Parameters
    ----------
    independent
        How many independent parts the ensemble has one after the other, equal in size: its samples,
        or its Markov chains.

    Returns
    -------
    Of groups as equal as they can be, so that their mean is the estimate and their spread its
    error; of an enumeration one row without an error.
    """
    n_sites = ensemble.outcomes.shape[1]
    places = _places(strings, n_sites)
    tables = jnp.array([np.ones(len(povm.directions)), *map(povm.weights, AXES)])

    def of_block(block: tuple[Array, Array]) -> Array:
        outcomes, weights = block[0].T.astype(jnp.int32), block[1]
        drawn = tables[:, outcomes].reshape(-1, len(weights))
        if given_rest is None:
            return _sums(drawn, None, places, weights)
        expected = jnp.tensordot(tables, given_rest(outcomes), 1).reshape(drawn.shape)
        return _sums(drawn, expected, places, weights)

    def of_group(group: tuple[Array, Array]) -> Array:
        outcomes, weights = group[0][0], group[1][0]
        return jax.lax.map(of_block, (_blocks(outcomes), _blocks(weights))).sum(axis=0)[None]

    return for_samples(of_group, _grouped(ensemble, independent), 1)


def _grouped(ensemble: Ensemble, independent: int) -> tuple[Array, Array]:
    """Outcomes and weights by group; those of a group add up to one, with zeros at its end."""
    rows = len(ensemble.weights)
    if ensemble.counts is None:
        return ensemble.outcomes[None], ensemble.weights[None]
    count = min(_GROUPS, independent)
    bounds = np.linspace(0, independent, count + 1).astype(int) * (rows // independent)
    largest = max(last - first for first, last in pairwise(bounds))
    numbers = bounds[:-1, None] + np.arange(largest)
    there = numbers < bounds[1:, None]
    numbers = np.where(there, numbers, 0)
    weights = jnp.where(there, ensemble.weights[numbers], 0)
    return ensemble.outcomes[numbers], weights / weights.sum(axis=1, keepdims=True)


def _places(strings: Sequence[PauliString], n_sites: int) -> _Places:
    longest = max(1, *map(len, strings))
    numbers = np.zeros((len(strings), longest), dtype=np.int32)
    shares = np.zeros(numbers.shape)
    for row, string in enumerate(strings):
        for column, (site, letter) in enumerate(string):
            numbers[row, column] = site + n_sites * (1 + AXES.index(letter))
        # The identity is its own conditional mean.
        shares[row, : max(1, len(string))] = 1 / max(1, len(string))
    return _Places(numbers, shares)


def _blocks(values: Array) -> Array:
    """In parts that are together in memory, filled up with zeros, which have no weight."""
    missing = -len(values) % min(_SAMPLES, len(values))
    padded = jnp.pad(values, ((0, missing), *((0, 0),) * (values.ndim - 1)))
    return padded.reshape(-1, min(_SAMPLES, len(values)), *values.shape[1:])


def _sums(
    drawn: Float[Array, "numbers samples"],
    expected: Float[Array, "numbers samples"] | None,
    places: _Places,
    weights: Float[Array, " samples"],
) -> Float[Array, " strings"]:
    """Weighted sums over samples of the products of each string."""

    def of_string(place: tuple[Array, Array]) -> Array:
        numbers, shares = place
        factors = drawn[numbers]
        if expected is None:
            return jnp.prod(factors, axis=0) @ weights
        own = np.eye(len(numbers), dtype=bool)[:, :, None]
        products = jnp.prod(jnp.where(own, expected[numbers], factors), axis=1)
        return shares @ (products @ weights)

    together = min(_STRINGS, len(places.numbers))
    return jax.lax.map(of_string, tuple(map(jnp.array, places)), batch_size=together)
