"""Averages of trajectories against exact solutions, and what batches may not change."""

import numpy as np
import pytest
from solvers import exact, kicks, quiet, solved, wave_functions
from systems import confinement_ring, free_spins, heisenberg_ring

from opentdvp.config import Deck
from opentdvp.errors import ConfigError, FileError, NumericalFailure
from opentdvp.records.checkpoint import State
from opentdvp.references.trajectories.batches import batch, gather, solve

SHORT = {"stop": 1.5, "points": 7}
PAIRS = {"correlators": {"XX": (1, 2), "XY": (1,), "ZZ": (1, 2)}}


HEISENBERG = heisenberg_ring(4, time=SHORT, observables=PAIRS)
CONFINEMENT = confinement_ring(4, time={"stop": 6.0, "points": 7}, observables=PAIRS)
OPEN = confinement_ring(
    5,
    lattice={"kind": "chain", "size": (5,), "periodic": False},
    fields={"X": 0.5, "Y": 0.2},
    jumps=[{"operator": [["0.5j", 0], [0, "-0.5j"]], "rate": 2.0, "sites": [0, 1, 3]}],
    time={"stop": 3.0, "points": 4},
    observables=PAIRS,
)


@pytest.mark.parametrize(
    ("system", "solver"),
    [
        (HEISENBERG, wave_functions()),
        (CONFINEMENT, wave_functions()),
        (CONFINEMENT, kicks()),
        (OPEN, kicks(120)),
    ],
    ids=["heisenberg", "confinement", "confinement-kicks", "open-kicks"],
)
def test_averages_agree_with_the_exact_solution(system, solver):
    """In standard errors: none above 4.5 (1 in 10⁵ for one value), and 0.6 to 1.5 typically."""
    found, expected = solved(system, solver), solved(system, exact())
    deviations = []
    for name, observable in found.observables.items():
        difference = observable.mean[1:] - expected.observables[name].mean[1:]
        assert observable.distances == expected.observables[name].distances
        deviations.append((difference / observable.stderr[1:]).ravel())
    deviations = np.concatenate(deviations)
    assert np.abs(deviations).max() < 4.5
    assert 0.6 < np.sqrt(np.mean(deviations**2)) < 1.5


def test_without_jumps_the_steps_are_of_second_order():
    system = confinement_ring(4, jumps=[], time={"stop": 2.0, "points": 3})
    expected = solved(system, exact()).observables
    errors = []
    for time_step in (0.2, 0.1, 0.05):
        found = solved(system, kicks(2, time_step=time_step)).observables
        errors.append(max(np.abs(found[k].mean - expected[k].mean).max() for k in found))
    slope = np.polyfit(np.log([0.2, 0.1, 0.05]), np.log(errors), 1)[0]
    assert slope == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("solver", [wave_functions(12, 5), kicks(12, 5)])
def test_batches_change_nothing(solver):
    deck = Deck(system=CONFINEMENT, solver=solver)
    assert [len(solver.numbers(k)) for k in range(solver.batches)] == [5, 5, 2]
    batches = [batch(solver.numbers(k))(deck) for k in reversed(range(solver.batches))]
    together, apart = solve(deck, quiet), gather(deck, batches)
    for name, observable in together.observables.items():
        np.testing.assert_array_equal(apart.observables[name].mean, observable.mean)
        np.testing.assert_array_equal(apart.observables[name].stderr, observable.stderr)
    np.testing.assert_array_equal(apart.diagnostics["trajectory"], np.arange(12))
    with pytest.raises(FileError, match="each once, but hold 10 in 15"):
        gather(deck, [*batches[1:], batches[1]])
    with pytest.raises(FileError, match="at least two trajectories, each once, but hold 1 in 1"):
        gather(deck, [batch(range(1))(deck)])


def test_some_batches_are_a_result_of_fewer_trajectories():
    deck = Deck(system=CONFINEMENT, solver=kicks(64, 16))
    part = gather(deck, [batch(deck.solver.numbers(k))(deck) for k in (0, 2)])
    whole = solve(deck, quiet)
    numbers = [*range(16), *range(32, 48)]
    np.testing.assert_array_equal(part.diagnostics["trajectory"], numbers)
    errors = (run.observables["Z"].stderr[1:] for run in (part, whole))
    np.testing.assert_allclose(next(errors) / next(errors), 2**0.5, rtol=0.25)


@pytest.mark.parametrize("done", [1, 3])
def test_resumed_equals_uninterrupted(done):
    deck, states = Deck(system=CONFINEMENT, solver=kicks(5)), []
    whole = solve(deck, quiet, keep=states.append)
    rest = solve(deck, quiet, resume_from=states[done - 1])
    for name, observable in whole.observables.items():
        np.testing.assert_array_equal(rest.observables[name].mean, observable.mean)


def test_the_share_of_trajectories_that_are_done_is_reported():
    """Of the last time, which is 6, as the progress bar counts."""
    deck, reported = Deck(system=CONFINEMENT, solver=kicks(8)), []
    last = batch(range(2, 6))(deck, lambda time, **values: reported.append(time))
    np.testing.assert_allclose(reported, [1.5, 3, 4.5, 6])
    assert last.time == 6


def test_another_batch_is_not_resumed():
    deck = Deck(system=CONFINEMENT, solver=kicks(4, 2))
    state = batch(range(2))(deck)
    with pytest.raises(FileError, match="must be of the same batch"):
        batch(range(2, 4))(deck, resume_from=state)


def test_wave_functions_that_are_alike_have_the_error_of_a_jump_not_seen():
    """2/N of a magnetisation and 4/N of a correlator change by it, with the probability 1/n."""
    observables = {"magnetization": ["Z"], "correlators": {"ZZ": (1,)}}
    jumps = [{"operator": "sigma_minus", "rate": 1e-9}]
    system = heisenberg_ring(4, jumps=jumps, observables=observables, time=SHORT)
    found = solved(system, wave_functions(10)).observables
    np.testing.assert_allclose(found["Z"].stderr[1:], 2 / 4 / 10, rtol=1e-4)
    np.testing.assert_allclose(found["C_ZZ"].stderr[1:], 4 / 4 / 10, rtol=1e-4)
    assert max(entry.stderr[0].max() for entry in found.values()) < 1e-9
    # Of the one pair of two spins, the product of ±1 changes by 2 at most.
    pair = free_spins(jumps=jumps, observables=observables, time=SHORT)
    found = solved(pair, wave_functions(10)).observables
    np.testing.assert_allclose(found["C_ZZ"].stderr[1:], 2 / 10, rtol=1e-4)


def test_a_failure_of_qutip_is_one_line_with_a_remedy(monkeypatch):
    def broken(*args, **options):
        raise OverflowError("Numerical result out of range")

    monkeypatch.setattr("qutip.MCSolver.run", broken)
    with pytest.raises(NumericalFailure, match=r"out of range.*use a larger relative_tolerance"):
        solved(HEISENBERG, wave_functions(2))


def test_errors_and_correlators_of_known_values():
    """Two spins, <Z_0 Z_1> − <Z_0><Z_1>: the unbiased covariance; errors of means as usual."""
    deck = Deck(
        system=free_spins(
            time={"stop": 1.0, "points": 2},
            start={"Z": 1.0},
            observables={"magnetization": ["Z"], "correlators": {"ZZ": (1,)}},
        ),
        solver=wave_functions(50),
    )
    z = np.random.default_rng(3).normal(size=(50, 2, 2)) @ np.array([[1, 0.4], [0, 1]])
    values = np.concatenate([np.zeros((50, 2, 4)), z, z.prod(axis=2, keepdims=True)], axis=2)
    state = State(1.0, 0.0, {"numbers": np.arange(50), "values": values})
    found = gather(deck, [state]).observables
    means = z.mean(axis=2)
    np.testing.assert_allclose(found["Z"].mean, means.mean(axis=0))
    np.testing.assert_allclose(found["Z"].stderr, means.std(axis=0, ddof=1) / 50**0.5)
    covariances = [np.cov(z[:, k].T)[0, 1] for k in range(2)]
    np.testing.assert_allclose(found["C_ZZ"].mean[:, 0], covariances)


def test_tolerances_of_wave_functions_are_part_of_the_error():
    """In quadrature, at all times but the first; their sum here is as large as the scatter."""
    solver = wave_functions(50).model_copy(
        update={"relative_tolerance": 4e-3, "absolute_tolerance": 3e-3}
    )
    system = free_spins(
        time={"stop": 1.0, "points": 3}, start={"Z": 1.0}, observables={"magnetization": ["Z"]}
    )
    z = 0.05 * np.random.default_rng(4).normal(size=(50, 3, 1)).repeat(2, axis=2)
    values = np.concatenate([np.zeros((50, 3, 4)), z], axis=2)
    state = State(1.0, 0.0, {"numbers": np.arange(50), "values": values})
    found = gather(Deck(system=system, solver=solver), [state]).observables["Z"].stderr
    scatter = z[:, :, 0].std(axis=0, ddof=1) / 50**0.5
    np.testing.assert_allclose(found, np.hypot(scatter, [0, 7e-3, 7e-3]))


@pytest.mark.parametrize(
    ("system", "solver", "message"),
    [
        (heisenberg_ring(4, start={"Z": 0.5}), wave_functions(), "must be a pure state .* 0.5"),
        (heisenberg_ring(4, jumps=[]), wave_functions(), "`jumps` must not be empty"),
        (
            heisenberg_ring(4, jumps=[{"operator": "Z", "rate": 0.0}]),
            wave_functions(),
            "`jumps` must have a rate above 0, but each of them is 0",
        ),
        (heisenberg_ring(17), wave_functions(), "at most 16 sites .* gives 17"),
        (confinement_ring(25), kicks(), "at most 24 sites .* gives 25"),
        (heisenberg_ring(4), kicks(), "`couplings` must be ZZ"),
        (free_spins(start={"Z": 1.0}), kicks(), "`jumps` must be multiples of Z"),
    ],
)
def test_what_does_not_fit_is_refused(system, solver, message):
    deck = Deck(system=system, solver=solver)
    for refuse in (solve.check, solve, batch(range(2))):
        with pytest.raises(ConfigError, match=message):
            refuse(deck)
