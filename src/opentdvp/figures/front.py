"""How far a correlator has spread against time, and the power law of that (as paper, S4)."""

from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from opentdvp.config import FrontFigure
from opentdvp.errors import ConfigError
from opentdvp.figures import style
from opentdvp.figures.sources import Material

HEIGHT = 3.0  # inches
#: Of runs, and of published fronts, which are hollow; each starts again after its last.
MARKS = ("o", "s", "^", "v", "P")
PUBLISHED_MARKS = ("o", "D", "s", "^")
DASHES = ("solid", (0, (5, 1.5)), (0, (3, 1, 1, 1)))
#: Room beyond the outer points, as a factor.
MARGIN = 1.2
#: Numbers with labels, times powers of ten: the axes span about a decade.
TIME_TICKS = (1, 1.5, 2, 3, 5, 7)
DISTANCE_TICKS = (1, 1.5, 2, 3, 4, 5, 6, 8)
#: Exponents to compare with, and how far above the first point their lines start, as factors.
GUIDES = {"ballistic, $b = 1$": (1, 1.1), "diffusive, $b = 2$": (2, 0.85)}
#: Between a guide and its name, as a factor.
GAP = 1.015


def draw(figure: FrontFigure, material: Material) -> Figure:
    """Draw distance against time on logarithmic axes, where d = a·t^(1/b) is a straight line.

    Marks with horizontal error bars are the fronts of runs, open marks published ones; each with
    its fit. Thin lines show ballistic and diffusive spreading.

    Returns
    -------
    matplotlib.figure.Figure
        Its axes hold per front the fit, if there is one, and the points; then the guides.

    Raises
    ------
    ConfigError
        If the table is empty, as where no run reaches the threshold.
    """
    table = material.table
    if table is None or table.empty:
        raise ConfigError(
            f"`threshold` must be reached by at least one run, but is {figure.threshold}."
        )
    with style.context():
        canvas = Figure(figsize=(style.FULL_WIDTH, HEIGHT), layout="constrained")
        axes = canvas.subplots()
        handles = [
            _draw_front(axes, rows, label, look)
            for label, look in _looks(figure, material).items()
            if len(rows := table[table["label"] == label])
        ]
        _scale(axes, table)
        _draw_guides(axes, table)
        axes.set_xlabel(figure.time_label)
        axes.set_ylabel(f"$d$ where {style.symbol(f'C_{figure.pair}')} = {figure.threshold:g}")
        canvas.legend(handles=handles, loc="outside right upper")
        style.settle(canvas)
    return canvas


def _looks(figure: FrontFigure, material: Material) -> dict[str, dict[str, Any]]:
    """Marks and lines by label: runs in colour, published fronts dark and hollow."""
    looks: dict[str, dict[str, Any]] = {}
    colored = zip(cycle(style.CURVES), cycle(MARKS), cycle(DASHES), strict=False)
    for row, (curve, mark, dashes) in zip(figure.rows, colored, strict=False):
        looks[row.label] = {"color": curve.color, "marker": mark, "linestyle": dashes}
    for name, mark in zip(figure.published, cycle(PUBLISHED_MARKS), strict=False):
        hollow = style.CurveStyle(style.INK, mark, "dotted").mark
        looks[material.published[name].label] = hollow | {"linestyle": "dotted"}
    return looks


def _draw_front(axes: Axes, rows: pd.DataFrame, label: str, look: dict[str, Any]) -> Line2D:
    """Fit and points; returns the entry for the legend."""
    first = rows.iloc[0]
    if np.isfinite(first["b"]):
        # Between its points: beyond them it says nothing.
        times = np.array([rows["time"].min(), rows["time"].max()])
        line = {"color": look["color"], "linestyle": look["linestyle"], "linewidth": 0.9}
        axes.plot(times, first["a"] * times ** (1 / first["b"]), **line)
        label = rf"{label}, $b = {first['b']:.2f} \pm {first['b_error']:.2f}$"
    else:
        look = look | {"linestyle": "none"}
    errors = rows["time_error"].fillna(0)
    marks = look | {"linestyle": "none", "elinewidth": 0.7, "capsize": 1.5}
    axes.errorbar(rows["time"], rows["distance"], xerr=errors, **marks)
    return Line2D([], [], label=label, **{"linewidth": 0.9} | look)


def _scale(axes: Axes, table: pd.DataFrame) -> None:
    axes.set(xscale="log", yscale="log")
    axes.set_xlim(table["time"].min() / MARGIN, table["time"].max() * MARGIN)
    axes.set_ylim(table["distance"].min() / MARGIN, table["distance"].max() * MARGIN)
    for axis, subs in ((axes.xaxis, TIME_TICKS), (axes.yaxis, DISTANCE_TICKS)):
        axis.set_major_locator(LogLocator(subs=subs))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(NullFormatter())


def _draw_guides(axes: Axes, table: pd.DataFrame) -> None:
    """d ∝ t^(1/b) from near the earliest point to the edge, with its name along the line."""
    start = table.iloc[int(table["time"].argmin())]
    for label, (exponent, factor) in GUIDES.items():
        distance = start["distance"] * factor
        last = start["time"] * (axes.get_ylim()[1] / distance) ** exponent
        times = np.array([start["time"], min(last, axes.get_xlim()[1])])
        distances = distance * (times / start["time"]) ** (1 / exponent)
        axes.plot(times, distances, **style.GUIDE)
        time, height = np.sqrt(times.prod()), np.sqrt(distances.prod())
        axes.text(
            time,
            height * (GAP if factor > 1 else 1 / GAP),
            label,
            rotation=np.degrees(np.arctan(height / time / exponent)),
            rotation_mode="anchor",
            transform_rotates_text=True,
            ha="center",
            va="bottom" if factor > 1 else "top",
            color=style.CROSS["color"],
        )
