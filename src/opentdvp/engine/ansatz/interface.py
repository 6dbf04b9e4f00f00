"""What an ansatz is: a distribution P_θ of the outcomes of all sites, however it is made.

Autoregressive networks averaged over an orbit are one kind. The time-dependent variational
principle and the samplers know an ansatz by what stands here, and nothing else of it.
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias, runtime_checkable

import jax
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int

from opentdvp.engine.ansatz.symmetries import Symmetries

Parameters: TypeAlias = Any


@runtime_checkable
class Ansatz(Protocol):
    """A distribution with flat parameters θ; pure functions of their tree and of outcomes."""

    @property
    def symmetries(self) -> Symmetries:
        """Moves of an outcome that leave P as it is, for all θ."""
        ...

    @property
    def unravel(self) -> Callable[[Float[Array, " P"]], Parameters]:
        """From θ to the tree of parameters."""
        ...

    def log_probability(
        self, parameters: Parameters, outcomes: Int[Array, "batch sites"]
    ) -> Float[Array, " batch"]:
        """log P(a), up to a constant if P is not normalised."""
        ...

    def log_derivatives(
        self, parameters: Parameters, outcomes: Int[Array, "batch sites"]
    ) -> Float[Array, "batch P"]:
        """O_k(a) = ∂_θk log P_θ(a), up to a constant for each k if P is not normalised."""
        ...


def gradients(
    ansatz: Ansatz, parameters: Parameters, outcomes: Int[Array, "batch sites"]
) -> Float[Array, "batch P"]:
    """The log-derivatives of any ansatz, by differentiating its log-probability."""

    def of_one(outcome: Array) -> Array:
        gradient = jax.grad(lambda p: ansatz.log_probability(p, outcome[None])[0])(parameters)
        return ravel_pytree(gradient)[0]

    return jax.vmap(of_one)(outcomes)
