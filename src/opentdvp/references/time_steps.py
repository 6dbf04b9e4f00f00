"""Equal time steps that go over no milestone of a drive."""

from collections.abc import Sequence
from math import pi
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from opentdvp.config.strengths import Cosine, Drive
from opentdvp.records.from_solver import output_intervals

# Times that differ by less, relative to the last one, are the same.
_EQUAL = 1e-12


class Steps(NamedTuple):
    """So many equal steps from a time on."""

    start: float
    size: float
    number: int

    @property
    def starts(self) -> Float[np.ndarray, " steps"]:
        """The time at which each of them begins."""
        return self.start + self.size * np.arange(self.number)

    def halved(self) -> "Steps":
        """Twice as many steps over the same time."""
        return Steps(self.start, self.size / 2, 2 * self.number)


def steps_over(
    drives: Sequence[Drive], start: float, interval: float, longest: float
) -> tuple[Steps, ...]:
    """Steps of at most the longest size over an interval, equal between milestones.

    None is longer than half the period of a cosine: it would take its values at some times for all.
    """
    longest = min([longest, *(pi / f.frequency for f in drives if isinstance(f, Cosine))])
    stop = start + interval
    stops = milestones(drives, np.array([start, stop]))
    lengths = [interval] if len(stops) == 0 else np.diff([start, *stops, stop]).tolist()
    counts = [max(1, int(np.ceil(length / longest - 1e-9))) for length in lengths]
    return tuple(
        Steps(first, length / count, count)
        for first, length, count in zip([start, *stops.tolist()], lengths, counts, strict=True)
    )


def stretches(
    drives: Sequence[Drive],
    times: Float[np.ndarray, " times"],
    longest: float,
    start: float = 0.0,
) -> list[tuple[Steps, ...]]:
    """Steps to each output time from the one before, at first from `start`; none to that itself."""
    starts = [start, *times[:-1].tolist()]
    return [
        steps_over(drives, begin, interval, longest) if interval > 0 else ()
        for begin, interval in zip(starts, output_intervals(times, start).tolist(), strict=True)
    ]


def milestones(
    drives: Sequence[Drive], times: Float[np.ndarray, " times"]
) -> Float[np.ndarray, " milestones"]:
    """The milestones of all drives between the first and the last of some times, and not at any."""
    found: list[float] = []
    for time in sorted({time for drive in drives for time in drive.milestones}):
        apart = np.abs(np.append(times, found[-1:]) - time).min() > _EQUAL * times[-1]
        if times[0] < time < times[-1] and apart:
            found.append(time)
    return np.array(found)
