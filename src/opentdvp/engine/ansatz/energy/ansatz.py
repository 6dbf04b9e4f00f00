"""log P_θ(a) = strings + network − log Z: a many-body Jastrow factor and an energy network (ours).

The strings hold the product start state, and may be none besides. They carry what few outcomes tell
of each other, the network's features what is left.
"""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int, PRNGKeyArray

from opentdvp.engine.ansatz.energy.energy import Energy
from opentdvp.engine.ansatz.energy.network import EnergyNetwork
from opentdvp.engine.ansatz.energy.tabulated import tabulate
from opentdvp.engine.ansatz.interface import Parameters
from opentdvp.engine.ansatz.jastrow.ansatz import JastrowAnsatz, Tables
from opentdvp.engine.ansatz.jastrow.tables import Located, Term, changes, locate, sweep, total
from opentdvp.engine.ansatz.jastrow.windows import Windows
from opentdvp.engine.ansatz.symmetries import Symmetries


class HybridParameters(NamedTuple):
    """Parameters of both parts, and what is made from them.

    Attributes
    ----------
    strings
        Tables of the strings.
    network
        The network's parameters.
    table
        Of the network's terms, or None where they are evaluated.
    """

    strings: Tables
    network: Parameters
    table: Float[Array, "..."] | None


@dataclass(frozen=True, eq=False)
class HybridAnsatz:
    """A Jastrow factor times the exponential of an energy network.

    Attributes
    ----------
    windows
        What the network's terms read, if they are tabulated.
    fresh
        The network's parameters at the start; those of the strings are zero.
    symmetries
        Of both parts.
    """

    strings: JastrowAnsatz
    energy: Energy
    windows: Windows | None
    fresh: Parameters
    symmetries: Symmetries
    log_linear: ClassVar[bool] = False

    @property
    def network(self) -> EnergyNetwork:
        """The flax module."""
        return self.energy.network

    @property
    def theta(self) -> Float[Array, " P"]:
        """The product start state."""
        return jnp.concatenate([jnp.zeros(self.strings.count), ravel_pytree(self.fresh)[0]])

    @property
    def largest_group(self) -> int:
        """Pairs where the network is evaluated."""
        return 2 if self.windows is None else 3

    @property
    def bytes_of_sample(self) -> int | None:
        """That of the strings if the network is tabulated; layers are as fast with many samples."""
        return None if self.windows is None else self.strings.bytes_of_sample

    def unravel(self, theta: Float[Array, " P"]) -> HybridParameters:
        """From θ to tables and the network's parameters; not linear."""
        strings = self.strings.unravel(theta[: self.strings.count])
        network = ravel_pytree(self.fresh)[1](theta[self.strings.count :])
        if self.windows is None:
            return HybridParameters(strings, network, None)
        return HybridParameters(strings, network, tabulate(self.energy, self.windows, network))

    def log_probability(
        self, parameters: HybridParameters, outcomes: Int[Array, "batch sites"]
    ) -> Float[Array, " batch"]:
        """log P(a) + log Z."""
        tabulated = total(self._locate(parameters, outcomes.T))
        if self.windows is not None:
            return tabulated
        return tabulated + self.energy(parameters.network, outcomes.T)

    def log_derivatives(
        self, parameters: HybridParameters, outcomes: Int[Array, "batch sites"]
    ) -> Float[Array, "batch P"]:
        """O_k(a), in the precision of the parameters."""
        of_strings = self.strings.log_derivatives(parameters.strings, outcomes)
        of_network = self.energy.derivatives(parameters.network, outcomes.T)
        return jnp.concatenate([of_strings, of_network], axis=1)

    def sweep(
        self, parameters: HybridParameters, outcomes: Int[Array, "sites batch"], key: PRNGKeyArray
    ) -> tuple[Int[Array, "sites batch"], Float[Array, ""]]:
        """An update of every site; the share of those that changed.

        What is tabulated proposes (heat bath); what is not accepts or does not (Metropolis).
        """
        located = self._locate(parameters, outcomes)
        if self.windows is not None:
            return sweep(located, outcomes, key)
        judge = partial(self.energy.judge, parameters.network)
        return sweep(
            located, outcomes, key, judge, self.energy.follow(parameters.network, outcomes)
        )

    def changes(
        self,
        parameters: HybridParameters,
        outcomes: Int[Array, "sites batch"],
        groups: Int[np.ndarray, "groups n"],
        shifts: Int[np.ndarray, "shifts n"],
    ) -> tuple[Float[Array, "4 sites batch"], Float[Array, "shifts groups batch"]]:
        """What shifts of one outcome change of log P, and what one of a group changes besides."""
        of_tables = changes(self._locate(parameters, outcomes), groups, shifts)
        if self.windows is not None:
            return of_tables
        of_network = self.energy.changes(parameters.network, outcomes, groups, shifts)
        return of_tables[0] + of_network[0], of_tables[1] + of_network[1]

    def _locate(
        self, parameters: HybridParameters, outcomes: Int[Array, "sites batch"]
    ) -> list[Term]:
        """All that is not evaluated layer by layer."""
        located = self.strings.locate(parameters.strings, outcomes)
        if self.windows is None or parameters.table is None:
            return located
        for k, part in enumerate(located):
            if isinstance(part, Located) and np.array_equal(part.windows.sites, self.windows.sites):
                # One table for both.
                located[k] = part._replace(table=part.table + parameters.table)
                return located
        return [*located, locate(self.windows, parameters.table, outcomes)]
