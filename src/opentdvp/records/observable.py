"""One observable of a trajectory."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from opentdvp.config.observables import CurveKey, Labels, curve_keys
from opentdvp.records.dimensions import DISTANCE, observables_in


@dataclass(frozen=True, eq=False)
class Observable:
    """Mean and standard error of an observable at every time.

    `mean` and `stderr` have shape (T,), or (T, D) with one column per entry of `distances`, or
    besides that of the times one axis for each of `labels`.

    Attributes
    ----------
    labels
        By name of an axis, such as `site`, what its entries are.
    """

    mean: np.ndarray
    stderr: np.ndarray
    distances: tuple[int, ...] = ()
    labels: Labels = field(default_factory=dict)

    @property
    def axes(self) -> dict[str, tuple[int | str, ...]]:
        """The labels of all axes but that of the times, distances among them."""
        return ({DISTANCE: self.distances} if self.distances else {}) | dict(self.labels)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of its values at one time."""
        return tuple(map(len, self.axes.values()))

    def keys(self, name: str) -> list[CurveKey]:
        """Name and distance of all its curves, distance 0 where there are no distances."""
        return [(name, distance) for distance in self.distances] or curve_keys(name, self.labels)


def stored_observables(group: Any) -> dict[str, Observable]:
    """Those in a file."""
    return {
        name: Observable(
            mean=numbers(mean),
            stderr=numbers(stderr),
            distances=tuple(map(int, axes.pop(DISTANCE, ()))),
            labels=axes,
        )
        for name, mean, stderr, axes in observables_in(group)
    }


def grouped_observables(group: Any) -> dict[str, Observable]:
    """Those of files of the first version: groups without names of their axes."""
    return {
        name: Observable(
            mean=numbers(values["mean"]),
            stderr=numbers(values["stderr"]),
            distances=tuple(int(d) for d in values.attrs.get("distances", ())),
        )
        for name, values in group.items()
    }


def numbers(data: Any) -> np.ndarray:
    """An array of a file; text and complex numbers are refused."""
    return np.asarray(data[:].astype(float, casting="same_kind"))
