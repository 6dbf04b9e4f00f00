"""Local estimates E(a) = Σ_b L^{ab} P(b)/P(a) (paper, eq. 5) in N·w² instead of N³ cells.

A generator on the sites i < j connects a to outcomes that differ from it on them. Four things keep
the work small. Up to site i the network has not seen the change: its cached state is the start.
Between i and j only the 3 changes of site i exist. Behind the change the network forgets it: once
the squares of their changes are below a bound, the rest of the ratio is linear in them. It also
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
    all_conditionals,
    later_gradients,
    select,
)
from opentdvp.engine.following import Base, Followed, Pair, add_rest, copies_at, follow
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
        L as a sum over pairs of sites.
    outcomes
        The outcomes a. Memory grows as images × batch × width × (2 sites + 15).
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
    first, second = jnp.array(generator.pairs).T
    rates, diagonal = jnp.array(generator.rates), jnp.array(generator.diagonal)

    def add_pair(number: Array, state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        total, forgotten, suffix = state
        i, j = first[number], second[number]
        a_i, a_j = outcomes[i], outcomes[j]
        pair_rates = rates[number][:, a_i, a_j].astype(log_chosen.dtype)
        pair = Pair(i, j, pair_rates, i >= prefix - stride, stride)
        end = _add_pair(base, generator, pair, total)
        stopped = jnp.where(end.site < len(outcomes), end.change, 0.0)
        return end.total, jnp.maximum(forgotten, stopped), jnp.maximum(suffix, end.site - j - 1)

    every_pair = jnp.arange(len(first))[:, None, None]
    total = diagonal[every_pair, outcomes[first], outcomes[second]].sum(axis=0)
    state = (total, deviation.astype(log_chosen.dtype), jnp.zeros((), first.dtype))
    if len(generator.shifts):
        state = jax.lax.fori_loop(0, jnp.sum(first < prefix), add_pair, state)
    total, forgotten, suffix = state
    return Estimates(total, log_chosen.sum(axis=0), forgotten, prefix, suffix)


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


def _add_pair(base: Base, generator: Generator, pair: Pair, total: Array) -> Followed:
    """Add Σ_b L^{ab} P(b)/P(a) over the outcomes b that one pair connects to a."""
    state, log_ratio = _change_first(base, pair)
    carry, log_ratio, changed = _change_second(base, generator, pair, state, log_ratio)
    end = follow(base, carry, log_ratio, changed, pair, total, order=2)
    return end._replace(total=add_rest(base, end, pair))


def _change_first(base: Base, pair: Pair) -> tuple[tuple[Carry, Array], Array]:
    """The 3 changes of the outcome at i: state and conditional at j, log P(b)/P(a) before j."""
    i, j = pair.i, pair.j
    changed = base.outcomes[i] ^ jnp.arange(1, OUTCOMES)[:, None, None]
    at_i = select(base.log_conditionals[i][:, None], changed)
    log_ratio = at_i - base.log_chosen[i]
    carry = copies_at(base.carries, i, OUTCOMES - 1)
    nothing = jnp.zeros(base.outcomes.shape[1:])
    unshared = pair._replace(j=i, stride=0)
    end = follow(base, carry, log_ratio, changed, unshared, nothing, order=1, stop=j)
    carry = jax.tree.map(
        lambda now, cached: jnp.where(end.site < j, cached, now),
        end.carry,
        copies_at(base.carries, j - 1, OUTCOMES - 1),
    )
    previous = jnp.where(j - 1 == i, changed, base.outcomes[j - 1])
    return base.advance(carry, previous, j), end.log_ratio


def _change_second(
    base: Base, generator: Generator, pair: Pair, state: tuple[Carry, Array], log_ratio: Array
) -> tuple[Carry, Array, Array]:
    """The changes of both sites that the generator connects, at site j."""
    carry, log_conditional = state
    j = pair.j
    first, second = generator.shifts.T
    carry = jax.tree.map(
        lambda unchanged, states: jnp.concatenate([unchanged, states], axis=-3)[..., first, :, :],
        copies_at(base.carries, j, 1),
        carry,
    )
    log_conditional = jnp.concatenate([base.log_conditionals[j][:, None], log_conditional], axis=1)
    log_ratio = jnp.concatenate([jnp.zeros_like(log_ratio[:1]), log_ratio])[first]
    changed = base.outcomes[j] ^ jnp.array(second)[:, None, None]
    at_j = select(log_conditional[:, first], changed)
    return carry, log_ratio + at_j - base.log_chosen[j], changed
