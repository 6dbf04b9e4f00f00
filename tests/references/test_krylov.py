"""Exponentials in Krylov spaces against dense ones, and work shared by threads."""

import numpy as np
import pytest
import scipy.integrate
import scipy.linalg
from solvers import reduced, solved
from systems import heisenberg_ring

from opentdvp.physics.pauli import row_blocks
from opentdvp.physics.pauli.row_blocks import RowBlocks, thread_count
from opentdvp.references.exact.krylov import (
    DIMENSION,
    KrylovSpace,
    advance,
    build_space,
    longest_step,
)

ROWS = RowBlocks(200)


def generator(size: int, fast: float) -> np.ndarray:
    """A rotation, and decays of which some are fast."""
    random = np.random.default_rng(size)
    matrix = random.normal(size=(size, size)) / size**0.5
    return matrix - matrix.T - np.diag(np.where(np.arange(size) % 3, 0.1, fast))


@pytest.mark.parametrize("tolerance", [1e-4, 1e-8])
@pytest.mark.parametrize("fast", [0.0, 30.0, 3e3])
def test_steps_err_by_less_than_they_say(fast: float, tolerance: float) -> None:
    matrix = generator(200, fast)
    values, rows = np.random.default_rng(1).normal(size=200), RowBlocks(200)
    time, stop, steps = 0.0, 3.0, 0
    expected = scipy.linalg.expm(stop * matrix) @ values
    step = stop
    while time < stop:
        space = build_space(lambda y: matrix @ y, values, rows)
        step = longest_step(space, step, stop - time, tolerance / stop)
        assert step > 0
        values, time, steps = advance(space, step, rows), time + step, steps + 1
    error = np.linalg.norm(values - expected)
    assert error < tolerance
    assert steps < 60


@pytest.mark.parametrize("fast", [0.0, 30.0])
@pytest.mark.parametrize("time", [0.3, 2.0])
def test_the_bound_of_the_error_is_the_integral_of_what_leaks(fast: float, time: float) -> None:
    """|y| h ∫|(exp(sH))_m1| ds; over halved intervals that is more, but not by orders."""
    matrix = generator(200, fast)
    space = build_space(lambda y: matrix @ y, np.random.default_rng(2).normal(size=200), ROWS)
    times = np.linspace(0, time, 2001)
    short = scipy.linalg.expm((times[1] - times[0]) * space.matrix)
    column, leaks = np.eye(DIMENSION)[:, 0], []
    for _ in times:
        leaks.append(abs(column[-1]))
        column = short @ column
    integral = space.length * space.leak * scipy.integrate.trapezoid(leaks, times)
    assert 1 < space.error(time) / integral < 16


def test_a_small_space_is_exact_in_one_step() -> None:
    matrix = generator(DIMENSION - 2, 1e3)
    values, rows = np.ones(len(matrix)), RowBlocks(len(matrix))
    space = build_space(lambda y: matrix @ y, values, rows)
    assert longest_step(space, 5.0, 5.0, 1e-9) == 5.0
    expected = scipy.linalg.expm(5 * matrix) @ values
    np.testing.assert_allclose(advance(space, 5.0, rows), expected, atol=1e-10)


def test_no_step_errs_by_less_than_rounding() -> None:
    matrix, rows = generator(50, 1e3), RowBlocks(50)
    space = build_space(lambda y: matrix @ y, np.ones(50), rows)
    rounding = float(np.finfo(float).eps * np.linalg.norm(space.matrix, 2))
    assert longest_step(space, 1.0, 1.0, 0.9 * rounding) == 0
    assert longest_step(space, 1.0, 1.0, 1e3 * rounding) > 0


def test_a_space_that_leaks_from_the_first_moment_has_no_step() -> None:
    """One vector, y' ⊥ y: the error is t|y'|, which no step makes less than half of that."""
    space = KrylovSpace(np.eye(1, 5), np.zeros((1, 1)), length=1.0, leak=2.0)
    assert space.error(0.3) == pytest.approx(0.6)
    assert longest_step(space, 1.0, 1.0, 1.0) == 0
    assert longest_step(space, 1.0, 1.0, 2.5) == 1


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_no_step_leads_on_from_what_is_not_finite(bad: float) -> None:
    values, rows = np.ones(50), RowBlocks(50)
    assert not build_space(lambda y: bad * y, values, rows).is_finite
    values[3] = bad
    space = build_space(lambda y: -y, values, rows)
    assert not space.is_finite
    assert longest_step(space, 1.0, 1.0, 1e-3) == 0


def test_results_are_the_same_for_any_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_blocks, "ROWS", 16)
    system = heisenberg_ring(5)
    runs = []
    for threads in (1, 2, 5):
        monkeypatch.setenv("OMP_NUM_THREADS", str(threads))
        runs.append(solved(system, reduced()))
    for other in runs[1:]:
        for name, observable in runs[0].observables.items():
            np.testing.assert_array_equal(other.observables[name].mean, observable.mean)


def test_threads_are_those_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {2, 3, 5, 7, 11}, raising=False)
    for asked in (1, 3):
        monkeypatch.setenv("OMP_NUM_THREADS", str(asked))
        assert thread_count() == asked
    for nonsense in ("", "0", "many", "-2"):
        monkeypatch.setenv("OMP_NUM_THREADS", nonsense)
        assert thread_count() == 5
