"""Exponentials in Krylov spaces against dense ones, and work shared by threads."""

import numpy as np
import pytest
import scipy.linalg
from solvers import reduced, solved
from systems import heisenberg_ring

from opentdvp.physics.pauli import row_blocks
from opentdvp.physics.pauli.row_blocks import RowBlocks, thread_count
from opentdvp.references.exact.krylov import DIMENSION, advance, build_space, longest_step


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


def test_a_small_space_is_exact_in_one_step() -> None:
    matrix = generator(DIMENSION - 2, 1e3)
    values, rows = np.ones(len(matrix)), RowBlocks(len(matrix))
    space = build_space(lambda y: matrix @ y, values, rows)
    assert longest_step(space, 5.0, 5.0, 1e-9) == 5.0
    expected = scipy.linalg.expm(5 * matrix) @ values
    np.testing.assert_allclose(advance(space, 5.0, rows), expected, atol=1e-10)


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
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert thread_count() == 3
    for nonsense in ("", "0", "many", "-2"):
        monkeypatch.setenv("OMP_NUM_THREADS", nonsense)
        assert thread_count() >= 1
