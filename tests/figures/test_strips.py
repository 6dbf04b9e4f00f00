"""What is left between compared runs."""

from typing import Any

import numpy as np
import pytest
from drawn_figures import PANELS, POINTS, REFERENCE, foot, rows, texts
from figure_settings import DYNAMICS, SAMPLED, TOLERANCE, material
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from solvers import ENUMERATION, tdvp, wave_functions
from trajectories import damped

from opentdvp.figures import dynamics, strips


def levels(strip: Axes) -> list[float]:
    """Heights of the guides, which are drawn after the three curves."""
    return [np.asarray(line.get_ydata())[0] for line in strip.lines[3:]]


def band_edges(band: Any) -> np.ndarray:
    return np.asarray(band.get_paths()[0].vertices)


@pytest.mark.parametrize(("panel", "names", "distance"), PANELS)
def test_residuals_are_those_of_the_table(
    drawn: Figure, panel: int, names: list[str], distance: int
) -> None:
    strip = drawn.axes[2 + panel]
    for name, line in zip(names, strip.lines, strict=False):
        table = rows(POINTS, name, distance)
        np.testing.assert_array_equal(line.get_xdata(), table["time"])
        np.testing.assert_array_equal(line.get_ydata(), table["difference"])
    limit = TOLERANCE.correlators if distance else TOLERANCE.magnetization
    assert levels(strip) == [0, -limit, limit]
    assert [line.get_linestyle() for line in strip.lines[4:]] == ["--", "--"]
    assert strip.get_ylabel() == r"$\Delta$"
    assert strip.get_ylim()[1] > limit
    assert strip.get_ylim()[0] == -strip.get_ylim()[1]
    for name, band in zip(names, strip.collections, strict=True):
        error = 2 * rows(POINTS, name, distance)["combined_error"]
        assert band_edges(band)[:, 1].max() == pytest.approx(error.max())
        assert band_edges(band)[:, 1].min() == pytest.approx(-error.max())


def test_small_errors_do_not_stretch_the_strip() -> None:
    """Of a run that is off by hundreds of its errors: the difference stays what it is."""
    precise = damped(61, error=1e-5, seed=1, solver=SAMPLED)
    precise.observables["X"].mean[:] += 5e-3
    drawn = dynamics.draw(DYNAMICS, material(precise, REFERENCE))
    assert np.abs(drawn.axes[2].lines[0].get_ydata() - 5e-3).max() < 1e-4
    assert drawn.axes[2].get_ylim()[1] == pytest.approx(strips.MARGIN * strips.FAR * 5e-3, rel=0.02)


def test_runs_without_errors_have_no_band() -> None:
    enumerated = damped(61, solver=tdvp(sampling=ENUMERATION))
    enumerated.observables["X"].mean[:] += 1e-3
    drawn = dynamics.draw(DYNAMICS, material(enumerated, REFERENCE))
    strip = drawn.axes[2]
    np.testing.assert_allclose(np.asarray(strip.lines[0].get_ydata()), 1e-3)
    assert not strip.collections
    # The tolerance, 0.05, is too far away to be seen.
    assert strip.get_ylim()[1] == pytest.approx(strips.MARGIN * strips.FAR * 1e-3)
    assert foot(drawn).endswith("No run has a sampling error.")
    assert texts(drawn.legends[0])[0] == "ring $N = 6$, TDVP (recurrent)"


def test_equal_runs_have_a_strip_to_their_tolerance() -> None:
    strip = dynamics.draw(DYNAMICS, material(REFERENCE, REFERENCE)).axes[2]
    assert strip.get_ylim()[1] == pytest.approx(strips.MARGIN * 0.05)


def test_the_foot_says_what_the_strips_show(drawn: Figure) -> None:
    strip, sigma = foot(drawn).split("\n")
    assert strip == (
        r"Strips: $\Delta$ = lines − marks, absolute; dashed: tolerance, 0.05 (a), 0.02 (b); "
        r"shaded: $\pm 2\sigma$ of both runs."
    )
    assert sigma.startswith(r"$\sigma$: the sampling error of the observables alone")
    # Of other solvers it is what they say of themselves.
    run = damped(61, error=0.005, seed=1, solver=wave_functions())
    assert "\n" not in foot(dynamics.draw(DYNAMICS, material(run, REFERENCE)))
