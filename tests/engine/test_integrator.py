import numpy as np
import pytest

from opentdvp.engine.principle.integrator import (
    TRIALS,
    bogacki_shampine_trial,
    fisher_norm,
    heun_trial,
    interpolate,
)


def rotation(y, elapsed=0.0):
    return np.array([-y[1], y[0]])


def exact_rotation(time):
    return np.array([np.cos(time), np.sin(time)])


def distance(difference):
    return float(np.linalg.norm(difference))


def integrate(trial_step, tolerance):
    """Unit circle from time 0 to 1; number of accepted steps and error at the end."""
    y, time, step, count = np.array([1.0, 0.0]), 0.0, 0.01, 0
    while time < 1:
        size = min(step, 1 - time)
        trial = trial_step(rotation, distance, y, rotation(y), size, tolerance)
        step = trial.next_step
        if trial.accepted(tolerance):
            y, time, count = trial.end, time + size, count + 1
    return count, distance(y - exact_rotation(1.0))


@pytest.mark.parametrize(("trial", "order"), [(heun_trial, 2), (bogacki_shampine_trial, 3)])
def test_global_error_falls_with_the_order(trial, order):
    errors = []
    for count in (20, 40, 80):
        y = np.array([1.0, 0.0])
        for _ in range(count):
            y = trial(rotation, distance, y, rotation(y), 1 / count, 1.0).end
        errors.append(distance(y - exact_rotation(1.0)))
    slope = np.polyfit(np.log([20, 40, 80]), np.log(errors), 1)[0]
    assert slope == pytest.approx(-order, abs=0.05)


@pytest.mark.parametrize(("trial", "order"), [(heun_trial, 2), (bogacki_shampine_trial, 3)])
def test_stages_know_their_times(trial, order):
    """ẏ = cos(3t) y: the global error falls with the order, the estimated one of a step with 3."""
    counts = np.array([20, 40, 80])
    ends, errors = [], []
    for count in counts:
        y, step = np.ones(1), 0.7 / count
        for number in range(count):

            def slope(y, elapsed, start=number * step):
                return np.cos(3 * (start + elapsed)) * y

            tried = trial(slope, distance, y, slope(y, 0.0), step, 1.0)
            y = tried.end
            if number == 0:
                errors.append(tried.error)
        ends.append(abs(y[0] - np.exp(np.sin(3 * 0.7) / 3)))
    assert np.polyfit(np.log(counts), np.log(ends), 1)[0] == pytest.approx(-order, abs=0.1)
    assert np.polyfit(np.log(counts), np.log(errors), 1)[0] == pytest.approx(-3, abs=0.15)


@pytest.mark.parametrize("trial", TRIALS.values())
def test_control_keeps_the_error_near_the_tolerance(trial):
    counts, errors = zip(*(integrate(trial, tolerance) for tolerance in (1e-5, 1e-7)), strict=True)
    assert counts[1] / counts[0] == pytest.approx(100 ** (1 / 3), rel=0.2)
    assert errors[0] < 1e-5 * counts[0]
    assert errors[1] < 1e-7 * counts[1]


@pytest.mark.parametrize("trial", TRIALS.values())
def test_evaluations_are_counted(trial):
    calls = []

    def slope(y, elapsed):
        calls.append(y)
        return rotation(y)

    start = np.array([1.0, 0.0])
    assert trial(slope, distance, start, rotation(start), 0.1, 1.0).evaluations == len(calls)


def test_error_estimate_is_that_of_the_accepted_value():
    start = np.array([1.0, 0.0])
    trial = heun_trial(rotation, distance, start, rotation(start), 0.05, 1.0)
    true = float(np.linalg.norm(trial.end - exact_rotation(0.05)))
    assert trial.error == pytest.approx(true, rel=0.1)


def test_next_step_meets_the_tolerance():
    start, tolerance = np.array([1.0, 0.0]), 1e-6
    step = 0.05
    for _ in range(3):
        trial = heun_trial(rotation, distance, start, rotation(start), step, tolerance)
        step = trial.next_step
    assert 0.5 * tolerance < trial.error < tolerance


def test_nan_is_not_accepted_and_shrinks_the_step():
    start = np.ones(2)
    trial = heun_trial(lambda y, elapsed: y * np.nan, distance, start, start, 0.1, 1.0)
    assert not trial.accepted(1.0)
    assert trial.next_step == pytest.approx(0.02)


def test_interpolation_is_exact_for_cubics():
    def cubic(t):
        return np.array([1 - 2 * t + 0.5 * t**2 + 3 * t**3])

    def slope(t):
        return np.array([-2 + t + 9 * t**2])

    for fraction in (0.0, 0.3, 0.9, 1.0):
        ends = [np.array(f(t)) for f in (cubic, slope) for t in (0.2, 0.6)]
        value = interpolate(fraction, 0.4, *ends)
        assert float(value[0]) == pytest.approx(cubic(0.2 + 0.4 * fraction)[0], abs=1e-12)


def test_fisher_norm():
    fisher = np.array([[2.0, 0.5], [0.5, 1.0]])
    assert float(fisher_norm(fisher)(np.array([1.0, -2.0]))) == pytest.approx(2.0)
