import numpy as np
import pytest
from solvers import tdvp
from systems import heisenberg_ring

from opentdvp.engine.orbit import build_orbit, representatives
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


@pytest.mark.parametrize("step", [1, 2, 4])
def test_representatives_stand_for_all_outcomes(step):
    permutations = build_model(heisenberg_ring(4)).lattice.translations(step)
    outcomes, sizes = representatives(permutations)
    assert sizes.sum() == 4**4
    images = {tuple(map(int, outcome[p])) for outcome in outcomes for p in permutations}
    assert len(images) == 4**4


@pytest.mark.parametrize(
    ("changes", "orbit", "message"),
    [
        ({"lattice": {"kind": "chain", "size": [4], "periodic": False}}, "all", "open lattice"),
        ({}, 3, "3 does not fit the periodic lattice"),
        ({"terms": [{"operators": "Z", "sites": [1], "strength": 1.0}]}, "all", "unchanged"),
        ({"jumps": [{"operator": "Z", "rate": 1.0, "sites": [0]}]}, 2, "unchanged"),
    ],
)
def test_orbit_that_is_no_symmetry_is_refused(changes, orbit, message):
    with pytest.raises(ConfigError, match=message):
        build_orbit(orbit, build_model(heisenberg_ring(4, **changes)))
