"""Symmetry orbit: P(a) = mean over symmetries τ of P_net(τa), exactly symmetric.

With w_τ(a) = P_net(τa) / Σ_τ' P_net(τ'a), both the log-derivatives and the local estimates of the
mixture are means of those of the network: O(a) = Σ_τ w_τ O_net(τa), E(a) = Σ_τ w_τ E_net(τa). The
second needs a generator that the symmetries leave unchanged, which is checked.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int

from opentdvp.engine.ansatz.autoregressive import Autoregressive, log_probability, sample
from opentdvp.engine.ansatz.interface import Parameters, gradients
from opentdvp.engine.ansatz.symmetries import Symmetries


class OrbitAnsatz(NamedTuple):
    """The variational distribution: a network averaged over a group, with flat parameters θ."""

    network: Autoregressive
    symmetries: Symmetries
    unravel: Callable[[Array], Parameters]

    @property
    def order(self) -> int:
        """Number of images of an outcome."""
        return len(self.symmetries.permutations)

    def images(self, outcomes: Int[Array, "batch sites"]) -> Int[Array, "sites orbit batch"]:
        """All τa."""
        return self.symmetries.images(outcomes)

    def log_probability(
        self, parameters: Parameters, outcomes: Int[Array, "batch sites"]
    ) -> Float[Array, " batch"]:
        """log P(a) = log of the mean of P_net over the orbit."""
        log_net = log_probability(self.network, parameters, self.images(outcomes))
        return jax.nn.logsumexp(log_net, axis=0) - jnp.log(self.order)

    def log_derivatives(
        self, parameters: Parameters, outcomes: Int[Array, "batch sites"]
    ) -> Float[Array, "batch P"]:
        """O_k(a) = ∂_θk log P_θ(a)."""
        return gradients(self, parameters, outcomes).astype(jnp.float64)

    def sample(
        self, parameters: Parameters, uniforms: Float[Array, "count dimensions"]
    ) -> Int[Array, "count sites"]:
        """Exact samples: sample the network, apply a random element of the orbit.

        The last of the numbers uniform in [0, 1) chooses the element.
        """
        outcomes = sample(self.network, parameters, uniforms[:, :-1].T).T
        # The orbit is a group, so the inverse of a random element is a random element.
        chosen = (uniforms[:, -1] * self.order).astype(jnp.int32)
        permutations, shifts, *_ = map(jnp.asarray, self.symmetries)
        moved = jnp.take_along_axis(outcomes, permutations[chosen], axis=1)
        return moved ^ shifts[chosen, None].astype(moved.dtype)


def make_ansatz(
    network: Autoregressive, symmetries: Symmetries, parameters: Parameters
) -> tuple[OrbitAnsatz, Float[Array, " P"]]:
    """The ansatz and the flat form of its parameters."""
    theta, unravel = ravel_pytree(parameters)
    return OrbitAnsatz(network, symmetries, unravel), theta
