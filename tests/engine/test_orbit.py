from functools import reduce

import numpy as np
import pytest
from featured import NEEL, featured
from solvers import symmetries_of, tdvp
from systems import heisenberg_ring

from opentdvp.engine.povm.tetrahedron import start_probabilities
from opentdvp.errors import ConfigError

RAMP = {"kind": "ramp", "first": 0.0, "last": 1.0, "stop": 1.0}


@pytest.mark.parametrize(("orbit", "shift"), [("all", 1), (2, 2)])
def test_mixture_is_normalised_and_symmetric(setting, orbit, shift):
    case = setting(heisenberg_ring(4), tdvp(orbit=orbit))
    distribution = case.distribution
    assert distribution.sum() == pytest.approx(1, abs=1e-12)
    moved = np.moveaxis(distribution, range(4), np.roll(range(4), shift))
    np.testing.assert_allclose(moved, distribution, rtol=1e-12)


def test_every_second_translation_does_not_symmetrise_by_one_site(setting):
    distribution = setting(heisenberg_ring(4), tdvp(orbit=2)).distribution
    moved = np.moveaxis(distribution, range(4), np.roll(range(4), 1))
    assert np.abs(moved - distribution).max() > 1e-4


def test_space_group_symmetrises_by_translations_and_reflections(setting):
    case = setting(heisenberg_ring(4), tdvp(orbit="space_group"))
    distribution = case.distribution
    assert case.ansatz.order == 8
    assert distribution.sum() == pytest.approx(1, abs=1e-12)
    for axes in ([1, 2, 3, 0], [3, 2, 1, 0], [0, 3, 2, 1]):
        np.testing.assert_allclose(distribution.transpose(axes), distribution, rtol=1e-12)


def test_translations_alone_do_not_symmetrise_by_a_reflection(setting):
    distribution = setting(heisenberg_ring(4), tdvp(orbit="all")).distribution
    assert np.abs(distribution.transpose([3, 2, 1, 0]) - distribution).max() > 1e-4


@pytest.mark.parametrize(
    ("size", "orbit", "order"),
    [
        ([6], 2, 3),
        ([6], "half_turns", 12),
        ([6], "space_group", 12),
        ([6], "full", 24),
        ([3, 3], "all", 9),
        ([3, 3], "space_group", 72),
        ([4, 3], "space_group", 48),
    ],
)
def test_symmetries_form_a_group(size, orbit, order):
    kind = {1: "chain", 2: "square"}[len(size)]
    lattice = {"kind": kind, "size": size, "periodic": True}
    symmetries = symmetries_of(heisenberg_ring(size[0], lattice=lattice, start={"Z": 1}), orbit)
    check_group(symmetries, order)


@pytest.mark.parametrize(
    ("kind", "size", "periodic", "orbit", "order"),
    [
        ("ladder", [4, 2], True, "all", 4),
        ("ladder", [4, 2], True, 2, 2),
        ("ladder", [4, 2], True, "full", 32),
        ("square", [3, 4], [False, True], "space_group", 16),
        ("triangular", [3, 3], [True, False], "space_group", 6),
        ("triangular", [3, 3], True, "all", 9),
        ("honeycomb", [3, 2], [True, False], "all", 3),
        ("honeycomb", [3, 2], True, "space_group", 12),
    ],
)
def test_translations_are_those_along_periodic_axes(kind, size, periodic, orbit, order):
    lattice = {"kind": kind, "size": size, "periodic": periodic}
    system = featured(
        lattice=lattice,
        couplings={"XX": 1.0, "ZZ": 0.5},
        fields={"Z": 1.0},
        jumps=[{"operator": "sigma_minus", "rate": 1.0}],
        start={"Z": 1},
        observables={},
    )
    check_group(symmetries_of(system, orbit), order)


def check_group(symmetries, order):
    """Translations of one element of the point group follow each other, as the estimator needs."""
    permutations, shifts, translations, _ = symmetries
    elements = {(*p.tolist(), int(s)) for p, s in zip(permutations, shifts, strict=True)}
    assert len(permutations) == len(shifts) == len(elements) == order
    sites = permutations.shape[1]
    assert (*permutations[0], shifts[0]) == (*range(sites), 0)
    products = permutations[:, permutations].reshape(-1, sites)
    both = (shifts[:, None] ^ shifts).ravel()
    assert {(*p.tolist(), int(s)) for p, s in zip(products, both, strict=True)} == elements
    for block in permutations.reshape(-1, translations, sites):
        if symmetries.stride:
            rolled = [np.roll(block[0], -m * symmetries.stride) for m in range(len(block))]
            np.testing.assert_array_equal(block, rolled)


@pytest.mark.parametrize(
    ("changes", "orbit", "message"),
    [
        ({"lattice": {"kind": "chain", "size": [4], "periodic": False}}, "all", "open lattice"),
        ({}, 3, "3 does not fit the periodic lattice"),
        ({"lattice": {"kind": "ladder", "size": [4, 2], "periodic": True}}, 3, "does not fit"),
        ({"start": NEEL}, "all", "unchanged"),
        ({"fields": {"Z": {"strength": [1, 0], "sites": [0, 2], "drive": RAMP}}}, 2, "unchanged"),
        ({"terms": [{"operators": "Z", "sites": [1], "strength": 1.0}]}, "all", "unchanged"),
        ({"jumps": [{"operator": "Z", "rate": 1.0, "sites": [0]}]}, 2, "unchanged"),
        ({"couplings": {"XY": 1.0}}, "space_group", "space_group does not leave"),
        (
            {"terms": [{"operators": "Z", "sites": [1], "strength": 1.0}]},
            "space_group",
            "space_group does not leave",
        ),
    ],
)
def test_orbit_that_is_no_symmetry_is_refused(changes, orbit, message):
    with pytest.raises(ConfigError, match=message):
        symmetries_of(heisenberg_ring(4, **changes), orbit)


def test_a_staggered_start_keeps_every_second_translation(setting):
    """With fresh parameters the mixture is the product state, site by site."""
    case = setting(heisenberg_ring(4, start=NEEL), tdvp(orbit=2), scale=0)
    assert case.ansatz.order == 2
    start = start_probabilities(case.povm, case.model.bloch)
    assert np.abs(start[0] - start[1]).max() > 0.1
    product = reduce(np.multiply.outer, start)
    np.testing.assert_allclose(case.distribution, product, rtol=1e-12)


def test_directed_couplings_keep_their_translations():
    symmetries = symmetries_of(heisenberg_ring(4, couplings={"XY": 1.0}), "all")
    assert len(symmetries.permutations) == 4


@pytest.mark.parametrize(
    ("changes", "povm", "turns"),
    [
        # Decay along Z: only the half turn about Z is left.
        ({"start": {"Z": 1}}, "cubic", 2),
        ({"start": {"Y": 1}}, "cubic", 1),
        ({"start": {"Z": 1}, "fields": {"X": 0.1}}, "cubic", 1),
        ({"start": {"Z": 1}, "fields": {}, "jumps": [{"operator": "Z", "rate": 1.0}]}, "cubic", 2),
        # A half turn about Z takes the other three of its outcomes to none of them.
        ({"start": {"Z": 0.5}}, "z_aligned", 1),
    ],
)
def test_half_turns_are_found(setting, changes, povm, turns):
    system = heisenberg_ring(4, **changes)
    case = setting(system, tdvp(orbit="full", povm=povm))
    assert case.ansatz.order == 8 * turns
    distribution = case.distribution
    assert distribution.sum() == pytest.approx(1, abs=1e-12)
    for shift in set(case.ansatz.symmetries.shifts.tolist()):
        turned = distribution[np.ix_(*[np.arange(4) ^ shift] * 4)]
        np.testing.assert_allclose(turned, distribution, rtol=1e-12)


def test_half_turns_make_odd_magnetisations_vanish(setting):
    case = setting(heisenberg_ring(3, start={"Z": 1}), tdvp(orbit="full"))
    means = [np.einsum("abc,a->", case.distribution, case.povm.weights(axis)) for axis in "XYZ"]
    np.testing.assert_allclose(means[:2], 0, atol=1e-12)
    assert abs(means[2]) > 1e-2
