"""Exact samples of an autoregressive ansatz, independent of each other."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray
from scipy.stats import qmc

from opentdvp.config import DirectSampling
from opentdvp.engine.ansatz.orbit import OrbitAnsatz
from opentdvp.engine.ansatz.orbit_classes import merge
from opentdvp.engine.devices import for_samples
from opentdvp.engine.sampling.ensemble import Ensemble, Purpose, SamplerState

#: Samples drawn together: the states of their networks fit the cache.
_TOGETHER = 1024

Uniforms = Callable[[PRNGKeyArray, tuple[int, int]], Array]

#: Bits of a number of the Sobol sequence; those after them are random.
_BITS = 30


@dataclass(frozen=True, eq=False)
class DirectSampler:
    """Samples of the ansatz: independent ones, or for the solve a Sobol sequence.

    Attributes
    ----------
    keeps_probability
        Whether samples of the solve remember their log P, to be reweighted elsewhere.
    """

    ansatz: OrbitAnsatz
    settings: DirectSampling
    keeps_probability: bool
    chunk: int

    @property
    def is_random(self) -> bool:
        """Whether ensembles depend on their key: they do."""
        return True

    def init(self, key: PRNGKeyArray) -> SamplerState:
        """Nothing: every sample is drawn anew."""
        return {}

    def draw(
        self, purpose: Purpose, theta: Array, state: SamplerState, key: PRNGKeyArray
    ) -> tuple[SamplerState, Ensemble]:
        """Independent samples of equal weight; for the solve, one row per class of outcomes."""
        if purpose is Purpose.SOLVE:
            return state, self._for_solve(theta, key)
        outcomes = self._samples(theta, key, self._count(purpose))
        count = len(outcomes)
        return state, Ensemble(outcomes, jnp.full(count, 1 / count), jnp.ones(count, dtype=int))

    def reweighted(self, ensemble: Ensemble, theta: Array) -> Ensemble:
        """Weights ∝ counts P_θ/P_drawn."""
        if ensemble.counts is None or ensemble.log_density is None:
            raise TypeError("Argument `ensemble` must be one of samples that know their log P.")
        log_ratios = self._log_probability(theta, ensemble.outcomes) - ensemble.log_density
        return ensemble._replace(weights=jax.nn.softmax(log_ratios + jnp.log(ensemble.counts)))

    def _count(self, purpose: Purpose) -> int:
        settings = self.settings
        return {
            Purpose.HELD_OUT: settings.held_out,
            # No more than for the solve, so that steps stay cheap.
            Purpose.MONITOR: min(settings.solve, settings.observables),
            Purpose.OBSERVABLES: settings.observables,
        }[purpose]

    def _for_solve(self, theta: Array, key: PRNGKeyArray) -> Ensemble:
        uniforms = _UNIFORMS[self.settings.sequence]
        drawn = self._samples(theta, key, self.settings.solve, uniforms)
        outcomes, counts = merge(self.ansatz.symmetries, drawn, self.chunk)
        known = self._log_probability(theta, outcomes) if self.keeps_probability else None
        return Ensemble(outcomes, counts / len(drawn), counts, known)

    def _log_probability(self, theta: Array, outcomes: Array) -> Array:
        log_probability = partial(self.ansatz.log_probability, self.ansatz.unravel(theta))
        return for_samples(log_probability, outcomes, self.chunk)

    def _samples(
        self, theta: Array, key: PRNGKeyArray, count: int, uniforms: Uniforms = jax.random.uniform
    ) -> Int[Array, "count sites"]:
        sites = self.ansatz.symmetries.permutations.shape[1]
        numbers = uniforms(key, (count, sites + 1))
        sample = partial(self.ansatz.sample, self.ansatz.unravel(theta))
        return for_samples(sample, numbers, _TOGETHER)


def sobol_uniforms(key: PRNGKeyArray, shape: tuple[int, int]) -> Float[Array, "count dimensions"]:
    """A Sobol sequence in [0, 1), shifted bitwise at random.

    Every point is uniform, so averages are unbiased; together the points cover the cube more evenly
    than independent ones, best if their number is a power of two.
    """
    count, dimensions = shape
    sequence = qmc.Sobol(dimensions, scramble=False, bits=_BITS)
    points = jnp.array(sequence.random(count) * 2**_BITS, dtype=jnp.uint32)
    shift_key, rest_key = jax.random.split(key)
    shift = jax.random.bits(shift_key, (dimensions,), jnp.uint32) >> (32 - _BITS)
    return ((points ^ shift) + jax.random.uniform(rest_key, shape)) / 2**_BITS


#: Numbers uniform in [0, 1) by the name of their sequence in a configuration.
_UNIFORMS: dict[str, Uniforms] = {"random": jax.random.uniform, "sobol": sobol_uniforms}
