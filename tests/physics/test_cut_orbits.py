"""Orbits of a cut against orbits found by visiting every string."""

from itertools import product

import numpy as np
import pytest
from systems import confinement_ring, heisenberg_ring

from opentdvp.geometry.lattice import Lattice
from opentdvp.physics.model import build_model
from opentdvp.physics.pauli.cut_orbits import IDENTITY, OUTSIDE, orbits_within, strings_within
from opentdvp.physics.pauli.cuts import Cut
from opentdvp.physics.pauli.local_generators import LETTERS
from opentdvp.physics.pauli.orbits import ODD, count_orbits
from opentdvp.physics.pauli.symmetries import automorphisms, half_turns, lattice_group

RING, CHAIN = Lattice((6,), periodic=True), Lattice((5,), periodic=False)
SQUARE = Lattice((2, 3), periodic=False)
TORUS = {"kind": "square", "size": (4, 4), "periodic": True}


def all_strings(n_sites):
    return np.array(list(product(range(4), repeat=n_sites)), dtype=np.int8)


def smallest_images(strings, group):
    """Of all relabelled strings the first by alphabet: the letter of site i goes to site π[i]."""
    images = np.zeros((len(group), *strings.shape), dtype=np.int8)
    for image, permutation in zip(images, group, strict=True):
        image[:, permutation] = strings
    digits = 4 ** np.arange(strings.shape[1])[::-1]
    return (images @ digits).min(axis=0)


def is_odd(strings, turns):
    odd = np.zeros(len(strings), dtype=bool)
    for axis in turns:
        signed = (strings != 0) & (strings != LETTERS.index(axis))
        odd |= signed.sum(axis=1) % 2 == 1
    return odd


def is_within(strings, lattice, cut):
    supports, number = np.unique(strings != 0, axis=0, return_inverse=True)
    places = [np.flatnonzero(support) for support in supports]
    kept = [len(s) <= cut.weight and bool(cut.keeps(lattice, s[None])[0]) for s in places]
    return np.array(kept)[number]


@pytest.mark.parametrize("turns", [(), ("X",), ("Y",), ("Z",), ("X", "Y", "Z")])
@pytest.mark.parametrize("cut", [Cut(3, 3), Cut(2, 2, pair_range=3), Cut(6, 6), Cut(1, 1)])
@pytest.mark.parametrize("lattice", [RING, CHAIN, SQUARE], ids=["ring", "chain", "square"])
@pytest.mark.parametrize("symmetric", [True, False])
def test_strings_share_a_number_exactly_if_symmetry_maps_them_to_each_other(
    lattice, cut, turns, symmetric
):
    group = lattice_group(lattice) if symmetric else np.arange(lattice.n_sites)[None]
    orbits = orbits_within(lattice, group, turns, cut)
    strings = all_strings(lattice.n_sites)
    numbers = orbits.index(strings)
    assert numbers[0] == IDENTITY
    within = is_within(strings[1:], lattice, cut)
    np.testing.assert_array_equal(numbers[1:] == OUTSIDE, ~within)
    inside = strings[1:][within]
    found = numbers[1:][within]
    odd = is_odd(inside, turns)
    np.testing.assert_array_equal(found == ODD, odd)
    images = smallest_images(inside[~odd], group)
    pairs = set(zip(images, found[~odd], strict=True))
    assert len(pairs) == len(set(images)) == len(orbits.representatives)
    expected = np.arange(len(orbits.representatives))
    np.testing.assert_array_equal(sorted(number for _, number in pairs), expected)
    np.testing.assert_array_equal(orbits.index(orbits.representatives), expected)


def test_without_a_cut_there_are_as_many_as_burnside_counts():
    for system in (heisenberg_ring(7), confinement_ring(6), heisenberg_ring(6, start={"Z": 1.0})):
        model = build_model(system)
        group, turns = automorphisms(model), half_turns(model)
        orbits = orbits_within(model.lattice, group, turns, Cut(7, 7))
        assert 1 + len(orbits.representatives) == count_orbits(group, turns)


def test_all_symmetries_of_the_torus_of_sixteen_serve_a_cut_by_weight_alone():
    """It is a hypercube, with 384; boxes keep the 128 of the lattice."""
    model = build_model(heisenberg_ring(4, lattice=TORUS, start={"Z": 1.0}, observables={}))
    group, turns = automorphisms(model), half_turns(model)
    by_weight = orbits_within(model.lattice, group, turns, Cut(6, 4))
    assert (len(by_weight.permutations), len(by_weight.representatives)) == (384, 12_114)
    by_range = orbits_within(model.lattice, group, turns, Cut(6, 3))
    assert len(by_range.permutations) == 128


def test_strings_are_listed_lighter_first_and_always_alike():
    strings = strings_within(RING, Cut(3, 3))
    weights = np.count_nonzero(strings, axis=1)
    # On each of six windows: 3 letters, 9 pairs side by side and 9 apart, 27 triples.
    assert np.bincount(weights).tolist() == [0, 18, 6 * 18, 6 * 27]
    assert (np.diff(weights) >= 0).all()
    assert len(np.unique(strings, axis=0)) == len(strings)
    np.testing.assert_array_equal(strings, strings_within(RING, Cut(3, 3)))


@pytest.mark.parametrize("n_sites", [64, 65, 200])
def test_large_rings_have_the_orbits_of_a_smaller_one(n_sites):
    """Beyond the bits of a word too; more than two windows apart nothing knows the size."""
    cut = Cut(4, 5)
    small, large = (Lattice((n,), periodic=True) for n in (12, n_sites))
    few = orbits_within(small, lattice_group(small), (), cut).representatives
    orbits = orbits_within(large, lattice_group(large), (), cut)
    assert len(orbits.representatives) == len(few)
    moved = np.zeros((len(few), n_sites), dtype=np.int8)
    sites = np.where(np.arange(12) < 6, np.arange(12), np.arange(12) - 12) + 41
    moved[:, sites] = few
    np.testing.assert_array_equal(np.sort(orbits.index(moved)), np.arange(len(few)))
    moved[:, (41 + n_sites // 2) % n_sites] = 1
    assert (orbits.index(moved) == OUTSIDE).all()
