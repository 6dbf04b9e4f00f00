"""Observables of one run against time, without a reference."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from opentdvp.config.observables import CurveKey
from opentdvp.figures import names, style
from opentdvp.figures.curves import Line, draw_candidate, smooth
from opentdvp.records.trajectory import Trajectory

HEIGHT = 2.9  # inches


def draw(run: Trajectory, keys: Sequence[CurveKey], time_label: str = "$t$") -> Figure:
    """Draw one panel for all magnetisations, and one for each distance of correlators.

    Lines have a band of ± one standard error.
    """
    distances = list(dict.fromkeys(distance for _, distance in keys))
    with style.context():
        canvas = Figure(figsize=(style.FULL_WIDTH, HEIGHT), layout="constrained")
        for axes, distance in zip(
            canvas.subplots(1, len(distances), squeeze=False)[0], distances, strict=True
        ):
            for name in (name for name, far in keys if far == distance):
                label = style.symbol(name)
                line = Line("", name, distance, label, style.curve_style(name))
                draw_candidate(axes, line, smooth(line, run, run.times[-1]))
                axes.plot([], [], **line.style.line, label=label)
            axes.set_ylabel(f"correlator at $d = {distance}$" if distance else "magnetisation")
            axes.set_xlabel(time_label)
            axes.legend(loc="best")
        canvas.suptitle(names.name(run), fontsize=style.SMALL + 2)
        style.settle(canvas)
    return canvas
