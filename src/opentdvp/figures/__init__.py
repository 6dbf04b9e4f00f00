"""Figures from trajectories and tables. Nothing here computes physics or statistics."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from opentdvp.config import AnyFigure
from opentdvp.figures import diagnostics, dynamics, runs, style
from opentdvp.trajectory import Trajectory

Draw = Callable[..., Figure]

#: What draws each kind of figure, from its runs and the table of its comparison.
KINDS: dict[str, Draw] = {
    "dynamics": lambda figure, drawn, points: dynamics.draw(figure, drawn[0], drawn[1], points),
    "runs": lambda figure, drawn, _: runs.draw(figure, drawn),
    "diagnostics": lambda figure, drawn, _: diagnostics.draw(figure, drawn),
}


def draw_to_files(
    figure: AnyFigure,
    drawn: Sequence[Trajectory],
    points: pd.DataFrame | None,
    paths: Iterable[Path],
) -> None:
    """Draw a configured figure and save it under every path, with the origin of its runs.

    Parameters
    ----------
    figure
        What to draw; its kind chooses the module that does it.
    drawn
        Its runs; candidate and reference where it shows a comparison.
    points
        The table of that comparison.
    paths
        Files to write, as PDF, PNG or SVG by their suffix.

    Raises
    ------
    ConfigError
        If a suffix is another one.
    FileError
        If a file cannot be written.
    """
    canvas = KINDS[figure.kind](figure, drawn, points)
    for path in paths:
        style.save(canvas, path, style.origins(drawn))
