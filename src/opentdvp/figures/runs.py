"""One observable of several runs, and of published work, beside the last run."""

from collections.abc import Iterable
from itertools import cycle

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from opentdvp.config import Published, RunsFigure
from opentdvp.figures import style
from opentdvp.figures.material import Material

HEIGHT = 5.2  # inches
HEIGHT_RATIOS = (2.2, 2, 1)
LEGEND_COLUMNS = 3
MARKS = ("o", "s", "D", "v")
#: Errors below this are not shown; those of exact runs are zero.
SMALLEST_ERROR = 1e-6


def draw(figure: RunsFigure, material: Material) -> Figure:
    """Draw (a) the observable, (b) what is left after subtracting the last run, (c) errors.

    Lines with a band of ± one error are runs, open marks published values. (c) is logarithmic, with
    the runs whose error is not zero.

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
        for (label, run), line in zip(runs, style.series(len(runs)), strict=True):
            mean, error = run.curves()[figure.observable, 0]
            left = mean - np.interp(run.times, last.times, base)
            for axes, values in ((upper, mean), (middle, left)):
                axes.plot(run.times, values, label=label, **line)
                band = {"color": line["color"], "alpha": 0.2, "linewidth": 0}
                axes.fill_between(run.times, values - error, values + error, **band)
            if error.max() > SMALLEST_ERROR:
                lower.semilogy(run.times, np.maximum(error, SMALLEST_ERROR), **line)
        _draw_published(upper, published, np.zeros_like(base), last.times)
        _draw_published(middle, published, base, last.times)
        handles, names = upper.get_legend_handles_labels()
        canvas.legend(handles, names, loc="outside upper center", ncols=LEGEND_COLUMNS)
        upper.set_ylabel(symbol)
        middle.set_ylabel(f"{symbol} − {name}")
        lower.set_ylabel("error")
        lower.set_xlabel(figure.time_label)
        for axes, title in zip((upper, middle, lower), "abc", strict=True):
            axes.set_title(f"({title})", loc="left")
        canvas.align_ylabels([upper, middle, lower])
        style.settle(canvas)
    return canvas


def _draw_published(
    axes: Axes, published: Iterable[Published], subtracted: np.ndarray, times: np.ndarray
) -> None:
    look = style.CurveStyle(style.INK, "o", "solid").mark
    for entry, marker in zip(published, cycle(MARKS), strict=False):
        left = np.array(entry.values) - np.interp(entry.times, times, subtracted)
        axes.plot(entry.times, left, label=entry.label, **look | {"marker": marker})
