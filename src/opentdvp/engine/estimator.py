"""Local estimates E(a) = Σ_b L^{ab} P(b)/P(a) (paper, eq. 5) in N·w² instead of N³ cells.

A generator on the sites i < j connects a to outcomes that differ from it on them. Four things keep
the work small. Up to site i the network has not seen the change: its cached state is the start.
Between i and j only the 3 changes of site i exist. Behind the change the network forgets it, and
what is left of the ratio is dropped once the conditionals differ by less than a bound. It also
forgets where it began: in the images of a translation orbit, a change that lies deep enough behind
the first site has the same ratio in all of them, and is evaluated in one.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from opentdvp.engine.ansatz import (
    Autoregressive,
    Carry,
    Parameters,
    advance,
    all_conditionals,
    select,
)
from opentdvp.engine.lindblad import Generator
from opentdvp.engine.povm import OUTCOMES


class Estimates(NamedTuple):
    """Local estimates of images of outcomes, and how they were approximated.

    Attributes
    ----------
    values
        E of every image.
    log_probability
        log P of every image.
    forgotten
        Largest root-mean-square change of a log-conditional at which evaluation stopped.
    prefix, suffix
        Distinct distances from the first site, and sites behind a change, that were evaluated.
    """

    values: Float[Array, "images batch"]
    log_probability: Float[Array, "images batch"]
    forgotten: Float[Array, ""]
    prefix: Int[Array, ""]
    suffix: Int[Array, ""]


class _Base(NamedTuple):
    """The unchanged outcomes seen by the network, at every site."""

    network: Autoregressive
    parameters: Parameters
    outcomes: Int[Array, "sites images batch"]
    carries: Carry  # (sites, ..., images, batch)
    log_conditionals: Float[Array, "sites 4 images batch"]
    log_chosen: Float[Array, "sites images batch"]
    bound: float

    def advance(self, carry: Carry, previous: Array, site: Array) -> tuple[Carry, Array]:
        return advance(self.network, self.parameters, carry, previous, site)


class _Followed(NamedTuple):
    """Copies of the outcomes with changes, followed over the sites behind."""

    site: Int[Array, ""]  # next to be read
    carry: Carry
    log_ratio: Float[Array, "copies images batch"]
    change: Float[Array, ""]  # of the log-conditional at the last site
    quiet: Int[Array, ""]  # sites since it was above the bound
    total: Float[Array, "images batch"]


class _Pair(NamedTuple):
    """A pair of sites: where, L^{ab} of the outcomes b that it connects, and its distinct images.

    `shared` is the number of images, later by one stride each, in which the ratios are the same.
    """

    i: Int[Array, ""]
    j: Int[Array, ""]
    rates: Float[Array, "copies images batch"]
    is_shared: Array
    stride: int


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
        L as a sum over pairs of sites.
    outcomes
        The outcomes a. Memory grows as images × batch × width × (sites + 15).
    bound
        Root-mean-square change of the log-conditionals below which a change counts as forgotten;
        0 for the exact estimates.
    stride
        Image m + 1 is image m moved by this many sites against the network, if that leaves
        the generator as it is; 0 for images that share nothing.
    """
    carries, log_conditionals = all_conditionals(network, parameters, outcomes)
    log_chosen = jax.vmap(select)(log_conditionals, outcomes)
    base = _Base(network, parameters, outcomes, carries, log_conditionals, log_chosen, bound)
    prefix, deviation = _distinct_prefixes(base, stride)
    first, second = jnp.array(generator.pairs).T
    rates, diagonal = jnp.array(generator.rates), jnp.array(generator.diagonal)

    def add_pair(number: Array, state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        total, forgotten, suffix = state
        i, j = first[number], second[number]
        a_i, a_j = outcomes[i], outcomes[j]
        pair_rates = rates[number][:, a_i, a_j].astype(log_chosen.dtype)
        pair = _Pair(i, j, pair_rates, i >= prefix - stride, stride)
        end = _add_pair(base, generator, pair, total)
        stopped = jnp.where(end.site < len(outcomes), end.change, 0.0)
        return end.total, jnp.maximum(forgotten, stopped), jnp.maximum(suffix, end.site - j - 1)

    total = jnp.zeros(outcomes.shape[1:])
    for number, (i, j) in enumerate(generator.pairs):
        total += diagonal[number][outcomes[i], outcomes[j]]
    state = (total, deviation.astype(log_chosen.dtype), jnp.zeros((), first.dtype))
    if len(generator.shifts):
        state = jax.lax.fori_loop(0, jnp.sum(first < prefix), add_pair, state)
    total, forgotten, suffix = state
    return Estimates(total, log_chosen.sum(axis=0), forgotten, prefix, suffix)


def _distinct_prefixes(base: _Base, stride: int) -> tuple[Array, Array]:
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


def _add_pair(base: _Base, generator: Generator, pair: _Pair, total: Array) -> _Followed:
    """Add Σ_b L^{ab} P(b)/P(a) over the outcomes b that one pair connects to a."""
    state, log_ratio = _change_first(base, pair)
    carry, log_ratio, changed = _change_second(base, generator, pair, state, log_ratio)
    end = _follow(base, carry, log_ratio, changed, pair, total)
    sites = len(base.outcomes)
    last = jnp.where(pair.is_shared, (sites - end.site) // max(pair.stride, 1), 0)
    return end._replace(total=_share(end.total, end.log_ratio, pair, 0, last))


def _change_first(base: _Base, pair: _Pair) -> tuple[tuple[Carry, Array], Array]:
    """The 3 changes of the outcome at i: state and conditional at j, log P(b)/P(a) before j."""
    i, j = pair.i, pair.j
    changed = base.outcomes[i] ^ jnp.arange(1, OUTCOMES)[:, None, None]
    at_i = _select_copies(base.log_conditionals[i][:, None], changed)
    log_ratio = at_i - base.log_chosen[i]
    carry = _copies(base.carries, i, OUTCOMES - 1)
    nothing = jnp.zeros(base.outcomes.shape[1:])
    unshared = pair._replace(j=i, stride=0)
    end = _follow(base, carry, log_ratio, changed, unshared, nothing, stop=j)
    carry = jax.tree.map(
        lambda now, cached: jnp.where(end.site < j, cached, now),
        end.carry,
        _copies(base.carries, j - 1, OUTCOMES - 1),
    )
    previous = jnp.where(j - 1 == i, changed, base.outcomes[j - 1])
    return base.advance(carry, previous, j), end.log_ratio


def _change_second(
    base: _Base, generator: Generator, pair: _Pair, state: tuple[Carry, Array], log_ratio: Array
) -> tuple[Carry, Array, Array]:
    """The changes of both sites that the generator connects, at site j."""
    carry, log_conditional = state
    j = pair.j
    first, second = generator.shifts.T
    carry = jax.tree.map(
        lambda unchanged, states: jnp.concatenate([unchanged, states], axis=-3)[..., first, :, :],
        _copies(base.carries, j, 1),
        carry,
    )
    log_conditional = jnp.concatenate([base.log_conditionals[j][:, None], log_conditional], axis=1)
    log_ratio = jnp.concatenate([jnp.zeros_like(log_ratio[:1]), log_ratio])[first]
    changed = base.outcomes[j] ^ jnp.array(second)[:, None, None]
    at_j = _select_copies(log_conditional[:, first], changed)
    return carry, log_ratio + at_j - base.log_chosen[j], changed


def _follow(
    base: _Base,
    carry: Carry,
    log_ratio: Array,
    changed: Array,
    pair: _Pair,
    total: Array,
    stop: Array | int | None = None,
) -> _Followed:
    """Read the sites behind j (before `stop`) until the change is forgotten.

    For a shared pair, the ratio up to a site that is the last one of another image belongs to it.
    """
    sites = len(base.outcomes)

    def go_on(state: _Followed) -> Array:
        end = sites if stop is None else stop
        return (state.site < end) & (state.quiet < base.network.reach)

    def read(state: _Followed) -> _Followed:
        site = state.site
        total = _share_here(state, pair, sites)
        previous = jnp.where(site - 1 == pair.j, changed, base.outcomes[site - 1])
        carry, log_conditional = base.advance(state.carry, previous, site)
        outcome = jnp.broadcast_to(base.outcomes[site], previous.shape)
        change = select(log_conditional, outcome) - base.log_chosen[site]
        size = jnp.sqrt(jnp.mean(change**2))
        quiet = jnp.where(size < base.bound, state.quiet + 1, 0)
        return _Followed(site + 1, carry, state.log_ratio + change, size, quiet, total)

    start = _Followed(
        pair.j + 1, carry, log_ratio, jnp.zeros((), log_ratio.dtype), jnp.array(0), total
    )
    return jax.lax.while_loop(go_on, read, start)


def _share_here(state: _Followed, pair: _Pair, sites: int) -> Array:
    """Total with the images added that end just before the next site."""
    if pair.stride == 0:
        return state.total
    image, rest = jnp.divmod(sites - state.site, pair.stride)
    return jax.lax.cond(
        pair.is_shared & (rest == 0),
        lambda: _share(state.total, state.log_ratio, pair, image, image),
        lambda: state.total,
    )


def _share(
    total: Array, log_ratio: Array, pair: _Pair, first: Array | int, last: Array
) -> Float[Array, "images batch"]:
    """Add the sum over changes to images m − first, …, m − last for every image m."""
    value = jnp.sum(pair.rates * jnp.exp(log_ratio), axis=0).astype(total.dtype)
    images = len(total)
    if images == 1 or pair.stride == 0:
        return total + value
    distance = (jnp.arange(images) - jnp.arange(images)[:, None]) % images
    takes = (distance >= first) & (distance <= last)
    return total + takes.astype(total.dtype) @ value


def _copies(carries: Carry, site: Array, copies: int) -> Carry:
    """Cached states at a site, (..., copies, images, batch)."""

    def copy(states: Array) -> Array:
        state = states[site][..., None, :, :]
        return jnp.broadcast_to(state, (*state.shape[:-3], copies, *state.shape[-2:]))

    return jax.tree.map(copy, carries)


def _select_copies(values: Float[Array, "4 some images batch"], outcomes: Array) -> Array:
    """Entries of the outcomes of all copies; `values` may be the same for all copies."""
    return select(jnp.broadcast_to(values, (OUTCOMES, *outcomes.shape)), outcomes)
