"""Markov chains: one for every sample, which go on from step to step.

A sweep moves a chain by a random half turn of all spins, if the model has any, and draws every site
anew. Chains begin as exact samples of the product start state, where θ begins too: there is nothing
to burn in. Later they follow θ, and what they have not forgotten of where they were is measured
at every draw (`mixing`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray, Shaped

from opentdvp.config.solver import ChainSampling
from opentdvp.engine.ansatz.interface import Parameters, SweptAnsatz
from opentdvp.engine.devices import for_samples
from opentdvp.engine.sampling.ensemble import Ensemble, Purpose, SamplerState
from opentdvp.engine.sampling.mixing import Mixing, mixing
from opentdvp.engine.sampling.neighbours import Neighbours

#: Chains that are moved together: their outcomes and tables fit the cache.
_TOGETHER = 1024

#: What to note of outcomes before the first sweep and after each, the samples first.
_Look = Callable[[Parameters, Int[Array, "sites batch"]], Any]


class _Swept(NamedTuple):
    """Chains after some sweeps, what was seen on the way, and the share of sites that changed."""

    outcomes: Int[Array, "sites batch"]
    seen: Any
    changed: Float[Array, " batch"]


@dataclass(frozen=True, eq=False)
class ChainSampler:
    """Heat-bath chains: those of the solve, and others that judge it.

    Attributes
    ----------
    start
        Probabilities of every site in the product start state, from which the chains begin.
    directions
        The tetrahedron s^a of the POVM.
    neighbours
        Where a share of the samples is moved to, if the settings ask for it.
    """

    ansatz: SweptAnsatz
    settings: ChainSampling
    start: Float[np.ndarray, "sites 4"]
    directions: Float[np.ndarray, "4 3"]
    chunk: int
    neighbours: Neighbours | None = None
    precision: type = jnp.float32

    @property
    def is_random(self) -> bool:
        """Whether ensembles depend on their key: they do."""
        return True

    def init(self, key: PRNGKeyArray) -> SamplerState:
        """Independent samples of the product start state."""
        count = self.settings.solve + self.settings.held_out
        bounds = jnp.cumsum(jnp.array(self.start), axis=1)
        largest = bounds[:, -1]
        uniform = largest * (1 - jax.random.uniform(key, (count, len(bounds)), bounds.dtype))
        drawn = jnp.sum(bounds[:, :-1] < uniform[..., None], axis=-1)
        return {"chains": drawn.astype(jnp.uint8)}

    def draw(
        self, purpose: Purpose, theta: Array, state: SamplerState, key: PRNGKeyArray
    ) -> tuple[SamplerState, Ensemble]:
        """For the solve, all chains are moved; the others of a step are taken from where they are.

        Observables are measured at other parameters, so all chains move on there, and are looked at
        several times, one sweep after the other. To burn in, all are moved.
        """
        chains, solve = state["chains"], self.settings.solve
        if purpose is Purpose.SOLVE:
            return self._for_solve(theta, chains, key)
        if purpose is Purpose.BURN_IN:
            moved, mixed, _ = self._moved(theta, chains, key)
            ensemble = _ensemble(moved)._replace(equilibrated=mixed.equilibrated)
            return {"chains": moved.astype(jnp.uint8)}, ensemble
        if purpose is Purpose.OBSERVABLES:
            return state, self._for_observables(theta, chains, key)
        if purpose is Purpose.MONITOR:
            return state, _ensemble(chains[:solve].astype(jnp.int32))
        return state, self._spread_out(theta, chains[solve:].astype(jnp.int32), key)

    def reweighted(self, ensemble: Ensemble, theta: Array) -> Ensemble:
        """Weights ∝ P_θ/q, q what the ensemble was drawn from."""
        if ensemble.log_density is None:
            raise TypeError("Argument `ensemble` must be one of samples that know their log q.")
        log_ratios = self._log_probability(theta, ensemble.outcomes) - ensemble.log_density
        return ensemble._replace(weights=jax.nn.softmax(log_ratios))

    def _for_solve(
        self, theta: Array, chains: Array, key: PRNGKeyArray
    ) -> tuple[SamplerState, Ensemble]:
        """With how well the chains mix."""
        moved, mixed, changed = self._moved(theta, chains, key)
        ensemble = self._spread_out(theta, moved[: self.settings.solve], jax.random.fold_in(key, 1))
        samples = 1 / jnp.sum(ensemble.weights**2)
        ensemble = ensemble._replace(
            diagnostics={"acceptance": changed.mean(), **mixed.diagnostics(samples)},
            equilibrated=mixed.equilibrated,
        )
        return {"chains": moved.astype(jnp.uint8)}, self._with_derivatives(theta, ensemble)

    def _moved(
        self, theta: Array, chains: Array, key: PRNGKeyArray
    ) -> tuple[Int[Array, "chains sites"], Mixing, Float[Array, " chains"]]:
        """All chains after the sweeps of a draw, how well they mix, and the share that changed."""

        def move(parameters: Parameters, outcomes: Array, key: PRNGKeyArray) -> Any:
            swept = self._swept(parameters, outcomes, key, self.settings.sweeps, self._watched)
            return swept.outcomes.T, swept.seen, swept.changed

        moved, seen, changed = self._for_chains(move, theta, chains, key)
        return moved, mixing(seen), changed

    def _spread_out(self, theta: Array, outcomes: Array, key: PRNGKeyArray) -> Ensemble:
        """Samples of P, or of its mixture with what is next to them."""
        if self.neighbours is None or self.settings.moved is None:
            log_probability = self._log_probability(theta, outcomes)
            return _ensemble(outcomes)._replace(log_density=log_probability)
        count = round(self.settings.moved * len(outcomes))
        moved = self.neighbours.moved(outcomes[:count].T, key).T
        outcomes = jnp.concatenate([moved, outcomes[count:]])
        ratio = partial(self.neighbours.log_mean_ratio, self._parameters(theta))
        log_ratios = for_samples(lambda chunk: ratio(chunk.T), outcomes, self.chunk)
        share = count / len(outcomes)
        log_excess = jnp.logaddexp(np.log1p(-share), np.log(share) + log_ratios)
        ensemble = _ensemble(outcomes)
        return ensemble._replace(
            weights=jax.nn.softmax(-log_excess.astype(ensemble.weights.dtype)),
            log_density=self._log_probability(theta, outcomes) + log_excess,
        )

    def _with_derivatives(self, theta: Array, ensemble: Ensemble) -> Ensemble:
        """With the log-derivatives, if they are the same at all θ."""
        if not self.ansatz.log_linear:
            return ensemble
        derivatives = partial(self.ansatz.log_derivatives, self._parameters(theta))
        drawn = for_samples(derivatives, ensemble.outcomes, self.chunk)
        return ensemble._replace(log_derivatives=drawn)

    def _for_observables(self, theta: Array, chains: Array, key: PRNGKeyArray) -> Ensemble:
        looks = -(-self.settings.observables // len(chains))

        def look(parameters: Parameters, outcomes: Array, key: PRNGKeyArray) -> Array:
            before, between = jax.random.split(key)
            sweeps = self.settings.sweeps
            moved = self._swept(parameters, outcomes, before, sweeps, lambda *_: None).outcomes
            return self._swept(parameters, moved, between, looks - 1, _as_they_are).seen

        seen = self._for_chains(look, theta, chains, key)
        chain = jnp.repeat(jnp.arange(len(chains)), looks)
        return _ensemble(seen.reshape(len(chain), -1))._replace(chain=chain)

    def _for_chains(
        self, work: Callable[..., Any], theta: Array, chains: Array, key: PRNGKeyArray
    ) -> Any:
        """`work` on parameters, outcomes by site, and a key, for some chains at a time."""
        parameters = self._parameters(theta)

        def of_chunk(part: tuple[Array, Array]) -> Any:
            # The number of its first chain tells a chunk from the others.
            outcomes, numbers = part
            return work(
                parameters, outcomes.T.astype(jnp.int32), jax.random.fold_in(key, numbers[0])
            )

        return for_samples(of_chunk, (chains, jnp.arange(len(chains))), _TOGETHER)

    def _swept(
        self, parameters: Parameters, outcomes: Array, key: PRNGKeyArray, sweeps: int, look: _Look
    ) -> _Swept:
        shifts = jnp.array(np.unique(self.ansatz.symmetries.shifts), outcomes.dtype)

        def one(outcomes: Array, key: PRNGKeyArray) -> tuple[Array, Any]:
            turn_key, sweep_key = jax.random.split(key)
            turned = outcomes ^ jax.random.choice(turn_key, shifts, outcomes.shape[1:])
            moved, changed = self.ansatz.sweep(parameters, turned, sweep_key)
            return moved, (look(parameters, moved), changed)

        first = look(parameters, outcomes)
        outcomes, (seen, changed) = jax.lax.scan(one, outcomes, jax.random.split(key, sweeps))
        trace = jax.tree.map(_one_after_the_other, first, seen)
        return _Swept(outcomes, trace, jnp.full(outcomes.shape[1], changed.mean()))

    def _watched(self, parameters: Parameters, outcomes: Array) -> Float[Array, "batch watched"]:
        """X, Y and Z, averaged over the sites but for a factor, and log P but for a constant."""
        spins = jnp.array(self.directions, self.precision)[outcomes].mean(axis=0)
        log_probability = self.ansatz.log_probability(parameters, outcomes.T)
        return jnp.concatenate([spins, log_probability[:, None]], axis=1)

    def _parameters(self, theta: Array) -> Parameters:
        return jax.tree.map(lambda p: p.astype(self.precision), self.ansatz.unravel(theta))

    def _log_probability(self, theta: Array, outcomes: Array) -> Array:
        log_probability = partial(self.ansatz.log_probability, self.ansatz.unravel(theta))
        return for_samples(log_probability, outcomes, self.chunk)


def _one_after_the_other(
    first: Shaped[Array, "batch ..."], seen: Shaped[Array, "sweeps batch ..."]
) -> Shaped[Array, "batch looks ..."]:
    return jnp.moveaxis(jnp.concatenate([first[None], seen]), 0, 1)


def _as_they_are(parameters: Parameters, outcomes: Array) -> Array:
    return outcomes.T.astype(jnp.uint8)


def _ensemble(outcomes: Array) -> Ensemble:
    """Samples of equal weight."""
    count = len(outcomes)
    return Ensemble(outcomes, jnp.full(count, 1 / count), jnp.ones(count, dtype=int))
