"""Where averages come from: exact samples of the ansatz, or all outcomes with probabilities."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray
from scipy.stats import qmc

from opentdvp.config import DirectSampling, TdvpSolver
from opentdvp.engine.devices import for_samples
from opentdvp.engine.orbit import OrbitAnsatz, Symmetries, representatives
from opentdvp.errors import ConfigError

Uniforms = Callable[[PRNGKeyArray, tuple[int, int]], Array]

#: Largest system whose outcomes are enumerated: 4⁸ = 65 536.
LARGEST_ENUMERATION = 8

#: Bits of a number of the Sobol sequence; those after them are random.
_BITS = 30


class Ensemble(NamedTuple):
    """Outcomes, and weights that add up to one."""

    outcomes: Int[Array, "samples sites"]
    weights: Float[Array, " samples"]
    is_sampled: bool


@runtime_checkable
class Sampler(Protocol):
    """Draws the three ensembles of a run; a pure function of ansatz, parameters and key."""

    def solve(
        self, ansatz: OrbitAnsatz, theta: Array, origin: Array, key: PRNGKeyArray
    ) -> Ensemble:
        """For S and F at θ, from samples at `origin`; averages only what the orbit keeps."""
        ...

    def held_out(self, ansatz: OrbitAnsatz, theta: Array, key: PRNGKeyArray) -> Ensemble:
        """For judging the solve."""
        ...

    def observables(self, ansatz: OrbitAnsatz, theta: Array, key: PRNGKeyArray) -> Ensemble:
        """For expectation values."""
        ...


@dataclass(frozen=True)
class DirectSampler:
    """Samples of the ansatz: independent ones, or for the solve a Sobol sequence.

    Those of the solve are reweighted by P_θ/P_origin unless every θ is its own origin.
    """

    settings: DirectSampling
    reweights: bool
    chunk: int

    def solve(
        self, ansatz: OrbitAnsatz, theta: Array, origin: Array, key: PRNGKeyArray
    ) -> Ensemble:
        """Equally weighted at `origin`, with weights ∝ P_θ/P_origin elsewhere."""
        uniforms = _UNIFORMS[self.settings.sequence]
        ensemble = _draw(ansatz, origin, key, self.settings.solve, uniforms)
        if not self.reweights:
            return ensemble

        def log_ratio(chunk: Array) -> Array:
            here, there = (
                ansatz.log_probability(ansatz.unravel(point), chunk) for point in (theta, origin)
            )
            return here - there

        log_ratios = for_samples(log_ratio, ensemble.outcomes, self.chunk)
        return ensemble._replace(weights=jax.nn.softmax(log_ratios))

    def held_out(self, ansatz: OrbitAnsatz, theta: Array, key: PRNGKeyArray) -> Ensemble:
        """Independent, equally weighted."""
        return _draw(ansatz, theta, key, self.settings.held_out)

    def observables(self, ansatz: OrbitAnsatz, theta: Array, key: PRNGKeyArray) -> Ensemble:
        """Independent, equally weighted."""
        return _draw(ansatz, theta, key, self.settings.observables)


@dataclass(frozen=True, eq=False)
class Enumerator:
    """All outcomes; for S and F one of each class equal up to the orbit, with its multiplicity."""

    classes: Int[Array, "classes sites"]
    sizes: Int[Array, " classes"]

    def solve(
        self, ansatz: OrbitAnsatz, theta: Array, origin: Array, key: PRNGKeyArray
    ) -> Ensemble:
        """For S and F; neither origin nor key are used."""
        log_probability = ansatz.log_probability(ansatz.unravel(theta), self.classes)
        return Ensemble(self.classes, self.sizes * jnp.exp(log_probability), is_sampled=False)

    def held_out(self, ansatz: OrbitAnsatz, theta: Array, key: PRNGKeyArray) -> Ensemble:
        """All outcomes again: there are no others to judge the solve by."""
        return self.solve(ansatz, theta, theta, key)

    def observables(self, ansatz: OrbitAnsatz, theta: Array, key: PRNGKeyArray) -> Ensemble:
        """For expectation values, which may differ from site to site."""
        weights = self.solve(ansatz, theta, theta, key).weights
        images = ansatz.images(self.classes)
        outcomes = images.reshape(len(images), -1).T
        return Ensemble(outcomes, jnp.tile(weights / ansatz.order, ansatz.order), False)


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
    n_sites = symmetries.permutations.shape[1]
    if n_sites > LARGEST_ENUMERATION:
        raise ConfigError(
            f"`sampling.kind` must be direct for more than {LARGEST_ENUMERATION} sites, but is "
            f"enumeration for {n_sites}."
        )
    classes, sizes = representatives(symmetries.permutations)
    return Enumerator(jnp.array(classes, dtype=jnp.int32), jnp.array(sizes))


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
    outcomes = ansatz.sample(ansatz.unravel(theta), uniforms(key, (count, sites + 1)))
    return Ensemble(outcomes, jnp.full(count, 1 / count), is_sampled=True)
