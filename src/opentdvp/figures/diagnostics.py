"""Diagnostics of runs against time."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from opentdvp.config import DiagnosticsFigure
from opentdvp.errors import ConfigError
from opentdvp.figures import style
from opentdvp.figures.sources import Material
from opentdvp.records.trajectory import Trajectory

ROW_HEIGHT = 2.4  # inches
#: Panels side by side.
COLUMNS = 3


def draw(figure: DiagnosticsFigure, material: Material) -> Figure:
    """Draw a panel per run with all its diagnostics, on a logarithmic scale.

    Values that are not positive, such as an error at the start, are left out.

    Raises
    ------
    ConfigError
        If a run lacks a diagnostic.
    """
    columns = min(COLUMNS, len(figure.runs))
    rows = -(-len(figure.runs) // columns)
    with style.context():
        size = (style.FULL_WIDTH, ROW_HEIGHT * rows + 0.3)
        canvas = Figure(figsize=size, layout="constrained")
        grid = canvas.subplots(rows, columns, squeeze=False).ravel()
        for axes in grid[len(figure.runs) :]:
            axes.remove()
        for axes, (name, run) in zip(grid, material.named(figure), strict=False):
            axes.set_title(name, loc="left")
            _draw_panel(axes, figure, run)
        handles, labels = grid[0].get_legend_handles_labels()
        canvas.legend(handles, labels, loc="outside upper center", ncols=len(labels))
        style.settle(canvas)
    return canvas


def _draw_panel(axes: Axes, figure: DiagnosticsFigure, run: Trajectory) -> None:
    names = figure.diagnostics
    for name, line in zip(names, style.series(len(names)), strict=True):
        # Those of independent trajectories have no time.
        if "time" not in run.diagnostics or name not in run.diagnostics:
            known = ", ".join(run.diagnostics if "time" in run.diagnostics else ()) or "none"
            raise ConfigError(f"`diagnostics` must be among {known}, but has {name}.")
        values = run.diagnostics[name].astype(float)
        shown = np.where(values > 0, values, np.nan)
        axes.semilogy(run.diagnostics["time"], shown, label=name.replace("_", " "), **line)
    axes.set_xlabel(figure.time_label)
