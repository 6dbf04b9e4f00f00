"""The Jastrow ansatz of a model: windows, strings, parameters."""

from math import prod

import numpy as np
from jaxtyping import Float

from opentdvp.config.networks import Growth, Strings
from opentdvp.engine.ansatz.jastrow.ansatz import JastrowAnsatz
from opentdvp.engine.ansatz.jastrow.families import Family
from opentdvp.engine.ansatz.jastrow.strings import on_lattice, products, shares
from opentdvp.engine.ansatz.jastrow.windows import Windows, box_windows, pair_windows
from opentdvp.engine.ansatz.symmetries import Symmetries, all_symmetries
from opentdvp.engine.povm.generator import Generator
from opentdvp.engine.povm.tetrahedron import OUTCOMES, Povm, start_probabilities
from opentdvp.errors import ConfigError
from opentdvp.geometry.lattice import Lattice
from opentdvp.physics.model import Model
from opentdvp.physics.pauli.cut_orbits import CutOrbits, orbits_within
from opentdvp.physics.pauli.cuts import Cut
from opentdvp.physics.pauli.symmetries import automorphisms, half_turns
from opentdvp.physics.spin import AXES

#: Largest number of parameters: the Fisher matrix of more does not fit a usual machine's memory.
MOST_PARAMETERS = 20_000

#: Largest number of sites in a window: its table has 4ⁿ entries.
MOST_SITES = 12


def build_jastrow(
    settings: Strings, model: Model, povm: Povm, generator: Generator
) -> JastrowAnsatz:
    """All strings that a configuration asks for, tied under all symmetries of the model.

    Raises
    ------
    ConfigError
        If a window has too many sites, or there are too many parameters.
    """
    lattice = model.lattice
    cut = Cut(settings.weight, settings.range, settings.pair_range)
    sites = prod(min(settings.range, length) for length in lattice.shape)
    if sites > MOST_SITES:
        raise ConfigError(
            f"`network.range` must give windows of at most {MOST_SITES} sites, but "
            f"{settings.range} gives {sites}; use a smaller one."
        )
    orbits = orbits_within(lattice, automorphisms(model), _half_turns(model, povm), cut)
    count = len(orbits.representatives)
    if count > MOST_PARAMETERS:
        raise ConfigError(
            f"`network` must have at most {MOST_PARAMETERS} parameters, but weight "
            f"{settings.weight} and range {settings.range} give {count} on this system."
        )
    start = start_probabilities(povm, model.bloch)
    boxes = box_windows(lattice, settings.range, orbits.permutations)
    families = [_family(boxes, settings.weight, 1, orbits, start)]
    if (
        min(settings.pair_range - 1, max(lattice.farthest)) >= settings.range
        and settings.weight > 1
    ):
        pairs = pair_windows(lattice, settings.range, settings.pair_range - 1, orbits.permutations)
        family = _family(pairs, 2, 2, orbits, np.ones_like(start))
        families.append(family._replace(tabulated=False))
    symmetries = all_symmetries(orbits.permutations, generator, start)
    weights = (orbits.representatives > 0).sum(axis=1)
    return JastrowAnsatz(tuple(families), letters_of(povm), symmetries, weights)


def _half_turns(model: Model, povm: Povm) -> tuple[str, ...]:
    """Those of the model that permute the outcomes: under others log P is no symmetric function."""

    def permutes(axis: str) -> bool:
        turned = np.where(np.array(AXES) == axis, 1, -1) * povm.directions
        return all(np.isclose(povm.directions, vector).all(axis=1).any() for vector in turned)

    return tuple(filter(permutes, half_turns(model)))


def first_strings(settings: Growth, ansatz: JastrowAnsatz) -> Float[np.ndarray, " P"]:
    """Which strings a run begins with, if others are added later: 0, and NaN for those.

    Raises
    ------
    ConfigError
        If they are more than there may be, or all strings are fewer.
    """
    first = ansatz.weights <= settings.first_weight
    few = np.count_nonzero(first)
    if not few <= settings.strings <= ansatz.count:
        raise ConfigError(
            f"`network.growth.strings` must be between {few}, the strings of up to "
            f"{settings.first_weight} sites that a run begins with, and {ansatz.count}, all that "
            f"may be added, but is {settings.strings}."
        )
    return np.where(first, 0.0, np.nan)


def without_strings(
    lattice: Lattice, start: Float[np.ndarray, "sites 4"], povm: Povm, symmetries: Symmetries
) -> JastrowAnsatz:
    """The product start state: no strings, and no parameters."""
    sites = box_windows(lattice, 1, symmetries.permutations)
    nothing = np.zeros(0, dtype=int)
    family = Family(
        sites, products(1, 0), (nothing, nothing), nothing, np.zeros(0), _start_tables(sites, start)
    )
    return JastrowAnsatz((family,), letters_of(povm), symmetries, nothing)


def letters_of(povm: Povm) -> Float[np.ndarray, "4 4"]:
    """1 and χ_α(a) = √3 s^a_α, by outcome."""
    return np.concatenate([np.ones((OUTCOMES, 1)), 3**0.5 * povm.directions], axis=1)


def _family(
    windows: Windows, most: int, least: int, orbits: CutOrbits, start: Float[np.ndarray, "sites 4"]
) -> Family:
    """Windows and their strings of `least` to `most` letters; each of these is in one family."""
    parts = products(windows.size, most)
    letters = on_lattice(windows, parts.numbers)
    parameter = orbits.index(letters.reshape(-1, windows.n_sites)).reshape(letters.shape[:2])
    classes, places = np.nonzero((parameter >= 0) & (parts.weights >= least))
    return Family(
        windows,
        parts,
        (classes, places),
        parameter[classes, places],
        shares(windows, letters)[classes, places],
        _start_tables(windows, start),
    )


def _start_tables(
    windows: Windows, start: Float[np.ndarray, "sites 4"]
) -> Float[np.ndarray, " outcomes"]:
    """log p⁰ of every site, shared out over the windows that contain it.

    The symmetries that join windows to a class leave the start as it is.
    """
    digits = np.arange(windows.entries)[:, None] // OUTCOMES ** np.arange(windows.size) % OUTCOMES
    times = np.bincount(windows.flat.ravel(), minlength=windows.n_sites)
    first = windows.sites[:, 0]
    tables = [np.log(start)[window, digits] @ (1 / times[window]) for window in first]
    return np.concatenate([*tables, np.zeros(windows.entries)])
