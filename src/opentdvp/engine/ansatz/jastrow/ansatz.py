"""log P_θ(a) = Σ_i log p⁰(a_i) + Σ_k θ_k O_k(a) − log Z, O_k a sum over images of a string (ours).

It is a log-linear model (Markov random field): O_k does not depend on θ, so d<O_k>/dt = <𝓛†O_k> for
every string of the model, and the product start state is θ = 0. The parameters that functions take
are tables: what all strings of a window add up to, for each of its outcomes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from opentdvp.engine.ansatz.jastrow.families import (
    Family,
    choose,
    chosen_values,
    couplings,
    values_of,
)
from opentdvp.engine.ansatz.jastrow.far_pairs import locate_pairs
from opentdvp.engine.ansatz.jastrow.strings import LETTERS
from opentdvp.engine.ansatz.jastrow.tables import Term, changes, locate, sweep, total
from opentdvp.engine.ansatz.symmetries import Symmetries

#: For each family of windows, a table for each class of them and one of zeros, one after the other;
#: of far pairs their couplings.
Tables: TypeAlias = tuple[Float[Array, "..."], ...]


@dataclass(frozen=True, eq=False)
class JastrowAnsatz:
    """The many-body Jastrow factor of a model.

    Attributes
    ----------
    letters
        1 and χ_α(a), shape (4 outcomes, 4 letters).
    weights
        How many letters the strings of each parameter have.
    """

    families: tuple[Family, ...]
    letters: Float[np.ndarray, "4 4"]
    symmetries: Symmetries
    weights: Int[np.ndarray, " P"]
    #: Log-derivatives do not depend on θ.
    log_linear: ClassVar[bool] = True
    largest_group: ClassVar[int] = 3

    @property
    def count(self) -> int:
        """Number of parameters."""
        return len(self.weights)

    @property
    def theta(self) -> Float[Array, " P"]:
        """The product start state."""
        return jnp.zeros(self.count)

    @property
    def bytes_of_sample(self) -> int:
        """That of the log-derivatives in single precision, which is most."""
        return 4 * sum(
            family.windows.sites[..., 0].size
            * (len(family.products.first) + len(family.products.second))
            + len(family.windows.sites) * len(family.products.numbers)
            for family in self.families
        )

    def unravel(self, theta: Float[Array, " P"]) -> Tables:
        """From θ to tables and couplings; linear."""
        return tuple(
            self._table(family, theta) if family.tabulated else couplings(family, theta)
            for family in self.families
        )

    def _table(self, family: Family, theta: Array) -> Array:
        windows, (classes, places) = family.windows, family.entries
        count = len(windows.sites)
        numbers = classes * windows.entries + family.products.numbers[places]
        flat = jnp.zeros((count + 1) * windows.entries, theta.dtype)
        table = flat.at[numbers].add(theta[family.parameter] * family.share)
        letters = jnp.array(self.letters, theta.dtype)
        for _ in range(windows.size):
            # One site after the other becomes the last axis and then the first.
            table = table.reshape(count + 1, -1, LETTERS)
            table = jnp.einsum("cnl,al->can", table, letters)
        return table.ravel()

    def locate(self, tables: Tables, outcomes: Int[Array, "sites batch"]) -> list[Term]:
        """The terms of all families at some outcomes, with the start state in them."""
        return [
            locate(family.windows, table + jnp.array(family.start, table.dtype), outcomes)
            if family.tabulated
            else locate_pairs(family.windows, table, self.letters, outcomes)
            for family, table in zip(self.families, tables, strict=True)
        ]

    def log_probability(
        self, parameters: Tables, outcomes: Int[Array, "batch sites"]
    ) -> Float[Array, " batch"]:
        """log P(a) + log Z."""
        return total(self.locate(parameters, outcomes.T))

    def log_derivatives(
        self, parameters: Tables, outcomes: Int[Array, "batch sites"]
    ) -> Float[Array, "batch P"]:
        """O_k(a), in the precision of the parameters."""
        letters = jnp.array(self.letters, parameters[0].dtype)[outcomes.T]  # (sites, batch, 4)
        values = jnp.concatenate([values_of(family, letters) for family in self.families])
        parameter = np.concatenate([family.parameter for family in self.families])
        share = np.concatenate([family.share for family in self.families])
        order = np.argsort(parameter, kind="stable")
        weighted = values[order] * jnp.array(share[order, None], values.dtype)
        return jax.ops.segment_sum(
            weighted, jnp.array(parameter[order]), self.count, indices_are_sorted=True
        ).T

    def some_log_derivatives(
        self, numbers: Int[Array, " some"], dtype: type
    ) -> Callable[[Int[Array, "batch sites"]], Float[Array, "batch some"]]:
        """O_k(a) of the parameters with these numbers alone, and zeros for number P."""
        order = jnp.full(self.count + 1, len(numbers)).at[numbers].set(jnp.arange(len(numbers)))
        chosen = [choose(family, order, len(numbers)) for family in self.families]

        def of_outcomes(outcomes: Int[Array, "batch sites"]) -> Array:
            letters = jnp.array(self.letters, dtype)[outcomes.T]
            parts = [
                chosen_values(family, entries, letters, len(numbers))
                for family, entries in zip(self.families, chosen, strict=True)
            ]
            return sum(parts[1:], parts[0]).T

        return of_outcomes

    def sweep(
        self, parameters: Tables, outcomes: Int[Array, "sites batch"], key: PRNGKeyArray
    ) -> tuple[Int[Array, "sites batch"], Float[Array, ""]]:
        """A heat-bath update of every site; the share of those that changed."""
        return sweep(self.locate(parameters, outcomes), outcomes, key)

    def changes(
        self,
        parameters: Tables,
        outcomes: Int[Array, "sites batch"],
        groups: Int[np.ndarray, "groups n"],
        shifts: Int[np.ndarray, "shifts n"],
    ) -> tuple[Float[Array, "4 sites batch"], Float[Array, "shifts groups batch"]]:
        """What shifts of one outcome change of log P, and what one of a group changes besides."""
        return changes(self.locate(parameters, outcomes), groups, shifts)
