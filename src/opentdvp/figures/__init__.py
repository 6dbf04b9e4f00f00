"""Figures from trajectories and tables. Nothing here computes physics or statistics."""

from collections.abc import Callable

import pandas as pd
from matplotlib.figure import Figure

from opentdvp.config import DynamicsFigure
from opentdvp.figures import dynamics
from opentdvp.trajectory import Trajectory

Draw = Callable[[DynamicsFigure, Trajectory, Trajectory, pd.DataFrame], Figure]

#: What draws each kind of figure.
KINDS: dict[str, Draw] = {"dynamics": dynamics.draw}


def draw(
    figure: DynamicsFigure, candidate: Trajectory, reference: Trajectory, points: pd.DataFrame
) -> Figure:
    """Draw a configured figure; see the module of its kind."""
    return KINDS[figure.kind](figure, candidate, reference, points)
