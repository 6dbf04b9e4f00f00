"""Magnetisations and correlators against time with residuals, in the layout of Fig. 2(a, b)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from opentdvp.config import DynamicsFigure
from opentdvp.figures import style
from opentdvp.trajectory import Trajectory

HEIGHT = 3.3  # inches
#: Heights of a panel and of the residual strip below it.
HEIGHT_RATIOS = (2.7, 1)
#: Marks of the reference on each curve; more would hide the lines.
MARKS = 20
#: A strip of residuals in units of the error reaches at least this far.
SMALLEST_REACH = 3.0


@dataclass(frozen=True)
class Curve:
    """One observable at one distance, which is 0 for magnetisations."""

    observable: str
    distance: int
    label: str

    @property
    def style(self) -> style.CurveStyle:
        """Style of its axes."""
        return style.curve_style(self.observable.removeprefix("C_"))

    def values(self, run: Trajectory) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard error at the run's times."""
        return run.curves()[self.observable, self.distance]

    def rows(self, points: pd.DataFrame) -> pd.DataFrame:
        """Its part of the comparison."""
        same = (points["observable"] == self.observable) & (points["distance"] == self.distance)
        return points[same]


@dataclass(frozen=True)
class Panel:
    """Curves that share axes."""

    title: str
    label: str
    curves: tuple[Curve, ...]


def draw(
    figure: DynamicsFigure, candidate: Trajectory, reference: Trajectory, points: pd.DataFrame
) -> Figure:
    """Draw (a) magnetisations and (b) correlators, each above its residuals.

    Lines with a band of ± one standard error are the candidate, open marks with error bars the
    reference. The strips show reference − candidate in units of the combined error, or as it is
    where neither run has an error.

    Parameters
    ----------
    figure
        What to draw.
    candidate, reference
        The runs of the figure's comparison.
    points
        The table of that comparison.

    Returns
    -------
    matplotlib.figure.Figure
        Its axes in the order (a), (b), residuals of (a), residuals of (b).
    """
    panels = _panels(figure)
    with style.context():
        canvas = Figure(figsize=(style.FULL_WIDTH, HEIGHT), layout="constrained")
        grid = canvas.subplots(2, 2, sharex=True, height_ratios=HEIGHT_RATIOS)
        for panel, (upper, strip) in zip(panels, grid.T, strict=True):
            _draw_panel(upper, panel, candidate, reference)
            _draw_residuals(strip, panel, points)
            strip.set_xlabel(figure.time_label)
        canvas.align_ylabels(grid)
        _draw_header(canvas, candidate, reference, panels, points)
        style.settle(canvas)
    return canvas


def _panels(figure: DynamicsFigure) -> tuple[Panel, ...]:
    distance = figure.correlators.distance
    magnetizations = (Curve(a, 0, rf"$\langle {a} \rangle$") for a in figure.magnetization)
    correlators = (Curve(f"C_{p}", distance, f"$C_{{{p}}}$") for p in figure.correlators.pairs)
    return (
        Panel("(a)", "magnetization", tuple(magnetizations)),
        Panel("(b)", f"correlator at $d = {distance}$", tuple(correlators)),
    )


def _draw_panel(axes: Axes, panel: Panel, candidate: Trajectory, reference: Trajectory) -> None:
    inside = np.flatnonzero(reference.times <= candidate.times[-1])
    stride = max(1, round(len(inside) / MARKS))
    for number, curve in enumerate(panel.curves):
        mean, error = curve.values(candidate)
        axes.plot(candidate.times, mean, **curve.style.line)
        axes.fill_between(candidate.times, mean - error, mean + error, **curve.style.band)
        # Staggered, so that the marks of curves that meet do not cover each other.
        shown = inside[number * stride // len(panel.curves) :: stride]
        mean, error = (values[shown] for values in curve.values(reference))
        axes.errorbar(reference.times[shown], mean, error, elinewidth=0.7, **curve.style.mark)
    axes.set_title(panel.title, loc="left")
    axes.set_ylabel(panel.label)
    handles = [Line2D([], [], **curve.style.mark | curve.style.line) for curve in panel.curves]
    labels = [curve.label for curve in panel.curves]
    axes.legend(handles, labels, loc="lower right", bbox_to_anchor=(1, 1), ncols=len(labels) or 1)


def _draw_residuals(axes: Axes, panel: Panel, points: pd.DataFrame) -> None:
    parts = [(curve, curve.rows(points)) for curve in panel.curves]
    # Without an error in either run, as for exact against enumeration, there is no unit.
    has_unit = all(rows["in_errors"].notna().any() for _, rows in parts)
    column = "in_errors" if has_unit else "difference"
    for curve, rows in parts:
        axes.plot(rows["time"], -rows[column], linewidth=0.8, **curve.style.line)
    axes.axhline(0, **style.GUIDE)
    for level in (-2, 2) if has_unit else ():
        axes.axhline(level, linestyle="dashed", **style.GUIDE)
    largest = max(abs(limit) for limit in axes.get_ylim())
    reach = max(largest, SMALLEST_REACH) if has_unit else largest
    axes.set_ylim(-reach, reach)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 4, 5, 10]))
    axes.set_ylabel(r"$\Delta / \sigma$" if has_unit else r"$\Delta$ (absolute)")


def _draw_header(
    canvas: Figure,
    candidate: Trajectory,
    reference: Trajectory,
    panels: tuple[Panel, ...],
    points: pd.DataFrame,
) -> None:
    """Which marks are which run, and how close they must be."""
    look = style.CurveStyle(style.INK, "o", "solid")
    tolerances = [
        f"{panel.curves[0].rows(points)['tolerance'].iloc[0]:g} {panel.title}"
        for panel in panels
        if panel.curves
    ]
    entries: dict[str, Any] = {
        f"{style.name(candidate)} ± standard error": (
            Patch(**look.band),
            Line2D([], [], **look.line),
        ),
        style.name(reference): Line2D([], [], **look.mark),
        rf"$\Delta$ = {style.method(reference)} − {style.method(candidate)}, "
        f"tolerance {', '.join(tolerances)}": Line2D([], [], linestyle="none"),
    }
    canvas.legend(
        list(entries.values()), list(entries), loc="outside upper center", ncols=len(entries)
    )
