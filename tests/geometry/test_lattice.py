"""Lattices against what is known of them: neighbours, distances, colourings, translations."""

import numpy as np
import pytest

from opentdvp.geometry import kinds
from opentdvp.geometry.lattice import Lattice

BOTH, ALONG = (True, True), (True, False)
TORI = {
    "square": (kinds.square((4, 5), BOTH), 4),
    "triangular": (kinds.triangular((4, 5), BOTH), 6),
    "honeycomb": (kinds.honeycomb((3, 4), BOTH), 3),
}


@pytest.mark.parametrize("name", TORI)
def test_every_site_of_a_torus_has_its_neighbours_at_distance_one(name):
    lattice, coordination = TORI[name]
    ends = np.array(lattice.bonds)
    assert (np.bincount(ends.ravel(), minlength=lattice.n_sites) == coordination).all()
    assert len({frozenset(bond) for bond in lattice.bonds}) == len(ends)
    np.testing.assert_allclose(lattice.distances[ends[:, 0], ends[:, 1]], 1, atol=1e-12)
    # No other pairs are as near.
    near = np.isclose(lattice.distances, 1).sum(axis=1)
    assert (near == coordination).all()


@pytest.mark.parametrize("name", TORI)
def test_translations_move_bonds_onto_bonds(name):
    lattice, _ = TORI[name]
    moves = lattice.translations(1)
    assert len(moves) == lattice.n_sites // lattice.cell
    bonds = {frozenset(bond) for bond in lattice.bonds}
    for move in moves:
        assert {frozenset((int(move[i]), int(move[j]))) for i, j in lattice.bonds} == bonds


@pytest.mark.parametrize("name", TORI)
def test_the_point_group_moves_bonds_onto_bonds(name):
    lattice, _ = TORI[name]
    bonds = {frozenset(bond) for bond in lattice.bonds}
    for move in lattice.point_group():
        assert {frozenset((int(move[i]), int(move[j]))) for i, j in lattice.bonds} == bonds


@pytest.mark.parametrize(
    ("lattice", "second", "distance"),
    [
        (kinds.chain(8, periodic=True), 8, 2),
        (kinds.chain(8, periodic=False), 6, 2),
        (kinds.square((4, 4), (False, False)), 18, 2**0.5),
        (kinds.square((5, 5), BOTH), 50, 2**0.5),
        (kinds.triangular((5, 5), BOTH), 75, 3**0.5),
        (kinds.honeycomb((4, 4), BOTH), 96, 3**0.5),
    ],
)
def test_next_nearest_neighbours(lattice, second, distance):
    pairs = np.array(lattice.shell(2))
    assert len(pairs) == second
    np.testing.assert_allclose(lattice.distances[pairs[:, 0], pairs[:, 1]], distance)


def test_distances_go_the_shorter_way_around():
    ring = kinds.chain(7, periodic=True).distances[0]
    np.testing.assert_allclose(ring, [0, 1, 2, 3, 3, 2, 1])
    cylinder = kinds.square((4, 4), ALONG).distances
    assert cylinder[0, 3] == 1
    assert cylinder[0, 12] == 3


def test_pairs_within_a_distance_are_directed_along_x_or_y():
    open_chain = kinds.chain(5, periodic=False)
    assert open_chain.within(2) == ((0, 1), (0, 2), (1, 2), (1, 3), (2, 3), (2, 4), (3, 4))
    ring = kinds.chain(5, periodic=True)
    assert (4, 0) in ring.within(1)
    assert (0, 4) not in ring.within(1)


def test_mixed_borders_close_one_axis_only():
    cylinder = kinds.square((3, 2), ALONG)
    assert cylinder.bonds == (
        (0, 1),
        (1, 2),
        (2, 0),
        (3, 4),
        (4, 5),
        (5, 3),
        (0, 3),
        (1, 4),
        (2, 5),
    )
    assert cylinder.translations(1).tolist() == [
        [0, 1, 2, 3, 4, 5],
        [1, 2, 0, 4, 5, 3],
        [2, 0, 1, 5, 3, 4],
    ]
    assert not cylinder.is_periodic


@pytest.mark.parametrize(
    ("lattice", "colourable"),
    [
        (kinds.chain(6, periodic=True), True),
        (kinds.chain(5, periodic=True), False),
        (kinds.chain(5, periodic=False), True),
        (kinds.square((4, 4), BOTH), True),
        (kinds.triangular((3, 3), (False, False)), False),
        (kinds.honeycomb((3, 3), BOTH), True),
        (kinds.graph(((0.0, 0.0), (1.0, 0.0)), ()), True),
    ],
)
def test_two_colours_differ_across_every_bond(lattice, colourable):
    colours = lattice.two_colours()
    assert (colours is not None) == colourable
    if colours is not None:
        assert set(colours) <= {0, 1}
        assert all(colours[i] != colours[j] for i, j in lattice.bonds)
        # Each piece begins with 0.
        assert colours[0] == 0


def test_a_graph_has_its_own_bonds_and_counts_them():
    star = kinds.graph(((0.0, 0.0), (1.0, 0.0), (0.0, 2.0), (3.0, 4.0)), ((0, 1), (0, 2), (2, 3)))
    assert star.bonds == ((0, 1), (0, 2), (2, 3))
    assert {frozenset(pair) for pair in star.shell(2)} == {frozenset((1, 2)), frozenset((0, 3))}
    assert {frozenset(pair) for pair in star.shell(3)} == {frozenset((1, 3))}
    assert star.shell(4) == ()
    assert star.distances[0, 3] == 5
    assert star.point_group().tolist() == star.translations(1).tolist() == [[0, 1, 2, 3]]


def test_one_value_of_periodic_stands_for_all_axes():
    assert Lattice((3, 4), True).closed == BOTH
    assert Lattice((3, 4), True).bonds == kinds.square((3, 4), BOTH).bonds
    assert Lattice((3, 4), ALONG).farthest == (1, 3)
