"""What an ansatz is: a distribution P_θ of the outcomes of all sites, however it is made.

Autoregressive networks averaged over an orbit are one kind. The time-dependent variational
principle and the samplers know an ansatz by what stands here, and nothing else of it.
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias, runtime_checkable

import jax
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int, PRNGKeyArray

from opentdvp.engine.ansatz.symmetries import Symmetries

Parameters: TypeAlias = Any


@runtime_checkable
class Ansatz(Protocol):
    """A distribution with flat parameters θ; pure functions of their tree and of outcomes."""

    @property
    def symmetries(self) -> Symmetries:
        """Moves of an outcome that leave P as it is, for all θ."""
        ...

    @property
    def unravel(self) -> Callable[[Float[Array, " P"]], Parameters]:
        """From θ to the tree of parameters."""
        ...

    def log_probability(
        self, parameters: Parameters, outcomes: Int[Array, "batch sites"]
    ) -> Float[Array, " batch"]:
        """log P(a), up to a constant if P is not normalised."""
        ...

    def log_derivatives(
        self, parameters: Parameters, outcomes: Int[Array, "batch sites"]
    ) -> Float[Array, "batch P"]:
        """O_k(a) = ∂_θk log P_θ(a), up to a constant for each k if P is not normalised."""
        ...


@runtime_checkable
class SweptAnsatz(Ansatz, Protocol):
    """An ansatz that Markov chains can sample."""

    @property
    def log_linear(self) -> bool:
        """Whether log-derivatives do not depend on θ."""
        ...

    def sweep(
        self, parameters: Parameters, outcomes: Int[Array, "sites batch"], key: PRNGKeyArray
    ) -> tuple[Int[Array, "sites batch"], Float[Array, ""]]:
        """An update of every site that leaves P as it is; the share of those that changed."""
        ...


@runtime_checkable
class EnergyAnsatz(SweptAnsatz, Protocol):
    """An ansatz that is not normalised, whose log P is a sum of terms of a few outcomes each."""

    @property
    def largest_group(self) -> int:
        """Of how many sites at most it knows what changes together."""
        ...

    @property
    def bytes_of_sample(self) -> int | None:
        """About what memory one outcome of all sites goes through; None if few are no faster."""
        ...

    def changes(
        self,
        parameters: Parameters,
        outcomes: Int[Array, "sites batch"],
        groups: Int[np.ndarray, "groups n"],
        shifts: Int[np.ndarray, "shifts n"],
    ) -> tuple[Float[Array, "4 sites batch"], Float[Array, "shifts groups batch"]]:
        """What changed outcomes change of log P; groups are pairs of sites, or threes of them.

        Returns
        -------
        By each shift of the outcome of a site alone, which is a bitwise one; and by each of all
        outcomes of a group, what that changes besides the changes by each alone.
        """
        ...


@runtime_checkable
class GrownAnsatz(Ansatz, Protocol):
    """An ansatz of which a run may begin with a few parameters, and add others."""

    def some_log_derivatives(
        self, numbers: Int[Array, " some"], dtype: type
    ) -> Callable[[Int[Array, "batch sites"]], Float[Array, "batch some"]]:
        """O_k(a) of the parameters with these numbers alone, and zeros for number P."""
        ...


def group_changes(
    changes: tuple[Float[Array, "4 sites batch"], Float[Array, "shifts groups batch"]],
    groups: Int[np.ndarray, "groups n"],
    shifts: Int[np.ndarray, "shifts n"],
    number: int,
) -> Float[Array, "groups batch"]:
    """All that one shift of a group's outcomes changes of log P, from `changes`."""
    on_site, joint = changes
    shift = shifts[number].tolist()
    alone = [on_site[x, sites] for x, sites in zip(shift, groups.T, strict=True)]
    return sum(alone[1:], alone[0]) + joint[number]


def gradients(
    ansatz: Ansatz, parameters: Parameters, outcomes: Int[Array, "batch sites"]
) -> Float[Array, "batch P"]:
    """The log-derivatives of any ansatz, by differentiating its log-probability."""

    def of_one(outcome: Array) -> Array:
        gradient = jax.grad(lambda p: ansatz.log_probability(p, outcome[None])[0])(parameters)
        return ravel_pytree(gradient)[0]

    return jax.vmap(of_one)(outcomes)
