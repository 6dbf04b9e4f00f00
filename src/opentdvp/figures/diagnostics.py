"""Diagnostics of runs against time."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from opentdvp.config import DiagnosticsFigure
from opentdvp.errors import ConfigError
from opentdvp.figures import style
from opentdvp.trajectory import Trajectory

HEIGHT = 2.6  # inches


def draw(figure: DiagnosticsFigure, runs: Sequence[Trajectory]) -> Figure:
    """Draw a panel per run with all its diagnostics, on a logarithmic scale.

    Values that are not positive, such as an error at the start, are left out.

    Raises
    ------
    ConfigError
        If a run lacks a diagnostic.
    """
    with style.context():
        canvas = Figure(figsize=(style.FULL_WIDTH, HEIGHT), layout="constrained")
        panels = canvas.subplots(1, len(runs), squeeze=False)[0]
        for panel, run in zip(panels, runs, strict=True):
            for name, line in zip(
                figure.diagnostics, style.series(len(figure.diagnostics)), strict=True
            ):
                if name not in run.diagnostics:
                    known = ", ".join(run.diagnostics) or "none"
                    raise ConfigError(f"`diagnostics` must be among {known}, but has {name}.")
                values = run.diagnostics[name].astype(float)
                shown = np.where(values > 0, values, np.nan)
                panel.semilogy(run.diagnostics["time"], shown, label=name.replace("_", " "), **line)
            panel.set_title(style.name(run), loc="left")
            panel.set_xlabel(figure.time_label)
            panel.legend(loc="lower right")
        style.settle(canvas)
    return canvas
