"""Symmetry orbit: P(a) = mean over symmetries τ of P_net(τa), exactly symmetric.

With w_τ(a) = P_net(τa) / Σ_τ' P_net(τ'a), both the log-derivatives and the local estimates of the
mixture are means of those of the network: O(a) = Σ_τ w_τ O_net(τa), E(a) = Σ_τ w_τ E_net(τa). The
second needs a generator that the symmetries leave unchanged, which is checked.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int

from opentdvp.config.solver import Orbit
from opentdvp.engine.ansatz.autoregressive import (
    Autoregressive,
    Parameters,
    log_probability,
    sample,
)
from opentdvp.engine.povm.generator import Generator
from opentdvp.engine.povm.tetrahedron import OUTCOMES
from opentdvp.errors import ConfigError
from opentdvp.physics.model import Lattice, Model

Outcomes = TypeVar("Outcomes", Array, np.ndarray)


class Symmetries(NamedTuple):
    """A group of site permutations, with or without half turns of all spins.

    Attributes
    ----------
    permutations, shifts
        Shapes (orbit, N) and (orbit,), identity first; the image of an outcome is
        a[permutation] ^ shift, bitwise: so half turns act on the outcomes of the cubic tetrahedron.
    translations
        The group is a point group of any size times this many translations; those of one element
        follow each other.
    stride
        On a chain, translation m + 1 moves by this many sites more than m; 0 where translations
        are no such shifts.
    """

    permutations: Int[np.ndarray, "orbit sites"]
    shifts: Int[np.ndarray, " orbit"]
    translations: int
    stride: int

    def images(self, outcomes: Outcomes) -> Outcomes:
        """All images, (sites, orbit, batch), of all outcomes, (batch, sites)."""
        return outcomes.T[self.permutations.T] ^ self.shifts[:, None]


def build_orbit(
    setting: Orbit, model: Model, generator: Generator, start: Float[np.ndarray, "4"]
) -> Symmetries:
    """The group that a setting names, of a model with its generator and one-site start state.

    Raises
    ------
    ConfigError
        If the lattice or the model does not have these symmetries.
    """
    lattice = model.lattice
    if setting == "none":
        return Symmetries(np.arange(model.n_sites)[None, :], np.zeros(1, dtype=int), 1, 0)
    step = setting if isinstance(setting, int) else 1
    if not lattice.periodic or any(length % step for length in lattice.shape):
        raise ConfigError(
            f"`orbit` must be symmetries of the lattice, but {setting} does not fit the "
            f"{'periodic' if lattice.periodic else 'open'} lattice {lattice.shape}."
        )
    symmetries = _symmetries(lattice, step, with_point_group=setting in ("space_group", "full"))
    if not all(model.is_symmetric(permutation) for permutation in symmetries.permutations):
        raise ConfigError(
            f"`orbit` must be symmetries of the system, but {setting} does not leave its terms "
            "and jumps unchanged."
        )
    if setting in ("half_turns", "full"):
        return _with_half_turns(symmetries, generator, start)
    return symmetries


def _symmetries(lattice: Lattice, step: int, with_point_group: bool) -> Symmetries:
    translations = lattice.translations(step)
    points = lattice.point_group() if with_point_group else np.arange(lattice.n_sites)[None, :]
    # (a[point])[translation] = a[point[translation]]
    permutations = points[:, translations].reshape(-1, lattice.n_sites)
    stride = step if len(lattice.shape) == 1 else 0
    shifts = np.zeros(len(permutations), dtype=int)
    return Symmetries(permutations, shifts, len(translations), stride)


def _with_half_turns(symmetries: Symmetries, generator: Generator, start: np.ndarray) -> Symmetries:
    """The group times the shifts that leave generator and start as they are."""
    outcomes = np.arange(OUTCOMES)
    pairs, scale = len(generator.pairs), np.abs(generator.matrices).max(initial=0)
    shifts = [
        shift
        for shift in outcomes
        if np.allclose(
            generator.matrices,
            generator.matrices[np.ix_(np.arange(pairs), *[outcomes ^ shift] * 4)],
            rtol=0,
            atol=1e-12 * scale,
        )
        and np.allclose(start, start[outcomes ^ shift], rtol=0, atol=1e-12)
    ]
    return symmetries._replace(
        permutations=np.tile(symmetries.permutations, (len(shifts), 1)),
        shifts=np.repeat(shifts, len(symmetries.permutations)),
    )


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
        return self.symmetries.images(outcomes)

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
        permutations, shifts, *_ = map(jnp.asarray, self.symmetries)
        moved = jnp.take_along_axis(outcomes, permutations[chosen], axis=1)
        return moved ^ shifts[chosen, None].astype(moved.dtype)


def make_ansatz(
    network: Autoregressive, symmetries: Symmetries, parameters: Parameters
) -> tuple[OrbitAnsatz, Float[Array, " P"]]:
    """The ansatz and the flat form of its parameters."""
    theta, unravel = ravel_pytree(parameters)
    return OrbitAnsatz(network, symmetries, unravel), theta
