"""Autoregressive networks: P(a) = Π_i p(a_i | a_0 … a_{i−1}), normalised by construction.

A network is a flax module that advances a hidden state by one site. Everything else in the engine
uses it through the functions below, so a new network is a new module with the two methods of
`Autoregressive` and an entry in `build_network`.
"""

from typing import Any, TypeAlias

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree

from opentdvp.config import RecurrentNetwork
from opentdvp.engine.povm import OUTCOMES

#: The outcome before the first site: its one-hot vector is zero.
NOTHING = -1

Carry: TypeAlias = PyTree[Float[Array, "..."]]
Parameters: TypeAlias = Any
ACTIVATIONS = {"tanh": nn.tanh, "elu": nn.elu}


class Autoregressive(nn.Module):
    """What a network must offer; batch dimensions come first in every array.

    `start` holds the one-site probabilities of the product start state, shape (4,): with fresh
    parameters, every conditional must be exactly these.
    """

    start: tuple[float, ...]

    def initial_carry(self, batch: tuple[int, ...], dtype: DTypeLike) -> Carry:
        """Hidden state before the first site; its precision is that of all that follows."""
        raise NotImplementedError

    def __call__(
        self, carry: Carry, previous: Int[Array, "*batch"]
    ) -> tuple[Carry, Float[Array, "*batch 4"]]:
        """Read the outcome of the previous site; return the state and log p at this site."""
        raise NotImplementedError


class StackedRecurrent(Autoregressive):
    """Stacked vanilla recurrent cells h ← f(W_x x + W_h h + b), and a softmax of the top one.

    The output kernel starts at zero and the output bias at the logarithm of the one-site
    probabilities, so that the network is the product start state whatever its hidden weights are.
    """

    width: int
    depth: int
    activation: str
    recurrent_scale: float

    def setup(self) -> None:
        """Create the layers."""
        self.cells = [
            nn.SimpleCell(
                self.width,
                activation_fn=ACTIVATIONS[self.activation],
                kernel_init=nn.initializers.normal(1.0 if layer == 0 else self.width**-0.5),
                recurrent_kernel_init=nn.initializers.orthogonal(self.recurrent_scale),
                param_dtype=jnp.float64,
            )
            for layer in range(self.depth)
        ]
        self.head = nn.Dense(
            OUTCOMES,
            kernel_init=nn.initializers.zeros,
            bias_init=lambda *_: jnp.log(jnp.array(self.start)),
            param_dtype=jnp.float64,
        )

    def initial_carry(self, batch: tuple[int, ...], dtype: DTypeLike) -> Carry:
        """Zero state of every layer."""
        return tuple(jnp.zeros((*batch, self.width), dtype) for _ in range(self.depth))

    def __call__(
        self, carry: Carry, previous: Int[Array, "*batch"]
    ) -> tuple[Carry, Float[Array, "*batch 4"]]:
        """Advance all layers by one site."""
        signal = jax.nn.one_hot(previous, OUTCOMES, dtype=carry[0].dtype)
        states = []
        for cell, state in zip(self.cells, carry, strict=True):
            new_state, signal = cell(state, signal)
            states.append(new_state)
        return tuple(states), nn.log_softmax(self.head(signal))


def build_network(settings: RecurrentNetwork, start: Float[np.ndarray, "4"]) -> Autoregressive:
    """The network of a configuration, with the one-site probabilities of its start state."""
    return StackedRecurrent(
        width=settings.width,
        depth=settings.depth,
        activation=settings.activation,
        recurrent_scale=settings.recurrent_scale,
        start=tuple(float(p) for p in start),
    )


def initial_parameters(network: Autoregressive, key: PRNGKeyArray) -> Parameters:
    """Random hidden weights, exact product start state."""
    return network.init(key, network.initial_carry((1,), jnp.float64), jnp.array([NOTHING]))


def advance(
    network: Autoregressive, parameters: Parameters, carry: Carry, previous: Int[Array, "*batch"]
) -> tuple[Carry, Float[Array, "*batch 4"]]:
    """Hidden state and log p at the next site, once the outcome of the previous one is read."""
    state, log_conditional = network.apply(parameters, carry, previous)
    return state, jnp.asarray(log_conditional)


def precision(parameters: Parameters) -> DTypeLike:
    """Floating-point type of the parameters, and so of everything computed from them."""
    return jax.tree.leaves(parameters)[0].dtype


def all_conditionals(
    network: Autoregressive, parameters: Parameters, outcomes: Int[Array, "batch sites"]
) -> tuple[Carry, Float[Array, "sites batch 4"]]:
    """Hidden state and log p(· | a_0 … a_{i−1}) at every site i; the site is the first axis."""

    def step(carry: Carry, previous: Array) -> tuple[Carry, tuple[Carry, Array]]:
        carry, log_conditional = advance(network, parameters, carry, previous)
        return carry, (carry, log_conditional)

    batch = outcomes.shape[0]
    first = jnp.full((1, batch), NOTHING, dtype=outcomes.dtype)
    inputs = jnp.concatenate([first, outcomes.T[:-1]])
    return jax.lax.scan(step, network.initial_carry((batch,), precision(parameters)), inputs)[1]


def log_probability(
    network: Autoregressive, parameters: Parameters, outcomes: Int[Array, "batch sites"]
) -> Float[Array, " batch"]:
    """log P(a) of the network itself, without any orbit."""
    _, log_conditionals = all_conditionals(network, parameters, outcomes)
    return select(log_conditionals, outcomes.T).sum(axis=0)


def select(values: Float[Array, "*batch 4"], outcomes: Int[Array, "*batch"]) -> Array:
    """values[..., outcomes]: the entry of the last axis that belongs to each outcome."""
    return jnp.take_along_axis(values, outcomes[..., None], axis=-1)[..., 0]


def sample(
    network: Autoregressive, parameters: Parameters, key: PRNGKeyArray, count: int, n_sites: int
) -> Int[Array, "count sites"]:
    """Independent samples from the network, site by site."""

    def draw(state: tuple[Carry, Array], key: PRNGKeyArray) -> tuple[tuple[Carry, Array], Array]:
        carry, log_conditional = advance(network, parameters, *state)
        outcome = jax.random.categorical(key, log_conditional).astype(jnp.int32)
        return (carry, outcome), outcome

    start = (
        network.initial_carry((count,), precision(parameters)),
        jnp.full((count,), NOTHING, dtype=jnp.int32),
    )
    return jax.lax.scan(draw, start, jax.random.split(key, n_sites))[1].T
