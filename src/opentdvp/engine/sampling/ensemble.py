"""What averages are taken over, whether it was sampled or enumerated."""

from enum import StrEnum
from typing import NamedTuple, Protocol, TypeAlias, runtime_checkable

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

#: What a sampler remembers from one draw to the next, by name; part of every checkpoint.
SamplerState: TypeAlias = dict[str, Array]


class Ensemble(NamedTuple):
    """Outcomes with weights that add up to one.

    Attributes
    ----------
    outcomes, weights
        Rows that stand for nothing come last.
    counts
        How many independent samples each row stands for; None where the weights are exact.
    log_density
        log of the distribution it was drawn from, but for a constant, if it may be reweighted.
    chain
        From 0 on, the Markov chain that each row comes from; None where rows are independent.
    log_derivatives
        O_k(a), if they depend on outcomes alone and are needed at several θ.
    parameters
        Which k those are, ascending and then P for columns of zeros; None for all.
    diagnostics
        What is worth knowing of how it was drawn, by name.
    equilibrated
        Whether that was good enough.
    """

    outcomes: Int[Array, "rows sites"]
    weights: Float[Array, " rows"]
    counts: Int[Array, " rows"] | None
    log_density: Float[Array, " rows"] | None = None
    chain: Int[Array, " rows"] | None = None
    log_derivatives: Float[Array, "rows columns"] | None = None
    parameters: Int[Array, " columns"] | None = None
    diagnostics: dict[str, Float[Array, ""]] = {}
    equilibrated: Bool[Array, ""] | bool = True

    @property
    def distinct(self) -> Int[Array, ""]:
        """Number of rows that stand for something."""
        if self.counts is None:
            return jnp.array(len(self.weights))
        return jnp.count_nonzero(self.counts)


class Purpose(StrEnum):
    """What an ensemble is for; how large it is, and how it is drawn, may depend on it."""

    SOLVE = "solve"  # S and F; averages only what the ansatz' symmetries keep
    HELD_OUT = "held_out"  # judging the solve
    MONITOR = "monitor"  # the expectation values that are watched at every step
    OBSERVABLES = "observables"
    BURN_IN = "burn_in"  # following kept parameters, where draws depend on each other


@runtime_checkable
class Sampler(Protocol):
    """Draws the ensembles of a run from an ansatz of its own; pure functions."""

    @property
    def is_random(self) -> bool:
        """Whether ensembles depend on their key."""
        ...

    def init(self, key: PRNGKeyArray) -> SamplerState:
        """The state at the product start state; empty where draws do not depend on each other."""
        ...

    def draw(
        self, purpose: Purpose, theta: Float[Array, " P"], state: SamplerState, key: PRNGKeyArray
    ) -> tuple[SamplerState, Ensemble]:
        """An ensemble at θ, and the state that the next draw goes on from."""
        ...

    def reweighted(self, ensemble: Ensemble, theta: Float[Array, " P"]) -> Ensemble:
        """An ensemble for the solve that was drawn elsewhere, with its weights at this θ."""
        ...
