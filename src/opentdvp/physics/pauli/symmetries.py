"""Symmetries of a model, found from its terms: permutations of sites, and half turns of all spins.

A relabelling of the sites, or a rotation of all spins by π about an axis, that leaves Hamiltonian
and dissipator as they are, and the start state too, does so at all times.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int

from opentdvp.physics.model import Lattice, Model
from opentdvp.physics.pauli.local_generators import LETTERS, site_generator
from opentdvp.physics.spin import AXES

#: More relabellings than this are not listed; those of the lattice have to do then.
MANY = 10_000


def automorphisms(model: Model) -> Int[np.ndarray, "group sites"]:
    """All permutations π of the sites that leave a model as it is, identity first.

    Site i moves to π[i]. They may be more than the lattice's own: the torus of 4×4 sites is a
    four-dimensional hypercube, which has 384. If there are more than `MANY`, as for spins that
    nothing couples, those of them that are translations and reflections of the lattice.
    """
    couplings = _couplings(model)
    order = _search_order(couplings)
    pairs = _alike(couplings.reshape(-1, len(AXES) ** 2)).reshape(model.n_sites, -1)
    sites = _alike(np.reshape(_site_generators(model), (model.n_sites, -1)))
    found: list[tuple[int, ...]] = []
    for images in _extensions((), order, pairs, sites):
        found.append(images)
        if len(found) > MANY:
            return lattice_symmetries(model)
    permutations = np.empty((len(found), model.n_sites), dtype=int)
    permutations[:, order] = found
    return permutations[np.lexsort(permutations.T[::-1])]


def half_turns(model: Model) -> tuple[str, ...]:
    """The axes among X, Y, Z about which turning all spins by π leaves model and start as they are.

    A half turn about Z changes the signs of X and Y. It is a symmetry of the dissipator if that
    connects only Pauli matrices of equal sign.
    """
    generators = _site_generators(model)
    return tuple(axis for axis in AXES if _turns(model, generators, axis))


def _site_generators(model: Model) -> list[np.ndarray]:
    return [site_generator(model, site) for site in range(model.n_sites)]


def _couplings(model: Model) -> Float[np.ndarray, "sites sites 3 3"]:
    """Strength of σ_a on site i times σ_b on site j, at [i, j, a, b] and at [j, i, b, a]."""
    strengths = np.zeros((model.n_sites, model.n_sites, 3, 3))
    for term in model.terms:
        if len(term.sites) == 2:
            (i, j), (a, b) = term.sites, map(AXES.index, term.operators)
            strengths[i, j, a, b] += term.strength
            strengths[j, i, b, a] += term.strength
    return strengths


def _search_order(pairs: np.ndarray) -> list[int]:
    """All sites, each after one that it is coupled to where there is one: contradictions early."""
    coupled = np.abs(pairs).sum(axis=(2, 3)) > 0
    order: list[int] = []
    for first in range(len(pairs)):
        waiting = [first]
        while waiting:
            site = waiting.pop(0)
            if site not in order:
                order.append(site)
                waiting += [int(other) for other in np.flatnonzero(coupled[site])]
    return order


def _alike(rows: np.ndarray) -> np.ndarray:
    """Numbers that are equal where rows are."""
    return np.unique(rows, axis=0, return_inverse=True)[1].ravel()


def _extensions(
    images: tuple[int, ...], order: list[int], pairs: np.ndarray, sites: np.ndarray
) -> Iterator[tuple[int, ...]]:
    """All ways to complete the images of the first sites in the search order."""
    if len(images) == len(order):
        yield images
        return
    site, known, taken = order[len(images)], order[: len(images)], list(images)
    fits = (sites == sites[site]) & (pairs[:, taken] == pairs[site, known]).all(axis=1)
    fits[taken] = False
    for image in np.flatnonzero(fits):
        yield from _extensions((*images, int(image)), order, pairs, sites)


def lattice_group(lattice: Lattice) -> Int[np.ndarray, "group sites"]:
    """The reflections of a lattice, turns of a square, and translations of a periodic one."""
    points = lattice.point_group()
    moves = lattice.translations(1) if lattice.periodic else np.arange(lattice.n_sites)[None]
    return np.unique(points[:, moves].reshape(-1, lattice.n_sites), axis=0)


def lattice_symmetries(model: Model) -> Int[np.ndarray, "group sites"]:
    """Of the moves of the lattice, those that leave the model as it is."""
    every = lattice_group(model.lattice)
    return np.array([permutation for permutation in every if model.is_symmetric(permutation)])


def _turns(model: Model, generators: list[np.ndarray], axis: str) -> bool:
    signs = np.array([1 if letter in ("I", axis) else -1 for letter in LETTERS])
    keeps_start = np.array_equal(signs[1:] * model.bloch, model.bloch)
    odd_terms = (
        sum(letter != axis for letter in term.operators) % 2
        for term in model.terms
        if len(term.sites) == 2
    )
    keeps_sites = all(np.array_equal(signs[:, None] * m * signs, m) for m in generators)
    return keeps_start and keeps_sites and not any(odd_terms)
