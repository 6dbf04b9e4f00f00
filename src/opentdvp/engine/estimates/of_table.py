"""Local estimates from a table of log P: a small system has fewer outcomes than connections."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from opentdvp.engine.ansatz.interface import Parameters
from opentdvp.engine.ansatz.orbit_classes import place_values
from opentdvp.engine.estimates.estimator import Estimate
from opentdvp.engine.povm.generator import Generator
from opentdvp.engine.sampling.enumeration import Enumerator

#: Diagnostics of other estimators, all zero: nothing is left out.
_EXACT = ("forgotten", "window_prefix", "window_suffix")


@dataclass(frozen=True, eq=False)
class TableEstimator:
    """E of every class of outcomes that an enumerator has listed."""

    enumerator: Enumerator
    generator: Generator

    def __call__(
        self,
        parameters: Parameters,
        outcomes: Int[Array, "rows sites"],
        needed: Int[Array, ""] | None = None,
    ) -> Estimate:
        """As for every estimator; the outcomes are those of the enumerator's classes."""
        log_probability = self.enumerator.log_probability(parameters)
        class_of = jnp.array(self.enumerator.classes.of_outcome)
        places = jnp.array(place_values(outcomes.shape[1]))
        numbers = outcomes @ places
        first, second = self.generator.shifts.T

        def add_pair(total: Array, pair: tuple[Array, ...]) -> tuple[Array, None]:
            i, j, rates, diagonal = pair
            at_pair = (outcomes[:, i], outcomes[:, j])
            # The digits to base 4 are pairs of bits, so a shift of outcomes is one of numbers.
            shifts = first * places[i] + second * places[j]
            connected = class_of[numbers ^ shifts[:, None]]
            ratios = jnp.exp(log_probability[connected] - log_probability)
            moved = jnp.sum(rates[:, *at_pair] * ratios, axis=0)
            return total + diagonal[at_pair] + moved, None

        pairs = (*jnp.array(self.generator.pairs).T, self.generator.rates, self.generator.diagonal)
        value = jax.lax.scan(add_pair, jnp.zeros(len(outcomes)), pairs)[0]
        return Estimate(value, dict.fromkeys(_EXACT, jnp.zeros_like(value)))
