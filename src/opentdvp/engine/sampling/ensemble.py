"""What averages are taken over, whether it was sampled or enumerated."""

from typing import NamedTuple, Protocol, runtime_checkable

import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from opentdvp.engine.ansatz.orbit import OrbitAnsatz


class Ensemble(NamedTuple):
    """Outcomes with weights that add up to one.

    Attributes
    ----------
    outcomes, weights
        Rows that stand for nothing come last.
    counts
        How many independent samples each row stands for; None where the weights are exact.
    """

    outcomes: Int[Array, "rows sites"]
    weights: Float[Array, " rows"]
    counts: Int[Array, " rows"] | None

    @property
    def distinct(self) -> Int[Array, ""]:
        """Number of rows that stand for something."""
        if self.counts is None:
            return jnp.array(len(self.weights))
        return jnp.count_nonzero(self.counts)


@runtime_checkable
class Sampler(Protocol):
    """Draws the four ensembles of a run; a pure function of ansatz, parameters and key."""

    @property
    def is_random(self) -> bool:
        """Whether ensembles depend on their key."""
        ...

    def solve(
        self, ansatz: OrbitAnsatz, theta: Array, origin: Array, key: PRNGKeyArray
    ) -> Ensemble:
        """For S and F at θ, from samples at `origin`; averages only what the orbit keeps."""
        ...

    def held_out(self, ansatz: OrbitAnsatz, theta: Array, key: PRNGKeyArray) -> Ensemble:
        """For judging the solve."""
        ...

    def monitored(self, ansatz: OrbitAnsatz, theta: Array, key: PRNGKeyArray) -> Ensemble:
        """For the expectation values that are watched at every step."""
        ...

    def observables(self, ansatz: OrbitAnsatz, theta: Array, key: PRNGKeyArray) -> Ensemble:
        """For expectation values."""
        ...
