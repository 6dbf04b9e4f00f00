"""Energy networks of a model: which symmetries they have, and which they are averaged over."""

import numpy as np
from jaxtyping import Int, PRNGKeyArray

from opentdvp.config.networks import HybridNetwork, Layers
from opentdvp.engine.ansatz.energy.ansatz import HybridAnsatz
from opentdvp.engine.ansatz.energy.convolution import Convolution
from opentdvp.engine.ansatz.energy.energy import Energy
from opentdvp.engine.ansatz.energy.layered import LayeredEnergy
from opentdvp.engine.ansatz.energy.network import EnergyNetwork, fresh_parameters
from opentdvp.engine.ansatz.energy.surroundings import Surroundings
from opentdvp.engine.ansatz.energy.tabulated import table_windows
from opentdvp.engine.ansatz.jastrow.build import build_jastrow, letters_of, without_strings
from opentdvp.engine.ansatz.symmetries import Symmetries, all_symmetries
from opentdvp.engine.povm.generator import Generator
from opentdvp.engine.povm.tetrahedron import Povm, start_probabilities
from opentdvp.errors import ConfigError
from opentdvp.geometry.lattice import Lattice
from opentdvp.physics.model import Model
from opentdvp.physics.pauli.symmetries import lattice_symmetries


def build_convolution(
    settings: Layers, model: Model, povm: Povm, generator: Generator, key: PRNGKeyArray
) -> HybridAnsatz:
    """A convolution, and the strings of a hybrid; `key` decides the hidden weights.

    Raises
    ------
    ConfigError
        If the model does not look the same from every site, or a kernel is larger than the lattice.
    """
    lattice, moves = model.lattice, _moves(model)
    if max(settings.kernels) > min(lattice.shape):
        raise ConfigError(
            f"`network.kernels` must be at most {min(lattice.shape)} on the lattice "
            f"{lattice.shape}, but are {list(settings.kernels)}."
        )
    network = Convolution(
        shape=lattice.shape,
        kernels=settings.kernels,
        channels=settings.channels,
        activation=settings.activation,
        hidden_scale=settings.hidden_scale,
        classes=tuple(_classes(lattice, moves, length) for length in settings.kernels),
    )
    symmetries = _symmetries(model, povm, generator, moves)
    # The kernels have the point group, so that only half turns are left to average over.
    shifts = np.unique(symmetries.shifts)
    still = np.tile(np.arange(lattice.n_sites), (len(shifts), 1))
    around = Surroundings(lattice.shape, network.reach, still, shifts)
    energy = LayeredEnergy(network, around, letters_of(povm)[:, 1:])
    start = start_probabilities(povm, model.bloch)
    if isinstance(settings, HybridNetwork):
        strings = build_jastrow(settings, model, povm, generator)
    else:
        strings = without_strings(lattice, start, povm, symmetries)
    fresh = fresh_parameters(network, key)
    return HybridAnsatz(strings, energy, table_windows(energy), fresh, symmetries)


def build_own(
    network: EnergyNetwork, model: Model, povm: Povm, generator: Generator, key: PRNGKeyArray
) -> HybridAnsatz:
    """A user's network, averaged over the point group and the half turns of the model.

    Raises
    ------
    ConfigError
        If the model does not look the same from every site.
    """
    symmetries = _symmetries(model, povm, generator, _moves(model))
    # One move for each way to turn or reflect the lattice, which are those about a site.
    about = symmetries.permutations[:, 0] == 0
    images = (symmetries.permutations[about], symmetries.shifts[about])
    around = Surroundings(model.lattice.shape, network.reach, *images)
    energy = Energy(network, around, letters_of(povm)[:, 1:])
    start = start_probabilities(povm, model.bloch)
    strings = without_strings(model.lattice, start, povm, symmetries)
    fresh = fresh_parameters(network, key)
    return HybridAnsatz(strings, energy, table_windows(energy), fresh, symmetries)


def _moves(model: Model) -> Int[np.ndarray, "group sites"]:
    """The symmetries of lattice and model, all translations among them."""
    lattice, moves = model.lattice, lattice_symmetries(model)
    every = {move.tobytes() for move in moves}
    # Cells of several sites are not moved by one site of the grid that kernels read.
    has_all = lattice.is_periodic and lattice.cell == 1
    if not has_all or any(t.tobytes() not in every for t in lattice.translations(1)):
        raise ConfigError(
            "`network.kind` must be recurrent, raster or jastrow for a system that does not look "
            "the same from every site, but is an energy network."
        )
    return moves


def _symmetries(model: Model, povm: Povm, generator: Generator, moves: np.ndarray) -> Symmetries:
    return all_symmetries(moves, generator, start_probabilities(povm, model.bloch))


def _classes(
    lattice: Lattice, moves: Int[np.ndarray, "group sites"], length: int
) -> tuple[int, ...]:
    """For each displacement within a kernel, y before x, the number of its class."""
    still = np.arange(lattice.n_sites)[None]
    around = Surroundings(lattice.shape, length // 2, still, np.zeros(1, dtype=int))
    box = around.windows[0].ravel()
    images = moves[moves[:, 0] == 0][:, box]
    smallest = np.array([[np.flatnonzero(box == site)[0] for site in row] for row in images]).min(0)
    return tuple(np.unique(smallest, return_inverse=True)[1].tolist())
