"""Markov chains: one for every sample, which go on from step to step."""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from opentdvp.config.solver import ChainSampling
from opentdvp.engine.ansatz.interface import EnergyAnsatz, Parameters
from opentdvp.engine.devices import for_samples
from opentdvp.engine.povm.tetrahedron import OUTCOMES
from opentdvp.engine.sampling.ensemble import Ensemble, Purpose, SamplerState

#: Chains that are moved together: their outcomes and tables fit the cache.
_TOGETHER = 1024


@dataclass(frozen=True, eq=False)
class ChainSampler:
    """Heat-bath chains: those of the solve, and others that judge it.

    Attributes
    ----------
    start
        One-site probabilities of the product start state, from which the chains begin.
    """

    ansatz: EnergyAnsatz
    settings: ChainSampling
    start: Float[np.ndarray, "4"]
    chunk: int
    precision: type = jnp.float32

    @property
    def is_random(self) -> bool:
        """Whether ensembles depend on their key: they do."""
        return True

    def init(self, key: PRNGKeyArray) -> SamplerState:
        """Independent samples of the product start state."""
        count = self.settings.solve + self.settings.held_out
        shape = (count, self.ansatz.symmetries.permutations.shape[1])
        drawn = jax.random.choice(key, OUTCOMES, shape, p=jnp.array(self.start))
        return {"chains": drawn.astype(jnp.uint8)}

    def draw(
        self, purpose: Purpose, theta: Array, state: SamplerState, key: PRNGKeyArray
    ) -> tuple[SamplerState, Ensemble]:
        """For the solve, all chains are moved; the others of a step are taken from where they are.

        Observables are measured at other parameters, so all chains move on there, and are looked at
        several times, one sweep after the other.
        """
        chains, solve = state["chains"].astype(jnp.int32), self.settings.solve
        if purpose is Purpose.SOLVE:
            moved = self._move(theta, chains, key, self.settings.sweeps)
            return {"chains": moved.astype(jnp.uint8)}, self._for_solve(theta, moved[:solve])
        if purpose is Purpose.OBSERVABLES:
            return state, self._for_observables(theta, chains, key)
        return state, _ensemble(chains[:solve] if purpose is Purpose.MONITOR else chains[solve:])

    def reweighted(self, ensemble: Ensemble, theta: Array) -> Ensemble:
        """Weights ∝ P_θ/P_drawn."""
        if ensemble.log_probability is None:
            raise TypeError("Argument `ensemble` must be one of samples that know their log P.")
        log_ratios = self._log_probability(theta, ensemble.outcomes) - ensemble.log_probability
        return ensemble._replace(weights=jax.nn.softmax(log_ratios))

    def _for_solve(self, theta: Array, outcomes: Array) -> Ensemble:
        """With the log-derivatives, if they are the same at all θ."""
        ensemble = _ensemble(outcomes)._replace(
            log_probability=self._log_probability(theta, outcomes)
        )
        if not self.ansatz.log_linear:
            return ensemble
        derivatives = partial(self.ansatz.log_derivatives, self._parameters(theta))
        return ensemble._replace(log_derivatives=for_samples(derivatives, outcomes, self.chunk))

    def _for_observables(self, theta: Array, chains: Array, key: PRNGKeyArray) -> Ensemble:
        looks = -(-self.settings.observables // len(chains))
        first, *keys = jax.random.split(key, looks)
        seen = [self._move(theta, chains, first, self.settings.sweeps)]
        if keys:

            def look(chains: Array, key: PRNGKeyArray) -> tuple[Array, Array]:
                moved = self._move(theta, chains, key, 1)
                return moved, moved

            seen += [*jax.lax.scan(look, seen[0], jnp.stack(keys))[1]]
        chain = jnp.tile(jnp.arange(len(chains)), looks)
        return _ensemble(jnp.concatenate(seen))._replace(chain=chain)

    def _move(
        self, theta: Array, chains: Int[Array, "chains sites"], key: PRNGKeyArray, sweeps: int
    ) -> Int[Array, "chains sites"]:
        """Chains after a random half turn and some sweeps at θ."""
        parameters = self._parameters(theta)
        turn_key, sweep_key = jax.random.split(key)
        shifts = np.unique(self.ansatz.symmetries.shifts)
        turns = jax.random.choice(turn_key, jnp.array(shifts), (len(chains), 1))
        keys = jax.random.bits(sweep_key, (-(-len(chains) // _TOGETHER), 2), jnp.uint32)

        def of_chunk(part: Array) -> Array:
            # The keys of a chunk travel in the first columns.
            key = jax.random.wrap_key_data(part[0, :2].astype(jnp.uint32))
            return self._swept(parameters, part[:, 2:].T, key, sweeps).T

        spread = jnp.repeat(keys, _TOGETHER, axis=0)[: len(chains)].astype(jnp.int64)
        return for_samples(
            of_chunk, jnp.concatenate([spread, chains ^ turns], axis=1), _TOGETHER
        ).astype(jnp.int32)

    def _swept(
        self, parameters: Parameters, outcomes: Array, key: PRNGKeyArray, sweeps: int
    ) -> Array:
        def one(outcomes: Array, key: PRNGKeyArray) -> tuple[Array, Array]:
            return self.ansatz.sweep(parameters, outcomes, key)

        return jax.lax.scan(one, outcomes.astype(jnp.int32), jax.random.split(key, sweeps))[0]

    def _parameters(self, theta: Array) -> Parameters:
        return jax.tree.map(lambda p: p.astype(self.precision), self.ansatz.unravel(theta))

    def _log_probability(self, theta: Array, outcomes: Array) -> Array:
        parameters = self.ansatz.unravel(theta)
        return for_samples(
            lambda part: self.ansatz.log_probability(parameters, part), outcomes, self.chunk
        )


def _ensemble(outcomes: Array) -> Ensemble:
    """Samples of equal weight."""
    count = len(outcomes)
    return Ensemble(outcomes, jnp.full(count, 1 / count), jnp.ones(count, dtype=int))
