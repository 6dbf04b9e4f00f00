"""All outcomes of a small system with their probabilities, one of each class up to the orbit."""

from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from opentdvp.engine.ansatz.autoregressive import Parameters
from opentdvp.engine.ansatz.orbit import OrbitAnsatz, Symmetries
from opentdvp.engine.ansatz.orbit_classes import Classes, all_classes
from opentdvp.engine.devices import for_samples
from opentdvp.engine.sampling.ensemble import Ensemble
from opentdvp.errors import ConfigError

#: Sites of the largest system that is enumerated: 4⁹ = 262 144 outcomes.
LARGEST = 9


@dataclass(frozen=True, eq=False)
class Enumerator:
    """Averages without samples: a `Sampler` that uses no random numbers."""

    classes: Classes
    chunk: int

    @property
    def is_random(self) -> bool:
        """Whether ensembles depend on their key: they do not."""
        return False

    def solve(
        self, ansatz: OrbitAnsatz, theta: Array, origin: Array, key: PRNGKeyArray
    ) -> Ensemble:
        """For S and F: one outcome of every class with the probability of the class."""
        log_probability = self.log_probability(ansatz, ansatz.unravel(theta))
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

    def log_probability(
        self, ansatz: OrbitAnsatz, parameters: Parameters
    ) -> Float[Array, " classes"]:
        """log P of every class."""

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
