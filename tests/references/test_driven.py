"""Products of exponentials against a tight Runge-Kutta method, and where their steps end."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from opentdvp.config.strengths import Cosine, Ramp, Table
from opentdvp.physics.pauli.row_blocks import RowBlocks
from opentdvp.records.result_code import ResultCode
from opentdvp.references.exact.driven import DrivenEquation, next_milestone
from opentdvp.references.exact.krylov import NoStep

#: Small enough for exponentials without error.
SIZE = 4
COSINE = Cosine(kind="cosine", frequency=2.0, phase=0.3)
RAMP = Ramp(kind="ramp", first=-1.0, last=2.0, start=0.5, stop=1.5)


def matrices(count, seed=3):
    random = np.random.default_rng(seed)
    return [random.normal(size=(SIZE, SIZE)) / SIZE**0.5 for _ in range(count)]


def equation(*drives):
    parts = zip(drives, matrices(len(drives)), strict=True)
    derivatives = tuple((f, lambda y, a=a: a @ y) for f, a in parts)
    return DrivenEquation(derivatives, RowBlocks(SIZE))


def followed(drives, values, start, stop):
    parts = list(zip(drives, matrices(len(drives)), strict=True))

    def slope(t, y):
        return sum((1.0 if f is None else f(t)) * (a @ y) for f, a in parts)

    return solve_ivp(slope, (start, stop), values, "DOP853", rtol=1e-13, atol=1e-14).y[:, -1]


def test_steps_are_of_fourth_order():
    """Errors of single steps that may err by anything, of matrices that do not commute."""
    drives, values, errors = (None, COSINE, RAMP), np.ones(SIZE), []
    for size in (0.2, 0.1, 0.05):
        step = equation(*drives).step(0.6, values, size, 9.0, 1.0)
        assert (step.size, step.reached) == (size, 0.6 + size)
        errors.append(
            np.abs(step.at(step.reached) - followed(drives, values, 0.6, 0.6 + size)).max()
        )
    assert 2**4.7 < errors[0] / errors[1] < 2**5.3
    assert 2**4.7 < errors[1] / errors[2] < 2**5.3


def test_one_part_and_no_drive_is_the_exponential():
    step = equation(None).step(0.0, np.ones(SIZE), 5.0, 5.0, 1e-9)
    assert step.reached == step.guess == 5.0 or step.guess > 5.0
    expected = followed((None,), np.ones(SIZE), 0.0, 5.0)
    np.testing.assert_allclose(step.at(5.0), expected, rtol=1e-9)


@pytest.mark.parametrize("moment", [0.7, 0.8, 0.95])
def test_values_within_a_step(moment):
    """Before, at and after its middle."""
    drives, values = (None, COSINE), np.ones(SIZE)
    step = equation(*drives).step(0.6, values, 0.4, 9.0, 1e-2)
    assert step.reached == 1.0
    expected = followed(drives, values, 0.6, moment)
    np.testing.assert_allclose(step.at(moment), expected, atol=1e-2 * 0.4)


def test_a_step_ends_at_a_milestone_and_forgets_that_it_was_cut_short():
    step = equation(None, RAMP).step(0.499, np.ones(SIZE), 0.1, 9.0, 1e-2)
    assert (step.reached, step.size) == (0.5, 0.5 - 0.499)
    assert step.guess == 0.1


def test_steps_become_longer_only_as_their_errors_allow():
    loose, tight = (
        equation(None, COSINE).step(0.0, np.ones(SIZE), 0.3, 9.0, rate) for rate in (1.0, 1e-9)
    )
    assert loose.size == 0.3
    assert loose.guess > 0.3
    assert tight.size < 0.3
    assert tight.guess < 2 * tight.size


def test_no_step_is_longer_than_a_period():
    step = equation(COSINE).step(0.0, np.ones(SIZE), 100.0, 1e3, 1e30)
    assert step.size == np.pi


def test_milestones_that_are_as_good_as_one_are_one():
    twice = Table(kind="table", times=(0.1, 0.3, 0.9), values=(1.0, 0.0, 2.0))
    drives = (RAMP, twice)
    assert next_milestone(drives, 0.0, 1.0) == 0.1
    assert next_milestone(drives, 0.1, 1.0) == 0.3
    assert next_milestone(drives, 0.3 - 1e-17, 1.0) == 0.5
    assert next_milestone(drives, 0.9, 1.0) == 1.0
    assert next_milestone(drives, 0.9, 5.0) == 1.5
    assert next_milestone((), 0.9, 5.0) == 5.0


@pytest.mark.parametrize(
    ("bad", "result"), [(1.0, ResultCode.INTEGRATOR_FAILURE), (np.inf, ResultCode.NOT_FINITE)]
)
def test_where_no_step_is_short_enough_it_is_said(bad, result):
    parts = ((None, lambda y: bad * np.roll(y, 1)), (COSINE, lambda y: y))
    with pytest.raises(NoStep) as caught:
        DrivenEquation(parts, RowBlocks(SIZE)).step(0.0, np.arange(1.0, SIZE + 1), 1.0, 1.0, 1e-30)
    assert caught.value.result is result
