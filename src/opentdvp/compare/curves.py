"""Observables of a trajectory as single curves, by observable and distance."""

import numpy as np

from opentdvp.config.study import Tolerance
from opentdvp.trajectory import Trajectory

#: Mean and standard error, each of shape (T,).
Curve = tuple[np.ndarray, np.ndarray]


def curves(trajectory: Trajectory) -> dict[tuple[str, int], Curve]:
    """All curves by observable and distance, which is 0 for magnetisations."""
    points = len(trajectory.times)
    return {
        (name, distance): (mean, error)
        for name, observable in trajectory.observables.items()
        for distance, mean, error in zip(
            observable.distances or (0,),
            observable.mean.reshape(points, -1).T,
            observable.stderr.reshape(points, -1).T,
            strict=True,
        )
    }


def allowed(tolerance: Tolerance, distance: int) -> float:
    """Tolerance of a curve at a distance, which is 0 for magnetisations."""
    return tolerance.correlators if distance else tolerance.magnetization


def describe(key: tuple[str, int]) -> str:
    """Name of a curve in messages."""
    name, distance = key
    return f"{name} at distance {distance}" if distance else name
