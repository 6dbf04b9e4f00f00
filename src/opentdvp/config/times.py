"""When a run gives observables; dimensionless times, as γt or Jt."""

from operator import not_
from typing import Annotated, Self

import numpy as np
from pydantic import Discriminator, Field, Tag, model_validator

from opentdvp.config.base import SMALLEST, WHOLE, NonNegative, Positive, StrictModel

#: Of output times.
MOST = 1_000_000

#: Times closer than this, in units of the last one, would be one but for rounding.
CLOSEST = 1e-9


class EquidistantTimes(StrictModel):
    """Equidistant times from `start`, or 0, to `stop`, both included.

    The evolution begins at 0 in any case.
    """

    stop: Positive
    points: Annotated[int, Field(ge=2, le=MOST, strict=True), WHOLE] = 61
    # Left out of a deck where it is 0, as in decks from before it was known.
    start: Annotated[NonNegative, Field(exclude_if=not_)] = 0.0

    @model_validator(mode="after")
    def _check_start(self) -> Self:
        if self.start >= self.stop:
            raise ValueError(f"`start` must be less than stop {self.stop:g}, but is {self.start:g}")
        _check_order("start", self.values)
        return self

    @property
    def values(self) -> np.ndarray:
        """All times, ascending."""
        return np.linspace(self.start, self.stop, self.points)

    @property
    def first(self) -> float:
        """The first time that there are observables of."""
        return self.start

    @property
    def last(self) -> float:
        """The last time, where the evolution ends."""
        return self.stop


class ListedTimes(StrictModel):
    """Any ascending times; the evolution begins at 0 in any case."""

    times: Annotated[tuple[NonNegative, ...], Field(min_length=1, max_length=MOST)]

    @model_validator(mode="after")
    def _check_times(self) -> Self:
        if max(self.times) < SMALLEST:
            raise ValueError(f"`times` must have one of at least {SMALLEST:g}, but has none")
        _check_order("times", self.values)
        return self

    @property
    def values(self) -> np.ndarray:
        """All times, ascending."""
        return np.array(self.times)

    @property
    def first(self) -> float:
        """The first time that there are observables of."""
        return self.times[0]

    @property
    def last(self) -> float:
        """The last time, where the evolution ends."""
        return self.times[-1]


def snapped(wanted: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Wanted times, those that are one of `times` but for rounding replaced by it."""
    nearest = times[np.abs(times[:, None] - wanted).argmin(axis=0)]
    return np.where(np.abs(nearest - wanted) > CLOSEST * times[-1], wanted, nearest)


def _check_order(key: str, times: np.ndarray) -> None:
    """Raise `ValueError` unless times ascend, the first one from 0 or at 0."""
    known = times if times[0] == 0 else np.append(0.0, times)
    (close,) = np.nonzero(np.diff(known) < CLOSEST * times.max())
    if close.size:
        earlier, later = known[close[0] :][:2]
        raise ValueError(
            f"`{key}` must make times ascend, each by at least {CLOSEST:g} of the last one, but "
            f"{later:.12g} follows {earlier:.12g}"
        )


def _form(value: object) -> str:
    """Which of the two forms is meant; errors of anything else are those of the first one."""
    listed = isinstance(value, ListedTimes) or (isinstance(value, dict) and "times" in value)
    return "listed" if listed else "equidistant"


TimeGrid = Annotated[
    Annotated[EquidistantTimes, Tag("equidistant")] | Annotated[ListedTimes, Tag("listed")],
    Discriminator(_form),
]
