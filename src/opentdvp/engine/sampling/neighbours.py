"""Samples moved to neighbours: outcomes that are rare, yet matter.

An outcome a whose neighbours b are far more probable is drawn too seldom: its local estimate
E(a) = Σ_b L^{ab} P(b)/P(a) is large, and a single such sample may outweigh all others of a solve.
A share m of the samples is therefore moved: a pair of sites that the generator connects, and how
its two outcomes change, are drawn uniformly. Samples then come from the mixture

    q(a) = (1 − m) P(a) + m/M Σ_b P(b),

the sum over all M neighbours b of a. Their weights P/q are at most 1/(1 − m), and P/q · E cannot
exceed M max|L|/m. (Defensive mixtures: Hesterberg, Technometrics 37, 185, 1995.)
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from opentdvp.engine.ansatz.interface import EnergyAnsatz, Parameters, pair_changes


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Outcomes that differ by one shift on one pair of sites.

    Attributes
    ----------
    ansatz
        Whose P it is.
    pairs, shifts
        Those of the generator. A shift is its own inverse, so that being neighbours is mutual.
    """

    ansatz: EnergyAnsatz
    pairs: Int[np.ndarray, "pairs 2"]
    shifts: Int[np.ndarray, "shifts 2"]

    def moved(
        self, outcomes: Int[Array, "sites batch"], key: PRNGKeyArray
    ) -> Int[Array, "sites batch"]:
        """Every outcome moved to one of its neighbours, all with the same probability."""
        batch = jnp.arange(outcomes.shape[1])
        of_pair, of_shift = jax.random.split(key)
        sites = jnp.array(self.pairs)[jax.random.choice(of_pair, len(self.pairs), batch.shape)]
        shifts = jnp.array(self.shifts, outcomes.dtype)
        drawn = shifts[jax.random.choice(of_shift, len(shifts), batch.shape)]
        shift = jnp.zeros_like(outcomes)
        for k in range(2):
            shift = shift.at[sites[:, k], batch].set(drawn[:, k])
        return outcomes ^ shift

    def log_mean_ratio(
        self, parameters: Parameters, outcomes: Int[Array, "sites batch"]
    ) -> Float[Array, " batch"]:
        """log of P(b)/P(a), averaged over the neighbours b of a."""
        pairs, shifts = self.pairs, self.shifts
        changes = self.ansatz.changes(parameters, outcomes, pairs, shifts)
        log_ratios = jnp.concatenate(
            [pair_changes(changes, pairs, shifts, k) for k in range(len(shifts))]
        )
        return jax.nn.logsumexp(log_ratios, axis=0) - np.log(len(log_ratios))
