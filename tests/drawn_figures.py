"""Runs whose figures tests draw, and what they read off them."""

from typing import Any

import numpy as np
import pandas as pd
from figure_settings import SAMPLED, TOLERANCE
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from systems import heisenberg_ring
from trajectories import damped

from opentdvp.figures import curves, style
from opentdvp.judging import compare
from opentdvp.records.trajectory import Trajectory

CANDIDATE = damped(61, error=0.005, seed=1, solver=SAMPLED)
REFERENCE = damped(121, system=heisenberg_ring(10))
POINTS = compare(CANDIDATE, REFERENCE, TOLERANCE)
PANELS = [(0, ["X", "Y", "Z"], 0), (1, ["C_XX", "C_YY", "C_ZZ"], 2)]


def values(run: Trajectory, name: str, distance: int) -> tuple[np.ndarray, np.ndarray]:
    entry = run.observables[name]
    column = (..., entry.distances.index(distance)) if distance else ...
    return entry.mean[column], entry.stderr[column]


def rows(points: pd.DataFrame, name: str, distance: int) -> pd.DataFrame:
    return points.query("observable == @name and distance == @distance")


def lines(axes: Axes, dashes: str) -> list[Any]:
    """Lines of a panel by style: solid ones are the candidate's, "None" are marks."""
    dark = style.REFERENCE["linewidth"]
    drawn = [line for line in axes.lines if line.get_linewidth() != dark]
    return [line for line in drawn if line.get_linestyle() == dashes]


def dark_lines(axes: Axes) -> list[Any]:
    """Those through all values of the references."""
    return [line for line in axes.lines if line.get_linewidth() == style.REFERENCE["linewidth"]]


def recorded(line: Any) -> tuple[np.ndarray, np.ndarray]:
    """Times and values of a line without what is drawn between them."""
    return line.get_xdata()[:: curves.PARTS], line.get_ydata()[:: curves.PARTS]


def texts(legend: Legend | None) -> list[str]:
    assert legend is not None
    return [text.get_text() for text in legend.get_texts()]


def foot(drawn: Figure) -> str:
    return str(drawn.get_supxlabel())
