"""Local estimates of an energy ansatz, which knows what of log P a changed outcome changes."""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from opentdvp.engine.ansatz.interface import EnergyAnsatz, Parameters, pair_changes
from opentdvp.engine.devices import for_samples
from opentdvp.engine.estimates.estimator import Estimate
from opentdvp.engine.povm.generator import Generator


@dataclass(frozen=True, eq=False)
class TermEstimator:
    """E(a) of an energy ansatz; exact."""

    ansatz: EnergyAnsatz
    generator: Generator
    chunk: int

    def __call__(
        self,
        parameters: Parameters,
        outcomes: Int[Array, "rows sites"],
        needed: Int[Array, ""] | None = None,
    ) -> Estimate:
        """As for every estimator; nothing is left out, so there are no diagnostics."""

        def of_chunk(chunk: Array) -> Array:
            return self._of_batch(parameters, chunk.T).astype(jnp.float64)

        return Estimate(for_samples(of_chunk, outcomes, self.chunk, needed), {})

    def _of_batch(self, parameters: Parameters, outcomes: Int[Array, "sites batch"]) -> Array:
        shifts, pairs = self.generator.shifts, self.generator.pairs
        changes = self.ansatz.changes(parameters, outcomes, pairs, shifts)
        dtype = changes[0].dtype
        here = tuple(outcomes[pairs[:, k]] for k in range(2))
        of_pair = np.arange(len(pairs))[:, None]
        diagonal = jnp.array(self.generator.diagonal, dtype)
        total = jnp.sum(diagonal[of_pair, *here], axis=0)
        rates = jnp.array(self.generator.rates, dtype)
        for k in range(len(shifts)):
            change = pair_changes(changes, pairs, shifts, k)
            total += jnp.sum(rates[of_pair, k, *here] * jnp.exp(change), axis=0)
        return total
