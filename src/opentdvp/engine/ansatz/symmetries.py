"""Moves of outcomes that leave a model as it is: site permutations, and half turns of all spins."""

from typing import NamedTuple, TypeVar

import numpy as np
from jaxtyping import Array, Float, Int

from opentdvp.config.solver import Orbit
from opentdvp.engine.povm.generator import Generator
from opentdvp.engine.povm.tetrahedron import OUTCOMES
from opentdvp.errors import ConfigError
from opentdvp.geometry.lattice import Lattice
from opentdvp.physics.model import Model
from opentdvp.physics.pauli.symmetries import symmetry_test

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
    setting: Orbit | None, model: Model, generator: Generator, start: Float[np.ndarray, "sites 4"]
) -> Symmetries:
    """The group that a setting names, of a model with its generator and the start of every site.

    Translations are those along periodic axes; by unit cells where these have several sites.

    Raises
    ------
    ConfigError
        If the lattice or the model does not have these symmetries.
    """
    lattice = model.lattice
    if setting is None or setting == "none":
        return Symmetries(np.arange(model.n_sites)[None, :], np.zeros(1, dtype=int), 1, 0)
    step = setting if isinstance(setting, int) else 1
    cells = (lattice.shape[0] // lattice.cell, *lattice.shape[1:])
    rings = [count for count, closed in zip(cells, lattice.closed, strict=True) if closed]
    if not rings or any(count % step for count in rings):
        raise ConfigError(
            f"`orbit` must be symmetries of the lattice, but {setting} does not fit the "
            f"{'periodic' if rings else 'open'} lattice {lattice.shape}."
        )
    symmetries = _symmetries(lattice, step, with_point_group=setting in ("space_group", "full"))
    if not all(map(symmetry_test(model), symmetries.permutations)):
        raise ConfigError(
            f"`orbit` must be symmetries of the system, but {setting} does not leave its terms, "
            "jumps and start unchanged."
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


def all_symmetries(
    permutations: Int[np.ndarray, "group sites"],
    generator: Generator,
    start: Float[np.ndarray, "sites 4"],
) -> Symmetries:
    """These permutations and all half turns that a generator and a start have."""
    shifts = np.zeros(len(permutations), dtype=int)
    return _with_half_turns(Symmetries(permutations, shifts, 1, 0), generator, start)


def _with_half_turns(symmetries: Symmetries, generator: Generator, start: np.ndarray) -> Symmetries:
    """The group times the shifts that leave generator and start as they are."""
    outcomes = np.arange(OUTCOMES)
    scale = max(part.largest for part in generator.parts)

    def keeps_start(shift: int) -> bool:
        return np.allclose(start, start[:, outcomes ^ shift], rtol=0, atol=1e-12)

    def keeps(matrices: np.ndarray, shift: int) -> bool:
        shifted = [outcomes ^ shift] * (matrices.ndim - 1)
        moved = matrices[np.ix_(np.arange(len(matrices)), *shifted)]
        return np.allclose(matrices, moved, rtol=0, atol=1e-12 * scale)

    every = [np.asarray(g.matrices) for part in generator.parts for g in part.groups]
    shifts = [s for s in range(OUTCOMES) if keeps_start(s) and all(keeps(m, s) for m in every)]
    return symmetries._replace(
        permutations=np.tile(symmetries.permutations, (len(shifts), 1)),
        shifts=np.repeat(shifts, len(symmetries.permutations)),
    )
