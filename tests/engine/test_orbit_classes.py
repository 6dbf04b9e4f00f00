from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from solvers import symmetries_of
from systems import heisenberg_ring

from opentdvp.engine.ansatz.orbit_classes import all_classes, class_count, merge


def group(size, orbit):
    """Symmetries of a ring or torus that starts along Z, as its half turn about Z needs."""
    kind = {1: "chain", 2: "square"}[len(size)]
    lattice = {"kind": kind, "size": size, "periodic": True}
    return symmetries_of(heisenberg_ring(size[0], lattice=lattice, start={"Z": 1}), orbit)


@pytest.mark.parametrize("orbit", ["none", 2, "all", "full"])
def test_classes_have_all_outcomes(orbit):
    symmetries = group([4], orbit)
    outcomes, sizes, of_outcome = all_classes(symmetries)
    assert sizes.sum() == 4**4
    np.testing.assert_array_equal(np.bincount(of_outcome), sizes)
    numbers = np.tensordot([64, 16, 4, 1], symmetries.images(outcomes), axes=1)
    np.testing.assert_array_equal(of_outcome[numbers], [range(len(sizes))] * len(numbers))


@pytest.mark.parametrize(
    ("size", "orbit"),
    [([5], "none"), ([6], "all"), ([6], 2), ([6], "space_group"), ([6], "full"), ([3, 3], "full")],
)
def test_classes_are_counted_without_listing_them(size, orbit):
    symmetries = group(size, orbit)
    assert class_count(symmetries) == len(all_classes(symmetries).sizes)


@pytest.mark.parametrize("orbit", ["none", "all", "half_turns", "space_group", "full"])
def test_merged_samples_are_the_samples_up_to_the_orbit(orbit):
    symmetries = group([4], orbit)
    outcomes = np.random.default_rng(1).integers(0, 4, size=(300, 4))
    merged, counts = jax.jit(partial(merge, symmetries, chunk=7))(jnp.array(outcomes))
    assert len(merged) == min(300, class_count(symmetries))
    found = {tuple(map(int, o)): int(c) for o, c in zip(merged, counts, strict=True) if c > 0}
    expected = {}
    for images in symmetries.images(outcomes).T:
        smallest = min(tuple(map(int, image)) for image in images)
        expected[smallest] = expected.get(smallest, 0) + 1
    assert found == expected
    # Rows without samples come last.
    assert (np.diff(np.sign(np.asarray(counts))) <= 0).all()


def test_samples_of_more_sites_than_fit_into_a_word():
    """Equal only up to a translation, or different only at the end of the third word."""
    symmetries = group([70], "all")
    outcome = np.random.default_rng(2).integers(0, 4, size=70)
    other = outcome.copy()
    other[-1] ^= 1
    samples = jnp.array([outcome, other, np.roll(outcome, 13), np.roll(outcome, -1)])
    merged, counts = merge(symmetries, samples, chunk=10)
    assert sorted(map(int, counts)) == [0, 0, 1, 3]
    common = np.asarray(merged)[np.argmax(counts)]
    assert any((np.roll(common, shift) == outcome).all() for shift in range(70))
