"""Strengths of couplings and fields, and rates of jumps: numbers by bond or site, and in time."""

from itertools import cycle, islice
from math import cos, exp
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Discriminator, Field, Tag, model_validator

from opentdvp.config.base import NonNegative, Positive, Real, Seed, StrictModel, is_missing


def _of_mapping(value: Any, key: str) -> bool:
    return key in value if isinstance(value, dict) else hasattr(value, key)


class Alternating(StrictModel):
    """Numbers that repeat from bond to bond, or from site to site: [1, 0.5] dimerises a chain."""

    alternating: Annotated[tuple[Real, ...], Field(min_length=1)]

    def numbers(self, count: int) -> tuple[float, ...]:
        """One for each of so many."""
        return tuple(islice(cycle(self.alternating), count))


class Drawn(StrictModel):
    """Random numbers, each bond's or site's its own, the same for the same seed.

    `uniform` between two bounds, or `normal` with a mean and a standard deviation. The deck of a
    run has the numbers that were drawn.
    """

    uniform: tuple[Real, Real] | None = None
    normal: tuple[Real, NonNegative] | None = None
    seed: Seed

    @model_validator(mode="after")
    def _check_kind(self) -> Self:
        if (self.uniform is None) == (self.normal is None):
            raise ValueError("must have one of `uniform` and `normal`")
        if self.uniform is not None and self.uniform[0] > self.uniform[1]:
            raise ValueError(f"`uniform` must be in ascending order, but is {list(self.uniform)}")
        return self

    def numbers(self, count: int) -> tuple[float, ...]:
        """One for each of so many."""
        random = np.random.default_rng(self.seed)
        if self.uniform is not None:
            return tuple(random.uniform(*self.uniform, count).tolist())
        assert self.normal is not None
        return tuple(random.normal(*self.normal, count).tolist())


def _kind_of_strength(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "each"
    if _of_mapping(value, "alternating"):
        return "alternating"
    return "drawn" if isinstance(value, dict | Drawn) else "number"


#: One number for all, a list of one for each, a pattern, or random numbers.
Strength = Annotated[
    Annotated[Real, Tag("number")]
    | Annotated[tuple[Real, ...], Tag("each")]
    | Annotated[Alternating, Tag("alternating")]
    | Annotated[Drawn, Tag("drawn")],
    Discriminator(_kind_of_strength),
]


def numbers(strength: Any, count: int) -> tuple[float, ...]:
    """The strengths of so many bonds or sites.

    Raises
    ------
    ValueError
        If a list has another length; it needs the key before it.
    """
    if isinstance(strength, Alternating | Drawn):
        return strength.numbers(count)
    if not isinstance(strength, tuple):
        return (strength,) * count
    if len(strength) != count:
        raise ValueError(f"must have {count} entries, one for each, but has {len(strength)}")
    return strength


class Ramp(StrictModel):
    """A factor that goes linearly from `first` at the time `start` to `last` at `stop`."""

    kind: Literal["ramp"]
    first: Real
    last: Real
    start: Real = 0.0
    stop: Real

    @model_validator(mode="after")
    def _check_times(self) -> Self:
        if not self.start < self.stop:
            raise ValueError(
                f"`stop` must be later than start {self.start:g}, but is {self.stop:g}"
            )
        return self

    def __call__(self, time: float) -> float:
        """The factor at a time."""
        return float(np.interp(time, (self.start, self.stop), (self.first, self.last)))

    @property
    def milestones(self) -> tuple[float, ...]:
        """Times that no step goes over: it is not smooth there."""
        return (self.start, self.stop)

    @property
    def bounds(self) -> tuple[float, float]:
        """Between what it stays."""
        return min(self.first, self.last), max(self.first, self.last)


class Pulse(StrictModel):
    """A Gaussian factor exp(−(t − centre)²/(2 width²))."""

    kind: Literal["pulse"]
    centre: Real
    width: Positive

    def __call__(self, time: float) -> float:
        """The factor at a time."""
        return exp(-(((time - self.centre) / self.width) ** 2) / 2)

    @property
    def milestones(self) -> tuple[float, ...]:
        """Times that no step goes over, so that none misses the pulse or what is left of it."""
        return tuple(self.centre + widths * self.width for widths in (-8, -4, -2, 0, 2, 4, 8))

    @property
    def bounds(self) -> tuple[float, float]:
        """Between what it stays."""
        return 0.0, 1.0


class Cosine(StrictModel):
    """A factor mean + amplitude · cos(frequency · t + phase), with an angular frequency."""

    kind: Literal["cosine"]
    frequency: Positive
    phase: Real = 0.0
    amplitude: Real = 1.0
    mean: Real = 0.0

    def __call__(self, time: float) -> float:
        """The factor at a time."""
        return self.mean + self.amplitude * cos(self.frequency * time + self.phase)

    @property
    def milestones(self) -> tuple[float, ...]:
        """Times that no step goes over: it is not smooth there."""
        return ()

    @property
    def bounds(self) -> tuple[float, float]:
        """Between what it stays."""
        return self.mean - abs(self.amplitude), self.mean + abs(self.amplitude)


class Table(StrictModel):
    """A factor by its values at some times, linear in between and constant outside."""

    kind: Literal["table"]
    times: Annotated[tuple[Real, ...], Field(min_length=2)]
    values: tuple[Real, ...]

    @model_validator(mode="after")
    def _check_columns(self) -> Self:
        if any(b <= a for a, b in zip(self.times, self.times[1:], strict=False)):
            raise ValueError("`times` must be in ascending order, but are not")
        if len(self.values) != len(self.times):
            raise ValueError(
                f"`values` must have {len(self.times)} entries as `times`, "
                f"but has {len(self.values)}"
            )
        return self

    def __call__(self, time: float) -> float:
        """The factor at a time."""
        return float(np.interp(time, self.times, self.values))

    @property
    def milestones(self) -> tuple[float, ...]:
        """Times that no step goes over: it is not smooth there."""
        return self.times

    @property
    def bounds(self) -> tuple[float, float]:
        """Between what it stays."""
        return min(self.values), max(self.values)


#: By what a strength or a rate is multiplied, as time goes on; each is a function of the time.
Drive = Annotated[Ramp | Pulse | Cosine | Table, Field(discriminator="kind")]
OptionalDrive = Annotated[Drive | None, Field(exclude_if=is_missing)]
