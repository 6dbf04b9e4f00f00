"""Autoregressive networks: P(a) = Π_i p(a_i | a_0 … a_{i−1}), normalised by construction.

A network is a flax module that advances a hidden state by one site. Everything else in the engine
uses it through the functions below, so a new network is one new file (docs/own_network.md).
Arrays are laid out features first, batch last: on a processor with vector registers, the few
outcomes and tens of hidden units are then loops over contiguous configurations.
"""

from typing import TypeAlias

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree

from opentdvp.engine.ansatz.interface import Parameters

#: The outcome before the first site: its one-hot vector is zero.
NOTHING = -1

Carry: TypeAlias = PyTree[Array]
Site: TypeAlias = Int[Array, ""] | int

#: Probabilities of one spin's outcomes, the same on all sites, or those of every site.
Start: TypeAlias = tuple[float, ...] | tuple[tuple[float, ...], ...]


class Autoregressive(nn.Module, kw_only=True):
    """What a network must offer; batch dimensions come last in every array.

    Attributes
    ----------
    start
        One-site probabilities of the product start state, shape (4,), or (N, 4) where sites differ:
        with fresh parameters, every conditional must be exactly these. The engine gives it.
    shape
        Lengths of the lattice, (Lx,) or (Lx, Ly); the engine gives it.
    """

    start: Start = ()
    shape: tuple[int, ...] = ()

    @property
    def stationary(self) -> bool:
        """Whether a conditional depends on the outcomes before it, not on the number of its site.

        It may depend on the site's start, which the translations of an orbit leave as it is. Local
        estimates of the orbit are then shared between translations.
        """
        return False

    @property
    def reach(self) -> int:
        """How many sites back the state of a site is read directly: 1 for a chain of states."""
        return 1

    def log_start(self, site: Site) -> Float[Array, "4"]:
        """log p of the product start state at a site."""
        logarithms = jnp.log(jnp.array(self.start))
        return logarithms if logarithms.ndim == 1 else logarithms[site]

    def initial_carry(self, batch: tuple[int, ...], dtype: DTypeLike) -> Carry:
        """Hidden state before the first site, floating-point arrays of shape (..., *batch).

        Their precision is that of all that follows.
        """
        raise NotImplementedError

    def __call__(
        self, carry: Carry, previous: Int[Array, "*batch"], site: Site
    ) -> tuple[Carry, Float[Array, "4 *batch"]]:
        """Read the outcome of the previous site; return the state and log p at `site`."""
        raise NotImplementedError


def initial_parameters(network: Autoregressive, key: PRNGKeyArray) -> Parameters:
    """Random hidden weights, exact product start state."""
    return network.init(key, network.initial_carry((1,), jnp.float64), jnp.array([NOTHING]), 0)


def advance(
    network: Autoregressive,
    parameters: Parameters,
    carry: Carry,
    previous: Int[Array, "*batch"],
    site: Site,
) -> tuple[Carry, Float[Array, "4 *batch"]]:
    """Hidden state and log p at `site`, once the outcome of the site before it is read."""
    state, log_conditional = network.apply(parameters, carry, previous, site)
    # A user's network may have constants of another precision.
    state = jax.tree.map(lambda new, old: jnp.asarray(new, old.dtype), state, carry)
    return state, jnp.asarray(log_conditional, precision(parameters))


def precision(parameters: Parameters) -> DTypeLike:
    """Floating-point type of the parameters, and so of everything computed from them."""
    return jax.tree.leaves(parameters)[0].dtype


def all_conditionals(
    network: Autoregressive, parameters: Parameters, outcomes: Int[Array, "sites *batch"]
) -> tuple[Carry, Float[Array, "sites 4 *batch"]]:
    """Hidden state and log p(· | a_0 … a_{i−1}) at every site i; the site is the first axis."""

    def step(carry: Carry, read: tuple[Array, Array]) -> tuple[Carry, tuple[Carry, Array]]:
        carry, log_conditional = advance(network, parameters, carry, *read)
        return carry, (carry, log_conditional)

    batch = outcomes.shape[1:]
    first = jnp.full((1, *batch), NOTHING, dtype=outcomes.dtype)
    inputs = (jnp.concatenate([first, outcomes[:-1]]), jnp.arange(len(outcomes)))
    return jax.lax.scan(step, network.initial_carry(batch, precision(parameters)), inputs)[1]


def later_gradients(
    network: Autoregressive,
    parameters: Parameters,
    outcomes: Int[Array, "sites *batch"],
    carries: Carry,
) -> Carry:
    """λ_i = ∂/∂h_i Σ_(k>i) log p(a_k | …) for the hidden states h_i of all sites; the last is 0."""

    def step(later: Carry, read: tuple[Carry, Array, Array, Array]) -> tuple[Carry, Carry]:
        carry, previous, outcome, site = read

        def onward(carry: Carry) -> tuple[Carry, Array]:
            carry, log_conditional = advance(network, parameters, carry, previous, site)
            return carry, select(log_conditional, outcome)

        (_, log_chosen), back = jax.vjp(onward, carry)
        (here,) = back((later, jnp.ones_like(log_chosen)))
        return here, here

    last = jax.tree.map(lambda states: jnp.zeros_like(states[-1]), carries)
    before = jax.tree.map(lambda states: states[:-1], carries)
    inputs = (before, outcomes[:-1], outcomes[1:], jnp.arange(1, len(outcomes)))
    _, gradients = jax.lax.scan(step, last, inputs, reverse=True)
    return jax.tree.map(lambda g, end: jnp.concatenate([g, end[None]]), gradients, last)


def log_probability(
    network: Autoregressive, parameters: Parameters, outcomes: Int[Array, "sites *batch"]
) -> Float[Array, "*batch"]:
    """log P(a) of the network itself, without any orbit."""

    def step(
        state: tuple[Carry, Array, Array], read: tuple[Array, Array]
    ) -> tuple[tuple[Carry, Array, Array], None]:
        carry, previous, total = state
        outcome, site = read
        carry, log_conditional = advance(network, parameters, carry, previous, site)
        return (carry, outcome, total + select(log_conditional, outcome)), None

    batch, dtype = outcomes.shape[1:], precision(parameters)
    start = (
        network.initial_carry(batch, dtype),
        jnp.full(batch, NOTHING, dtype=outcomes.dtype),
        jnp.zeros(batch, dtype),
    )
    return jax.lax.scan(step, start, (outcomes, jnp.arange(len(outcomes))))[0][2]


def select(values: Float[Array, "4 *#batch"], outcomes: Int[Array, "*#batch"]) -> Array:
    """values[outcomes, ...]: the entry of the first axis that belongs to each outcome.

    The other axes are broadcast against those of the outcomes.
    """
    # Comparisons instead of a gather: four of them vectorise over the batch.
    lower = jnp.where(outcomes == 0, values[0], values[1])
    upper = jnp.where(outcomes == 2, values[2], values[3])
    return jnp.where(outcomes < 2, lower, upper)


def sample(
    network: Autoregressive, parameters: Parameters, uniforms: Float[Array, "sites *batch"]
) -> Int[Array, "sites *batch"]:
    """Samples from the network, site by site, by inversion of the conditional distributions.

    Parameters
    ----------
    network, parameters
        The distribution.
    uniforms
        Numbers uniform in [0, 1), one for every site of every sample.
    """

    def draw(
        state: tuple[Carry, Array], read: tuple[Array, Array]
    ) -> tuple[tuple[Carry, Array], Array]:
        uniform, site = read
        carry, log_conditional = advance(network, parameters, *state, site)
        # Without the last bound, which rounding may leave below the largest uniform number.
        bounds = jnp.cumsum(jnp.exp(log_conditional), axis=0)[:-1]
        outcome = jnp.sum(uniform >= bounds, axis=0).astype(jnp.int32)
        return (carry, outcome), outcome

    batch = uniforms.shape[1:]
    start = (
        network.initial_carry(batch, precision(parameters)),
        jnp.full(batch, NOTHING, dtype=jnp.int32),
    )
    return jax.lax.scan(draw, start, (uniforms, jnp.arange(len(uniforms))))[1]
