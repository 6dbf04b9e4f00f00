"""Symmetry orbit: P(a) = mean over symmetries τ of P_net(τa), exactly symmetric.

With w_τ(a) = P_net(τa) / Σ_τ' P_net(τ'a), both the log-derivatives and the local estimates of the
mixture are means of those of the network: O(a) = Σ_τ w_τ O_net(τa), E(a) = Σ_τ w_τ E_net(τa). The
second needs a generator that the symmetries leave unchanged, which is checked.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int

from opentdvp.config.solver import Orbit
from opentdvp.engine.ansatz import Autoregressive, Parameters, log_probability, sample
from opentdvp.errors import ConfigError
from opentdvp.models import Lattice, Model


class Symmetries(NamedTuple):
    """A group of site permutations.

    Attributes
    ----------
    permutations
        Shape (orbit, N), identity first; the image of a configuration is a[permutation].
    translations
        The group is a point group of any size times this many translations; those of one element
        follow each other.
    stride
        On a chain, translation m + 1 moves by this many sites more than m; 0 where translations
        are no such shifts.
    """

    permutations: Int[np.ndarray, "orbit sites"]
    translations: int
    stride: int


def build_orbit(setting: Orbit, model: Model) -> Symmetries:
    """The group that a setting names.

    Raises
    ------
    ConfigError
        If the lattice or the model does not have these symmetries.
    """
    lattice = model.lattice
    if setting == "none":
        return Symmetries(np.arange(model.n_sites)[None, :], 1, 0)
    step = setting if isinstance(setting, int) else 1
    if not lattice.periodic or any(length % step for length in lattice.shape):
        raise ConfigError(
            f"`orbit` must be symmetries of the lattice, but {setting} does not fit the "
            f"{'periodic' if lattice.periodic else 'open'} lattice {lattice.shape}."
        )
    symmetries = _symmetries(lattice, step, with_point_group=setting == "space_group")
    if not all(model.is_symmetric(permutation) for permutation in symmetries.permutations):
        raise ConfigError(
            f"`orbit` must be symmetries of the system, but {setting} does not leave its terms "
            "and jumps unchanged."
        )
    return symmetries


def _symmetries(lattice: Lattice, step: int, with_point_group: bool) -> Symmetries:
    translations = lattice.translations(step)
    points = lattice.point_group() if with_point_group else np.arange(lattice.n_sites)[None, :]
    # (a[point])[translation] = a[point[translation]]
    permutations = points[:, translations].reshape(-1, lattice.n_sites)
    stride = step if len(lattice.shape) == 1 else 0
    return Symmetries(permutations, len(translations), stride)


class OrbitAnsatz(NamedTuple):
    """The variational distribution: a network averaged over a group, with flat parameters θ."""

    network: Autoregressive
    symmetries: Symmetries
    unravel: Callable[[Array], Parameters]

    @property
    def order(self) -> int:
        """Number of images of an outcome."""
        return len(self.symmetries.permutations)

    def images(self, outcomes: Int[Array, "batch sites"]) -> Int[Array, "sites orbit batch"]:
        """All τa."""
        return outcomes.T[self.symmetries.permutations.T]

    def log_probability(
        self, parameters: Parameters, outcomes: Int[Array, "batch sites"]
    ) -> Float[Array, " batch"]:
        """log P(a) = log of the mean of P_net over the orbit."""
        log_net = log_probability(self.network, parameters, self.images(outcomes))
        return jax.nn.logsumexp(log_net, axis=0) - jnp.log(self.order)

    def sample(
        self, parameters: Parameters, uniforms: Float[Array, "count dimensions"]
    ) -> Int[Array, "count sites"]:
        """Exact samples: sample the network, apply a random element of the orbit.

        The last of the numbers uniform in [0, 1) chooses the element.
        """
        outcomes = sample(self.network, parameters, uniforms[:, :-1].T).T
        # The orbit is a group, so the inverse of a random element is a random element.
        chosen = (uniforms[:, -1] * self.order).astype(jnp.int32)
        permutations = jnp.asarray(self.symmetries.permutations)
        return jnp.take_along_axis(outcomes, permutations[chosen], axis=1)


def make_ansatz(
    network: Autoregressive, symmetries: Symmetries, parameters: Parameters
) -> tuple[OrbitAnsatz, Float[Array, " P"]]:
    """The ansatz and the flat form of its parameters."""
    theta, unravel = ravel_pytree(parameters)
    return OrbitAnsatz(network, symmetries, unravel), theta
