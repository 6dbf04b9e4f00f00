"""Observables at the times that are wanted only, from an evolution that begins at 0 anyway."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from solvers import (
    direct,
    exact,
    jastrow,
    kicks,
    moments,
    quiet,
    reduced,
    solved,
    tdvp,
    tensor_network,
    wave_functions,
)
from systems import confinement_ring, heisenberg_ring

from opentdvp.config import Deck, Solver, System
from opentdvp.errors import NumericalFailure
from opentdvp.records.checkpoint import State, load, save
from opentdvp.records.from_solver import output_intervals
from opentdvp.records.result_code import ResultCode
from opentdvp.records.trajectory import read, write
from opentdvp.running.solve import solve_to_file
from opentdvp.running.solvers import method_of

#: All of them are times of the dense grid, and no two intervals are alike.
IRREGULAR = {"times": [0.2, 0.3, 0.6, 1.0]}
LATE = {"start": 0.5, "stop": 1.0, "points": 3}
DENSE = {"stop": 1.0, "points": 21}

FAST = [{"operator": "sigma_minus", "rate": 1e5}]
KICKED = {"jumps": [{"operator": "Z", "rate": 0.5}]}

#: Solver, system, and by how much its results may depend on the other times that it stops at.
CASES: dict[str, tuple[Solver, Any, dict[str, Any], float]] = {
    "exact": (exact(), heisenberg_ring, {}, 1e-7),
    "exact, fast": (exact(), heisenberg_ring, {"jumps": FAST}, 1e-9),
    "reduced": (reduced(), heisenberg_ring, {}, 1e-8),
    "moments": (moments(2, 2), heisenberg_ring, {}, 1e-7),
    "moments, fast": (moments(2, 2, tolerance=1e-4), heisenberg_ring, {"jumps": FAST}, 1e-3),
    "mcwf": (wave_functions(6, 3), heisenberg_ring, {}, 1e-3),
    # Steps of the same size, so that each trajectory has the same kicks.
    "kicks": (kicks(6, 3, time_step=0.05), confinement_ring, KICKED, 1e-12),
    "mpo": (tensor_network(bond_dimension=8, time_step=0.05), heisenberg_ring, {}, 1e-5),
    "tdvp": (tdvp(width=2, fisher_tolerance=1e-3), heisenberg_ring, {}, 3e-3),
    "jastrow": (jastrow(2, 3, 3, fisher_tolerance=1e-3), heisenberg_ring, {}, 3e-3),
}


#: Of them compilation takes long.
LONG = ("tdvp", "mpo")


def marked(names: Iterable[str]) -> list[Any]:
    return [pytest.param(name, marks=[pytest.mark.slow] * (name in LONG)) for name in names]


def at(system: System, times: np.ndarray) -> np.ndarray:
    return np.searchsorted(system.time.values, times - 1e-9)


@pytest.mark.parametrize("time", [IRREGULAR, LATE], ids=["irregular", "late"])
@pytest.mark.parametrize("name", marked(CASES))
def test_values_are_those_of_a_dense_grid(name: str, time: dict[str, Any]) -> None:
    solver, make, changes, tolerance = CASES[name]
    few, dense = (solved(make(3, time=t, **changes), solver) for t in (time, DENSE))
    system = make(3, time=time)
    assert few.result is ResultCode.SUCCESS
    np.testing.assert_array_equal(few.times, system.time.values)
    same = at(make(3, time=DENSE), few.times)
    np.testing.assert_allclose(dense.times[same], few.times, rtol=1e-12)
    moved = 0.0
    for key, observable in few.observables.items():
        known = dense.observables[key]
        np.testing.assert_allclose(observable.mean, known.mean[same], atol=tolerance, rtol=0)
        np.testing.assert_allclose(observable.stderr, known.stderr[same], atol=tolerance, rtol=0)
        moved = max(moved, float(np.abs(known.mean[same] - known.mean[0]).max()))
    # Time passes before the first of them.
    assert moved > 0.05


@pytest.mark.parametrize("name", marked(["exact", "reduced", "moments", "mpo", "jastrow", "kicks"]))
def test_resumed_equals_uninterrupted(name: str, tmp_path: Any) -> None:
    """From some of the states; the first of them has no observables yet where steps are short."""
    solver, make, changes, _ = CASES[name]
    # It keeps every tenth state.
    times = {"times": np.arange(1, 13) ** 2 / 144} if name == "exact" else IRREGULAR
    deck = Deck(system=make(3, time=times, **changes), solver=solver)
    states: list[State] = []
    solve = method_of(deck)
    whole = solve(deck, keep=states.append)
    path = tmp_path / "state.npz"
    for state in (states[0], states[len(states) // 2]):
        save(state, deck.run_id, path)
        rest = solve(deck, resume_from=load(deck.run_id, path))
        for key, observable in whole.observables.items():
            np.testing.assert_array_equal(rest.observables[key].mean, observable.mean)
            np.testing.assert_array_equal(rest.observables[key].stderr, observable.stderr)


def test_one_time_alone_can_be_written(tmp_path: Any) -> None:
    trajectory = solved(heisenberg_ring(3, time={"times": [0.7]}), exact())
    write(trajectory, tmp_path / "run.h5")
    stored = read(tmp_path / "run.h5")
    assert stored.times.tolist() == [0.7]
    assert stored.observables["C_XX"].mean.shape == (1, 1)


def test_a_sampled_run_measures_at_late_times_only() -> None:
    solver = tdvp(width=3, sampling=direct(200, 50, 400))
    found = solved(heisenberg_ring(3, time={"times": [0.05, 0.1]}), solver)
    assert found.times.tolist() == [0.05, 0.1]
    assert len(found.states["theta"]) == 2
    # At time 0 observables are known without samples.
    assert (found.observables["X"].stderr > 0).all()


def test_intervals_that_differ_by_rounding_are_one() -> None:
    times = np.linspace(0, 0.7, 8)
    assert set(output_intervals(times).tolist()) == {0.0, times[1]}
    found = output_intervals(np.array([0.1, 0.2, 0.2 + 0.1, 0.7]))
    np.testing.assert_array_equal(found, [0.1, 0.1, 0.1, found[3]])
    np.testing.assert_allclose(found[3], 0.4, rtol=1e-12)


def test_a_run_that_fails_before_its_first_time_says_so(tmp_path: Any) -> None:
    system = heisenberg_ring(
        3, couplings={"XX": 1e14}, jumps=[{"operator": "Z", "rate": 1e14}], time={"times": [1.0]}
    )
    with pytest.raises(NumericalFailure, match="before its first output time"):
        solve_to_file(Deck(system=system, solver=moments(3, 3)), tmp_path / "run.h5", None, quiet)
    assert not list(tmp_path.iterdir())
