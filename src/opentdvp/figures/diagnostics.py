"""Diagnostics of runs against time."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from opentdvp.config import DiagnosticsFigure
from opentdvp.errors import ConfigError
from opentdvp.figures import names, style
from opentdvp.figures.sources import Material
from opentdvp.records.trajectory import Trajectory

ROW_HEIGHT = 2.4  # inches
#: Panels side by side.
COLUMNS = 3
#: Names side by side above them.
NAMES_ACROSS = 4


def draw(figure: DiagnosticsFigure, material: Material) -> Figure:
    """Draw a panel per run with all its diagnostics, one below it with those on a linear scale.

    Values that are not positive, such as an error at the start, are left out of a logarithmic one.

    Raises
    ------
    ConfigError
        If a run lacks a diagnostic.
    """
    scales = ["log", "linear"] if figure.linear else ["log"]
    columns = min(COLUMNS, len(figure.runs))
    rows = -(-len(figure.runs) // columns) * len(scales)
    with style.context():
        size = (style.FULL_WIDTH, ROW_HEIGHT * rows + 0.3)
        canvas = Figure(figsize=size, layout="constrained")
        grid = canvas.subplots(rows, columns, squeeze=False)
        # The panels of a run are one below the other.
        places = grid.reshape(-1, len(scales), columns).swapaxes(1, 2).reshape(-1, len(scales))
        for axes in places[len(figure.runs) :].ravel():
            axes.remove()
        for (name, run), place in zip(material.named(figure), places, strict=False):
            place[0].set_title(name, loc="left")
            _draw_run(dict(zip(scales, place, strict=True)), figure, run)
        lines = [line for axes in places[0] for line in axes.lines]
        across = min(len(lines), NAMES_ACROSS)
        canvas.legend(handles=lines, loc="outside upper center", ncols=across)
        style.settle(canvas)
    return canvas


def _draw_run(places: dict[str, Axes], figure: DiagnosticsFigure, run: Trajectory) -> None:
    """Every diagnostic in the panel of its scale, in a style of its own."""
    recorded = figure.diagnostics + figure.linear
    scales = ["log"] * len(figure.diagnostics) + ["linear"] * len(figure.linear)
    for name, scale, line in zip(recorded, scales, style.series(len(recorded)), strict=True):
        # Those of independent trajectories have no time.
        if "time" not in run.diagnostics or name not in run.diagnostics:
            known = ", ".join(run.diagnostics if "time" in run.diagnostics else ()) or "none"
            raise ConfigError(f"`diagnostics` must be among {known}, but has {name}.")
        values = run.diagnostics[name].astype(float)
        shown = np.where((values > 0) | (scale == "linear"), values, np.nan)
        places[scale].plot(run.diagnostics["time"], shown, label=names.words(name), **line)
    for scale, axes in places.items():
        axes.set_yscale(scale)
        axes.set_xlabel(figure.time_label)
