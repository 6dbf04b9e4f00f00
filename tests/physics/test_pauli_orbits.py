"""Orbits of Pauli strings against orbits found by visiting every string."""

from itertools import product

import numpy as np
import pytest
from systems import heisenberg_ring

from opentdvp.physics.model import build_model
from opentdvp.physics.pauli.orbits import ODD, count_orbits, find_orbits
from opentdvp.physics.pauli.symmetries import automorphisms

LETTERS = "IXZY"
RING = automorphisms(build_model(heisenberg_ring(5)))
SQUARE = automorphisms(
    build_model(heisenberg_ring(4, lattice={"kind": "square", "size": (2, 2), "periodic": False}))
)
TRIVIAL = np.arange(4)[None]


def masks(string):
    """Bit masks of a string of letters."""
    codes = [LETTERS.index(letter) for letter in string]
    return tuple(sum((code >> bit & 1) << i for i, code in enumerate(codes)) for bit in (0, 1))


def smallest_image(string, group):
    """Of all relabelled strings the first by alphabet: site i moves to π[i]."""
    images = []
    for permutation in group:
        image = [""] * len(string)
        for site, letter in enumerate(string):
            image[permutation[site]] = letter
        images.append("".join(image))
    return min(images)


def is_even(string, turns):
    return all(sum(a not in ("I", axis) for a in string) % 2 == 0 for axis in turns)


@pytest.mark.parametrize("turns", [(), ("X",), ("Y",), ("Z",), ("X", "Y", "Z")])
@pytest.mark.parametrize("group", [RING, SQUARE, TRIVIAL], ids=["ring", "square", "trivial"])
def test_strings_share_a_number_exactly_if_symmetry_maps_them_to_each_other(group, turns):
    orbits = find_orbits(group, turns)
    strings = ["".join(letters) for letters in product(LETTERS, repeat=group.shape[1])]
    x, z = np.array([masks(string) for string in strings]).T
    numbers = orbits.index(x, z)
    by_orbit = {}
    for string, number in zip(strings, numbers, strict=True):
        assert (number != ODD) == is_even(string, turns)
        if number != ODD:
            assert by_orbit.setdefault(smallest_image(string, group), number) == number
    assert sorted(by_orbit.values()) == list(range(len(orbits.x)))
    assert count_orbits(group, turns) == len(orbits.x)
    np.testing.assert_array_equal(orbits.index(orbits.x, orbits.z), np.arange(len(orbits.x)))
    assert (orbits.x[0], orbits.z[0]) == (0, 0)


def test_size_of_the_torus_of_sixteen():
    """Counted without listing them."""
    lattice = {"kind": "square", "size": (4, 4), "periodic": True}
    group = automorphisms(build_model(heisenberg_ring(4, lattice=lattice, observables={})))
    assert count_orbits(group, ("Z",)) == 5_882_746
