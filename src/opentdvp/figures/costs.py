"""Error against cost of runs by all methods, a plot per panel of the paper."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from opentdvp.config import CostsFigure
from opentdvp.errors import ConfigError
from opentdvp.figures import style
from opentdvp.figures.sources import Material

ROW_HEIGHT = 2.0  # inches
#: Plots side by side.
COLUMNS = 4
#: Room beyond the outermost marks, as a factor.
MARGIN = 2.0
#: Colour and mark of each family of methods; Paul Tol's bright scheme, for colour-blind readers.
LOOKS = {
    "exact": (style.INK, "s"),
    "MCWF": ("#66CCEE", "v"),
    "MPS/MPO": ("#228833", "D"),
    "moments": ("#CCBB44", "^"),
    "recurrent": ("#4477AA", "o"),
    "Jastrow": ("#EE6677", "P"),
    "own network": ("#AA3377", "X"),
}
SIZE = 4.5  # points, of marks
NOTE = (
    "Largest difference of any observable from the panel's reference, at any time; "
    "on the dotted line the reference's own error, if it has one."
)


def draw(figure: CostsFigure, material: Material) -> Figure:
    """Draw the largest error of every run against the minutes that it took, on logarithmic axes.

    Filled marks are runs of the reference's size and last time, hollow ones others, whose error is
    in part that of the size. A dotted line is what the reference took, with a mark at its own error
    if it has one. Runs whose cost is not known are named below.

    Raises
    ------
    ConfigError
        If the table of errors and costs is not there.
    """
    if material.table is None:
        raise ConfigError("`table` must be that of errors and costs, but is missing.")
    columns = min(COLUMNS, len(figure.panels))
    rows = -(-len(figure.panels) // columns)
    known = material.table[material.table["minutes"].notna()]
    with style.context():
        size = (style.FULL_WIDTH, ROW_HEIGHT * rows + 0.6)
        canvas = Figure(figsize=size, layout="constrained")
        grid = canvas.subplots(rows, columns, sharex=True, squeeze=False)
        if len(known):
            grid[0, 0].set_xlim(known["minutes"].min() / MARGIN, known["minutes"].max() * MARGIN)
        for label, axes in zip(figure.panels, grid.ravel(), strict=False):
            _draw_panel(axes, label, known[known["panel"] == label])
        for axes in grid.ravel()[len(figure.panels) :]:
            axes.remove()
        _label(grid, len(figure.panels))
        _draw_legend(canvas, known)
        style.foot(canvas, "\n".join([NOTE, *_left_out(material.table)]))
        style.settle(canvas)
    return canvas


def _draw_panel(axes: Axes, label: str, rows: pd.DataFrame) -> None:
    axes.set(xscale="log", yscale="log")
    axes.set_title(label, loc="left")
    for name, minutes, error, same, comparison in zip(
        *(rows[key] for key in ("family", "minutes", "error", "same", "comparison")), strict=True
    ):
        look = _mark(name, filled=bool(same))
        if comparison == "reference":
            axes.axvline(minutes, color=look["color"], linestyle="dotted", linewidth=0.9, zorder=1)
        if np.isfinite(error):
            axes.plot(minutes, error, **look)
    _widen(axes, rows)


def _widen(axes: Axes, rows: pd.DataFrame) -> None:
    """Room around the marks; at least a decade."""
    errors = rows["error"].dropna()
    if errors.empty:
        return
    middle = np.sqrt(errors.min() * errors.max())
    low, high = errors.min() / MARGIN, errors.max() * MARGIN
    axes.set_ylim(min(low, middle / 3.2), max(high, middle * 3.2))


def _label(grid: np.ndarray, count: int) -> None:
    """Errors at the left, minutes below the last plot of every column."""
    columns = grid.shape[1]
    for number, axes in enumerate(grid.ravel()[:count]):
        if number % columns == 0:
            axes.set_ylabel("largest difference")
        if number + columns >= count:
            axes.set_xlabel("minutes")
            axes.tick_params(labelbottom=True)


def _mark(family: str, filled: bool) -> dict[str, Any]:
    color, marker = LOOKS[family]
    look = {"color": color, "marker": marker, "linestyle": "none", "markersize": SIZE}
    return look if filled else look | {"markerfacecolor": "white"}


def _draw_legend(canvas: Figure, known: pd.DataFrame) -> None:
    present = [name for name in LOOKS if (known["family"] == name).any()]
    entries: dict[str, Any] = {name: Line2D([], [], **_mark(name, True)) for name in present}
    if not known["same"].all():
        hollow = _mark("recurrent", False) | {"color": style.INK}
        entries["hollow: another size, or shorter"] = Line2D([], [], **hollow)
    entries["what the reference took"] = Line2D([], [], color=style.INK, linestyle="dotted")
    columns = -(-len(entries) // 2) if len(entries) > 5 else len(entries)
    canvas.legend(entries.values(), entries.keys(), loc="outside upper center", ncols=columns)


def _left_out(table: pd.DataFrame) -> list[str]:
    """Which runs are not drawn, and why."""
    unknown = table[table["minutes"].isna()]
    equal = table[(table["comparison"] != "reference") & table["error"].isna()]
    return [
        f"{why}: {', '.join(dict.fromkeys(rows['system'] + ' by ' + rows['solver']))}."
        for why, rows in (
            ("Left out, because their cost is not known", unknown),
            ("Left out, because they do not differ from the reference", equal),
        )
        if len(rows)
    ]
