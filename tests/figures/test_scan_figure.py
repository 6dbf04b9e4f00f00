"""What a figure of a scan shows: the rows of its table, with error bars and levels."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.container import ErrorbarContainer

from opentdvp.config import ScanFigure
from opentdvp.errors import ConfigError
from opentdvp.figures import scan
from opentdvp.figures.material import Material

FIGURE = ScanFigure.model_validate(
    {
        "kind": "scan",
        "scan": "size",
        "varied": "sampling.solve",
        "axis_label": "samples",
        "correlators": {"pairs": ["XX", "ZZ"], "distance": 1},
    }
)
COLUMNS = ["label", "varied", "observable", "runs", "mean", "scatter", "sampling_error"]
TABLE = pd.DataFrame(
    [
        ("", 128.0, "C_XX", 3, 0.2, 0.01, 0.001),
        ("", 64.0, "C_XX", 1, 0.1, np.nan, 0.02),
        ("", 64.0, "C_ZZ", 1, 0.4, np.nan, 0.02),
        ("mcwf", np.nan, "C_XX", 1, 0.3, np.nan, 0.05),
        ("mcwf", np.nan, "C_ZZ", 1, 0.5, np.nan, 0.0),
    ],
    columns=COLUMNS,
)


def test_rows_are_drawn_in_order_with_their_errors() -> None:
    first, second = scan.draw(FIGURE, Material({}, table=TABLE)).axes
    (bars,) = (c for c in first.containers if isinstance(c, ErrorbarContainer))
    np.testing.assert_allclose(bars.lines[0].get_xydata(), [[64, 0.1], [128, 0.2]])
    segments = np.array(bars.lines[2][0].get_segments())
    # Of a single run the error of its samples, otherwise the scatter.
    np.testing.assert_allclose(np.diff(segments[..., 1]).ravel(), [0.04, 0.02])
    assert first.get_title() == "$C_{XX}$ at $d = 1$"
    assert first.get_xscale() == "log"
    np.testing.assert_allclose(second.lines[0].get_ydata(), 0.5)


def test_references_are_levels_with_a_band_where_they_have_an_error() -> None:
    first, second = scan.draw(FIGURE, Material({}, table=TABLE)).axes
    np.testing.assert_allclose(first.lines[0].get_ydata(), 0.3)
    assert first.lines[0].get_label() == "MCWF"
    (band,) = first.patches
    assert (band.get_y(), band.get_height()) == (pytest.approx(0.25), pytest.approx(0.1))
    assert not second.patches


def test_more_lines_and_references_than_styles_are_all_drawn() -> None:
    lines = [(f"line {k}", 64.0, "C_XX", 1, 0.1 * k, np.nan, 0.02) for k in range(5)]
    levels = [(f"level {k}", np.nan, "C_XX", 1, 0.1 * k, np.nan, 0.0) for k in range(4)]
    table = pd.DataFrame(lines + levels, columns=COLUMNS)
    axes = scan.draw(FIGURE, Material({}, table=table)).axes[0]
    assert len([c for c in axes.containers if isinstance(c, ErrorbarContainer)]) == 5
    assert len(axes.get_legend_handles_labels()[1]) == 9


def test_missing_table_is_refused() -> None:
    with pytest.raises(ConfigError, match="`table` must be that of the scan, but is missing"):
        scan.draw(FIGURE, Material({}))
