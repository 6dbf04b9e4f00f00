"""The heat map shows the runs' correlators, mirrored, and the difference of a comparison."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import LogNorm
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from trajectories import make

from opentdvp.config import Comparison, Front, HeatMapFigure, Run
from opentdvp.config.comparison import Tolerance
from opentdvp.errors import ConfigError
from opentdvp.figures import heatmap, maps, style
from opentdvp.figures.sources import Material
from opentdvp.judging import compare
from opentdvp.records.trajectory import Observable, Trajectory

NOISY, EXACT = Run(system="ring", solver="noisy"), Run(system="ring", solver="exact")
LARGEST = 3
SETTINGS: dict[str, Any] = {
    "kind": "heatmap",
    "time_label": "$Jt$",
    "pair": "ZZ",
    "largest_distance": LARGEST,
    "rows": [{"run": NOISY, "label": "noisy"}, {"run": EXACT, "label": "exact"}],
    "range": (1e-2, 0.1),
    "lines": [2.5],
    "cone": 0.8,
}
FIGURE = HeatMapFigure.model_validate(SETTINGS | {"difference": "close"})


def decaying(points: int, error: float) -> Trajectory:
    """A correlator at d = 1 … 4, one more than is shown, with negative values if with noise."""
    times = np.linspace(0, 6, points)
    mean = 0.2 * times[:, None] * np.exp(-times[:, None] / 2 - np.arange(1, 5))
    mean = mean + error * np.random.default_rng(2).standard_normal(mean.shape)
    return make({"C_ZZ": Observable(mean, np.full_like(mean, error), (1, 2, 3, 4))}, times)


RUNS = {NOISY: decaying(13, 0.01), EXACT: decaying(25, 0.0)}
TOLERANCE = Tolerance(magnetization=0.1, correlators=0.1)
POINTS = compare(RUNS[NOISY], RUNS[EXACT], TOLERANCE)
CLOSE = Comparison(candidate=NOISY, reference=EXACT, tolerance=TOLERANCE)
MATERIAL = Material(RUNS, {"close": CLOSE}, {"close": POINTS})


@pytest.fixture(scope="module")
def drawn() -> Figure:
    return heatmap.draw(FIGURE, MATERIAL)


def mesh(axes: Axes) -> QuadMesh:
    (found,) = [entry for entry in axes.collections if isinstance(entry, QuadMesh)]
    return found


def values(axes: Axes) -> np.ma.MaskedArray:
    """By distance from −D to D, and time."""
    array = mesh(axes).get_array()
    assert isinstance(array, np.ma.MaskedArray)
    return array


def test_rows_hold_the_correlators_mirrored(drawn):
    for axes, run in zip(drawn.axes, (NOISY, EXACT), strict=False):
        stored = RUNS[run].observables["C_ZZ"].mean.T[:LARGEST]
        np.testing.assert_array_equal(values(axes)[LARGEST + 1 :], stored)
        np.testing.assert_array_equal(values(axes)[:LARGEST], stored[::-1])


def test_distance_zero_is_masked(drawn):
    for axes in drawn.axes[:3]:
        mask = np.ma.getmaskarray(values(axes))
        assert mask[LARGEST].all()
        assert mask.sum() == mask.shape[1]
        assert [patch.get_hatch() for patch in axes.patches] == [heatmap.MASKED["hatch"]]


def test_cells_are_centred_on_their_values(drawn):
    for axes, run in zip(drawn.axes, (NOISY, EXACT, NOISY), strict=False):
        corners = mesh(axes).get_coordinates()
        times, distances = corners[0, :, 0], corners[:, 0, 1]
        np.testing.assert_allclose((times[1:] + times[:-1]) / 2, RUNS[run].times, atol=1e-12)
        np.testing.assert_allclose(distances, np.arange(-LARGEST, LARGEST + 2) - 0.5)


def test_one_time_alone_has_a_cell():
    np.testing.assert_array_equal(maps.edges(np.array([2.0])), [1.5, 2.5])


def test_edges_of_uneven_times_are_halfway():
    edges = maps.edges(np.array([0.0, 1, 3, 4]))
    np.testing.assert_array_equal(edges, [-0.5, 0.5, 2, 3.5, 4.5])


def test_colour_is_logarithmic_and_low_values_have_the_lowest(drawn):
    for axes in drawn.axes[:2]:
        norm = mesh(axes).norm
        assert isinstance(norm, LogNorm)
        assert (norm.vmin, norm.vmax) == (1e-2, 0.1)
    shown = values(drawn.axes[0])
    assert (shown.compressed() < 0).any()
    colours = mesh(drawn.axes[0]).to_rgba(shown)
    low = (shown < 1e-2).filled(False)
    lowest = mesh(drawn.axes[0]).get_cmap()(0)
    np.testing.assert_allclose(colours[low], np.broadcast_to(lowest, (low.sum(), 4)))


def test_colours_grow_lighter_with_the_value(drawn):
    colours = mesh(drawn.axes[0]).get_cmap()(np.linspace(0, 1, 256))[:, :3]
    grey = colours @ [0.299, 0.587, 0.114]
    assert (np.diff(grey) > -2e-3).all()
    assert grey[-1] - grey[0] > 0.6


def test_difference_is_that_of_the_table(drawn):
    axes = drawn.axes[2]
    for distance in range(1, LARGEST + 1):
        expected = POINTS.query("observable == 'C_ZZ' and distance == @distance")["difference"]
        np.testing.assert_array_equal(values(axes)[LARGEST + distance], expected)
        np.testing.assert_array_equal(values(axes)[LARGEST - distance], expected)
    norm = mesh(axes).norm
    assert norm.vmax == -norm.vmin == abs(values(axes)).max()
    assert [text.get_text() for text in axes.texts] == ["ring $N = 6$, exact − ring $N = 6$, exact"]


def test_runs_share_a_colour_bar_and_the_difference_has_its_own(drawn):
    assert [axes.get_ylabel() for axes in drawn.axes] == [
        *["$d$"] * 3,
        "$C_{ZZ}$$(d, t)$",
        r"$\Delta$",
    ]
    assert [axes.texts[0].get_text() for axes in drawn.axes[:2]] == ["noisy", "exact"]


def test_colours_must_have_two_ends():
    with pytest.raises(ValueError, match=r"`range` must ascend, but is \[0\.1, 0\.1\]"):
        HeatMapFigure.model_validate(SETTINGS | {"range": (0.1, 0.1)})


def test_equal_runs_have_a_difference_of_zero():
    points = {"close": POINTS.assign(difference=0.0)}
    one = FIGURE.model_copy(update={"rows": FIGURE.rows[:1], "cone": None, "lines": ()})
    axes = heatmap.draw(one, Material(RUNS, {"close": CLOSE}, points)).axes[1]
    assert not values(axes).any()
    assert not axes.lines


def test_lines_and_light_cone(drawn):
    for axes in drawn.axes[:3]:
        below, above, down, up = axes.lines
        assert [line.get_ydata()[0] for line in (below, above)] == [-2.5, 2.5]
        for line, side in ((down, -1), (up, 1)):
            times, distances = (np.asarray(end) for end in line.get_data())
            np.testing.assert_allclose(distances, side * 0.8 * times)
        assert axes.get_ylim() == (-LARGEST - 0.5, LARGEST + 0.5)


def test_nothing_leaves_the_page(drawn):
    page = drawn.bbox
    tight = drawn.get_tightbbox().transformed(drawn.dpi_scale_trans)
    assert page.x0 <= tight.x0 <= tight.x1 <= page.x1
    assert page.y0 <= tight.y0 <= tight.y1 <= page.y1


def test_maps_are_pixels_in_small_equal_files(tmp_path):
    figure = HeatMapFigure.model_validate(SETTINGS | {"rows": SETTINGS["rows"][:1]})
    paths = [tmp_path / "first.pdf", tmp_path / "second.pdf"]
    for path in paths:
        canvas = heatmap.draw(figure, MATERIAL)
        assert len(canvas.axes) == 2
        assert mesh(canvas.axes[0]).get_rasterized()
        style.save(canvas, path, {})
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert paths[0].stat().st_size < 50_000


FRONTS = pd.DataFrame(
    [("noisy", 1.0, 0.8, 0.1), ("noisy", 2.0, 1.9, 0.3), ("exact", 1.0, 0.7, np.nan)],
    columns=["label", "distance", "time", "time_error"],
)
WITH_FRONT = FIGURE.model_copy(update={"front": Front(first_distance=1, threshold=0.02)})


def test_fronts_are_marked_on_both_sides():
    drawn = heatmap.draw(WITH_FRONT, replace(MATERIAL, table=FRONTS))
    for axes, label in zip(drawn.axes, ("noisy", "exact"), strict=False):
        rows = FRONTS[FRONTS["label"] == label]
        sides = [entry for entry in axes.containers if isinstance(entry, ErrorbarContainer)]
        for side, entry in zip((-1, 1), sides, strict=True):
            marks, _, (bars,) = entry.lines
            np.testing.assert_array_equal(marks.get_xdata(), rows["time"])
            np.testing.assert_array_equal(marks.get_ydata(), side * rows["distance"])
            lengths = [np.ptp(segment[:, 0]) for segment in bars.get_segments()]
            np.testing.assert_allclose(lengths, 2 * rows["time_error"].fillna(0))
    (said,) = (text.get_text() for text in drawn.legends[0].get_texts())
    assert said == "front, where $C_{ZZ}$ first reaches 0.02"
    assert not drawn.axes[2].containers


def test_maps_without_fronts_have_neither_marks_nor_legend(drawn):
    assert not drawn.legends
    assert not any(axes.containers for axes in drawn.axes[:3])
    assert (FIGURE.derived, WITH_FRONT.derived) == (False, True)


def test_missing_table_of_fronts_is_refused():
    with pytest.raises(ConfigError, match="`table` must be that of the fronts, but is missing"):
        heatmap.draw(WITH_FRONT, MATERIAL)
