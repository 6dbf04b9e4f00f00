"""Panels of figures of dynamics: which curves of which comparisons."""

from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import Field, model_validator

from opentdvp.config.base import Name, PositiveInt, StrictModel, Text
from opentdvp.config.comparison import Run
from opentdvp.config.observables import Axis, AxisPair, CurveKey, Observables, curve_keys
from opentdvp.config.system import System


class PlottedCorrelators(StrictModel):
    """Connected correlators to draw, all at one distance."""

    pairs: Annotated[tuple[AxisPair, ...], Field(min_length=1)]
    distance: PositiveInt


class Inset(StrictModel):
    """Some of a panel's magnetisations enlarged: a comparison of runs that stop early."""

    comparison: Name
    magnetization: Annotated[tuple[Axis, ...], Field(min_length=1)]


def curves_of(system: System) -> set[CurveKey]:
    """All observables of a system, with their distances."""
    observables = system.observables
    pairs = observables.correlators.items()
    labels = observables.labels(system.lattice.geometry)
    return (
        {(axis, 0) for axis in observables.magnetization}
        | {(f"C_{pair}", distance) for pair, distances in pairs for distance in distances}
        | {key for name, axes in labels.items() for key in curve_keys(name, axes)}
    )


class Panel(StrictModel):
    """Magnetisations, or correlators, of the runs of comparisons, above their residuals.

    Of several comparisons one curve, each with a label, which runs of one system share; or several
    curves, without labels, of runs of one system. `beside` are further runs, drawn without
    residuals.
    """

    comparisons: Annotated[tuple[Name, ...], Field(min_length=1)]
    labels: tuple[Text, ...] = ()
    beside: tuple[Run, ...] = ()
    magnetization: tuple[Axis, ...] = ()
    correlators: PlottedCorrelators | None = None
    inset: Inset | None = None

    @property
    def curves(self) -> tuple[CurveKey, ...]:
        """What is drawn of every run."""
        if self.correlators is None:
            return tuple((axis, 0) for axis in self.magnetization)
        return tuple((f"C_{pair}", self.correlators.distance) for pair in self.correlators.pairs)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if bool(self.magnetization) == (self.correlators is not None):
            raise ValueError("a panel must have either `magnetization` or `correlators`")
        several = len(self.comparisons) > 1
        expected = len(self.comparisons) if several and len(self.curves) == 1 else 0
        if len(self.labels) != expected:
            raise ValueError(f"`labels` must be {expected}, but are {len(self.labels)}")
        missing = set(self.inset.magnetization) - set(self.magnetization) if self.inset else set()
        if missing:
            raise ValueError(
                f"`inset.magnetization` must be in the panel, but {sorted(missing)} is not"
            )
        return self


def panels_of(comparison: str, observables: Observables) -> Iterator[Panel]:
    """All magnetisations of a comparison, and its correlators at the shortest distance."""
    if observables.magnetization:
        yield Panel(comparisons=(comparison,), magnetization=observables.magnetization)
    if observables.correlators:
        nearest = min(map(min, observables.correlators.values()))
        pairs = tuple(p for p, distances in observables.correlators.items() if nearest in distances)
        shown = PlottedCorrelators(pairs=pairs, distance=nearest)
        yield Panel(comparisons=(comparison,), correlators=shown)
