"""Local estimates of an energy ansatz, which knows what of log P a changed outcome changes."""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from opentdvp.engine.ansatz.interface import EnergyAnsatz, Parameters, group_changes
from opentdvp.engine.devices import for_samples
from opentdvp.engine.estimates.estimator import Estimate, Factors
from opentdvp.engine.povm.generator import Generator, Groups


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
        factors: Factors = None,
    ) -> Estimate:
        """As for every estimator; nothing is left out, so there are no diagnostics."""
        generator = self.generator.at(factors)

        def of_chunk(chunk: Array) -> Array:
            parts = [self._of_groups(parameters, chunk.T, groups) for groups in generator.groups]
            return sum(parts[1:], parts[0]).astype(jnp.float64)

        return Estimate(for_samples(of_chunk, outcomes, self.chunk, needed), {})

    def _of_groups(
        self, parameters: Parameters, outcomes: Int[Array, "sites batch"], groups: Groups
    ) -> Float[Array, " batch"]:
        """What happens on groups of equally many sites."""
        changes = self.ansatz.changes(parameters, outcomes, groups.sites, groups.shifts)
        dtype = changes[0].dtype
        here = tuple(outcomes[sites] for sites in groups.sites.T)
        of_group = np.arange(len(groups.sites))[:, None]
        diagonal = jnp.array(groups.diagonal, dtype)
        total = jnp.sum(diagonal[of_group, *here], axis=0)
        rates = jnp.array(groups.rates, dtype)
        for k in range(len(groups.shifts)):
            change = group_changes(changes, groups.sites, groups.shifts, k)
            total += jnp.sum(rates[of_group, k, *here] * jnp.exp(change), axis=0)
        return total
