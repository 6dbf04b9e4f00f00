"""Observables of compared runs against time with residuals, in the layout of Figs. 2 and 3(a)."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from string import ascii_lowercase
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from opentdvp.config import DynamicsFigure, Inset, Panel
from opentdvp.figures import style
from opentdvp.figures.sources import Material
from opentdvp.records.trajectory import Curve, Trajectory

HEIGHT = 3.3  # inches
#: Heights of a panel and of the residual strip below it.
HEIGHT_RATIOS = (2.7, 1)
#: Marks of the reference on each curve; more would hide the lines.
MARKS = 20
#: A strip of residuals in units of the error reaches at least this far.
SMALLEST_REACH = 3.0
#: Left, bottom, width and height of an inset in its panel.
INSET = (0.44, 0.52, 0.53, 0.45)


@dataclass(frozen=True)
class Line:
    """One curve of one comparison."""

    comparison: str
    observable: str
    distance: int
    label: str
    style: style.CurveStyle

    def of(self, run: Trajectory) -> Curve:
        """Mean and standard error at the run's times."""
        return run.curves()[self.observable, self.distance]

    def rows(self, points: pd.DataFrame) -> pd.DataFrame:
        """Its part of the comparison."""
        same = (points["observable"] == self.observable) & (points["distance"] == self.distance)
        return points[same]


def draw(figure: DynamicsFigure, material: Material) -> Figure:
    """Draw the panels (a), (b), … side by side, each above its residuals.

    Lines with a band of ± one standard error are candidates, open marks with error bars their
    references, crosses what is beside. The strips show candidate − reference in units of the
    combined error, or as it is where neither run has an error.

    Returns
    -------
    matplotlib.figure.Figure
        Its axes in the order (a), (b), …, residuals of (a), of (b), …, then insets.
    """
    count = len(figure.panels)
    with style.context():
        canvas = Figure(figsize=(style.FULL_WIDTH, HEIGHT), layout="constrained")
        grid = canvas.subplots(2, count, sharex="col", height_ratios=HEIGHT_RATIOS, squeeze=False)
        letters = ascii_lowercase if count > 1 else [""]
        for panel, letter, (upper, strip) in zip(figure.panels, letters, grid.T, strict=False):
            lines = _lines(panel)
            _draw_panel(upper, panel, lines, material)
            upper.set_title(f"({letter})" if letter else "", loc="left")
            _draw_residuals(strip, lines, material)
            strip.set_xlabel(figure.time_label)
            if panel.inset:
                _draw_inset(upper, panel.inset, lines, material)
        canvas.align_ylabels(grid)
        _draw_header(canvas, figure, material)
        style.settle(canvas)
    return canvas


def _lines(panel: Panel) -> list[Line]:
    if panel.labels:
        ((observable, distance),) = panel.curves
        named = zip(panel.comparisons, panel.labels, cycle(style.CURVES), strict=False)
        return [Line(name, observable, distance, label, look) for name, label, look in named]
    (name,) = panel.comparisons
    return [
        Line(name, observable, distance, style.symbol(observable), style.curve_style(observable))
        for observable, distance in panel.curves
    ]


def _label(panel: Panel) -> str:
    symbol = style.symbol(panel.curves[0][0])
    if panel.correlators is None:
        return symbol if panel.labels else "magnetization"
    name = f"correlator at $d = {panel.correlators.distance}$"
    return f"{symbol}, {name}" if panel.labels else name


def _draw_panel(axes: Axes, panel: Panel, lines: list[Line], material: Material) -> None:
    for number, line in enumerate(lines):
        candidate, reference = material.compared(line.comparison)
        _draw_candidate(axes, line, candidate)
        stop = candidate.times[-1]
        _draw_marks(axes, line, reference, stop, number / len(lines), line.style.mark)
        for run, cross in zip(panel.beside, cycle(style.CROSSES), strict=False):
            look = cross | {"color": line.style.color}
            _draw_marks(axes, line, material.runs[run], stop, (number + 0.5) / len(lines), look)
    axes.set_ylabel(_label(panel))
    handles = [Line2D([], [], **line.style.mark | line.style.line) for line in lines]
    labels = [line.label for line in lines]
    axes.legend(handles, labels, loc="lower right", bbox_to_anchor=(1, 1), ncols=len(labels))


def _draw_candidate(axes: Axes, line: Line, run: Trajectory) -> None:
    mean, error = line.of(run)
    axes.plot(run.times, mean, **line.style.line)
    axes.fill_between(run.times, mean - error, mean + error, **line.style.band)


def _draw_marks(
    axes: Axes, line: Line, run: Trajectory, stop: float, offset: float, look: dict[str, Any]
) -> None:
    """Some of a run's values; `offset`, a share of their distance, keeps curves' marks apart."""
    inside = np.flatnonzero(run.times <= stop)
    stride = max(1, round(len(inside) / MARKS))
    shown = inside[int(offset * stride) :: stride]
    mean, error = (values[shown] for values in line.of(run))
    axes.errorbar(run.times[shown], mean, error, elinewidth=0.7, **look)


def _draw_inset(axes: Axes, inset: Inset, lines: list[Line], material: Material) -> None:
    """Runs that stop early, in the style of the panel."""
    small = axes.inset_axes(INSET)
    candidate, reference = material.compared(inset.comparison)
    stop = candidate.times[-1]
    for line in lines:
        if line.observable in inset.magnetization:
            _draw_candidate(small, line, candidate)
            _draw_marks(small, line, reference, stop, 0, line.style.mark)
    small.set_xlim(0, stop)


def _draw_residuals(axes: Axes, lines: list[Line], material: Material) -> None:
    parts = [(line, line.rows(material.points[line.comparison])) for line in lines]
    # Without an error in either run, as for exact against enumeration, there is no unit.
    has_unit = all(rows["in_errors"].notna().any() for _, rows in parts)
    column = "in_errors" if has_unit else "difference"
    for line, rows in parts:
        axes.plot(rows["time"], rows[column], linewidth=0.8, **line.style.line)
    axes.axhline(0, **style.GUIDE)
    for level in (-2, 2) if has_unit else ():
        axes.axhline(level, linestyle="dashed", **style.GUIDE)
    largest = max(abs(limit) for limit in axes.get_ylim())
    reach = max(largest, SMALLEST_REACH) if has_unit else largest
    axes.set_ylim(-reach, reach)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 4, 5, 10]))
    axes.set_ylabel(r"$\Delta / \sigma$" if has_unit else r"$\Delta$ (absolute)")


def _draw_header(canvas: Figure, figure: DynamicsFigure, material: Material) -> None:
    """Which marks are which run, and how close they must be."""
    look = style.CurveStyle(style.INK, "o", "solid")
    shown = dict.fromkeys(name for panel in figure.panels for name in panel.comparisons)
    pairs = [material.compared(name) for name in shown]
    # By kind of mark and name: two runs may share the name, but not the mark.
    entries: dict[tuple[str, str], Any] = {}
    for candidate, reference in pairs:
        name = f"{style.name(candidate)} ± standard error"
        entries["line", name] = (Patch(**look.band), Line2D([], [], **look.line))
        entries["mark", style.name(reference)] = Line2D([], [], **look.mark)
    for panel in figure.panels:
        for run, cross in zip(panel.beside, cycle(style.CROSSES), strict=False):
            entries[cross["marker"], style.name(material.runs[run])] = Line2D([], [], **cross)
    methods = dict.fromkeys(f"{style.method(c)} − {style.method(r)}" for c, r in pairs)
    tolerances = ", ".join(_tolerances(figure, material))
    delta = rf"$\Delta$ = {', '.join(methods)}, tolerance {tolerances}"
    entries["text", delta] = Line2D([], [], linestyle="none")
    handles, names = list(entries.values()), [name for _, name in entries]
    place = partial(canvas.legend, handles, names, loc="outside upper center")
    legend = place(ncols=3 if len(entries) <= 3 else 2)
    # Long names, such as those of open squares, need a second row.
    if legend.get_window_extent().width > canvas.bbox.width:
        legend.remove()
        place(ncols=2)


def _tolerances(figure: DynamicsFigure, material: Material) -> Iterator[str]:
    for panel, letter in zip(figure.panels, ascii_lowercase, strict=False):
        parts = (line.rows(material.points[line.comparison]) for line in _lines(panel))
        values = " / ".join(dict.fromkeys(f"{rows['tolerance'].iloc[0]:g}" for rows in parts))
        yield f"{values} ({letter})" if len(figure.panels) > 1 else values
