from functools import partial

import numpy as np
import pytest
from solvers import ENUMERATION, chains, direct, jastrow, quiet, tdvp
from systems import heisenberg_ring
from trajectories import solved_exactly

from opentdvp.config import Deck
from opentdvp.engine.build import build_engine
from opentdvp.engine.evaluations import OUTPUTS
from opentdvp.engine.evolve import evolve, prepare
from opentdvp.records.result_code import ResultCode

#: Where a run finds what builds its engine.
BUILD_ENGINE = "opentdvp.engine.evolve.build_engine"

SHORT = {"stop": 0.1, "points": 6}


def largest_error(trajectory, truth):
    """Largest difference of any observable at any time."""
    return max(
        np.abs(trajectory.observables[name].mean - observable.mean).max()
        for name, observable in truth.observables.items()
    )


@pytest.fixture(scope="module")
def ring_3():
    return heisenberg_ring(3, time={"stop": 0.5, "points": 11})


@pytest.fixture(scope="module")
def truth(ring_3):
    return solved_exactly(ring_3)


@pytest.mark.slow
def test_overcomplete_network_follows_the_exact_solution_at_second_order(ring_3, truth):
    """N = 3, 140 parameters for 23 numbers: the whole error is the integrator's.

    With the tolerance the steps get shorter, and the error falls as the square of the largest.
    """
    sizes, errors = [], []
    for tolerance in (8e-4, 2e-4, 5e-5, 1.25e-5):
        solver = tdvp(
            width=8, eigenvalue_cutoff=1e-10, fisher_tolerance=tolerance, maximal_step=1.0
        )
        trajectory = evolve(Deck(system=ring_3, solver=solver), quiet)
        assert trajectory.diagnostics["residual"].max() < 1e-6
        sizes.append(trajectory.diagnostics["step_size"].max())
        errors.append(largest_error(trajectory, truth))
    assert errors[-1] < 2e-4
    slope = np.polyfit(np.log(sizes), np.log(errors), 1)[0]
    assert slope == pytest.approx(2, abs=0.2)


def test_diagnostics_describe_every_step(ring_3):
    solver = tdvp(sampling=direct(), maximal_step=0.02)
    deck = Deck(system=ring_3.model_copy(update={"time": _grid(SHORT)}), solver=solver)
    trajectory = evolve(deck, quiet)
    diagnostics = trajectory.diagnostics
    sizes = diagnostics["step_size"]
    np.testing.assert_allclose(diagnostics["time"], np.append(0, np.cumsum(sizes)[:-1]), atol=1e-15)
    assert sizes.sum() == pytest.approx(0.1, abs=1e-12)
    assert sizes.max() <= 0.02
    assert (diagnostics["step_error"] <= solver.integrator.fisher_tolerance).all()
    assert (diagnostics["evaluations"] % 4 == 1).all()
    wanted = {"residual", "residual_held_out", "mean_estimate", "effective_parameters", "rank"}
    assert wanted <= set(diagnostics)
    np.testing.assert_array_equal(trajectory.times, np.linspace(0, 0.1, 6))
    assert trajectory.result is ResultCode.SUCCESS


def _grid(time):
    return heisenberg_ring(3, time=time).time


@pytest.mark.parametrize(
    ("fake", "code"),
    [
        (lambda s: s._replace(velocity=s.velocity * np.nan), ResultCode.NOT_FINITE),
        (lambda s: s._replace(fisher=s.fisher * np.nan), ResultCode.NOT_FINITE),
        (lambda s: s._replace(fisher=s.fisher * 1e30), ResultCode.STEP_SIZE_COLLAPSE),
        (
            lambda s: s._replace(diagnostics=s.diagnostics | {"mean_estimate": np.array(99.0)}),
            ResultCode.PROBABILITY_DRIFT,
        ),
    ],
)
def test_numerical_failure_ends_the_run_with_a_code(ring_3, monkeypatch, fake, code):
    def broken_engine(build, *arguments):
        engine = build(*arguments)
        return engine._replace(derivative=lambda *a: fake(engine.derivative(*a)))

    monkeypatch.setattr(BUILD_ENGINE, partial(broken_engine, build_engine))
    trajectory = evolve(Deck(system=ring_3, solver=tdvp()), quiet)
    assert trajectory.result is code
    assert trajectory.times.tolist() == [0.0]


def test_failure_at_the_end_of_the_last_step_is_not_recorded(ring_3, monkeypatch):
    """The observables of a step need the right-hand side at its end: NaN there spoils them."""
    system = ring_3.model_copy(update={"time": _grid({"stop": 1e-3, "points": 3})})
    calls = []

    def broken_engine(*arguments):
        engine = build_engine(*arguments)

        def derivative(*point):
            calls.append(point)
            solution = engine.derivative(*point)
            # One right-hand side at the start, four in the only trial step, one at its end.
            scale = np.nan if len(calls) == 6 else 1.0
            return solution._replace(velocity=solution.velocity * scale)

        return engine._replace(derivative=derivative)

    monkeypatch.setattr(BUILD_ENGINE, broken_engine)
    trajectory = evolve(Deck(system=system, solver=tdvp()), quiet)
    assert len(calls) == 6
    assert trajectory.result is ResultCode.NOT_FINITE
    assert trajectory.times.tolist() == [0.0]
    assert np.isfinite(trajectory.observables["Y"].mean).all()


@pytest.mark.slow
def test_ring_of_six_without_noise_follows_the_exact_solution():
    """N = 6, all outcomes, all translations, width 28: within 0.015 to γt = 1."""
    system = heisenberg_ring(
        6,
        time={"stop": 1.0, "points": 41},
        observables={"correlators": {pair: [1, 2] for pair in ("XX", "YY", "ZZ")}},
    )
    solver = tdvp(
        width=28,
        sampling=ENUMERATION,
        eigenvalue_cutoff=1e-8,
        fisher_tolerance=1e-3,
        precision="single",
    )
    trajectory = evolve(Deck(system=system, solver=solver), quiet)
    truth = solved_exactly(system)
    assert largest_error(trajectory, truth) < 0.015


@pytest.mark.parametrize("sampling", [direct(), ENUMERATION])
def test_observables_of_the_start_are_known(ring_3, sampling):
    """Not samples: the Bloch vector, no correlations, no errors."""
    system = ring_3.model_copy(update={"time": _grid({"stop": 1e-3, "points": 2})})
    trajectory = evolve(Deck(system=system, solver=tdvp(width=2, sampling=sampling)), quiet)
    assert set(trajectory.observables) == {"X", "Y", "Z", "C_XX", "C_YY", "C_ZZ"}
    for name, observable in trajectory.observables.items():
        np.testing.assert_array_equal(observable.mean[0], -1.0 if name == "Y" else 0.0)
        np.testing.assert_array_equal(observable.stderr[0], 0.0)
        assert (observable.stderr[1] > 0).all() == (sampling is not ENUMERATION)


def test_a_finished_run_can_be_measured_again(ring_3):
    """Its parameters at the output times give its observables, sample by sample."""
    sampling = direct(solve=256, held_out=64, observables=500)
    deck = Deck(
        system=ring_3.model_copy(update={"time": _grid(SHORT)}),
        solver=tdvp(sampling=sampling, maximal_step=0.05),
    )
    trajectory, run = evolve(deck, quiet), prepare(deck)
    theta = trajectory.states["theta"]
    assert theta.shape == (6, run.engine.theta.size)
    np.testing.assert_array_equal(theta[0], run.engine.theta)
    for index in (1, 3, 5):
        again = run.engine.measure(theta[index], {}, run.random(OUTPUTS, index), 0.0)
        for name, (mean, error) in again.items():
            np.testing.assert_array_equal(mean, trajectory.observables[name].mean[index])
            np.testing.assert_array_equal(error, trajectory.observables[name].stderr[index])


@pytest.mark.parametrize(("samples", "is_warned"), [(32, True), (1024, False)])
def test_few_samples_for_the_parameters_are_warned_of(samples, is_warned, caplog):
    """A Jastrow factor on a ring of three has 19 parameters: 3 + 6 + 10 classes of strings."""
    ring = heisenberg_ring(3, time={"stop": 0.1, "points": 2})
    solver = jastrow(3, 3, 3, sampling=chains(samples))
    run = prepare(Deck(system=ring, solver=solver))
    assert len(run.engine.theta) == 19
    assert ("parameters are fitted to" in caplog.text) == is_warned
