"""Extents of supports, and which of them stand for their orbits."""

from math import comb

import numpy as np
import pytest

from opentdvp.geometry.kinds import graph, honeycomb
from opentdvp.geometry.lattice import Lattice
from opentdvp.physics.pauli.cuts import (
    Cut,
    count_supports,
    extents,
    kept_permutations,
    standing_supports,
)
from opentdvp.physics.pauli.symmetries import lattice_group

RING, CHAIN = Lattice((8,), periodic=True), Lattice((8,), periodic=False)
TORUS, SQUARE = Lattice((4, 5), periodic=True), Lattice((4, 5), periodic=False)


@pytest.mark.parametrize(
    ("lattice", "sites", "expected"),
    [
        (RING, (3,), 1),
        (RING, (0, 7), 2),
        (RING, (0, 4), 5),
        (RING, (0, 3, 6), 6),  # the largest gap is 3
        (RING, tuple(range(8)), 8),
        (CHAIN, (0, 7), 8),
        (CHAIN, (2, 5, 3), 4),
        (TORUS, (0, 3), 2),  # joined around
        (TORUS, (0, 16), 2),
        (TORUS, (0, 5, 10), 3),
        (SQUARE, (0, 16), 5),
        (SQUARE, (0, 3), 4),
    ],
)
def test_extents(lattice, sites, expected):
    assert extents(lattice, np.array([sites])) == expected


def test_a_range_for_pairs_alone():
    cut = Cut(3, 3, pair_range=5)
    kept = cut.keeps(RING, np.array([[0, 4], [0, 3]]))
    assert kept.all()
    assert cut.keeps(RING, np.array([[0, 1, 2], [0, 1, 3]])).tolist() == [True, False]


@pytest.mark.parametrize("lattice", [CHAIN, SQUARE])
def test_without_symmetry_all_supports_stand_for_themselves(lattice):
    nothing = np.arange(lattice.n_sites)[None]
    found = list(standing_supports(lattice, nothing, Cut(4, 5 + 3)))
    assert [len(supports) for supports in found] == [comb(lattice.n_sites, k) for k in range(1, 5)]


@pytest.mark.parametrize(
    "lattice",
    [
        CHAIN,
        SQUARE,
        Lattice((9,), periodic=True),
        Lattice((7, 3), periodic=(True, False)),
        honeycomb((4, 2), (True, False)),
        graph(((0.0,), (1.0,), (2.0,), (3.0,), (4.0,)), ((0, 4), (1, 3))),
    ],
    ids=["chain", "square", "ring", "ladder", "honeycomb", "graph"],
)
@pytest.mark.parametrize("cut", [Cut(4, 2), Cut(3, 3, pair_range=4)])
def test_supports_are_counted_without_listing_them(lattice, cut):
    """As long as windows do not meet on the far side of a ring."""
    nothing = np.arange(lattice.n_sites)[None]
    listed = [len(supports) for supports in standing_supports(lattice, nothing, cut)]
    assert [count_supports(lattice, k + 1, cut) for k in range(len(listed))] == listed


def test_a_ring_has_one_window_for_each_place_of_its_letters():
    """With the ends of a window occupied, the other sites within it are free, up to reflection."""
    ring = Lattice((30,), periodic=True)
    (_, *found) = standing_supports(ring, lattice_group(ring), Cut(4, 5))
    assert [supports.tolist() for supports in found[:2]] == [
        [[0, 1], [0, 2], [0, 3], [0, 4]],
        [[0, 1, 2], [0, 1, 3], [0, 1, 4], [0, 2, 4]],
    ]


def test_permutations_that_change_ranges_are_left_out():
    square = Lattice((2, 2), periodic=False)
    exchange = np.array([[0, 1, 2, 3], [1, 0, 2, 3], [1, 0, 3, 2]])
    assert len(kept_permutations(square, exchange, Cut(3, 2))) == 3
    assert kept_permutations(square, exchange, Cut(3, 1)).tolist() == [[0, 1, 2, 3], [1, 0, 3, 2]]
