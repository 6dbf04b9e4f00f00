"""Small systems for tests of moments, and how far a run is from dense matrices."""

from typing import Any

import numpy as np
from dense import dense_evolution
from random_systems import PAIRS
from solvers import moments

from opentdvp.config import System

DRIVES: list[dict[str, Any]] = [
    {"kind": "ramp", "first": 0.2, "last": 1.3, "start": 0.15, "stop": 0.6},
    {"kind": "pulse", "centre": 0.5, "width": 0.05},
    {"kind": "cosine", "frequency": 9.0, "phase": 0.3, "amplitude": 0.7, "mean": 0.8},
    {"kind": "table", "times": [0.1, 0.3, 0.35], "values": [1.0, 0.0, 0.7]},
]
RAISING = "sigma_plus sigma_minus"


def system(lattice: dict[str, Any], **changes: Any) -> System:
    keys = {
        "lattice": lattice,
        "start": {"X": 0.48, "Y": -0.6, "Z": 0.64},
        "time": {"stop": 1.0, "points": 4},
        "observables": {"correlators": dict.fromkeys(PAIRS, (1,))},
    }
    return System.model_validate(keys | changes)


def largest_error(of: System, trajectory: Any) -> float:
    expected = dense_evolution(of, trajectory.times)
    assert set(expected) == set(trajectory.observables)
    return max(
        np.abs(found.mean - expected[name]).max() for name, found in trajectory.observables.items()
    )


def whole(of: System) -> Any:
    """Moments of all strings."""
    return moments(of.lattice.n_sites, max(of.lattice.extent))
