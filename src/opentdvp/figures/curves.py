"""Curves of runs as lines and marks."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from opentdvp.config import Deck
from opentdvp.figures import style
from opentdvp.figures.sources import Material
from opentdvp.records.trajectory import Curve, Trajectory, interpolate

#: Marks of the reference on each curve; more would hide the lines.
MARKS = 20
#: Parts of every interval between recorded times, so that lines have no corners.
PARTS = 8

#: Times, means and errors.
Points = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Line:
    """One curve of one comparison."""

    comparison: str
    observable: str
    distance: int
    label: str
    style: style.CurveStyle

    def of(self, run: Trajectory) -> Curve:
        """Mean and standard error at the run's times."""
        return run.curves()[self.observable, self.distance]

    def rows(self, material: Material) -> pd.DataFrame:
        """Its part of the table of its comparison."""
        points = material.points[self.comparison]
        same = (points["observable"] == self.observable) & (points["distance"] == self.distance)
        return points[same]


def judges(lines: list[Line], material: Material) -> list[Line]:
    """The first line of every curve of a reference: several comparisons may have the same."""
    firsts: dict[Any, Line] = {}
    for line in lines:
        run = material.comparisons[line.comparison].reference
        firsts.setdefault((run, line.observable, line.distance, line.label), line)
    return list(firsts.values())


def smooth(line: Line, run: Trajectory, stop: float, early: Trajectory | None = None) -> Points:
    """Times, mean and error of a line without corners; it begins with the run that stops early.

    That one is recorded more often, and taken if it is of the same system.
    """
    whole = _spline(line, run, stop)
    if early is None or not alike(run, early):
        return whole
    begin = _spline(line, early, stop)
    later = whole[0] > begin[0][-1]
    times, mean, error = (np.append(a, b[later]) for a, b in zip(begin, whole, strict=True))
    return times, mean, error


def _spline(line: Line, run: Trajectory, stop: float) -> Points:
    """The cubic spline through all recorded values, and errors in between, until `stop`."""
    known = run.times <= stop
    times, (mean, error) = run.times, line.of(run)
    steps = np.arange(PARTS * (known.sum() - 1) + 1) / PARTS
    fine = np.interp(steps, np.arange(times.size), times)
    curve = interpolate(times, mean, fine)
    # To the last digit, which the spline does not keep at its end.
    curve[::PARTS] = mean[known]
    return fine, curve, np.interp(fine, times, error)


def alike(run: Trajectory, early: Trajectory) -> bool:
    """Whether two runs are of one system, but for what is recorded of it and when."""
    first, second = (
        Deck.model_validate_json(one.deck).system.model_dump(exclude={"time", "observables"})
        for one in (run, early)
    )
    return first == second


def draw_candidate(axes: Axes, line: Line, curve: Points) -> None:
    """A line with a band of ± one standard error; a bar where there is one time only."""
    times, mean, error = curve
    dots = style.dots(len(times) // PARTS + 1)
    axes.plot(times, mean, **line.style.line, **dots, markevery=PARTS)
    axes.fill_between(times, mean - error, mean + error, **line.style.band)
    if len(times) == 1:
        axes.errorbar(times, mean, error, color=line.style.color)


def draw_marks(
    axes: Axes, line: Line, run: Trajectory, stop: float, offset: float, look: dict[str, Any]
) -> None:
    """Some of a run's values; `offset`, a share of their distance, keeps curves' marks apart."""
    inside = np.flatnonzero(run.times <= stop)
    stride = max(1, round(len(inside) / MARKS))
    shown = inside[int(offset * stride) :: stride]
    mean, error = (values[shown] for values in line.of(run))
    axes.errorbar(run.times[shown], mean, error, elinewidth=0.7, **look)
