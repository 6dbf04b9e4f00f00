import numpy as np
import pytest
from solvers import tdvp
from systems import heisenberg_ring

from opentdvp.engine.orbit import build_orbit
from opentdvp.errors import ConfigError
from opentdvp.models import build_model


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
        ([6], "space_group", 12),
        ([3, 3], "all", 9),
        ([3, 3], "space_group", 72),
        ([4, 3], "space_group", 48),
    ],
)
def test_symmetries_form_a_group(size, orbit, order):
    """Translations of one element of the point group follow each other, as the estimator needs."""
    kind = {1: "chain", 2: "square"}[len(size)]
    lattice = {"kind": kind, "size": size, "periodic": True}
    model = build_model(heisenberg_ring(size[0], lattice=lattice))
    symmetries = build_orbit(orbit, model)
    elements = {tuple(p.tolist()) for p in symmetries.permutations}
    assert len(symmetries.permutations) == len(elements) == order
    assert symmetries.permutations[0].tolist() == list(range(model.n_sites))
    products = symmetries.permutations[:, symmetries.permutations].reshape(-1, model.n_sites)
    assert {tuple(p.tolist()) for p in products} == elements
    for block in symmetries.permutations.reshape(-1, symmetries.translations, model.n_sites):
        if symmetries.stride:
            rolled = [np.roll(block[0], -m * symmetries.stride) for m in range(len(block))]
            np.testing.assert_array_equal(block, rolled)


@pytest.mark.parametrize(
    ("changes", "orbit", "message"),
    [
        ({"lattice": {"kind": "chain", "size": [4], "periodic": False}}, "all", "open lattice"),
        ({}, 3, "3 does not fit the periodic lattice"),
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
        build_orbit(orbit, build_model(heisenberg_ring(4, **changes)))


def test_directed_couplings_keep_their_translations():
    model = build_model(heisenberg_ring(4, couplings={"XY": 1.0}))
    assert len(build_orbit("all", model).permutations) == 4
