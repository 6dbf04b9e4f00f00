"""When a correlator reaches a threshold, and the power law of that, for known fronts."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from trajectories import make

from opentdvp.config import FrontFigure, HeatMapFigure, Published, Run
from opentdvp.errors import ConfigError
from opentdvp.records.trajectory import Observable, Trajectory
from opentdvp.study.fronts import FRONT, crossing, fit, fronts

RUN = Run(system="ring", solver="exact")
SETTINGS: dict[str, Any] = {
    "kind": "front",
    "time_label": "$Jt$",
    "pair": "ZZ",
    "first_distance": 2,
    "threshold": 0.1,
    "rows": [{"run": RUN, "label": "ring"}],
}
FIGURE = FrontFigure.model_validate(SETTINGS)
TIMES = np.linspace(0, 60, 241)


def spreading(
    a: float, b: float, width: float = 0.3, error: float = 0.0, largest: int = 9
) -> Trajectory:
    """C(d, t) = 0.2 / (1 + exp(−(t − (d/a)^b)/w)): half of it, 0.1, at t = (d/a)^b."""
    distances = np.arange(1, largest + 1)
    mean = 0.1 * (1 + np.tanh((TIMES[:, None] - (distances / a) ** b) / (2 * width)))
    values = Observable(mean, np.full_like(mean, error), tuple(distances.tolist()))
    return make({"C_ZZ": values}, TIMES)


def published(observable: str = "front", **changes: Any) -> Published:
    keys = {"label": "paper", "source": "S4", "uncertainty": 0.1, "observable": observable}
    curve = {"times": (4.0, 9.0, 16.0, 25.0), "values": (4.0, 6.0, 8.0, 10.0)}
    return Published.model_validate(keys | curve | changes)


@pytest.mark.parametrize(("a", "b"), [(0.9, 1.0), (1.5, 1.9), (2.0, 2.0)])
def test_known_front_is_recovered(a, b):
    table = fronts(FIGURE, {RUN: spreading(a, b)})
    assert dict(zip(table, FRONT, strict=True)) == {name: name for name in FRONT}
    assert (table["label"] == "ring").all()
    np.testing.assert_array_equal(table["distance"], np.arange(2, 10))
    # Straight lines between outputs 0.25 apart, of a curve that rises within about 1.
    np.testing.assert_allclose(table["time"], (np.arange(2, 10) / a) ** b, atol=0.01)
    np.testing.assert_allclose(table["a"], a, rtol=3e-3)
    np.testing.assert_allclose(table["b"], b, rtol=3e-3)
    assert (table["b_error"] < 3e-3).all()


def test_error_of_the_time_is_that_of_the_curve_over_its_slope():
    """At half height the slope is 0.2/(4w)."""
    errors = []
    for error in (1e-4, 2e-4):
        table = fronts(FIGURE, {RUN: spreading(2.0, 1.5, width=2.0, error=error)})
        np.testing.assert_allclose(table["time_error"], error / 0.025, rtol=0.01)
        errors.append(table["time_error"])
    np.testing.assert_allclose(errors[1], 2 * errors[0], rtol=0.01)


def test_distances_that_are_never_reached_are_left_out():
    late = spreading(0.9, 1.9)
    table = fronts(FIGURE, {RUN: late})
    reached = [d for d in range(2, 10) if (d / 0.9) ** 1.9 < TIMES[-1]]
    assert table["distance"].tolist() == reached
    assert len(reached) < 8
    nothing = fronts(FIGURE.model_copy(update={"threshold": 0.5}), {RUN: late})
    assert nothing.empty
    assert list(nothing) == list(FRONT)


def test_two_distances_have_times_but_no_fit():
    table = fronts(FIGURE, {RUN: spreading(1.5, 1.9, largest=3)})
    assert len(table) == 2
    assert table["time"].notna().all()
    assert table[["a", "b", "b_error"]].isna().all(axis=None)


def test_published_fronts_are_fitted_as_they_are():
    figure = FIGURE.model_copy(update={"published": ("known",)})
    table = fronts(figure, {RUN: spreading(1.5, 1.9)}, {"known": published()})
    rows = table[table["label"] == "paper"]
    assert rows[["distance", "time"]].to_numpy().tolist() == [[4, 4], [6, 9], [8, 16], [10, 25]]
    assert rows["time_error"].isna().all()
    np.testing.assert_allclose(rows[["a", "b"]], [[2, 2]] * 4)


def test_published_values_must_be_a_front_of_their_own():
    figure = FIGURE.model_copy(update={"published": ("known",)})
    runs = {RUN: spreading(1.5, 1.9)}
    with pytest.raises(ConfigError, match="must be front, but is Z"):
        fronts(figure, runs, {"known": published("Z")})
    with pytest.raises(ConfigError, match=r"must be positive, but are 0\.0 and 4\.0"):
        fronts(figure, runs, {"known": published(times=(0, 9, 16, 25))})
    with pytest.raises(ConfigError, match="must differ, but are ring, ring"):
        fronts(figure, runs, {"known": published(label="ring")})


def test_fluctuation_at_one_time_is_no_crossing():
    times = np.arange(8.0)
    mean = np.array([0, 0, 0.5, 0, 0, 0.1, 0.3, 0.5])
    quiet, noisy = np.full(8, 0.01), np.full(8, 0.15)
    assert crossing(times, mean, quiet, 0.2) == pytest.approx((5.5, 0.01 / 0.2))
    # Within one error of 0.2 are the points at 5 and 6: the line is that from 4 to 7.
    longer = np.append(mean, 0.6)
    found = crossing(np.arange(9.0), longer, np.append(noisy, 0.15), 0.2)
    assert found == pytest.approx((4 + 3 * 0.2 / 0.5, 0.15 / (0.5 / 3)))
    # Not known to be above, as the last point alone is: nothing.
    assert crossing(times, mean, noisy, 0.2) is None


def test_curve_that_is_above_from_the_start_never_crosses():
    assert crossing(np.arange(4.0), np.full(4, 0.5), np.zeros(4), 0.2) is None


def test_noise_leaves_the_time_without_bias_and_within_its_error():
    """White noise that is larger than the rise between two outputs."""
    rng = np.random.default_rng(5)
    error, slope, start = 0.01, 0.004, 30.0
    clean = np.maximum(0.1 + slope * (TIMES - start), 0)
    found = [
        crossing(TIMES, clean + error * rng.standard_normal(len(TIMES)), np.full(241, error), 0.1)
        for _ in range(200)
    ]
    time, deviation = np.array([pair for pair in found if pair]).T
    assert len(time) == 200
    assert np.mean(time) == pytest.approx(start, abs=0.2 * error / slope)
    assert 0.7 < np.std(time) / np.median(deviation) < 1.2


@pytest.mark.parametrize(
    "points",
    [
        [(5.0, 1.0, 0.1), (5.0, 2.0, 0.1), (5.0, 3.0, 0.1)],  # at one distance
        [(3.0, 2.0, 0.0), (4.0, 2.0, 0.0), (5.0, 2.0, 0.0)],  # everywhere at once
        [(3.0, 4.0, np.nan), (4.0, 3.0, np.nan), (5.0, 2.0, np.nan)],  # coming back
    ],
)
def test_points_that_do_not_spread_have_no_power_law(points):
    assert np.isnan(fit(points)).all()


def test_one_time_without_error_does_not_decide_alone():
    """Its weight would be infinite, and the fit singular."""
    distances = np.arange(4.0, 10.0)
    times = (distances / 1.5) ** 1.9
    errors = np.where(distances == 4, 0, 0.5 * times)
    a, b, error = fit(list(zip(distances, times, errors, strict=True)))
    assert (a, b) == pytest.approx((1.5, 1.9), rel=1e-6)
    assert 0 < error < 2


def test_fit_weighs_times_by_their_errors_but_not_beyond_the_scatter():
    distances = np.arange(4.0, 10.0)
    exact = (distances / 1.5) ** 1.9
    wrong = exact * np.where(distances == 9, 2, 1)
    known = np.where(distances == 9, wrong, 0.01 * exact)
    _, b, error = fit(list(zip(distances, wrong, known, strict=True)))
    assert b == pytest.approx(1.9, abs=error)
    # All errors equal and negligible: weights are equal, as without errors.
    tiny = list(zip(distances, wrong, 1e-6 * wrong, strict=True))
    unknown = [(d, t, np.nan) for d, t, _ in tiny]
    slope, _ = np.polyfit(np.log(distances), np.log(wrong), 1)
    assert fit(unknown) == pytest.approx(fit(tiny), rel=1e-6)
    assert fit(tiny)[1] == pytest.approx(slope, rel=1e-6)


def test_error_of_the_exponent_is_that_of_repeated_fits():
    rng = np.random.default_rng(7)
    distances = np.arange(3.0, 13.0)
    times = (distances / 1.5) ** 1.9
    known = 0.02 * times
    fits = np.array(
        [
            fit(list(zip(distances, times + known * rng.standard_normal(10), known, strict=True)))
            for _ in range(200)
        ]
    )
    assert np.mean(fits[:, 1]) == pytest.approx(1.9, abs=0.01)
    assert np.std(fits[:, 1]) == pytest.approx(np.mean(fits[:, 2]), rel=0.25)


HEATMAP = {
    "kind": "heatmap",
    "time_label": "$Jt$",
    "pair": "ZZ",
    "largest_distance": 3,
    "rows": SETTINGS["rows"],
    "range": [0.01, 0.2],
}


def test_fronts_of_a_heat_map_are_those_of_a_figure_of_fronts():
    run = {RUN: spreading(1.5, 1.9)}
    figure = HeatMapFigure.model_validate(
        HEATMAP | {"front": {"first_distance": 2, "threshold": 0.1}}
    )
    pd.testing.assert_frame_equal(fronts(figure, run), fronts(FIGURE, run))
    with pytest.raises(ConfigError, match="`front` must be there"):
        fronts(HeatMapFigure.model_validate(HEATMAP), run)
