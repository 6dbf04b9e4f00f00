"""Steps of nonlinear equations whose solutions are known."""

from typing import Any

import numpy as np
import pytest
import scipy.linalg

from opentdvp.records.result_code import ResultCode
from opentdvp.references.moments import explicit_steps as explicit
from opentdvp.references.moments import exponential_steps as exponential
from opentdvp.references.moments.points import Point, Tolerances

KINDS: dict[str, Any] = {
    "explicit": explicit.explicit_steps,
    "exponential": exponential.exponential_steps,
}
ORDERS = {"explicit": explicit.ORDER, "exponential": exponential.ORDER}
#: So loose that every step is as long as it is asked to be.
LOOSE = Tolerances(1e6, 1e6)


def logistic(time, values):
    """y' = y(1 − y), twice as fast for every further unknown."""
    return 2.0 ** np.arange(len(values)) * values * (1 - values)


def solution(time, start, speed):
    return 1 / (1 + (1 / start - 1) * np.exp(-speed * time))


def cubic(time, values):
    """y' = y(1 − y²): of the same degree as moments of moments."""
    return 2.0 ** np.arange(len(values)) * values * (1 - values**2)


def solution_of_cubic(time, start, speed):
    return solution(time, start**2, 2 * speed) ** 0.5


def driven(time, values):
    """As `logistic`, with a factor cos t + 1.2."""
    return (np.cos(time) + 1.2) * logistic(time, values)


def solution_of_driven(time, start, speed):
    return solution(np.sin(time) + 1.2 * time, start, speed)


def last(steps):
    *_, found = steps
    return found


@pytest.mark.parametrize(
    ("equation", "solved"),
    [(logistic, solution), (cubic, solution_of_cubic), (driven, solution_of_driven)],
)
@pytest.mark.parametrize("kind", KINDS)
def test_order(kind, equation, solved):
    start, errors = np.array([0.2, 0.3]), []
    exact = solved(2.0, start, np.array([1.0, 2.0]))
    for count in (4, 8):
        point = Point(0.0, 2.0 / count, start)
        for until in np.linspace(0, 2, count + 1)[1:].tolist():
            point = last(KINDS[kind](equation, Point(point.time, 9.0, point.values), until, LOOSE))
        errors.append(np.abs(point.values - exact).max())
    assert np.log2(errors[0] / errors[1]) > ORDERS[kind] - 0.4
    assert errors[1] > 1e-13


@pytest.mark.parametrize("kind", KINDS)
def test_tolerances_are_kept_and_the_times_met(kind):
    start = np.array([1e-3, 0.3])
    for tolerance in (1e-4, 1e-7):
        point, steps = Point(0.0, 5.0, start), 0
        for until in (1.0, 5.0):
            for found in KINDS[kind](logistic, point, until, Tolerances(tolerance, tolerance)):
                steps += 1
                point = found
            assert point.time == until
        exact = solution(5.0, start, np.array([1.0, 2.0]))
        np.testing.assert_allclose(point.values, exact, atol=20 * tolerance)
        # Of third order, with an error estimate of second.
        assert steps < 400


def test_the_next_explicit_step_does_not_depend_on_the_last_one():
    """The error is a power of the step with the exponent that the next one is chosen by."""
    start, tolerances, wanted = np.array([0.2, 0.3]), Tolerances(1e-9, 1e-9), []
    for taken in (0.2, 0.12):
        point = next(explicit.explicit_steps(cubic, Point(0.0, taken, start), 9.0, tolerances))
        assert isinstance(point, Point)
        assert point.time == taken
        wanted.append(point.step_size)
    assert wanted[0] == pytest.approx(wanted[1], rel=0.2)


def test_explicit_steps_keep_the_worst_of_many_unknowns():
    """One that moves among a thousand that do not."""
    start = np.ones(1000)
    start[0] = 0.01
    steps = explicit.explicit_steps(
        lambda t, y: 8 * y * (1 - y), Point(0.0, 1.0, start), 1.0, Tolerances(1e-8, 1e-8)
    )
    assert last(steps).values[0] == pytest.approx(solution(1.0, 0.01, 8.0), abs=3e-8)


def test_exponential_steps_are_exact_for_linear_equations_and_long():
    matrix = np.array([[-1e5, 3.0, 0.0], [1.0, -0.2, 1.0], [0.0, -1.0, -0.1]])
    forcing = np.array([1e5, 0.3, 0.0])
    start = np.array([0.0, 1.0, -1.0])
    found = list(
        exponential.exponential_steps(
            lambda t, y: matrix @ y + forcing, Point(0.0, 1.0, start), 1.0, Tolerances(1e-8, 1e-8)
        )
    )
    whole = np.zeros((4, 4))
    whole[:3, :3], whole[:3, 3] = matrix, forcing
    expected = scipy.linalg.expm(whole) @ np.append(start, 1.0)
    np.testing.assert_allclose(found[-1].values, expected[:3], atol=1e-7)
    assert len(found) < 5


def test_exponential_steps_follow_a_fast_decay_that_is_not_linear():
    """y' = −c(y³ − z³) with z = e^(−t): y − z is soon z'/(∂y'/∂y), at all c."""
    fast, tolerance = 1e3, 1e-4
    found = list(
        exponential.exponential_steps(
            lambda t, y: np.stack([fast * (y[1] ** 3 - y[0] ** 3), -y[1]]),
            Point(0.0, 0.1, np.array([0.4, 1.0])),
            1.0,
            Tolerances(tolerance, tolerance),
        )
    )
    end = np.exp(-1)
    assert isinstance(found[-1], Point)
    expected = [end + 1 / (3 * fast * end), end]
    np.testing.assert_allclose(found[-1].values, expected, atol=20 * tolerance)
    assert len(found) < 30


def test_exponential_steps_follow_a_drive_under_a_fast_decay():
    """y' = −c(y − cos ωt): y = (cos ωt + (ω/c) sin ωt)/(1 + (ω/c)²) once the start is forgotten."""
    fast, speed, tolerance = 1e5, 2.0, 1e-3
    found = list(
        exponential.exponential_steps(
            lambda t, y: fast * (np.cos(speed * t) - y),
            Point(0.0, 1.0, np.array([0.0])),
            1.0,
            Tolerances(tolerance, tolerance),
        )
    )
    ratio = speed / fast
    expected = (np.cos(speed) + ratio * np.sin(speed)) / (1 + ratio**2)
    assert found[-1].values == pytest.approx(expected, abs=tolerance)
    # Explicit steps would be thousands.
    assert len(found) < 100


@pytest.mark.parametrize("kind", KINDS)
def test_derivatives_that_are_not_finite_are_said(kind):
    steps = KINDS[kind](lambda t, y: y * np.nan, Point(0.0, 0.1, np.ones(2)), 1.0, LOOSE)
    assert list(steps) == [ResultCode.NOT_FINITE]


@pytest.mark.parametrize("kind", KINDS)
def test_steps_beyond_where_derivatives_are_finite_are_shortened(kind):
    """The first is so long that it would leave the values of the solution far behind."""
    start, tolerances = np.array([0.2]), Tolerances(1e-3, 1e-3)
    *_, found = KINDS[kind](
        lambda t, y: np.where(np.abs(y) > 2, np.nan, y * (1 - y)),
        Point(0.0, 5.0, start),
        5.0,
        tolerances,
    )
    assert isinstance(found, Point)
    assert found.values == pytest.approx(solution(5.0, start, 1.0), abs=1e-2)


def test_a_solution_that_ends_is_said():
    """y' = y² is infinite at the time 1."""
    *_, end = explicit.explicit_steps(
        lambda t, y: y**2, Point(0.0, 0.1, np.ones(1)), 2.0, Tolerances(1e-6, 1e-6)
    )
    assert isinstance(end, ResultCode)
