"""Runs of the exact reference: repeated, resumed, written, refused, failing."""

from typing import Any

import numpy as np
import pytest
import qutip
from solvers import exact
from systems import confinement_ring, free_spins, heisenberg_ring
from trajectories import solved_exactly

from opentdvp.config import Deck
from opentdvp.errors import ConfigError, NumericalFailure
from opentdvp.physics.model import Model
from opentdvp.records.checkpoint import State
from opentdvp.records.result_code import ResultCode
from opentdvp.records.trajectory import read, write
from opentdvp.references.exact.full import solve
from opentdvp.references.exact.operators import hamiltonian


def test_two_solves_are_identical() -> None:
    first, second = (solved_exactly(confinement_ring(5)) for _ in range(2))
    assert list(first.observables) == list(second.observables)
    for name, observable in first.observables.items():
        np.testing.assert_array_equal(second.observables[name].mean, observable.mean)


@pytest.mark.parametrize("rate", [1.0, 1e3], ids=["multistep", "exponential"])
@pytest.mark.parametrize("kept", [0, 1])
def test_resumed_equals_uninterrupted(kept: int, rate: float) -> None:
    """From each state that is kept on the way, of two."""
    jumps = [{"operator": "sigma_minus", "rate": rate}]
    system = heisenberg_ring(4, jumps=jumps, time={"stop": 1.0, "points": 26})
    deck = Deck(system=system, solver=exact())
    states: list[State] = []
    whole = solve(deck, keep=states.append)
    assert [len(state.outputs) for state in states] == [11, 21, 26]
    rest = solve(deck, resume_from=states[kept])
    for name, observable in whole.observables.items():
        np.testing.assert_array_equal(rest.observables[name].mean, observable.mean)
    np.testing.assert_array_equal(rest.diagnostics["trace_error"], whole.diagnostics["trace_error"])


def test_trajectory_can_be_written_and_knows_its_deck(tmp_path: Any) -> None:
    deck = Deck(system=heisenberg_ring(3), solver=exact())
    trajectory = solve(deck)
    write(trajectory, tmp_path / "exact.h5")
    stored = read(tmp_path / "exact.h5")
    assert stored.run_id == deck.run_id
    assert stored.provenance["device"] == "cpu"
    assert stored.result is ResultCode.SUCCESS
    assert stored.diagnostics["trace_error"].shape == stored.times.shape
    assert stored.diagnostics["trace_error"].max() < 1e-12


def test_every_output_time_is_reported() -> None:
    reported: list[float] = []
    trajectory = solve(Deck(system=free_spins(), solver=exact()), reported.append)
    assert reported == trajectory.times.tolist()
    assert len(reported) == 21


@pytest.mark.parametrize(
    ("size", "memory", "times"),
    # Eighteen density matrices of 16 bytes per entry.
    [((11,), 18 * 16 * 4**11 / 2**30, 4), ((4, 4), 18 * 16 * 4**16 / 2**30, 4096)],
)
def test_large_systems_are_refused(size: tuple[int, ...], memory: float, times: int) -> None:
    kind = "chain" if len(size) == 1 else "square"
    lattice = {"kind": kind, "size": size, "periodic": True}
    system = heisenberg_ring(3, lattice=lattice, observables={})
    message = (
        f"must give at most 10 sites .* gives {np.prod(size)}: .* {memory:g} GiB .* {times} times"
    )
    with pytest.raises(ConfigError, match=message) as caught:
        solve.check(Deck(system=system, solver=exact()))
    assert "\n" not in str(caught.value)
    with pytest.raises(ConfigError, match=message):
        solved_exactly(system)


def test_ten_sites_are_accepted() -> None:
    solve.check(Deck(system=heisenberg_ring(10), solver=exact()))


def test_overflow_is_a_numerical_failure_of_one_line() -> None:
    # No configuration holds such a field.
    system = free_spins().model_copy(update={"fields": {"X": 1e200}})
    with pytest.raises(NumericalFailure, match="solver stopped before time") as caught:
        solved_exactly(system)
    assert "\n" not in str(caught.value)


def test_trajectory_ends_before_a_state_that_is_not_finite(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = qutip.MESolver.step

    def broken(self: qutip.MESolver, time: float, **options: Any) -> qutip.Qobj:
        return honest(self, time, **options) * (np.nan if time > 0.45 else 1)

    monkeypatch.setattr(qutip.MESolver, "step", broken)
    trajectory = solved_exactly(free_spins())
    assert trajectory.result is ResultCode.NOT_FINITE
    np.testing.assert_allclose(trajectory.times, [0, 0.1, 0.2, 0.3, 0.4])
    means = [observable.mean for observable in trajectory.observables.values()]
    for values in (*means, trajectory.diagnostics["trace_error"]):
        assert len(values) == 5
        assert np.isfinite(values).all()


def test_trajectory_ends_before_a_state_that_lost_its_trace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """H − iε loses probability at the rate 2ε."""
    rate = 2.2e-6

    def leaking(model: Model) -> qutip.Qobj:
        return hamiltonian(model) - 0.5j * rate * qutip.qeye([2] * model.n_sites)

    monkeypatch.setattr("opentdvp.references.exact.full.hamiltonian", leaking)
    trajectory = solved_exactly(free_spins())
    assert trajectory.result is ResultCode.PROBABILITY_DRIFT
    np.testing.assert_allclose(trajectory.times, [0, 0.1, 0.2, 0.3, 0.4])
    expected = -np.expm1(-rate * trajectory.times)
    np.testing.assert_allclose(trajectory.diagnostics["trace_error"], expected, atol=1e-12)
