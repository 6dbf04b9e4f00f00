"""Parameters θ that a trajectory has kept: at its times, and at any time within its steps."""

from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from opentdvp.config.times import snapped
from opentdvp.engine.functions import Vector
from opentdvp.engine.principle import integrator
from opentdvp.errors import FileError
from opentdvp.records.from_solver import STEP_SLOPES, STEP_THETA
from opentdvp.records.trajectory import Trajectory


class Point(NamedTuple):
    """θ at a time.

    Attributes
    ----------
    output
        Number of the time among those that are kept; None in between.
    wanted
        Whether it is measured there.
    """

    time: float
    theta: Vector
    output: int | None
    wanted: bool


def points(evolution: Trajectory, wanted: Float[np.ndarray, " times"]) -> Iterator[Point]:
    """Kept times and wanted ones, ascending, up to the last that is wanted.

    Raises
    ------
    FileError
        If other times than those kept are wanted of a file that has not kept the steps.
    """
    times = evolution.times
    measured = snapped(wanted, times)
    finer = measured[~np.isin(measured, times)].tolist()
    if finer and STEP_THETA not in evolution.states:
        raise FileError(
            f"The times to measure must be those of the run, {len(times)} from {times[0]:g} to "
            f"{times[-1]:g}, because its file has not kept its steps, but one is {finer[0]:g}; run "
            "it again, or choose others."
        )
    for number, time in enumerate(times.tolist()):
        while finer and finer[0] < time:
            yield Point(finer[0], _within_step(evolution, finer[0]), None, True)
            finer = finer[1:]
        if time > measured[-1]:
            return
        yield Point(time, evolution.states["theta"][number], number, time in measured)


def _within_step(evolution: Trajectory, time: float) -> Vector:
    """θ from the cubic of the step that a time is in, as the run itself would have had it."""
    begins = evolution.diagnostics["time"].tolist()
    step = bisect_right(begins, time) - 1
    start, end = (*begins, evolution.times[-1])[step : step + 2]
    ends = (*evolution.states[STEP_THETA][step : step + 2], evolution.states["theta"][-1])[:2]
    slopes = evolution.states[STEP_SLOPES][step]
    fraction = (time - start) / (end - start)
    return integrator.interpolate(fraction, end - start, *ends, *slopes)
