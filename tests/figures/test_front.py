"""The figure of fronts shows its table."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from trajectories import damped

from opentdvp.config import FrontFigure, Published, Run
from opentdvp.errors import ConfigError
from opentdvp.figures import front, style
from opentdvp.figures.sources import Material

RUNS = [Run(system="ring", solver=name) for name in ("mpo", "tdvp", "mps")]
FIGURE = FrontFigure.model_validate(
    {
        "kind": "front",
        "time_label": "$Jt$",
        "pair": "ZZ",
        "first_distance": 5,
        "threshold": 0.0037,
        "rows": [{"run": run, "label": run.solver} for run in RUNS],
        "published": ["known"],
    }
)
KNOWN: Any = {"label": "paper", "source": "S4", "observable": "front", "uncertainty": 0.1}
PUBLISHED = Published(times=(10.0, 20.0), values=(5.0, 7.0), **KNOWN)


def rows(label: str, times: list[float], error: float, a: float, b: float) -> pd.DataFrame:
    fitted = {"a": a, "b": b, "b_error": 0.05}
    distances = np.arange(5.0, 5 + len(times))
    table = {"label": label, "distance": distances, "time": times, "time_error": error}
    return pd.DataFrame(table | fitted)


# The last run never reaches the threshold.
TABLE = pd.concat(
    [
        rows("mpo", [10.0, 13.0, 16.0, 22.0], 0.5, 1.5, 1.93),
        rows("tdvp", [11.0, 12.0], 0.1, np.nan, np.nan),
        rows("paper", [10.0, 15.0, 17.0], np.nan, 1.4, 1.9),
    ],
    ignore_index=True,
)
MATERIAL = Material(dict.fromkeys(RUNS, damped()), published={"known": PUBLISHED}, table=TABLE)


@pytest.fixture(scope="module")
def drawn() -> Figure:
    return front.draw(FIGURE, MATERIAL)


def test_points_are_those_of_the_table(drawn):
    (axes,) = drawn.axes
    containers = [entry for entry in axes.containers if isinstance(entry, ErrorbarContainer)]
    assert len(containers) == 3
    for entry, label in zip(containers, ["mpo", "tdvp", "paper"], strict=True):
        expected = TABLE[TABLE["label"] == label]
        marks, _, (bars,) = entry.lines
        np.testing.assert_array_equal(marks.get_xydata(), expected[["time", "distance"]])
        lengths = [np.ptp(segment[:, 0]) for segment in bars.get_segments()]
        np.testing.assert_allclose(lengths, 2 * expected["time_error"].fillna(0))
    hollow = [entry.lines[0].get_markerfacecolor() == "white" for entry in containers]
    assert hollow == [False, False, True]


def test_fits_are_those_of_the_table(drawn):
    (axes,) = drawn.axes
    lines = [line for line in axes.lines if line.get_linewidth() == 0.9]
    assert len(lines) == 2
    fitted = [("mpo", 1.5, 1.93), ("paper", 1.4, 1.9)]
    for line, (label, a, b) in zip(lines, fitted, strict=True):
        times, distances = line.get_data()
        # From the first to the last point, and no further.
        known = TABLE.loc[TABLE["label"] == label, "time"]
        assert (min(times), max(times)) == (known.min(), known.max())
        np.testing.assert_allclose(distances, a * np.asarray(times) ** (1 / b))
    entries = [text.get_text() for text in drawn.legends[0].get_texts()]
    assert entries == [r"mpo, $b = 1.93 \pm 0.05$", "tdvp", r"paper, $b = 1.90 \pm 0.05$"]


def test_guides_have_the_slopes_that_they_name(drawn):
    (axes,) = drawn.axes
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    slopes = [
        np.diff(np.log(line.get_ydata()))[0] / np.diff(np.log(line.get_xdata()))[0]
        for line in axes.lines[-2:]
    ]
    np.testing.assert_allclose(slopes, [1, 1 / 2])
    named = [text.get_text() for text in axes.texts]
    assert named == ["ballistic, $b = 1$", "diffusive, $b = 2$"]


def test_nothing_leaves_the_page(drawn):
    page = drawn.bbox
    tight = drawn.get_tightbbox().transformed(drawn.dpi_scale_trans)
    assert page.x0 <= tight.x0 <= tight.x1 <= page.x1
    assert page.y0 <= tight.y0 <= tight.y1 <= page.y1
    (axes,) = drawn.axes
    for text in axes.texts:
        inside = text.get_window_extent()
        assert axes.bbox.contains(inside.x0, inside.y0)
        assert axes.bbox.contains(inside.x1, inside.y1)


@pytest.mark.parametrize("table", [None, TABLE[:0]])
def test_front_that_is_nowhere_is_an_error(table):
    with pytest.raises(ConfigError, match=r"`threshold` must be reached .* but is 0\.0037"):
        front.draw(FIGURE, Material(MATERIAL.runs, published={"known": PUBLISHED}, table=table))


def test_equal_fronts_give_equal_files(tmp_path, drawn):
    paths = [tmp_path / "first.pdf", tmp_path / "second.pdf"]
    for canvas, path in zip((drawn, front.draw(FIGURE, MATERIAL)), paths, strict=True):
        style.save(canvas, path, {})
    assert paths[0].read_bytes() == paths[1].read_bytes()
