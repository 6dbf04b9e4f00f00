"""Which runs may be compared."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from systems import heisenberg_ring
from trajectories import LOOSE, damped, made_up

from opentdvp import config
from opentdvp.config import Run, Study, System
from opentdvp.errors import ConfigError, FileError, NumericalFailure, OpentdvpError
from opentdvp.judging import compare, read_run
from opentdvp.records.result_code import ResultCode
from opentdvp.records.trajectory import Observable, Trajectory, write


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
        "`reference.times` must begin at the candidate's first time 0 or before, but begins at "
        "0.5.",
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


@pytest.mark.parametrize("time", [0.05, 0.1])
def test_error_bars_that_are_not_finite_are_refused(time: float) -> None:
    run = damped()
    run.observables["X"].stderr[np.isclose(run.times, time)] = np.inf
    with pytest.raises(FileError, match=rf"^`candidate.*finite, but X at time {time} is .* ± inf"):
        compare(run, damped(), LOOSE)


#: Six times from 0 to 0.1 of the system that all tiny runs have.
RUN = Run(system="ring_3", solver="exact")


@pytest.fixture
def study() -> Study:
    return config.load(Path(__file__).parents[1] / "config" / "tiny.yaml")


def test_a_run_of_the_configuration_is_read(study: Study, tmp_path: Path) -> None:
    run = made_up(study, RUN)
    write(run, tmp_path / "run.h5")
    read = read_run(study, RUN, tmp_path / "run.h5")
    np.testing.assert_array_equal(read.times, run.times)
    np.testing.assert_array_equal(read.observables["C_XX"].mean, run.observables["C_XX"].mean)


UNUSABLE: list[tuple[Any, type[OpentdvpError], str]] = [
    (lambda run: replace(run, result=ResultCode.NOT_FINITE), NumericalFailure, "but is not_finite"),
    (lambda run: cut(run, slice(5)), FileError, "be 6 from 0 to 0.1, but are 5 from 0 to 0.08;"),
    (lambda run: replace(run, times=run.times + 0.02), FileError, "but are 6 from 0.02 to 0.12;"),
    (lambda run: replace(run, times=run.times**2 * 10), FileError, "but are 6 from 0 to 0.1;"),
    (lambda run: without(run, "Y"), FileError, "every observable, but lacks Y."),
    (lambda run: without(run, "C_XX"), FileError, "but lacks C_XX at distance 1."),
    (lambda run: replace(run, deck=damped().deck), FileError, "its run id must be"),
]


@pytest.mark.parametrize(("change", "kind", "message"), UNUSABLE)
def test_a_run_that_is_not_all_of_the_configuration_is_refused(
    study: Study, tmp_path: Path, change: Any, kind: type[OpentdvpError], message: str
) -> None:
    write(change(made_up(study, RUN)), tmp_path / "run.h5")
    with pytest.raises(kind) as caught:
        read_run(study, RUN, tmp_path / "run.h5")
    assert str(tmp_path / "run.h5") in str(caught.value)
    assert message in str(caught.value)


def test_a_file_with_a_value_that_is_not_finite_is_refused(study: Study, tmp_path: Path) -> None:
    run = made_up(study, RUN)
    run.observables["Z"].mean[2] = np.nan
    write(run, tmp_path / "run.h5")
    with pytest.raises(FileError, match=r"its observables must be finite, but Z at time 0\.04"):
        read_run(study, RUN, tmp_path / "run.h5")
