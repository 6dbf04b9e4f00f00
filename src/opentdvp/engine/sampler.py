"""Where averages come from: exact samples of the ansatz, or all outcomes with probabilities."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from opentdvp.config import DirectSampling, Enumeration
from opentdvp.engine.orbit import OrbitAnsatz, representatives
from opentdvp.errors import ConfigError

#: Largest system whose outcomes are enumerated: 4⁸ = 65 536.
LARGEST_ENUMERATION = 8


class Ensemble(NamedTuple):
    """Outcomes, and weights that add up to one."""

    outcomes: Int[Array, "samples sites"]
    weights: Float[Array, " samples"]
    is_sampled: bool


@runtime_checkable
class Sampler(Protocol):
    """Draws the three ensembles of a run; a pure function of ansatz, parameters and key."""

    def solve(self, ansatz: OrbitAnsatz, theta: Array, key: PRNGKeyArray) -> Ensemble:
        """For S and F; averages only what the orbit leaves unchanged."""
        ...

    def held_out(self, ansatz: OrbitAnsatz, theta: Array, key: PRNGKeyArray) -> Ensemble:
        """For judging the solve."""
        ...

    def observables(self, ansatz: OrbitAnsatz, theta: Array, key: PRNGKeyArray) -> Ensemble:
        """For expectation values."""
        ...


@dataclass(frozen=True)
class DirectSampler:
    """Independent samples of the ansatz, equally weighted."""

    settings: DirectSampling

    def solve(self, ansatz: OrbitAnsatz, theta: Array, key: PRNGKeyArray) -> Ensemble:
        """For S and F."""
        return _draw(ansatz, theta, key, self.settings.solve)

    def held_out(self, ansatz: OrbitAnsatz, theta: Array, key: PRNGKeyArray) -> Ensemble:
        """For judging the solve."""
        return _draw(ansatz, theta, key, self.settings.held_out)

    def observables(self, ansatz: OrbitAnsatz, theta: Array, key: PRNGKeyArray) -> Ensemble:
        """For expectation values."""
        return _draw(ansatz, theta, key, self.settings.observables)


@dataclass(frozen=True, eq=False)
class Enumerator:
    """All outcomes; for S and F one of each class equal up to the orbit, with its multiplicity."""

    classes: Int[Array, "classes sites"]
    sizes: Int[Array, " classes"]

    def solve(self, ansatz: OrbitAnsatz, theta: Array, key: PRNGKeyArray) -> Ensemble:
        """For S and F; the key is not used."""
        weights = self.sizes * jnp.exp(ansatz.log_probability(theta, self.classes))
        return Ensemble(self.classes, weights, is_sampled=False)

    def held_out(self, ansatz: OrbitAnsatz, theta: Array, key: PRNGKeyArray) -> Ensemble:
        """All outcomes again: there are no others to judge the solve by."""
        return self.solve(ansatz, theta, key)

    def observables(self, ansatz: OrbitAnsatz, theta: Array, key: PRNGKeyArray) -> Ensemble:
        """For expectation values, which may differ from site to site."""
        weights = self.solve(ansatz, theta, key).weights
        order = len(ansatz.permutations)
        return Ensemble(ansatz.images(self.classes), jnp.repeat(weights / order, order), False)


def build_sampler(settings: DirectSampling | Enumeration, permutations: np.ndarray) -> Sampler:
    """The sampler of a configuration.

    Raises
    ------
    ConfigError
        If the system is too large to enumerate.
    """
    if isinstance(settings, DirectSampling):
        return DirectSampler(settings)
    n_sites = permutations.shape[1]
    if n_sites > LARGEST_ENUMERATION:
        raise ConfigError(
            f"`sampling.kind` must be direct for more than {LARGEST_ENUMERATION} sites, but is "
            f"enumeration for {n_sites}."
        )
    classes, sizes = representatives(np.asarray(permutations))
    return Enumerator(jnp.array(classes, dtype=jnp.int32), jnp.array(sizes))


def _draw(ansatz: OrbitAnsatz, theta: Array, key: PRNGKeyArray, count: int) -> Ensemble:
    return Ensemble(ansatz.sample(theta, key, count), jnp.full(count, 1 / count), is_sampled=True)
