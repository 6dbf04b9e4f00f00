"""Centred moments with drives: closed forms, milestones, fast jumps, and runs that go on."""

from typing import Any

import numpy as np
import pytest
from any_systems import DRIVES, largest_error, system, whole
from solvers import moments, solved

from opentdvp.config import System
from opentdvp.physics.model import build_model
from opentdvp.physics.pauli.cuts import Cut
from opentdvp.records.result_code import ResultCode
from opentdvp.references.moments import evolutions
from opentdvp.references.moments.evolutions import build_evolution
from opentdvp.references.moments.explicit_steps import explicit_steps
from opentdvp.references.moments.exponential_steps import exponential_steps
from opentdvp.references.moments.points import Tolerances

DRIVEN = system(
    {"kind": "chain", "size": [5], "periodic": True},
    couplings={"XX": {"strength": 0.5, "drive": DRIVES[1]}, "ZZ": 0.4},
    fields={"X": {"strength": 1.0, "drive": DRIVES[2]}},
    jumps=[{"operator": "sigma_minus", "rate": 0.7, "drive": DRIVES[3]}],
)


def test_drives_leave_symmetries_and_it_is_exact():
    evolution = build_evolution(build_model(DRIVEN), Cut(5, 5), Tolerances(1e-8, 1e-8), 1.0)
    assert len(evolution.hierarchy.orbits.permutations) == 10
    assert largest_error(DRIVEN, solved(DRIVEN, whole(DRIVEN))) < 1e-6


def integral(drive: dict[str, Any], times: np.ndarray) -> np.ndarray:
    """∫f dt from 0, of the drives above by hand."""
    if drive["kind"] == "cosine":
        angle = drive["frequency"] * times + drive["phase"]
        swing = (np.sin(angle) - np.sin(drive["phase"])) / drive["frequency"]
        return drive["mean"] * times + drive["amplitude"] * swing
    fine = np.unique([*np.linspace(0, times[-1], 200_001), *times, 0.1, 0.15, 0.3, 0.35, 0.6])
    if drive["kind"] == "ramp":
        values = np.interp(fine, (drive["start"], drive["stop"]), (drive["first"], drive["last"]))
    elif drive["kind"] == "table":
        values = np.interp(fine, drive["times"], drive["values"])
    else:
        values = np.exp(-(((fine - drive["centre"]) / drive["width"]) ** 2) / 2)
    sums = np.append(0.0, np.cumsum(np.diff(fine) * (values[1:] + values[:-1]) / 2))
    return np.interp(times, fine, sums)


@pytest.mark.parametrize("drive", DRIVES, ids=lambda drive: drive["kind"])
def test_a_driven_spin_turns_by_the_integral_of_the_drive(drive):
    """<Z> = cos(2∫f) under f X, and e^(−∫f)(1 + z) − 1 under σ⁻ at the rate f."""
    two = {"kind": "chain", "size": [2], "periodic": False}
    turned = system(two, fields={"X": {"strength": 1.0, "drive": drive}}, start={"Z": 1.0})
    found = solved(turned, moments(2, 2))
    angle = 2 * integral(drive, found.times)
    np.testing.assert_allclose(found.observables["Z"].mean, np.cos(angle), atol=1e-7)
    decay = {"operator": "sigma_minus", "rate": 1.0, "drive": drive}
    found = solved(system(two, jumps=[decay]), moments(2, 2))
    left = 1.64 * np.exp(-angle / 2) - 1
    np.testing.assert_allclose(found.observables["Z"].mean, left, atol=1e-7)


def test_no_step_goes_over_a_milestone():
    """A pulse far shorter than the first step, in the middle of a long time at rest."""
    pulse = {"kind": "pulse", "centre": 50.0, "width": 0.01}
    of = system(
        {"kind": "chain", "size": [2], "periodic": False},
        fields={"X": {"strength": 5.0, "drive": pulse}},
        start={"Z": 1.0},
        time={"stop": 100.0, "points": 2},
    )
    states: list[Any] = []
    found = solved(of, moments(2, 2), keep=states.append)
    ends = {state.arrays["clock/asked"][0] for state in states}
    assert {50.0 - 0.02, 50.0, 50.0 + 0.02, 100.0} <= ends
    angle = 10.0 * 0.01 * np.sqrt(2 * np.pi)
    assert found.observables["Z"].mean[-1] == pytest.approx(np.cos(angle), abs=1e-6)


def test_milestones_that_are_output_times_but_for_rounding_are_no_steps():
    table = {"kind": "table", "times": [0.1 + 0.2, 0.6], "values": [1.0, 0.0]}
    of = system(
        {"kind": "chain", "size": [2], "periodic": False},
        fields={"X": {"strength": 1.0, "drive": table}},
        start={"Z": 1.0},
        time={"stop": 0.6, "points": 3},
    )
    found = solved(of, moments(2, 2))
    assert found.result is ResultCode.SUCCESS
    assert found.observables["Z"].mean[-1] == pytest.approx(np.cos(0.6 + 0.3), abs=1e-7)


def fast(rate: float, drive: dict[str, Any] | None = None) -> System:
    """Dephasing that freezes a driven turn."""
    jump: dict[str, Any] = {"operator": "Z", "rate": rate}
    return system(
        {"kind": "chain", "size": [2], "periodic": False},
        couplings={"XX": 0.8},
        fields={"X": {"strength": 3.0, "drive": DRIVES[2]}},
        jumps=[jump if drive is None else jump | {"drive": drive}],
        time={"stop": 0.3, "points": 2},
    )


def test_fast_jumps_with_drives_have_exponential_steps_and_the_same_solution(monkeypatch):
    of = fast(200.0)
    for many, steps in ((2e4, explicit_steps), (1.0, exponential_steps)):
        monkeypatch.setattr(evolutions, "_MANY", many)
        evolution = build_evolution(build_model(of), Cut(2, 2), Tolerances(1e-4, 1e-4), 0.3)
        assert evolution.steps is steps
        assert largest_error(of, solved(of, moments(2, 2, tolerance=1e-4))) < 3e-4


def test_the_largest_factor_of_a_drive_decides_which_steps():
    cosine = {"kind": "cosine", "frequency": 1.0, "mean": 2.0}
    for drive, steps in ((None, explicit_steps), (cosine, exponential_steps)):
        model = build_model(fast(8e3, drive))
        evolution = build_evolution(model, Cut(2, 2), Tolerances(1e-6, 1e-6), 1.0)
        assert evolution.steps is steps


def test_a_resumed_run_with_drives_equals_an_uninterrupted_one():
    of, states = DRIVEN, []
    solver = moments(3, 4)
    uninterrupted = solved(of, solver, keep=states.append)
    for state in (states[1], states[len(states) // 2]):
        rest = solved(of, solver, resume_from=state)
        for name, observable in uninterrupted.observables.items():
            np.testing.assert_array_equal(rest.observables[name].mean, observable.mean)
