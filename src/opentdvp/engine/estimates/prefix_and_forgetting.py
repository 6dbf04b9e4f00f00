"""Local estimates E(a) = Σ_b L^{ab} P(b)/P(a) (paper, eq. 5) in N·w² instead of N³ cells.

A generator on the sites i < j connects a to outcomes that differ from it on one of them or on both.
Five things keep the work small. Up to site i the network has not seen the change: its cached state
is the start. Between i and j only the 3 changes of site i exist. Outcomes that differ on one site
alone are the same for all pairs that contain it, and are followed once. Behind the change the
network forgets it: once the squares of their changes are below a bound, the rest of the ratio is
linear in them. It also forgets where it began: in the images of a translation orbit, a change that
lies deep enough behind the first site has the same ratio in all of them, and is evaluated in one.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from opentdvp.engine.ansatz.autoregressive import (
    Autoregressive,
    Carry,
    all_conditionals,
    later_gradients,
    select,
)
from opentdvp.engine.ansatz.interface import Parameters
from opentdvp.engine.estimates.changed_outcomes import Base, Pair, add_rest, copies_at, follow
from opentdvp.engine.povm.generator import Generator, Groups


class Changes(NamedTuple):
    """How the outcomes b differ from a on one site, or on a pair, that the generator connects to a.

    Attributes
    ----------
    shifts
        a ^ b, bitwise: of the one site, shape (K,), or of both, shape (K, 2).
    rates
        L^{ab}, by site, (sites, K, images, batch), or by pair and outcomes there, (B, K, 4, 4).
    """

    shifts: Int[np.ndarray, "K ..."]
    rates: Float[Array, "places K ..."]


class Sums(NamedTuple):
    """What is summed up over all sites and pairs; as in `Estimates`."""

    total: Float[Array, "images batch"]
    forgotten: Float[Array, ""]
    suffix: Int[Array, ""]


class Estimates(NamedTuple):
    """Local estimates of images of outcomes, and how they were approximated.

    Attributes
    ----------
    values
        E of every image.
    log_probability
        log P of every image.
    forgotten
        Largest root-mean-square change of a log-conditional that was left out: the difference
        between shared images, or the square of the one at which evaluation stopped.
    prefix, suffix
        Distinct distances from the first site, and sites behind a change, that were evaluated.
    """

    values: Float[Array, "images batch"]
    log_probability: Float[Array, "images batch"]
    forgotten: Float[Array, ""]
    prefix: Int[Array, ""]
    suffix: Int[Array, ""]


def local_estimates(
    network: Autoregressive,
    parameters: Parameters,
    generator: Generator,
    outcomes: Int[Array, "sites images batch"],
    bound: float,
    stride: int,
) -> Estimates:
    """E(a) of the network itself for images of a batch of outcomes, all evaluated together.

    Parameters
    ----------
    network, parameters
        The distribution P.
    generator
        L as a sum over pairs of sites, at some time.
    outcomes
        The outcomes a. Memory grows as images × batch × width × (2 sites + 9).
    bound
        Root-mean-square change of the log-conditionals below which a change counts as forgotten;
        behind a pair, of their squares, below which it counts as linear. 0 for the exact estimates.
    stride
        Image m + 1 is image m moved by this many sites against the network, if that leaves
        the generator as it is; 0 for images that share nothing.
    """
    carries, log_conditionals = all_conditionals(network, parameters, outcomes)
    log_chosen = jax.vmap(select)(log_conditionals, outcomes)
    later = later_gradients(network, parameters, outcomes, carries)
    base = Base(network, parameters, outcomes, carries, later, log_conditionals, log_chosen, bound)
    prefix, deviation = _distinct_prefixes(base, stride)
    (pairs,) = generator.groups
    first, second = jnp.array(pairs.sites).T
    on_one, on_both = _changes_of_sites(pairs, outcomes), _changes_of_pairs(pairs)

    def place(i: Array, j: Array, rates: Array) -> Pair:
        return Pair(i, j, rates.astype(log_chosen.dtype), i >= prefix - stride, stride)

    def add_site(site: Array, sums: Sums) -> Sums:
        return _add_site(base, on_one.shifts, place(site, site, on_one.rates[site]), sums)

    def add_pair(number: Array, sums: Sums) -> Sums:
        i, j = first[number], second[number]
        rates = on_both.rates[number][:, outcomes[i], outcomes[j]]
        return _add_pair(base, on_both.shifts, place(i, j, rates), sums)

    every_pair = jnp.arange(len(first))[:, None, None]
    diagonal = jnp.array(pairs.diagonal)[every_pair, outcomes[first], outcomes[second]]
    sums = Sums(diagonal.sum(axis=0), deviation.astype(log_chosen.dtype), jnp.zeros((), int))
    if len(on_one.shifts):
        sums = jax.lax.fori_loop(0, prefix, add_site, sums)
    if len(on_both.shifts):
        sums = jax.lax.fori_loop(0, jnp.sum(first < prefix), add_pair, sums)
    return Estimates(sums.total, log_chosen.sum(axis=0), sums.forgotten, prefix, sums.suffix)


def _changes_of_sites(groups: Groups, outcomes: Int[Array, "sites images batch"]) -> Changes:
    """Changes of one site: their rates are sums over the pairs that contain it."""
    pairs, shifts = jnp.array(groups.sites), groups.shifts
    kinds = np.unique(shifts[(shifts == 0).any(axis=1)].sum(axis=1))
    places = jnp.arange(len(pairs))[:, None, None]
    rates = jnp.zeros((len(outcomes), len(kinds), *outcomes.shape[1:]))
    for number, (first, second) in enumerate(shifts):
        if first and second:
            continue
        site = pairs[:, 0] if first else pairs[:, 1]
        on_pairs = jnp.array(groups.rates[:, number])[
            places, outcomes[pairs[:, 0]], outcomes[pairs[:, 1]]
        ]
        rates = rates.at[site, np.searchsorted(kinds, first + second)].add(on_pairs)
    return Changes(kinds, rates)


def _changes_of_pairs(groups: Groups) -> Changes:
    """Changes of both sites."""
    both = (groups.shifts != 0).all(axis=1)
    return Changes(groups.shifts[both], jnp.array(groups.rates[:, both]))


def _distinct_prefixes(base: Base, stride: int) -> tuple[Array, Array]:
    """Number of first sites behind which all images are alike, and how far they are not.

    Site i of image m is site i − stride of image m + 1, which has read `stride` sites less.
    """
    sites, _, images, _ = base.log_conditionals.shape
    if stride == 0 or images == 1:
        return jnp.array(sites), jnp.zeros(())
    later = jnp.roll(base.log_conditionals, -1, axis=2)[: sites - stride]
    difference = base.log_conditionals[stride:] - later
    deviations = jnp.sqrt(jnp.mean(difference**2, axis=(1, 2, 3)))
    # The largest from a site on: it has to be, and to stay, below the bound.
    largest = jax.lax.cummax(deviations, reverse=True)
    prefix = stride + jnp.sum(largest >= base.bound)
    deviation = jnp.where(prefix < sites, largest[jnp.minimum(prefix, sites - 1) - stride], 0.0)
    return prefix, deviation


def _add_site(base: Base, shifts: np.ndarray, place: Pair, sums: Sums) -> Sums:
    """Add Σ_b L^{ab} P(b)/P(a) over the outcomes b that differ from a on one site."""
    site = place.i
    changed, log_ratio = _changed_at(base, site, shifts)
    carry = copies_at(base.carries, site, len(shifts))
    return _followed(base, carry, log_ratio, changed, place, sums)


def _add_pair(base: Base, shifts: np.ndarray, pair: Pair, sums: Sums) -> Sums:
    """Add Σ_b L^{ab} P(b)/P(a) over the outcomes b that differ from a on both sites."""
    kinds, first = np.unique(shifts[:, 0], return_inverse=True)
    (carry, log_conditional), log_ratio = _change_first(base, kinds, pair)
    carry = jax.tree.map(partial(_copied, copies=first, axis=-3), carry)
    changed = base.outcomes[pair.j] ^ jnp.array(shifts[:, 1])[:, None, None]
    at_j = select(_copied(log_conditional, first, axis=1), changed)
    log_ratio = _copied(log_ratio, first, axis=0) + at_j - base.log_chosen[pair.j]
    return _followed(base, carry, log_ratio, changed, pair, sums)


def _followed(
    base: Base, carry: Carry, log_ratio: Array, changed: Array, pair: Pair, sums: Sums
) -> Sums:
    """Sums with those over the changes that end at j added."""
    sites = len(base.outcomes)
    end = follow(base, carry, log_ratio, changed, pair, sums.total, order=2)
    stopped = jnp.where(end.site < sites, end.change, 0.0)
    return Sums(
        add_rest(base, end, pair),
        jnp.maximum(sums.forgotten, stopped),
        jnp.maximum(sums.suffix, end.site - pair.j - 1),
    )


def _change_first(base: Base, shifts: np.ndarray, pair: Pair) -> tuple[tuple[Carry, Array], Array]:
    """The changes of the outcome at i: state and conditional at j, log P(b)/P(a) before j."""
    i, j = pair.i, pair.j
    changed, log_ratio = _changed_at(base, i, shifts)
    carry = copies_at(base.carries, i, len(shifts))
    nothing = jnp.zeros(base.outcomes.shape[1:])
    unshared = pair._replace(j=i, stride=0)
    end = follow(base, carry, log_ratio, changed, unshared, nothing, order=1, stop=j)
    carry = jax.tree.map(
        lambda now, cached: jnp.where(end.site < j, cached, now),
        end.carry,
        copies_at(base.carries, j - 1, len(shifts)),
    )
    previous = jnp.where(j - 1 == i, changed, base.outcomes[j - 1])
    return base.advance(carry, previous, j), end.log_ratio


def _changed_at(base: Base, site: Array, shifts: np.ndarray) -> tuple[Array, Array]:
    """The outcomes at a site changed, and the change of log p there."""
    changed = base.outcomes[site] ^ jnp.array(shifts)[:, None, None]
    at_site = select(base.log_conditionals[site][:, None], changed)
    return changed, at_site - base.log_chosen[site]


def _copied(values: Array, copies: np.ndarray, axis: int) -> Array:
    """Entries along an axis, some more than once; slices, which are faster here than a gather."""
    entries = [jax.lax.index_in_dim(values, copy, axis) for copy in range(values.shape[axis])]
    return jnp.concatenate([entries[copy] for copy in copies], axis=axis)
