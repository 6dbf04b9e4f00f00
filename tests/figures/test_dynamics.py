from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from figure_settings import DYNAMICS, SAMPLED, TOLERANCE, material
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from PIL import Image
from solvers import ENUMERATION, moments, tdvp, wave_functions
from systems import heisenberg_ring
from trajectories import damped

from opentdvp.compare import compare
from opentdvp.config import Panel, Run
from opentdvp.config.panels import Inset
from opentdvp.figures import draw_to_files, dynamics, style
from opentdvp.records.trajectory import Trajectory

CANDIDATE = damped(61, error=0.005, seed=1, solver=SAMPLED)
REFERENCE = damped(121, system=heisenberg_ring(10))
POINTS = compare(CANDIDATE, REFERENCE, TOLERANCE)

PANELS = [(0, ["X", "Y", "Z"], 0), (1, ["C_XX", "C_YY", "C_ZZ"], 2)]


@pytest.fixture(scope="module")
def drawn() -> Figure:
    return dynamics.draw(DYNAMICS, material(CANDIDATE, REFERENCE, POINTS))


def values(run: Trajectory, name: str, distance: int) -> tuple[np.ndarray, np.ndarray]:
    entry = run.observables[name]
    column = (..., entry.distances.index(distance)) if distance else ...
    return entry.mean[column], entry.stderr[column]


def rows(points: pd.DataFrame, name: str, distance: int) -> pd.DataFrame:
    return points.query("observable == @name and distance == @distance")


def lines(axes: Axes, dashes: str) -> list[Any]:
    """Lines of a panel by style: solid ones are the candidate's, "None" are marks."""
    return [line for line in axes.lines if line.get_linestyle() == dashes]


def texts(legend: Legend | None) -> list[str]:
    assert legend is not None
    return [text.get_text() for text in legend.get_texts()]


def levels(strip: Axes) -> list[float]:
    """Heights of the guides, which are drawn after the three curves."""
    return [np.asarray(line.get_ydata())[0] for line in strip.lines[3:]]


def test_layout(drawn: Figure) -> None:
    upper, lower = drawn.axes[:2], drawn.axes[2:]
    assert [axes.get_title(loc="left") for axes in upper] == ["(a)", "(b)"]
    assert [axes.get_xlabel() for axes in drawn.axes] == ["", "", "γt", "γt"]
    assert "d = 2" in upper[1].get_ylabel()
    for panel, strip in zip(upper, lower, strict=True):
        assert panel.get_xlim() == strip.get_xlim()
        assert panel.get_shared_x_axes().joined(panel, strip)


@pytest.mark.parametrize(("panel", "names", "distance"), PANELS)
def test_lines_and_bands(drawn: Figure, panel: int, names: list[str], distance: int) -> None:
    axes = drawn.axes[panel]
    solid = lines(axes, "-")
    bands = [entry for entry in axes.collections if isinstance(entry, PolyCollection)]
    assert len(solid) == len(bands) == 3
    for name, line, band in zip(names, solid, bands, strict=True):
        mean, error = values(CANDIDATE, name, distance)
        np.testing.assert_array_equal(line.get_xdata(), CANDIDATE.times)
        np.testing.assert_array_equal(line.get_ydata(), mean)
        edge = np.asarray(band.get_paths()[0].vertices)
        for border in (mean - error, mean + error):
            for corner in zip(CANDIDATE.times, border, strict=True):
                assert np.isclose(edge, corner).all(axis=1).any()
        assert edge[:, 1].min() == pytest.approx((mean - error).min())
        assert edge[:, 1].max() == pytest.approx((mean + error).max())


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


@pytest.mark.parametrize(("panel", "names", "distance"), PANELS)
def test_residuals_are_those_of_the_table(
    drawn: Figure, panel: int, names: list[str], distance: int
) -> None:
    strip = drawn.axes[2 + panel]
    for name, line in zip(names, strip.lines, strict=False):
        table = rows(POINTS, name, distance)
        np.testing.assert_array_equal(line.get_xdata(), table["time"])
        np.testing.assert_array_equal(line.get_ydata(), table["in_errors"])
    assert levels(strip) == [0, -2, 2]
    assert strip.get_ylabel() == r"$\Delta / \sigma$"
    assert strip.get_ylim()[1] >= 3
    assert strip.get_ylim()[0] == -strip.get_ylim()[1]


def test_residuals_without_errors_are_absolute() -> None:
    enumerated = damped(61, solver=tdvp(sampling=ENUMERATION))
    enumerated.observables["X"].mean[:] += 1e-3
    strip = dynamics.draw(DYNAMICS, material(enumerated, REFERENCE)).axes[2]
    assert strip.get_ylabel() == r"$\Delta$ (absolute)"
    np.testing.assert_allclose(np.asarray(strip.lines[0].get_ydata()), 1e-3)
    assert levels(strip) == [0]


def test_one_point_without_error_leaves_a_gap() -> None:
    run = damped(61, error=0.005, seed=1, solver=SAMPLED)
    run.observables["X"].stderr[0] = 0
    strip = dynamics.draw(DYNAMICS, material(run, REFERENCE)).axes[2]
    assert strip.get_ylabel() == r"$\Delta / \sigma$"
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(strip.lines[0].get_ydata())), [0])


def test_legends_name_runs_sizes_and_tolerances(drawn: Figure) -> None:
    assert texts(drawn.legends[0]) == [
        "ring $N = 6$, TDVP ± standard error",
        "ring $N = 10$, exact",
        r"$\Delta$ = TDVP − exact, tolerance 0.05 (a), 0.02 (b)",
    ]
    left, right = (axes.get_legend() for axes in drawn.axes[:2])
    assert texts(left) == [rf"$\langle {axis} \rangle$" for axis in "XYZ"]
    assert texts(right) == ["$C_{XX}$", "$C_{YY}$", "$C_{ZZ}$"]


def test_nothing_leaves_the_page(drawn: Figure) -> None:
    assert_within_page(drawn)


def test_long_names_do_not_leave_the_page_either() -> None:
    """Those of a square lattice; they need two rows."""
    lattice = {"kind": "square", "size": (5, 5), "periodic": False}
    run = damped(61, error=0.005, system=heisenberg_ring(25, lattice=lattice), solver=moments(3, 4))
    drawn = dynamics.draw(DYNAMICS, material(run, run, POINTS))
    assert "open square" in texts(drawn.legends[0])[0]
    assert_within_page(drawn)


def assert_within_page(drawn: Figure) -> None:
    with style.context():
        drawn.draw_without_rendering()
        extent = drawn.get_tightbbox()
    width, height = drawn.get_size_inches()
    assert width == pytest.approx(7)
    assert extent.x0 >= 0
    assert extent.y0 >= 0
    assert extent.x1 <= width
    assert extent.y1 <= height


def test_files_carry_their_runs(tmp_path: Path) -> None:
    paths = [tmp_path / "figure.pdf", tmp_path / "figure.png"]
    draw_to_files(DYNAMICS, material(CANDIDATE, REFERENCE, POINTS), paths)
    with Image.open(paths[1]) as image:
        keywords = image.text["Keywords"]  # type: ignore[attr-defined]
        assert image.size == (2100, 990)
    for run in (CANDIDATE, REFERENCE):
        assert run.run_id in keywords
        assert run.run_id.encode() in paths[0].read_bytes()


ROUGH = Run(system="ten", solver="rough")


def test_runs_beside_are_crosses() -> None:
    panel = DYNAMICS.panels[0].model_copy(update={"beside": (ROUGH,)})
    figure = DYNAMICS.model_copy(update={"panels": (panel,)})
    shown = material(CANDIDATE, REFERENCE, POINTS)
    rough = damped(61, error=0.02, seed=5, system=heisenberg_ring(8))
    shown = replace(shown, runs={**shown.runs, ROUGH: rough})
    drawn = dynamics.draw(figure, shown)
    crosses = [line for line in drawn.axes[0].lines if line.get_marker() == "x"]
    assert len(crosses) == 3
    for line, axis in zip(crosses, "XYZ", strict=True):
        at = np.searchsorted(rough.times, line.get_xdata())
        np.testing.assert_array_equal(line.get_ydata(), rough.observables[axis].mean[at])
    assert "ring $N = 8$, exact" in texts(drawn.legends[0])
    # Residuals are those of the comparison alone.
    assert len(drawn.axes[1].lines) == 3 + 3
    assert drawn.axes[0].get_title(loc="left") == ""


def test_runs_of_one_name_keep_their_marks() -> None:
    """Two exact solutions of the same ring: one is the reference, the other is beside."""
    panel = DYNAMICS.panels[0].model_copy(update={"beside": (ROUGH,)})
    shown = material(CANDIDATE, REFERENCE, POINTS)
    shown = replace(shown, runs={**shown.runs, ROUGH: REFERENCE})
    drawn = dynamics.draw(DYNAMICS.model_copy(update={"panels": (panel,)}), shown)
    assert texts(drawn.legends[0]).count("ring $N = 10$, exact") == 2


def test_all_tolerances_of_a_panel_are_named() -> None:
    panel = Panel(comparisons=("ring", "wide"), labels=("one", "two"), magnetization=("Z",))
    shown = material(CANDIDATE, REFERENCE, POINTS)
    shown = replace(
        shown,
        comparisons=dict.fromkeys(("ring", "wide"), shown.comparisons["ring"]),
        points={"ring": POINTS, "wide": POINTS.assign(tolerance=0.3)},
    )
    drawn = dynamics.draw(DYNAMICS.model_copy(update={"panels": (panel,)}), shown)
    assert texts(drawn.legends[0])[-1].endswith("tolerance 0.05 / 0.3")


def test_several_systems_share_a_panel_under_their_labels() -> None:
    other = (Run(system="other", solver="net"), Run(system="other", solver="ref"))
    panel = Panel(comparisons=("ring", "second"), labels=("one", "two"), magnetization=("Z",))
    figure = DYNAMICS.model_copy(update={"panels": (panel,)})
    shown = material(CANDIDATE, REFERENCE, POINTS)
    second = damped(61, error=0.005, seed=7, solver=SAMPLED)
    comparison = shown.comparisons["ring"].model_copy(
        update={"candidate": other[0], "reference": other[1]}
    )
    shown = replace(
        shown,
        runs={**shown.runs, other[0]: second, other[1]: REFERENCE},
        comparisons={**shown.comparisons, "second": comparison},
        points={**shown.points, "second": compare(second, REFERENCE, TOLERANCE)},
    )
    upper, strip = dynamics.draw(figure, shown).axes
    assert texts(upper.get_legend()) == ["one", "two"]
    assert r"\langle Z \rangle" in upper.get_ylabel()
    solid = lines(upper, "-")
    assert len({line.get_color() for line in solid}) == 2
    for line, run in zip(solid, (CANDIDATE, second), strict=True):
        np.testing.assert_array_equal(line.get_ydata(), run.observables["Z"].mean)
    table = rows(shown.points["second"], "Z", 0)
    np.testing.assert_array_equal(strip.lines[1].get_ydata(), table["in_errors"])


def test_more_systems_than_styles_are_all_drawn() -> None:
    shown = material(CANDIDATE, REFERENCE, POINTS)
    names = tuple("abcd")
    panel = Panel(comparisons=names, labels=names, magnetization=("Z",))
    shown = replace(
        shown,
        comparisons=dict.fromkeys(names, shown.comparisons["ring"]),
        points=dict.fromkeys(names, POINTS),
    )
    figure = DYNAMICS.model_copy(update={"panels": (panel,)})
    upper = dynamics.draw(figure, shown).axes[0]
    assert texts(upper.get_legend()) == list(names)
    solid, dashed = lines(upper, "-"), lines(upper, "--")
    assert (len(solid), len(dashed)) == (3, 1)
    assert len({(line.get_color(), line.get_linestyle()) for line in solid + dashed}) == 4


def test_several_runs_beside_have_marks_of_their_own() -> None:
    network = {"kind": "jastrow", "weight": 2, "range": 3, "pair_range": 3}
    other = Run(system="six", solver="strings")
    run = damped(61, solver=tdvp(network=network, orbit=None, forgetting_bound=None))
    shown = material(CANDIDATE, REFERENCE, POINTS)
    shown = replace(shown, runs={**shown.runs, ROUGH: damped(solver=wave_functions()), other: run})
    panel = DYNAMICS.panels[0].model_copy(update={"beside": (ROUGH, other)})
    figure = dynamics.draw(DYNAMICS.model_copy(update={"panels": (panel,)}), shown)
    marks = [line.get_marker() for line in figure.axes[0].lines]
    assert (marks.count("x"), marks.count("+")) == (3, 3)
    header = figure.legends[0]
    assert "ring $N = 6$, TDVP (Jastrow)" in texts(header)


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
    (small,) = dynamics.draw(figure, shown).axes[0].child_axes
    assert small.get_xlim() == (0, pytest.approx(0.3))
    for line, axis in zip(lines(small, "-"), "XY", strict=True):
        np.testing.assert_array_equal(line.get_ydata(), CANDIDATE.observables[axis].mean)
    for line, axis in zip(lines(small, "None"), "XY", strict=True):
        at = np.searchsorted(pair[1].times, line.get_xdata())
        np.testing.assert_array_equal(line.get_ydata(), REFERENCE.observables[axis].mean[at])
