"""Local estimates from a table of log P: a small system has fewer outcomes than connections."""

from dataclasses import dataclass
from functools import reduce

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from opentdvp.engine.ansatz.interface import Parameters
from opentdvp.engine.ansatz.orbit_classes import place_values
from opentdvp.engine.estimates.estimator import Estimate, Factors
from opentdvp.engine.povm.generator import Generator, Groups
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
        factors: Factors = None,
    ) -> Estimate:
        """As for every estimator; the outcomes are those of the enumerator's classes."""
        log_probability = self.enumerator.log_probability(parameters)
        class_of = jnp.array(self.enumerator.classes.of_outcome)
        places = jnp.array(place_values(outcomes.shape[1]))
        numbers = outcomes @ places

        def with_groups(total: Array, groups: Groups) -> Array:
            def add(total: Array, group: tuple[Array, ...]) -> tuple[Array, None]:
                *sites, rates, diagonal = group
                here = tuple(outcomes[:, i] for i in sites)
                # The digits to base 4 are pairs of bits, so a shift of outcomes is one of numbers.
                shifts = sum(x * places[i] for x, i in zip(groups.shifts.T, sites, strict=True))
                connected = class_of[numbers ^ shifts[:, None]]
                ratios = jnp.exp(log_probability[connected] - log_probability)
                moved = jnp.sum(rates[:, *here] * ratios, axis=0)
                return total + diagonal[here] + moved, None

            every = (*jnp.array(groups.sites).T, groups.rates, groups.diagonal)
            return jax.lax.scan(add, total, every)[0]

        value = reduce(with_groups, self.generator.at(factors).groups, jnp.zeros(len(outcomes)))
        return Estimate(value, dict.fromkeys(_EXACT, jnp.zeros_like(value)))
