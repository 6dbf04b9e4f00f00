"""Translation orbit: P(a) = mean over translations τ of P_net(τa), exactly symmetric.

With w_τ(a) = P_net(τa) / Σ_τ' P_net(τ'a), both the log-derivatives and the local estimates of the
mixture are means of those of the network: O(a) = Σ_τ w_τ O_net(τa), E(a) = Σ_τ w_τ E_net(τa). The
second needs a generator that the translations leave unchanged, which is checked.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int, PRNGKeyArray

from opentdvp.config.solver import Orbit
from opentdvp.engine.ansatz import Autoregressive, Parameters, log_probability, sample
from opentdvp.errors import ConfigError
from opentdvp.models import Model

Permutations = Int[Array, "orbit sites"]


def build_orbit(setting: Orbit, model: Model) -> Permutations:
    """Site permutations of the orbit, identity first.

    Raises
    ------
    ConfigError
        If the lattice or the model does not have these translations.
    """
    if setting == "none":
        return jnp.arange(model.n_sites)[None, :]
    step = 1 if setting == "all" else int(setting)
    lattice = model.lattice
    if not lattice.periodic or any(length % step for length in lattice.shape):
        raise ConfigError(
            f"`orbit` must be translations of the lattice, but {setting} does not fit the "
            f"{'periodic' if lattice.periodic else 'open'} lattice {lattice.shape}."
        )
    permutations = lattice.translations(step)
    if not all(model.is_symmetric(permutation) for permutation in permutations):
        raise ConfigError(
            f"`orbit` must be symmetries of the system, but {setting} does not leave its terms "
            "and jumps unchanged."
        )
    return jnp.array(permutations)


class OrbitAnsatz(NamedTuple):
    """The variational distribution: a network averaged over an orbit, with flat parameters θ."""

    network: Autoregressive
    permutations: Permutations
    unravel: Callable[[Array], Parameters]

    def images(self, outcomes: Int[Array, "batch sites"]) -> Int[Array, "images sites"]:
        """All τa, those of one outcome after each other."""
        return outcomes[:, self.permutations].reshape(-1, outcomes.shape[1])

    def image_log_probability(
        self, theta: Array, outcomes: Int[Array, "batch sites"]
    ) -> Float[Array, "batch orbit"]:
        """log P_net(τa)."""
        flat = log_probability(self.network, self.unravel(theta), self.images(outcomes))
        return flat.reshape(len(outcomes), -1)

    def log_probability(
        self, theta: Array, outcomes: Int[Array, "batch sites"]
    ) -> Float[Array, " batch"]:
        """log P_θ(a) = log of the mean of P_net over the orbit."""
        log_net = self.image_log_probability(theta, outcomes)
        return jax.nn.logsumexp(log_net, axis=1) - jnp.log(len(self.permutations))

    def sample(self, theta: Array, key: PRNGKeyArray, count: int) -> Int[Array, "count sites"]:
        """Exact samples: sample the network, apply a random element of the orbit."""
        sample_key, orbit_key = jax.random.split(key)
        n_sites = self.permutations.shape[1]
        outcomes = sample(self.network, self.unravel(theta), sample_key, count, n_sites)
        # The orbit is a group, so the inverse of a random element is a random element.
        chosen = jax.random.randint(orbit_key, (count,), 0, len(self.permutations))
        return jnp.take_along_axis(outcomes, self.permutations[chosen], axis=1)


def make_ansatz(
    network: Autoregressive, permutations: Permutations, parameters: Parameters
) -> tuple[OrbitAnsatz, Float[Array, " P"]]:
    """The ansatz and the flat form of its parameters."""
    theta, unravel = ravel_pytree(parameters)
    return OrbitAnsatz(network, permutations, unravel), theta


def representatives(permutations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One outcome per class of outcomes equal up to the orbit, and the sizes of the classes.

    Returns
    -------
    Outcomes of shape (classes, sites), and sizes of shape (classes,) that add up to 4ᴺ.
    """
    n_sites = permutations.shape[1]
    outcomes = np.indices((4,) * n_sites).reshape(n_sites, -1).T
    digits = 4 ** np.arange(n_sites)[::-1]
    smallest = np.min([outcomes[:, permutation] @ digits for permutation in permutations], axis=0)
    chosen, sizes = np.unique(smallest, return_counts=True)
    return outcomes[chosen], sizes
