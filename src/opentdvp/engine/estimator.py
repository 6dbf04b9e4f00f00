"""Local estimates E(a) = Σ_b L^{ab} P(b)/P(a) (paper, eq. 5), by re-using unchanged prefixes.

A generator on the sites i < j connects a to the 15 outcomes that differ from it on them. Up to
site i the network has not seen the change, so its cached hidden state is the start; between i and j
only the 3 changes of site i exist, and behind j all 15 run to the end of the system. The work for a
pair near the end is therefore small, and samples are never looped over in Python.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from opentdvp.engine.ansatz import (
    Autoregressive,
    Carry,
    Parameters,
    advance,
    all_conditionals,
    select,
)
from opentdvp.engine.lindblad import Generator
from opentdvp.engine.povm import OUTCOMES

#: All pairs of shifts (δi, δj) of the outcomes at i and j, without "no change".
_SHIFTS = jnp.array([(i, j) for i in range(OUTCOMES) for j in range(OUTCOMES)][1:])


def local_estimates(
    network: Autoregressive,
    parameters: Parameters,
    generator: Generator,
    outcomes: Int[Array, "batch sites"],
) -> Float[Array, " batch"]:
    """E(a) of the network itself for every outcome of a batch.

    Parameters
    ----------
    network, parameters
        The distribution P.
    generator
        L as a sum over pairs of sites.
    outcomes
        The outcomes a, all evaluated together: memory grows as batch × (15·width + sites·width).
    """
    carries, log_conditionals = all_conditionals(network, parameters, outcomes)
    cache = _Cache(network, parameters, outcomes, carries, log_conditionals)

    def add_pair(total: Array, pair: tuple[Array, Array]) -> tuple[Array, None]:
        (i, j), matrix = pair
        a_i, a_j = outcomes[:, i], outcomes[:, j]
        b_i = (a_i[:, None] + _SHIFTS[:, 0]) % OUTCOMES  # (batch, 15)
        b_j = (a_j[:, None] + _SHIFTS[:, 1]) % OUTCOMES
        rates = matrix[a_i[:, None], a_j[:, None], b_i, b_j]
        ratios = jnp.exp(cache.log_ratios(i, j)).astype(rates.dtype)
        return total + matrix[a_i, a_j, a_i, a_j] + jnp.sum(rates * ratios, axis=1), None

    start = jnp.zeros(len(outcomes))
    return jax.lax.scan(add_pair, start, (generator.pairs, generator.matrices))[0]


class _Cache:
    """The unchanged outcomes seen by the network: hidden state and conditionals at every site."""

    def __init__(
        self,
        network: Autoregressive,
        parameters: Parameters,
        outcomes: Array,  # (batch, sites)
        carries: Carry,  # (sites, batch, width) per layer
        log_conditionals: Array,  # (sites, batch, 4)
    ) -> None:
        self.network = network
        self.parameters = parameters
        self.outcomes = outcomes
        self.carries = carries
        self.log_conditionals = log_conditionals
        self.log_chosen = select(log_conditionals, outcomes.T)  # (sites, batch)

    def log_ratios(self, i: Array, j: Array) -> Float[Array, "batch 15"]:
        """log P(b)/P(a) for the 15 changes b of the outcomes at sites i < j."""
        shifted = (self.outcomes[:, i, None] + jnp.arange(OUTCOMES)) % OUTCOMES  # (batch, 4)
        at_i = jnp.take_along_axis(self.log_conditionals[i], shifted, axis=-1)
        ratio = at_i[:, 1:] - self.log_chosen[i][:, None]  # (batch, 3)
        changed = shifted[:, 1:]
        carry, ratio = self._run(self._repeated(i, OUTCOMES - 1), ratio, changed, i, j)
        carry, at_j = self._advance(carry, self._before(j, changed, i))
        carry, ratio, changed = self._combine(carry, ratio, at_j, j)
        return self._run(carry, ratio, changed, j, self.outcomes.shape[1])[1]

    def _repeated(self, site: Array, copies: int) -> Carry:
        def repeat(states: Array) -> Array:
            state = states[site]
            return jnp.broadcast_to(state[:, None], (state.shape[0], copies, state.shape[1]))

        return jax.tree.map(repeat, self.carries)

    def _run(
        self, carry: Carry, ratio: Array, changed: Array, changed_site: Array, stop: Array | int
    ) -> tuple[Carry, Array]:
        """Follow changed outcomes over the unchanged sites behind `changed_site`, before `stop`."""

        def step(site: Array, state: tuple[Carry, Array]) -> tuple[Carry, Array]:
            carry, ratio = state
            carry, log_conditional = self._advance(carry, self._before(site, changed, changed_site))
            chosen = self._chosen(log_conditional, site)
            return carry, ratio + chosen - self.log_chosen[site][:, None]

        return jax.lax.fori_loop(changed_site + 1, stop, step, (carry, ratio))

    def _combine(
        self, carry: Carry, ratio: Array, at_j: Array, j: Array
    ) -> tuple[Carry, Array, Array]:
        """The 3 changes of site i and none, each with the changes of site j: all 15, at site j."""
        with_none = jax.tree.map(
            lambda state, states: jnp.concatenate([states[j][:, None], state], axis=1),
            carry,
            self.carries,
        )  # (batch, 4, width)
        ratio = jnp.concatenate([jnp.zeros((len(ratio), 1), ratio.dtype), ratio], axis=1)
        at_j = jnp.concatenate([self.log_conditionals[j][:, None], at_j], axis=1)  # (batch, 4, 4)
        first, second = _SHIFTS[:, 0], _SHIFTS[:, 1]
        changed = (self.outcomes[:, j, None] + second) % OUTCOMES  # (batch, 15)
        ratio = ratio[:, first] + select(at_j[:, first], changed) - self.log_chosen[j][:, None]
        return jax.tree.map(lambda state: state[:, first], with_none), ratio, changed

    def _advance(self, carry: Carry, previous: Array) -> tuple[Carry, Array]:
        return advance(self.network, self.parameters, carry, previous)

    def _before(self, site: Array, changed: Array, changed_site: Array) -> Array:
        """Outcome read at `site`: that of the site before it, changed or not."""
        unchanged = jnp.broadcast_to(self.outcomes[:, site - 1, None], changed.shape)
        return jnp.where(site - 1 == changed_site, changed, unchanged)

    def _chosen(self, log_conditional: Array, site: Array) -> Array:
        outcome = jnp.broadcast_to(self.outcomes[:, site, None], log_conditional.shape[:2])
        return select(log_conditional, outcome)
