"""Where averages come from: exact samples of the ansatz, unless all outcomes are enumerated."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray
from scipy.stats import qmc

from opentdvp.config import DirectSampling, TdvpSolver
from opentdvp.engine.ansatz.orbit import OrbitAnsatz, Symmetries
from opentdvp.engine.ansatz.orbit_classes import merge
from opentdvp.engine.devices import for_samples
from opentdvp.engine.sampling.ensemble import Ensemble, Sampler
from opentdvp.engine.sampling.enumeration import enumerate_outcomes

#: Samples drawn together: the states of their networks fit the cache.
_TOGETHER = 1024

Uniforms = Callable[[PRNGKeyArray, tuple[int, int]], Array]

#: Bits of a number of the Sobol sequence; those after them are random.
_BITS = 30


@dataclass(frozen=True)
class DirectSampler:
    """Samples of the ansatz: independent ones, or for the solve a Sobol sequence.

    Those of the solve are reweighted by P_θ/P_origin unless every θ is its own origin.
    """

    settings: DirectSampling
    reweights: bool
    chunk: int

    @property
    def is_random(self) -> bool:
        """Whether ensembles depend on their key: they do."""
        return True

    def solve(
        self, ansatz: OrbitAnsatz, theta: Array, origin: Array, key: PRNGKeyArray
    ) -> Ensemble:
        """One row per class; weights ∝ counts at `origin`, ∝ counts P_θ/P_origin elsewhere."""
        uniforms = _UNIFORMS[self.settings.sequence]
        drawn = _draw(ansatz, origin, key, self.settings.solve, uniforms).outcomes
        outcomes, counts = merge(ansatz.symmetries, drawn, self.chunk)
        if not self.reweights:
            return Ensemble(outcomes, counts / len(drawn), counts)

        def log_ratio(chunk: Array) -> Array:
            here, there = (
                ansatz.log_probability(ansatz.unravel(point), chunk) for point in (theta, origin)
            )
            return here - there

        log_ratios = for_samples(log_ratio, outcomes, self.chunk)
        return Ensemble(outcomes, jax.nn.softmax(log_ratios + jnp.log(counts)), counts)

    def held_out(self, ansatz: OrbitAnsatz, theta: Array, key: PRNGKeyArray) -> Ensemble:
        """Independent, equally weighted."""
        return _draw(ansatz, theta, key, self.settings.held_out)

    def monitored(self, ansatz: OrbitAnsatz, theta: Array, key: PRNGKeyArray) -> Ensemble:
        """Independent, equally weighted; no more than for the solve, so that steps stay cheap."""
        return _draw(ansatz, theta, key, min(self.settings.solve, self.settings.observables))

    def observables(self, ansatz: OrbitAnsatz, theta: Array, key: PRNGKeyArray) -> Ensemble:
        """Independent, equally weighted."""
        return _draw(ansatz, theta, key, self.settings.observables)


def build_sampler(solver: TdvpSolver, symmetries: Symmetries) -> Sampler:
    """The sampler of a configuration.

    Raises
    ------
    ConfigError
        If the system is too large to enumerate.
    """
    if isinstance(solver.sampling, DirectSampling):
        fixed = solver.integrator.samples == "fixed"
        return DirectSampler(solver.sampling, reweights=fixed, chunk=solver.chunk)
    return enumerate_outcomes(symmetries, solver.chunk)


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


def _draw(
    ansatz: OrbitAnsatz,
    theta: Array,
    key: PRNGKeyArray,
    count: int,
    uniforms: Uniforms = jax.random.uniform,
) -> Ensemble:
    sites = ansatz.symmetries.permutations.shape[1]
    numbers = uniforms(key, (count, sites + 1))
    outcomes = for_samples(partial(ansatz.sample, ansatz.unravel(theta)), numbers, _TOGETHER)
    return Ensemble(outcomes, jnp.full(count, 1 / count), jnp.ones(count, dtype=int))
