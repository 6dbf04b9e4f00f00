"""Figures from trajectories and tables. Nothing here computes physics or statistics."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from opentdvp.config import DynamicsFigure
from opentdvp.figures import dynamics, style
from opentdvp.trajectory import Trajectory

Draw = Callable[[DynamicsFigure, Trajectory, Trajectory, pd.DataFrame], Figure]

#: What draws each kind of figure.
KINDS: dict[str, Draw] = {"dynamics": dynamics.draw}


def draw_to_files(
    figure: DynamicsFigure,
    candidate: Trajectory,
    reference: Trajectory,
    points: pd.DataFrame,
    paths: Iterable[Path],
) -> None:
    """Draw a configured figure and save it under every path, with the origin of its runs.

    Parameters
    ----------
    figure
        What to draw; its kind chooses the module that does it.
    candidate, reference
        The runs of the figure's comparison.
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
    canvas = KINDS[figure.kind](figure, candidate, reference, points)
    for path in paths:
        style.save(canvas, path, style.origins(candidate=candidate, reference=reference))
