"""Observables from means and centred moments, and how large the moments at the cut are."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import product

import numpy as np
from jaxtyping import Float, Int

from opentdvp.config import Observables
from opentdvp.geometry.lattice import Lattice
from opentdvp.physics.model import Model
from opentdvp.physics.pauli.cut_orbits import CutOrbits
from opentdvp.physics.pauli.cuts import Cut, extents
from opentdvp.physics.pauli.local_generators import LETTERS
from opentdvp.physics.pauli.strings import PauliString, letters_of, sites_of
from opentdvp.physics.spin import AXES
from opentdvp.references.moments.hierarchy import Hierarchy
from opentdvp.references.site_averages import site_averages


def product_state(hierarchy: Hierarchy, model: Model) -> Float[np.ndarray, " unknowns"]:
    """The start: the means are the Bloch vectors, and nothing is correlated."""
    values = np.zeros(len(hierarchy.orbits.representatives))
    kept = hierarchy.means >= 0
    values[hierarchy.means[kept]] = model.bloch[kept]
    return values


def measure(
    values: Float[np.ndarray, " unknowns"],
    hierarchy: Hierarchy,
    lattice: Lattice,
    observables: Observables,
) -> dict[str, np.ndarray]:
    """Every site average (`site_averages`); correlators beyond the cut are zero."""
    means = {
        axis: _known(values, numbers) for axis, numbers in zip(AXES, hierarchy.means.T, strict=True)
    }

    def correlation(letters: str, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        strings = np.zeros((len(first), lattice.n_sites), dtype=np.int8)
        for letter, sites in zip(letters, (first, second), strict=True):
            strings[np.arange(len(first)), sites] = LETTERS.index(letter)
        centred = _known(values, hierarchy.orbits.index(strings))
        return centred + means[letters[0]][first] * means[letters[1]][second]

    return site_averages(means, correlation, lattice, observables)


def string_expectations(
    values: Float[np.ndarray, " unknowns"], hierarchy: Hierarchy, strings: Sequence[PauliString]
) -> Float[np.ndarray, " strings"]:
    """<Π σ> = Σ <Π (σ − m)> Π m over all ways to divide the letters of a string in two."""
    of_weight: dict[int, list[int]] = defaultdict(list)
    for number, string in enumerate(strings):
        of_weight[len(string)].append(number)
    found = np.zeros(len(strings))
    for numbers in of_weight.values():
        chosen = [strings[number] for number in numbers]
        sites = np.array([sites_of(string) for string in chosen])
        letters = [[LETTERS.index(letter) for letter in letters_of(string)] for string in chosen]
        found[numbers] = _of_one_weight(values, hierarchy, sites, np.array(letters))
    return found


def _of_one_weight(
    values: np.ndarray,
    hierarchy: Hierarchy,
    sites: Int[np.ndarray, "strings weight"],
    letters: Int[np.ndarray, "strings weight"],
) -> Float[np.ndarray, " strings"]:
    means = _known(values, hierarchy.means[sites, letters - 1])
    count, weight = sites.shape
    total = np.prod(means, axis=1)
    for parts in product((False, True), repeat=weight):
        inside = np.array(parts)
        # Nothing centred is 1, one letter alone 0.
        if inside.sum() > 1:
            centred = np.zeros((count, len(hierarchy.means)), dtype=np.int8)
            np.put_along_axis(centred, sites[:, inside], letters[:, inside].astype(np.int8), axis=1)
            moments = _known(values, hierarchy.orbits.index(centred))
            total += moments * np.prod(means[:, ~inside], axis=1)
    return total


def _known(values: np.ndarray, numbers: Int[np.ndarray, "..."]) -> np.ndarray:
    """Values of unknowns; zero for what vanishes or is beyond the cut."""
    return np.append(values, 0.0)[np.maximum(numbers, -1)]


def at_the_cut(orbits: CutOrbits, lattice: Lattice, cut: Cut) -> dict[str, np.ndarray]:
    """Which unknowns are of the largest weight, and which of the largest range."""
    weights = np.count_nonzero(orbits.representatives, axis=1)
    found = np.zeros(len(weights), dtype=int)
    for weight in np.unique(weights):
        (rows,) = np.nonzero(weights == weight)
        sites = np.nonzero(orbits.representatives[rows])[1].reshape(len(rows), weight)
        found[rows] = extents(lattice, sites)
    return {"weight": weights == cut.weight, "range": found == cut.range}
