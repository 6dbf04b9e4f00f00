"""Changed outcomes, followed over the sites behind the change until the network forgets it.

While the change is small but not forgotten, the sites that are left are linear in it: the gradient
λ of their log-probability by the hidden state, times the change of the state. What is left out is
then of second order, so that evaluation may stop when the squares are below the bound.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from opentdvp.engine.ansatz.autoregressive import Autoregressive, Carry, advance, select
from opentdvp.engine.ansatz.interface import Parameters


class Base(NamedTuple):
    """The unchanged outcomes seen by the network, at every site."""

    network: Autoregressive
    parameters: Parameters
    outcomes: Int[Array, "sites images batch"]
    carries: Carry  # (sites, ..., images, batch)
    later: Carry  # λ of the states, in the same shape
    log_conditionals: Float[Array, "sites 4 images batch"]
    log_chosen: Float[Array, "sites images batch"]
    bound: float

    def advance(self, carry: Carry, previous: Array, site: Array) -> tuple[Carry, Array]:
        """State and log-conditional at `site`, of outcomes that may be changed."""
        return advance(self.network, self.parameters, carry, previous, site)


class Followed(NamedTuple):
    """Copies of the outcomes with changes, followed over the sites behind."""

    site: Int[Array, ""]  # next to be read
    carry: Carry
    log_ratio: Float[Array, "copies images batch"]
    change: Float[Array, ""]  # of the log-conditional at the last site, to some order
    quiet: Int[Array, ""]  # sites since it was above the bound
    total: Float[Array, "images batch"]


class Pair(NamedTuple):
    """A pair of sites i < j and L^{ab} of the outcomes b that it connects to a.

    Where it `is_shared`, the ratios are the same in the images later by one stride each, as far as
    these reach.
    """

    i: Int[Array, ""]
    j: Int[Array, ""]
    rates: Float[Array, "copies images batch"]
    is_shared: Array
    stride: int


def follow(
    base: Base,
    carry: Carry,
    log_ratio: Array,
    changed: Array,
    pair: Pair,
    total: Array,
    order: int,
    stop: Array | int | None = None,
) -> Followed:
    """Read the sites behind j (before `stop`) until the change to some order is below the bound.

    For a shared pair, the ratio up to a site that is the last one of another image belongs to it.
    """
    sites = len(base.outcomes)

    def go_on(state: Followed) -> Array:
        end = sites if stop is None else stop
        return (state.site < end) & (state.quiet < base.network.reach)

    def read(state: Followed) -> Followed:
        site = state.site
        total = _share_here(state, pair, sites)
        previous = jnp.where(site - 1 == pair.j, changed, base.outcomes[site - 1])
        carry, log_conditional = base.advance(state.carry, previous, site)
        change = select(log_conditional, base.outcomes[site][None]) - base.log_chosen[site]
        size = jnp.sqrt(jnp.mean(change ** (2 * order)))
        quiet = jnp.where(size < base.bound, state.quiet + 1, 0)
        return Followed(site + 1, carry, state.log_ratio + change, size, quiet, total)

    start = Followed(
        pair.j + 1, carry, log_ratio, jnp.zeros((), log_ratio.dtype), jnp.array(0), total
    )
    return jax.lax.while_loop(go_on, read, start)


def add_rest(base: Base, end: Followed, pair: Pair) -> Array:
    """Total with the images added that reach behind the last site read, or end there."""
    return jax.lax.cond(
        end.site < len(base.outcomes),
        lambda: _add_linear(base, end, pair),
        lambda: end.total + _summed(end.log_ratio, pair, end.total),
    )


def _add_linear(base: Base, end: Followed, pair: Pair) -> Array:
    """What is left is linear in the change of the hidden state, whose gradient is λ.

    Images that end as near behind it as the pair is before it have a λ of their own; in
    those that end later it is the same as without an end.
    """
    site = end.site - 1
    change = jax.tree.map(
        lambda now, before: now - before, end.carry, copies_at(base.carries, site, 1)
    )

    def with_rest(image: Array | int) -> Array:
        there = jax.tree.map(
            lambda states: jnp.roll(states[site + image * pair.stride], image, axis=-2), base.later
        )
        return _plus_products(end.log_ratio, there, change)

    def add_one(image: Array, total: Array) -> Array:
        return _give(total, with_rest(image), pair, image)

    own = _summed(with_rest(0), pair, end.total)
    images = len(own)
    if images == 1 or pair.stride == 0:
        return end.total + own
    last = jnp.where(pair.is_shared, (len(base.outcomes) - end.site) // pair.stride, 0)
    near = -(-(end.site - pair.j) // pair.stride)
    first_near = jnp.where(pair.is_shared, jnp.maximum(last - near + 1, 0), 1)
    # Images m, …, m − first_near + 1 for every image m.
    takes = (jnp.arange(images) - jnp.arange(images)[:, None]) % images < first_near
    total = end.total + takes.astype(own.dtype) @ own
    return jax.lax.fori_loop(first_near, last + 1, add_one, total)


def _plus_products(
    log_ratio: Float[Array, "copies images batch"], gradients: Carry, changes: Carry
) -> Float[Array, "copies images batch"]:
    """Log-ratio plus the products over all hidden units; changes have one more axis, of copies."""

    def of_array(gradient: Array, change: Array) -> Array:
        product = gradient[..., None, :, :] * change
        return product.sum(axis=tuple(range(product.ndim - 3)))

    return jax.tree.reduce(jnp.add, jax.tree.map(of_array, gradients, changes), log_ratio)


def _share_here(state: Followed, pair: Pair, sites: int) -> Array:
    """Total with the images added that end just before the next site."""
    if pair.stride == 0:
        return state.total
    image, rest = jnp.divmod(sites - state.site, pair.stride)
    return jax.lax.cond(
        pair.is_shared & (rest == 0),
        lambda: _give(state.total, state.log_ratio, pair, image),
        lambda: state.total,
    )


def _give(total: Array, log_ratio: Array, pair: Pair, image: Array) -> Array:
    """Add the sum over changes in every image m to image m − `image`."""
    return total + jnp.roll(_summed(log_ratio, pair, total), -image, axis=0)


def _summed(log_ratio: Array, pair: Pair, total: Array) -> Float[Array, "images batch"]:
    """Sum over changes of their rates times P(b)/P(a), in the precision of the total."""
    return jnp.sum(pair.rates * jnp.exp(log_ratio), axis=0).astype(total.dtype)


def copies_at(carries: Carry, site: Array, copies: int) -> Carry:
    """Cached states at a site, (..., copies, images, batch)."""

    def copy(states: Array) -> Array:
        state = states[site][..., None, :, :]
        return jnp.broadcast_to(state, (*state.shape[:-3], copies, *state.shape[-2:]))

    return jax.tree.map(copy, carries)
