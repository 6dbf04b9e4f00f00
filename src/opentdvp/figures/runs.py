"""One observable of several runs, and of published work, beside the last run."""

from itertools import cycle

import numpy as np
from matplotlib.figure import Figure

from opentdvp.config import RunsFigure
from opentdvp.figures import style
from opentdvp.figures.sources import Material
from opentdvp.records.trajectory import interpolate

HEIGHT = 5.2  # inches
HEIGHT_RATIOS = (2.2, 2, 1)
LEGEND_COLUMNS = 3
MARKS = ("o", "s", "D", "v")
#: Errors below this are left out, since they are known to no better; those of exact runs are zero.
SMALLEST_ERROR = 1e-6


def draw(figure: RunsFigure, material: Material) -> Figure:
    """Draw (a) the observable, (b) what is left after subtracting the last run, (c) errors.

    The last run is interpolated by a cubic spline; (b) shows nothing beyond its last time.

    Lines with a band of ± one error are runs, open marks published values. (c) is logarithmic, with
    the errors that are large enough to be known.

    Returns
    -------
    matplotlib.figure.Figure
        Its axes in the order (a), (b), (c).
    """
    with style.context():
        canvas = Figure(figsize=(style.FULL_WIDTH, HEIGHT), layout="constrained")
        upper, middle, lower = canvas.subplots(3, 1, sharex=True, height_ratios=HEIGHT_RATIOS)
        runs = material.named(figure)
        published = [material.published[name] for name in figure.published]
        name, last = runs[-1]
        base, _ = last.curves()[figure.observable, 0]
        symbol = style.symbol(figure.observable)
        for (_, run), line in zip(runs, style.series(len(runs)), strict=True):
            mean, error = run.curves()[figure.observable, 0]
            left = mean - interpolate(last.times, base, run.times)
            line = line | style.dots(run.times.size)
            for axes, values in ((upper, mean), (middle, left)):
                axes.plot(run.times, values, **line)
                band = {"color": line["color"], "alpha": 0.2, "linewidth": 0}
                axes.fill_between(run.times, values - error, values + error, **band)
            known = np.where(error > SMALLEST_ERROR, error, np.nan)
            if np.isfinite(known).any():
                lower.semilogy(run.times, known, **line)
        for entry, marker in zip(published, cycle(MARKS), strict=False):
            left = entry.values - interpolate(last.times, base, np.array(entry.times))
            look = style.CurveStyle(style.INK, marker, "solid").mark
            for axes, values in ((upper, entry.values), (middle, left)):
                axes.plot(entry.times, values, **look)
        # Not by the lines' own labels: matplotlib hides those that begin with an underscore.
        names = [label for label, _ in runs] + [entry.label for entry in published]
        canvas.legend(upper.lines, names, loc="outside upper center", ncols=LEGEND_COLUMNS)
        upper.set_ylabel(symbol)
        middle.set_ylabel(f"{symbol} − {name}")
        lower.set_ylabel("error")
        lower.set_xlabel(figure.time_label)
        for axes, title in zip((upper, middle, lower), "abc", strict=True):
            axes.set_title(f"({title})", loc="left")
        canvas.align_ylabels([upper, middle, lower])
        style.settle(canvas)
    return canvas
