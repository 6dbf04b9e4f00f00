"""Lines, bands and marks of runs, with the inset that they begin with."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from drawn_figures import (
    CANDIDATE,
    PANELS,
    POINTS,
    REFERENCE,
    dark_lines,
    lines,
    recorded,
    values,
)
from figure_settings import DYNAMICS, SAMPLED, material
from matplotlib.collections import PolyCollection
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from systems import heisenberg_ring
from trajectories import damped

from opentdvp.config import Run
from opentdvp.config.panels import Inset
from opentdvp.figures import curves, dynamics


def band_edges(band: Any) -> np.ndarray:
    return np.asarray(band.get_paths()[0].vertices)


@pytest.mark.parametrize(("panel", "names", "distance"), PANELS)
def test_lines_and_bands(drawn: Figure, panel: int, names: list[str], distance: int) -> None:
    axes = drawn.axes[panel]
    solid = lines(axes, "-")
    bands = [entry for entry in axes.collections if isinstance(entry, PolyCollection)]
    assert len(solid) == len(bands) == 3
    for name, line, band in zip(names, solid, bands, strict=True):
        mean, error = values(CANDIDATE, name, distance)
        times, shown = recorded(line)
        np.testing.assert_allclose(times, CANDIDATE.times, rtol=1e-12)
        np.testing.assert_array_equal(shown, mean)
        edge = band_edges(band)
        for border in (mean - error, mean + error):
            for corner in zip(CANDIDATE.times, border, strict=True):
                assert np.isclose(edge, corner).all(axis=1).any()
        assert edge[:, 1].min() <= (mean - error).min()
        assert edge[:, 1].max() >= (mean + error).max()


def test_lines_have_no_corners() -> None:
    """Between recorded times they follow the curve, here a cosine that is recorded six times."""
    run = damped(13)
    shape = np.cos(2 * np.pi * np.linspace(0, 2, 13))
    run.observables["X"].mean[:] = shape
    line = lines(dynamics.draw(DYNAMICS, material(run, REFERENCE)).axes[0], "-")[0]
    exact = np.cos(2 * np.pi * 2 * np.asarray(line.get_xdata()) / 3)
    assert np.abs(line.get_ydata() - exact).max() < 0.06
    # Straight lines would be twice as far away.
    straight = np.interp(line.get_xdata(), run.times, shape)
    assert np.abs(straight - exact).max() > 0.11


@pytest.mark.parametrize(("panel", "names", "distance"), PANELS)
def test_a_dark_line_goes_through_all_values_of_the_reference(
    drawn: Figure, panel: int, names: list[str], distance: int
) -> None:
    for name, line in zip(names, dark_lines(drawn.axes[panel]), strict=True):
        times, shown = recorded(line)
        np.testing.assert_allclose(times, REFERENCE.times, rtol=1e-12)
        np.testing.assert_array_equal(shown, values(REFERENCE, name, distance)[0])
        # Below the candidate's, so that it shows where they differ.
        assert line.zorder < min(other.zorder for other in lines(drawn.axes[panel], "-"))


@pytest.mark.parametrize(("panel", "names", "distance"), PANELS)
def test_marks_are_values_of_the_reference(
    drawn: Figure, panel: int, names: list[str], distance: int
) -> None:
    marks = lines(drawn.axes[panel], "None")
    assert len(marks) == 3
    assert len({line.get_marker() for line in marks}) == 3
    for name, line in zip(names, marks, strict=True):
        at = np.searchsorted(REFERENCE.times, line.get_xdata())
        assert 15 <= len(at) <= 30
        np.testing.assert_array_equal(line.get_xdata(), REFERENCE.times[at])
        np.testing.assert_array_equal(line.get_ydata(), values(REFERENCE, name, distance)[0][at])


def test_reference_is_drawn_only_where_the_candidate_is() -> None:
    stretched = damped(121)
    stretched = replace(stretched, times=2 * stretched.times)
    figure = dynamics.draw(DYNAMICS, material(CANDIDATE, stretched))
    for axes in figure.axes[:2]:
        assert max(line.get_xdata().max() for line in lines(axes, "None")) <= 3


def test_reference_has_error_bars() -> None:
    noisy = damped(61, error=0.01, seed=2)
    figure = dynamics.draw(DYNAMICS, material(CANDIDATE, noisy))
    for axes in figure.axes[:2]:
        for container in axes.containers:
            assert isinstance(container, ErrorbarContainer)
            segments = np.array(container.lines[2][0].get_segments())
            np.testing.assert_allclose(np.diff(segments[..., 1]), 0.02)


def test_inset_shows_runs_that_stop_early() -> None:
    early = (Run(system="early", solver="net"), Run(system="early", solver="ref"))
    inset = Inset(comparison="beginning", magnetization=("X", "Y"))
    panel = DYNAMICS.panels[0].model_copy(update={"inset": inset})
    figure = DYNAMICS.model_copy(update={"panels": (panel,)})
    assert figure.compared() == ("ring", "beginning")
    shown = material(CANDIDATE, REFERENCE, POINTS)
    comparison = shown.comparisons["ring"].model_copy(
        update={"candidate": early[0], "reference": early[1]}
    )
    pair = [replace(run, times=run.times / 10) for run in (CANDIDATE, REFERENCE)]
    shown = replace(
        shown,
        runs=shown.runs | dict(zip(early, pair, strict=True)),
        comparisons={**shown.comparisons, "beginning": comparison},
    )
    assert {run for run, _ in figure.demands(shown.comparisons, {})} == set(shown.runs)
    upper, _ = dynamics.draw(figure, shown).axes
    (small,) = upper.child_axes
    assert small.get_xlim() == (0, pytest.approx(0.3))
    assert (small.get_xlabel(), small.get_ylabel()) == (
        "γt",
        r"$\langle X \rangle$, $\langle Y \rangle$",
    )
    assert small.get_title() == "other runs, to γt = 0.3; the lines begin with them"
    for line, axis in zip(lines(small, "-"), "XY", strict=True):
        np.testing.assert_array_equal(recorded(line)[1], CANDIDATE.observables[axis].mean)
    for line, axis in zip(lines(small, "None"), "XY", strict=True):
        at = np.searchsorted(pair[1].times, line.get_xdata())
        np.testing.assert_array_equal(line.get_ydata(), REFERENCE.observables[axis].mean[at])
    # In the panel all lines begin with them, and go on with the longer runs.
    for axis, line, dark in zip("XYZ", lines(upper, "-"), dark_lines(upper), strict=True):
        for drawn, short, long in ((line, pair[0], CANDIDATE), (dark, pair[1], REFERENCE)):
            times, shape = np.asarray(drawn.get_xdata()), np.asarray(drawn.get_ydata())
            assert (np.diff(times) > 0).all()
            begin = curves.PARTS * (short.times.size - 1) + 1
            mean = short.observables[axis].mean
            np.testing.assert_array_equal(shape[:begin][:: curves.PARTS], mean)
            later = long.times > 0.3 + 1e-9
            at = np.searchsorted(times, long.times[later] - 1e-9)
            np.testing.assert_array_equal(shape[at], long.observables[axis].mean[later])


def test_lines_do_not_begin_with_runs_of_another_system() -> None:
    early = (Run(system="early", solver="net"), Run(system="early", solver="ref"))
    inset = Inset(comparison="beginning", magnetization=("X",))
    panel = DYNAMICS.panels[0].model_copy(update={"inset": inset})
    shown = material(CANDIDATE, REFERENCE, POINTS)
    comparison = shown.comparisons["ring"].model_copy(
        update={"candidate": early[0], "reference": early[1]}
    )
    strange = damped(61, error=0.005, system=heisenberg_ring(4), solver=SAMPLED)
    strange = replace(strange, times=strange.times / 10)
    shown = replace(
        shown,
        runs=shown.runs | dict.fromkeys(early, strange),
        comparisons={**shown.comparisons, "beginning": comparison},
    )
    upper, _ = dynamics.draw(DYNAMICS.model_copy(update={"panels": (panel,)}), shown).axes
    assert upper.child_axes[0].get_title() == "other runs, to γt = 0.3"
    shape = recorded(lines(upper, "-")[0])[1]
    np.testing.assert_array_equal(shape, CANDIDATE.observables["X"].mean)


def some(run: Any, count: int) -> Any:
    """The run at its last few times only."""
    observables = {
        name: replace(entry, mean=entry.mean[-count:], stderr=entry.stderr[-count:])
        for name, entry in run.observables.items()
    }
    return replace(run, times=run.times[-count:], observables=observables)


@pytest.mark.parametrize("count", [1, 3])
def test_curves_of_few_values_are_marked(count: int) -> None:
    """Also those of one time alone, which no line goes through, with their error."""
    candidate = some(CANDIDATE, count)
    drawn = dynamics.draw(DYNAMICS, material(candidate, REFERENCE))
    line = lines(drawn.axes[0], "-")[0]
    assert line.get_marker() == "."
    assert line.get_markevery() == curves.PARTS
    np.testing.assert_array_equal(recorded(line)[1], candidate.observables["X"].mean)
    bars = [entry for entry in drawn.axes[0].containers if isinstance(entry, ErrorbarContainer)]
    # Those of the reference's marks, and of the values that no band can be drawn of.
    assert len(bars) == (6 if count == 1 else 3)
    strip = drawn.axes[2].lines[0]
    assert (strip.get_marker(), len(strip.get_xdata())) == (".", count)


def test_curves_of_many_values_have_no_marks() -> None:
    drawn = dynamics.draw(DYNAMICS, material(CANDIDATE, REFERENCE))
    assert lines(drawn.axes[0], "-")[0].get_marker() == "None"
