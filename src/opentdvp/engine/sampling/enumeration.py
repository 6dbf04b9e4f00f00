"""All outcomes of a small system with their probabilities, one of each class up to the orbit."""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from opentdvp.engine.ansatz.interface import Ansatz, Parameters
from opentdvp.engine.ansatz.orbit_classes import Classes, all_classes
from opentdvp.engine.devices import for_samples
from opentdvp.engine.sampling.ensemble import Ensemble, Purpose, SamplerState
from opentdvp.errors import ConfigError

#: Sites of the largest system that is enumerated: 4⁹ = 262 144 outcomes.
LARGEST = 9


@dataclass(frozen=True, eq=False)
class Enumerator:
    """Averages without samples: a `Sampler` that uses no random numbers."""

    ansatz: Ansatz
    classes: Classes
    chunk: int

    @property
    def is_random(self) -> bool:
        """Whether ensembles depend on their key: they do not."""
        return False

    def init(self, key: PRNGKeyArray) -> SamplerState:
        """Nothing: all outcomes are known."""
        return {}

    def draw(
        self, purpose: Purpose, theta: Array, state: SamplerState, key: PRNGKeyArray
    ) -> tuple[SamplerState, Ensemble]:
        """One outcome of every class with the probability of the class.

        Expectation values may differ from site to site, so for them the classes are all written
        out. To judge the solve by there are no other outcomes.
        """
        outcomes = jnp.array(self.classes.outcomes)
        ensemble = self.reweighted(Ensemble(outcomes, jnp.zeros(len(outcomes)), None), theta)
        if purpose in (Purpose.MONITOR, Purpose.OBSERVABLES):
            ensemble = self._written_out(ensemble)
        return state, ensemble

    def reweighted(self, ensemble: Ensemble, theta: Array) -> Ensemble:
        """The probabilities of the classes at θ."""
        log_weights = self.log_probability(self.ansatz.unravel(theta)) + jnp.log(self.classes.sizes)
        return ensemble._replace(weights=jnp.exp(log_weights - jax.nn.logsumexp(log_weights)))

    def log_probability(self, parameters: Parameters) -> Float[Array, " classes"]:
        """log P of every class, up to a constant if P is not normalised."""
        log_probability = partial(self.ansatz.log_probability, parameters)
        return for_samples(log_probability, jnp.array(self.classes.outcomes), self.chunk)

    def _written_out(self, ensemble: Ensemble) -> Ensemble:
        """All images of all outcomes."""
        images = self.ansatz.symmetries.images(ensemble.outcomes)
        sites, order, _ = images.shape
        everywhere = jnp.tile(ensemble.weights / order, order)
        return Ensemble(images.reshape(sites, -1).T, everywhere, None)


def enumerate_outcomes(ansatz: Ansatz, chunk: int) -> Enumerator:
    """List all outcomes.

    Raises
    ------
    ConfigError
        If there are too many.
    """
    n_sites = ansatz.symmetries.permutations.shape[1]
    if n_sites > LARGEST:
        raise ConfigError(
            f"`sampling.kind` must be direct for more than {LARGEST} sites, but is enumeration for "
            f"{n_sites}."
        )
    return Enumerator(ansatz, all_classes(ansatz.symmetries), chunk)
