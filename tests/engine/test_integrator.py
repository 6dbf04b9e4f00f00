import jax.numpy as jnp
import numpy as np
import pytest

from opentdvp.engine.integrator import fisher_norm, heun_trial, interpolate


def rotation(y):
    return jnp.array([-y[1], y[0]])


def exact_rotation(time):
    return np.array([np.cos(time), np.sin(time)])


def integrate(tolerance):
    """Unit circle from time 0 to 1; number of accepted steps and error at the end."""
    y, time, step, count = jnp.array([1.0, 0.0]), 0.0, 0.01, 0
    while time < 1:
        size = min(step, 1 - time)
        trial = heun_trial(rotation, jnp.linalg.norm, y, rotation(y), size, tolerance)
        step = trial.next_step
        if trial.accepted(tolerance):
            y, time, count = trial.end, time + size, count + 1
    return count, float(jnp.linalg.norm(y - exact_rotation(1.0)))


def test_global_error_is_of_second_order_in_the_step():
    counts, errors = zip(*(integrate(tolerance) for tolerance in (1e-5, 1e-6, 1e-7)), strict=True)
    slope = np.polyfit(np.log(counts), np.log(errors), 1)[0]
    assert slope == pytest.approx(-2, abs=0.15)


def test_error_estimate_is_that_of_the_accepted_value():
    start = jnp.array([1.0, 0.0])
    trial = heun_trial(rotation, jnp.linalg.norm, start, rotation(start), 0.05, 1.0)
    true = float(jnp.linalg.norm(trial.end - exact_rotation(0.05)))
    assert trial.error == pytest.approx(true, rel=0.1)


def test_next_step_meets_the_tolerance():
    start, tolerance = jnp.array([1.0, 0.0]), 1e-6
    step = 0.05
    for _ in range(3):
        trial = heun_trial(rotation, jnp.linalg.norm, start, rotation(start), step, tolerance)
        step = trial.next_step
    assert 0.5 * tolerance < trial.error < tolerance


def test_nan_is_not_accepted_and_shrinks_the_step():
    start = jnp.ones(2)
    trial = heun_trial(lambda y: y * jnp.nan, jnp.linalg.norm, start, start, 0.1, 1.0)
    assert not trial.accepted(1.0)
    assert trial.next_step == pytest.approx(0.02)


def test_interpolation_is_exact_for_cubics():
    def cubic(t):
        return np.array([1 - 2 * t + 0.5 * t**2 + 3 * t**3])

    def slope(t):
        return np.array([-2 + t + 9 * t**2])

    for fraction in (0.0, 0.3, 0.9, 1.0):
        ends = [jnp.array(f(t)) for f in (cubic, slope) for t in (0.2, 0.6)]
        value = interpolate(fraction, 0.4, *ends)
        assert float(value[0]) == pytest.approx(cubic(0.2 + 0.4 * fraction)[0], abs=1e-12)


def test_fisher_norm():
    fisher = jnp.array([[2.0, 0.5], [0.5, 1.0]])
    assert float(fisher_norm(fisher)(jnp.array([1.0, -2.0]))) == pytest.approx(2.0)
