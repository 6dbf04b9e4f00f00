"""Samples moved to neighbours: outcomes that are rare, yet matter.

An outcome a whose neighbours b are far more probable is drawn too seldom: its local estimate
E(a) = Σ_b L^{ab} P(b)/P(a) is large, and a single such sample may outweigh all others of a solve.
A share m of the samples is therefore moved: a group of sites that the generator connects, and how
its outcomes change, are drawn uniformly. Samples then come from the mixture

    q(a) = (1 − m) P(a) + m/M Σ_b P(b),

the sum over all M neighbours b of a. Their weights P/q are at most 1/(1 − m), and P/q · E cannot
exceed M max|L|/m. (Defensive mixtures: Hesterberg, Technometrics 37, 185, 1995.)
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from opentdvp.engine.ansatz.interface import EnergyAnsatz, Parameters, group_changes
from opentdvp.engine.povm.generator import Groups


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Outcomes that differ by one shift on one group of sites.

    Attributes
    ----------
    ansatz
        Whose P it is.
    groups
        Those of the generator. A shift is its own inverse, so that being neighbours is mutual.
    """

    ansatz: EnergyAnsatz
    groups: tuple[Groups, ...]

    def moved(
        self, outcomes: Int[Array, "sites batch"], key: PRNGKeyArray
    ) -> Int[Array, "sites batch"]:
        """Every outcome moved to one of its neighbours, all with the same probability."""
        shift = _drawn_shifts(self.groups[0], outcomes, key)
        count = _neighbours(self.groups[0])
        for number, groups in enumerate(self.groups[1:], start=1):
            of_size, of_shift = jax.random.split(jax.random.fold_in(key, number))
            count += _neighbours(groups)
            these = jax.random.uniform(of_size, outcomes.shape[1:]) * count < _neighbours(groups)
            shift = jnp.where(these, _drawn_shifts(groups, outcomes, of_shift), shift)
        return outcomes ^ shift

    def log_mean_ratio(
        self, parameters: Parameters, outcomes: Int[Array, "sites batch"]
    ) -> Float[Array, " batch"]:
        """log of P(b)/P(a), averaged over the neighbours b of a."""
        log_ratios = []
        for groups in self.groups:
            sites, shifts = groups.sites, groups.shifts
            changes = self.ansatz.changes(parameters, outcomes, sites, shifts)
            log_ratios += [group_changes(changes, sites, shifts, k) for k in range(len(shifts))]
        every = jnp.concatenate(log_ratios)
        return jax.nn.logsumexp(every, axis=0) - np.log(len(every))


def _neighbours(groups: Groups) -> int:
    """How many neighbours an outcome has by shifts of these groups."""
    return len(groups.sites) * len(groups.shifts)


def _drawn_shifts(
    groups: Groups, outcomes: Int[Array, "sites batch"], key: PRNGKeyArray
) -> Int[Array, "sites batch"]:
    """A shift of all sites for every outcome, on one of these groups."""
    batch = jnp.arange(outcomes.shape[1])
    of_group, of_shift = jax.random.split(key)
    sites = jnp.array(groups.sites)[jax.random.choice(of_group, len(groups.sites), batch.shape)]
    shifts = jnp.array(groups.shifts, outcomes.dtype)
    drawn = shifts[jax.random.choice(of_shift, len(shifts), batch.shape)]
    shift = jnp.zeros_like(outcomes)
    for k in range(sites.shape[1]):
        shift = shift.at[sites[:, k], batch].set(drawn[:, k])
    return shift
