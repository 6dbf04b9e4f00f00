"""What a figure of a scan shows: the rows of its table, with error bars and levels."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from trajectories import damped

from opentdvp.config import Run, ScanFigure
from opentdvp.errors import ConfigError
from opentdvp.figures import scan
from opentdvp.figures.sources import Material

FIGURE = ScanFigure.model_validate(
    {
        "kind": "scan",
        "time_label": r"$\gamma t$",
        "scan": "size",
        "varied": "sampling.solve",
        "axis_label": "samples",
        "correlators": {"pairs": ["XX", "ZZ"], "distance": 1},
    }
)
#: Of which the figure says when they end.
RUNS = {Run(system="six", solver="size_64"): damped()}
ONE = FIGURE.correlators.model_copy(update={"pairs": ("XX",)})
COLUMNS = ["method", "label", "varied", "observable", "runs", "mean", "scatter", "sampling_error"]
TABLE = pd.DataFrame(
    [
        ("exact", "", 128.0, "C_XX", 3, 0.2, 0.01, 0.001),
        ("exact", "", 64.0, "C_XX", 1, 0.1, np.nan, 0.02),
        ("exact", "", 64.0, "C_ZZ", 1, 0.4, np.nan, 0.02),
        ("mcwf", "batches", np.nan, "C_XX", 1, 0.3, np.nan, 0.05),
        ("mcwf", "batches", np.nan, "C_ZZ", 1, 0.5, np.nan, 0.0),
    ],
    columns=COLUMNS,
)


def test_rows_are_drawn_in_order_with_their_errors() -> None:
    first, second = scan.draw(FIGURE, Material(RUNS, table=TABLE)).axes
    (bars,) = (c for c in first.containers if isinstance(c, ErrorbarContainer))
    np.testing.assert_allclose(bars.lines[0].get_xydata(), [[64, 0.1], [128, 0.2]])
    segments = np.array(bars.lines[2][0].get_segments())
    # Of a single run the error of its samples, otherwise the scatter.
    np.testing.assert_allclose(np.diff(segments[..., 1]).ravel(), [0.04, 0.02])
    assert first.get_title() == "$C_{XX}$ at $d = 1$"
    assert first.get_xscale() == "linear"
    assert [text.get_text() for text in first.get_xticklabels()] == ["64", "128"]
    # By the method of its solver, whatever that is.
    assert bars.get_label() == "exact"
    # Nothing is known of what lies between a few seeds.
    assert bars.lines[0].get_linestyle() == "None"
    np.testing.assert_allclose(second.lines[0].get_ydata(), 0.5)


def test_references_are_levels_with_a_band_where_they_have_an_error() -> None:
    first, second = scan.draw(FIGURE, Material(RUNS, table=TABLE)).axes
    np.testing.assert_allclose(first.lines[0].get_ydata(), 0.3)
    assert first.lines[0].get_label() == "MCWF"
    (band,) = first.patches
    assert (band.get_y(), band.get_height()) == (pytest.approx(0.25), pytest.approx(0.1))
    assert not second.patches


def test_more_lines_and_references_than_styles_are_all_drawn() -> None:
    lines = [("tdvp", f"line {k}", 64.0, "C_XX", 1, 0.1 * k, np.nan, 0.02) for k in range(5)]
    levels = [("exact", f"level {k}", np.nan, "C_XX", 1, 0.1 * k, np.nan, 0.0) for k in range(4)]
    table = pd.DataFrame(lines + levels, columns=COLUMNS)
    axes = scan.draw(FIGURE, Material(RUNS, table=table)).axes[0]
    assert len([c for c in axes.containers if isinstance(c, ErrorbarContainer)]) == 5
    names = axes.get_legend_handles_labels()[1]
    assert names[0] == "exact, level 0"
    assert "TDVP, line 4" in names
    assert len(set(names)) == 9


@pytest.mark.parametrize(
    ("values", "scale", "labels"),
    [
        ([4, 6], "linear", ["4", "6"]),
        ([8], "linear", ["8"]),
        ([0], "linear", ["0"]),
        ([1, 2, 3], "linear", ["1", "2", "3"]),
        ([-1, 1, 100], "linear", ["-1", "1", "100"]),
        ([0.5, 1e5], "log", ["0.5", "$10^{5}$"]),
        ([512, 1024, 2048], "log", ["512", "1024", "2048"]),
        ([1e-6, 1e-3], "log", ["$10^{-6}$", "0.001"]),
        ([2e-6, 2e-5, 2e-4], "log", [rf"$2 \times 10^{{-{k}}}$" for k in (6, 5, 4)]),
        ([0, 1e-6, 1e-5, 1e-4], "symlog", ["0", "$10^{-6}$", "$10^{-5}$", "$10^{-4}$"]),
    ],
)
def test_axis_is_logarithmic_where_the_values_are(values, scale, labels) -> None:
    rows = [
        ("tdvp", line, float(value), "C_XX", 1, 0.1, np.nan, 0.02)
        for value in values
        for line in ("a", "b")
    ]
    canvas = scan.draw(
        FIGURE.model_copy(update={"correlators": ONE}),
        Material(RUNS, table=pd.DataFrame(rows, columns=COLUMNS)),
    )
    (axes,) = canvas.axes
    assert axes.get_xscale() == scale
    assert [text.get_text() for text in axes.get_xticklabels()] == labels
    first, second = (np.asarray(c.lines[0].get_xdata()) for c in axes.containers)
    # Side by side, and nearer to their own value than to any other.
    assert (first < second).all()
    for moved in (first, second):
        nearest = np.abs(moved[:, None] - np.array(values)).argmin(axis=1)
        np.testing.assert_array_equal(nearest, np.arange(len(values)))
    low, high = axes.get_xlim()
    assert low < first.min() < second.max() < high


def foot(canvas: Figure) -> str:
    return str(canvas.get_supxlabel())


def test_the_foot_says_when_and_what_bars_and_bands_are() -> None:
    text = foot(scan.draw(FIGURE, Material(RUNS, table=TABLE)))
    assert text.startswith(r"At $\gamma t$ = 3. Marks: means of 1 or 3 runs each; bars: ± standard")
    assert text.endswith("; shaded: ± standard error of a reference.")
    pairs = TABLE[TABLE["observable"] == "C_XX"].assign(runs=2, scatter=0.01, sampling_error=0.0)
    text = foot(scan.draw(FIGURE, Material(RUNS, table=pairs)))
    assert "means of 2 runs each; bars: ± standard error from their scatter, which" in text
    assert text.endswith("which ends at the two values.")
    single = TABLE.assign(runs=1, scatter=np.nan)
    assert r"one run each; bars: $\pm\sigma$, its sampling error alone" in foot(
        scan.draw(FIGURE, Material(RUNS, table=single))
    )


def test_missing_table_is_refused() -> None:
    with pytest.raises(ConfigError, match="`table` must be that of the scan, but is missing"):
        scan.draw(FIGURE, Material({}))
