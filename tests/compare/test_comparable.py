"""Which runs may be compared."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from systems import heisenberg_ring
from trajectories import LOOSE, damped

from opentdvp.compare import compare
from opentdvp.config import System
from opentdvp.errors import ConfigError, FileError, NumericalFailure, OpentdvpError
from opentdvp.records.result_code import ResultCode
from opentdvp.records.trajectory import Observable, Trajectory


def without(run: Trajectory, name: str) -> Trajectory:
    return replace(run, observables={k: v for k, v in run.observables.items() if k != name})


def spoiled(run: Trajectory) -> Trajectory:
    run.observables["C_XX"].mean[6, 1] = np.nan
    return run


@pytest.mark.parametrize(
    "system",
    [
        heisenberg_ring(10),
        heisenberg_ring(6, couplings={"ZZ": 1.0, "YY": 0.0, "XX": 2.0}),
        heisenberg_ring(6, fields={"Z": 1.0, "X": 0.0}),
        heisenberg_ring(6, terms=[{"operators": "X", "sites": [0], "strength": 0.0}]),
        heisenberg_ring(
            6, jumps=[{"operator": "Z", "rate": 0.0}, {"operator": "sigma_minus", "rate": 1.0}]
        ),
        heisenberg_ring(6, time={"stop": 4.0, "points": 5}, observables={}),
    ],
)
def test_size_and_zeros_may_differ(system: System) -> None:
    points = compare(damped(), damped(system=system), LOOSE)
    np.testing.assert_allclose(points["difference"], 0, atol=1e-15)


PHYSICS: list[tuple[str, dict[str, Any], str]] = [
    (
        "couplings",
        {"couplings": {"XX": 2.0, "ZZ": 1.1}},
        r'\{"XX": 2.0, "ZZ": 1.0\} as in the candidate, but is \{"XX": 2.0, "ZZ": 1.1\}',
    ),
    ("fields", {"fields": {}}, r'\{"Z": 1.0\} as in the candidate, but is \{\}'),
    ("terms", {"terms": [{"operators": "X", "sites": [0], "strength": 1.0}]}, r"\[\] as in"),
    ("jumps", {"jumps": [{"operator": "sigma_minus", "rate": 0.5}]}, r'.*"rate": 0.5.*'),
    ("start", {"start": {"Y": 1.0}}, r'.*but is .*"Y": 1.0'),
    (
        "lattice.periodic",
        {"lattice": {"kind": "chain", "size": [6], "periodic": False}},
        "true as in the candidate, but is false",
    ),
    (
        "lattice.kind",
        {"lattice": {"kind": "square", "size": [6, 3], "periodic": True}},
        '"chain" as in the candidate, but is "square"',
    ),
]


@pytest.mark.parametrize(("key", "changes", "message"), PHYSICS, ids=[row[0] for row in PHYSICS])
def test_other_physics_is_refused(key: str, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=rf"^`reference\.system\.{key}` must be {message}"):
        compare(damped(), damped(system=heisenberg_ring(6, **changes)), LOOSE)


def cut(run: Trajectory, keep: slice) -> Trajectory:
    observables = {
        name: Observable(entry.mean[keep], entry.stderr[keep], entry.distances)
        for name, entry in run.observables.items()
    }
    return replace(run, times=run.times[keep], observables=observables)


def near(run: Trajectory) -> Trajectory:
    """Correlators at distance 1 only."""
    observables = {
        name: Observable(entry.mean[:, :1], entry.stderr[:, :1], (1,)) if entry.distances else entry
        for name, entry in run.observables.items()
    }
    return replace(run, observables=observables)


NOTHING = replace(damped(), observables={})

REFUSED: list[tuple[Trajectory, Trajectory, type[OpentdvpError], str]] = [
    (
        damped(result=ResultCode.STEP_SIZE_COLLAPSE),
        damped(),
        NumericalFailure,
        "`candidate.result` must be success, but is step_size_collapse: The step became too small",
    ),
    (
        damped(),
        damped(result=ResultCode.NOT_FINITE),
        NumericalFailure,
        "`reference.result` must be success, but is not_finite: A NaN",
    ),
    (
        damped(),
        replace(damped(), deck='{"version":2}'),
        FileError,
        "`reference.deck` must be a deck of this version of opentdvp, but is not.",
    ),
    (
        damped(),
        cut(damped(), slice(41)),
        ConfigError,
        "`reference.times` must reach the candidate's last time 3, but ends at 2.",
    ),
    (
        damped(),
        cut(damped(), slice(10, None)),
        ConfigError,
        "`reference.times` must begin at 0 as in the candidate, but begins at 0.5.",
    ),
    (NOTHING, damped(), ConfigError, "`candidate.observables` must not be empty, but are"),
    (
        damped(),
        without(damped(), "Y"),
        ConfigError,
        "`reference.observables` must have every observable of the candidate, but lacks Y.",
    ),
    (
        damped(),
        near(without(damped(), "C_XX")),
        ConfigError,
        "but lacks C_XX at distance 1, C_XX at distance 2, C_YY at distance 2, C_ZZ at distance 2.",
    ),
    (
        spoiled(damped()),
        damped(),
        FileError,
        "`candidate.observables` must be finite, but C_XX at distance 2 at time 0.3 is nan ± 0.",
    ),
    (
        damped(),
        spoiled(damped()),
        FileError,
        "`reference.observables` must be finite, but C_XX at distance 2 at time 0.3",
    ),
]


@pytest.mark.parametrize(("candidate", "reference", "kind", "message"), REFUSED)
def test_runs_that_cannot_be_compared_are_refused(
    candidate: Trajectory, reference: Trajectory, kind: type[OpentdvpError], message: str
) -> None:
    with pytest.raises(kind) as caught:
        compare(candidate, reference, LOOSE)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
