"""Profiles and currents as maps over places and time."""

from typing import Any

import numpy as np
import pytest
from matplotlib.collections import QuadMesh
from trajectories import make

from opentdvp.config import ProfileFigure, Run
from opentdvp.figures import profile
from opentdvp.figures.sources import Material
from opentdvp.records.trajectory import Observable, Trajectory

FIRST, SECOND = Run(system="chain", solver="noisy"), Run(system="chain", solver="exact")
TIMES = np.linspace(0, 2, 6)
BONDS = ("0, 1", "1, 2")
ROWS: list[dict[str, Any]] = [{"run": FIRST, "label": "noisy"}, {"run": SECOND, "label": "exact"}]


def flowing(scale: float) -> Trajectory:
    mean = scale * TIMES[:, None] * np.array([1.0, -2.0, 0.5])
    labels = {"site": (0, 1, 2)}
    return make(
        {
            "Z_i": Observable(mean, np.zeros_like(mean), labels=labels),
            "J_Z": Observable(mean[:, :2], np.zeros((6, 2)), labels={"bond": BONDS}),
        },
        TIMES,
    )


RUNS = {FIRST: flowing(0.1), SECOND: flowing(0.2)}


def drawn(**settings: Any) -> Any:
    figure = ProfileFigure.model_validate({"kind": "profile", "rows": ROWS} | settings)
    return profile.draw(figure, Material(RUNS))


def mesh(axes: Any) -> QuadMesh:
    (found,) = [entry for entry in axes.collections if isinstance(entry, QuadMesh)]
    return found


def test_rows_hold_the_values_by_site_and_time_with_the_same_colours():
    axes = drawn(observable="Z_i").axes
    for panel, run in zip(axes, RUNS.values(), strict=False):
        np.testing.assert_array_equal(mesh(panel).get_array(), run.observables["Z_i"].mean.T)
        assert (mesh(panel).norm.vmin, mesh(panel).norm.vmax) == (-0.8, 0.8)
        assert panel.get_ylabel() == "site"
        np.testing.assert_allclose(mesh(panel).get_coordinates()[:, 0, 1], [-0.5, 0.5, 1.5, 2.5])


def test_bonds_are_named_by_their_sites_and_the_range_is_the_given_one():
    axes = drawn(observable="J_Z", range=[0, 0.5]).axes
    assert (mesh(axes[0]).norm.vmin, mesh(axes[0]).norm.vmax) == (0, 0.5)
    named = axes[0].yaxis.get_major_formatter()
    assert [named(place, None) for place in (-1, 0, 1, 2)] == ["", *BONDS, ""]


@pytest.mark.parametrize("settings", [{"observable": "Z"}, {"observable": "Z_i", "range": [1, 0]}])
def test_what_is_no_profile_or_range_is_refused(settings):
    with pytest.raises(ValueError, match=r"observable|ascend"):
        drawn(**settings)
