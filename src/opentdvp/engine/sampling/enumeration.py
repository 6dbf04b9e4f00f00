"""All outcomes of a small system with their probabilities, one of each class up to the orbit."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from opentdvp.engine.ansatz.autoregressive import Parameters
from opentdvp.engine.ansatz.orbit import OrbitAnsatz, Symmetries
from opentdvp.engine.ansatz.orbit_classes import Classes, all_classes, place_values
from opentdvp.engine.devices import for_samples
from opentdvp.engine.povm.generator import Generator
from opentdvp.engine.sampling.ensemble import Ensemble
from opentdvp.errors import ConfigError

#: Sites of the largest system that is enumerated: 4⁹ = 262 144 outcomes.
LARGEST = 9


@dataclass(frozen=True, eq=False)
class Enumerator:
    """Averages without samples: a `Sampler` that uses no random numbers."""

    classes: Classes
    chunk: int

    def solve(
        self, ansatz: OrbitAnsatz, theta: Array, origin: Array, key: PRNGKeyArray
    ) -> Ensemble:
        """For S and F: one outcome of every class with the probability of the class."""
        log_probability = self._log_probability(ansatz, ansatz.unravel(theta))
        weights = jnp.array(self.classes.sizes) * jnp.exp(log_probability)
        return Ensemble(jnp.array(self.classes.outcomes), weights, None)

    def held_out(self, ansatz: OrbitAnsatz, theta: Array, key: PRNGKeyArray) -> Ensemble:
        """All outcomes again: there are no others to judge the solve by."""
        return self.solve(ansatz, theta, theta, key)

    def monitored(self, ansatz: OrbitAnsatz, theta: Array, key: PRNGKeyArray) -> Ensemble:
        """The same as for the observables."""
        return self.observables(ansatz, theta, key)

    def observables(self, ansatz: OrbitAnsatz, theta: Array, key: PRNGKeyArray) -> Ensemble:
        """For expectation values, which may differ from site to site."""
        outcomes, weights, _ = self.solve(ansatz, theta, theta, key)
        images = ansatz.images(outcomes)
        everywhere = jnp.tile(weights / ansatz.order, ansatz.order)
        return Ensemble(images.reshape(len(images), -1).T, everywhere, None)

    def local_estimates(
        self, ansatz: OrbitAnsatz, parameters: Parameters, generator: Generator
    ) -> Float[Array, " classes"]:
        """E of every class from a table of log P: there are fewer classes than connections."""
        log_probability = self._log_probability(ansatz, parameters)
        outcomes = jnp.array(self.classes.outcomes)
        class_of = jnp.array(self.classes.of_outcome)
        places = jnp.array(place_values(outcomes.shape[1]))
        numbers = outcomes @ places
        first, second = generator.shifts.T

        def add_pair(total: Array, pair: tuple[Array, ...]) -> tuple[Array, None]:
            i, j, rates, diagonal = pair
            at_pair = (outcomes[:, i], outcomes[:, j])
            # The digits to base 4 are pairs of bits, so a shift of outcomes is one of numbers.
            shifts = first * places[i] + second * places[j]
            connected = class_of[numbers ^ shifts[:, None]]
            ratios = jnp.exp(log_probability[connected] - log_probability)
            moved = jnp.sum(rates[:, *at_pair] * ratios, axis=0)
            return total + diagonal[at_pair] + moved, None

        pairs = (*jnp.array(generator.pairs).T, generator.rates, generator.diagonal)
        return jax.lax.scan(add_pair, jnp.zeros(len(outcomes)), pairs)[0]

    def _log_probability(
        self, ansatz: OrbitAnsatz, parameters: Parameters
    ) -> Float[Array, " classes"]:
        def of_chunk(outcomes: Array) -> Array:
            return ansatz.log_probability(parameters, outcomes)

        return for_samples(of_chunk, jnp.array(self.classes.outcomes), self.chunk)


def enumerate_outcomes(symmetries: Symmetries, chunk: int) -> Enumerator:
    """List all outcomes.

    Raises
    ------
    ConfigError
        If there are too many.
    """
    n_sites = symmetries.permutations.shape[1]
    if n_sites > LARGEST:
        raise ConfigError(
            f"`sampling.kind` must be direct for more than {LARGEST} sites, but is enumeration for "
            f"{n_sites}."
        )
    return Enumerator(all_classes(symmetries), chunk)
