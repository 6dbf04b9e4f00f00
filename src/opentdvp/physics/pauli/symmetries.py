"""Symmetries of a model, found from its terms: permutations of sites, and half turns of all spins.

A relabelling of the sites, or a rotation of all spins by π about an axis, that leaves Hamiltonian
and dissipator as they are, and the start state too, does so at all times.
"""

from collections.abc import Callable, Iterator
from functools import reduce

import numpy as np
from jaxtyping import Float, Int

from opentdvp.geometry.lattice import Lattice
from opentdvp.physics.model import Model
from opentdvp.physics.pauli.local_generators import LETTERS, Sites, local_generators
from opentdvp.physics.spin import AXES

#: More relabellings than this are not listed; those of the lattice have to do then.
MANY = 10_000

# Decimals of generators, relative to the largest entry, that tell one from another.
_DECIMALS = 12

#: Generators of a model by sites, one for each of its parts.
_Tables = list[dict[Sites, np.ndarray]]


def automorphisms(model: Model) -> Int[np.ndarray, "group sites"]:
    """All permutations π of the sites that leave a model and its start as they are, identity first.

    Site i moves to π[i]. They may be more than the lattice's own: the torus of 4×4 sites is a
    four-dimensional hypercube, which has 384. If there are more than `MANY`, as for spins that
    nothing couples, those of them that are translations and reflections of the lattice.
    """
    tables = _rounded_generators(model)
    pairs = _pair_classes(model, tables)
    sites = _site_classes(model, tables)
    order = _search_order(pairs)
    found: list[tuple[int, ...]] = []
    for images in _extensions((), order, pairs, sites):
        found.append(images)
        if len(found) > MANY:
            return lattice_symmetries(model)
    permutations = np.empty((len(found), model.n_sites), dtype=int)
    permutations[:, order] = found
    if any(len(where) > 2 for table in tables for where in table):
        permutations = np.array([p for p in permutations if _fits(tables, p)])
    return permutations[np.lexsort(permutations.T[::-1])]


def symmetry_test(model: Model) -> Callable[[np.ndarray], bool]:
    """Whether a permutation of the sites leaves Hamiltonian, dissipator and start as they are."""
    tables = _rounded_generators(model)

    def is_symmetric(permutation: np.ndarray) -> bool:
        same_start = np.array_equal(model.bloch[permutation], model.bloch)
        return same_start and _fits(tables, permutation)

    return is_symmetric


def half_turns(model: Model) -> tuple[str, ...]:
    """The axes among X, Y, Z about which turning all spins by π leaves model and start as they are.

    A half turn about Z changes the signs of X and Y. It is a symmetry if what happens on any sites
    connects only Pauli strings of equal sign.
    """
    tables = _rounded_generators(model)
    return tuple(axis for axis in AXES if _turns(model, tables, axis))


def _rounded_generators(model: Model) -> _Tables:
    """Of every part; equal ones are equal whatever the order of sums was."""
    tables = [local_generators(part) for _, part in model.parts()]
    largest = max((np.abs(g).max() for table in tables for g in table.values()), default=1.0)
    scale = largest or 1.0
    return [
        {
            where: np.round(generator / scale, _DECIMALS) + 0.0
            for where, generator in table.items()
            if generator.any()
        }
        for table in tables
    ]


def _fits(tables: _Tables, permutation: np.ndarray) -> bool:
    return all(_same(table, permutation) for table in tables)


def _same(table: dict[Sites, np.ndarray], permutation: np.ndarray) -> bool:
    for where, generator in table.items():
        images = [int(permutation[site]) for site in where]
        target = tuple(sorted(images))
        if target not in table or not np.array_equal(table[target], turned(generator, images)):
            return False
    return True


def turned(generator: Float[np.ndarray, "n n"], sites: list[int]) -> Float[np.ndarray, "n n"]:
    """A generator with letters for sites in this order, as one for these in ascending order."""
    count, order = len(sites), np.argsort(sites)
    tensor = generator.reshape((len(LETTERS),) * (2 * count))
    return tensor.transpose([*order, *(order + count)]).reshape(generator.shape)


def _pair_classes(model: Model, tables: _Tables) -> Int[np.ndarray, "sites sites"]:
    """Numbers that are equal where the same happens on (i, j); 0 where nothing does."""
    keys: dict[tuple[int, int], list[bytes]] = {}
    for number, table in enumerate(tables):
        for where, generator in table.items():
            if len(where) == 2:
                i, j = where
                here = keys.setdefault((i, j), []), keys.setdefault((j, i), [])
                for place, sites in zip(here, ([i, j], [j, i]), strict=True):
                    place.append(bytes([number]) + _seen_from(generator, sites).tobytes())
    known: dict[bytes, int] = {}
    classes = np.zeros((model.n_sites, model.n_sites), dtype=int)
    for pair, found in keys.items():
        classes[pair] = known.setdefault(b"".join(found), len(known) + 1)
    return classes


def _seen_from(generator: np.ndarray, sites: list[int]) -> np.ndarray:
    """The generator of a pair (ascending) with its letters in the order of these sites."""
    return generator if sites[0] < sites[1] else turned(generator, [1, 0])


def _site_classes(model: Model, tables: _Tables) -> Int[np.ndarray, " sites"]:
    """Numbers that are equal where the same happens on a site, and starts there."""
    nothing = np.zeros((len(LETTERS),) * 2)
    rows = [
        np.concatenate([*(t.get((site,), nothing).ravel() for t in tables), model.bloch[site]])
        for site in range(model.n_sites)
    ]
    return np.unique(np.array(rows), axis=0, return_inverse=True)[1].ravel()


def _search_order(pairs: np.ndarray) -> list[int]:
    """All sites, each after one that it is coupled to where there is one: contradictions early."""
    order: list[int] = []
    for first in range(len(pairs)):
        waiting = [first]
        while waiting:
            site = waiting.pop(0)
            if site not in order:
                order.append(site)
                waiting += [int(other) for other in np.flatnonzero(pairs[site])]
    return order


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
    """The reflections of a lattice, turns of a square, and translations along periodic axes."""
    points, moves = lattice.point_group(), lattice.translations(1)
    return np.unique(points[:, moves].reshape(-1, lattice.n_sites), axis=0)


def lattice_symmetries(model: Model) -> Int[np.ndarray, "group sites"]:
    """Of the moves of the lattice, those that leave the model as it is."""
    is_symmetric = symmetry_test(model)
    every = lattice_group(model.lattice)
    return np.array([permutation for permutation in every if is_symmetric(permutation)])


def _turns(model: Model, tables: _Tables, axis: str) -> bool:
    signs = np.array([1 if letter in ("I", axis) else -1 for letter in LETTERS])
    keeps_start = np.array_equal(signs[1:] * model.bloch, model.bloch)
    return keeps_start and all(
        np.array_equal(s[:, None] * generator * s, generator)
        for table in tables
        for where, generator in table.items()
        for s in (reduce(np.kron, [signs] * len(where)),)
    )
