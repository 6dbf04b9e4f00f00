"""Times to measure, sorted by the state of a reference that they are reached from."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from opentdvp.config.times import snapped
from opentdvp.errors import FileError
from opentdvp.records.trajectory import Trajectory


class Interval(NamedTuple):
    """Times to measure from one kept state on, before the next one.

    Attributes
    ----------
    begin
        The time of the state.
    row
        Number of the time among those that are kept; None at the start of a run that has no
        observables of it.
    here
        Whether `begin` itself is measured.
    later
        Times to measure that follow.
    """

    begin: float
    row: int | None
    here: bool
    later: list[float]


def intervals(
    evolution: Trajectory, wanted: Float[np.ndarray, " wanted"], states: tuple[str, ...]
) -> Iterator[Interval]:
    """All intervals that have a time to measure, ascending.

    Raises
    ------
    FileError
        If the evolution has not kept these states.
    """
    missing = [name for name in states if name not in evolution.states]
    if missing:
        raise FileError(
            f"Argument FILE must keep the states {', '.join(states)} of its run, but has no "
            f"{missing[0]}; run it again, or with the observables that you want."
        )
    times = snapped(wanted, evolution.times)
    first = evolution.times[0]
    known: list[tuple[int | None, float]] = [(None, 0.0)] if first > 0 else []
    known += enumerate(evolution.times.tolist())
    ends = [time for _, time in known[1:]] + [np.inf]
    for (row, begin), end in zip(known, ends, strict=True):
        within = times[(begin <= times) & (times < end)].tolist()
        if within:
            here = within[0] == begin
            yield Interval(begin, row, here, within[here:])
