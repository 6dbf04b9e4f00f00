"""Adaptive Runge-Kutta steps for any ẏ = f(t, y) on flat vectors; it knows no physics."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

Vector = Float[np.ndarray, " P"]
#: f(t, y) by y, and by the time since the start of the step.
Slope = Callable[[Vector, float], Vector]
Norm = Callable[[Vector], float]

_SAFETY, _SHRINK, _GROW = 0.9, 0.2, 2.0


class Trial(NamedTuple):
    """A step that has been tried.

    Attributes
    ----------
    end
        y after the step.
    error
        Its estimated error in the caller's norm.
    next_step
        Step size with which the error would have met the tolerance, within limits.
    evaluations
        How often f was called, besides at the start.
    """

    end: Vector
    error: float
    next_step: float
    evaluations: int

    def accepted(self, tolerance: float) -> bool:
        """Whether the error is small enough; false if it is not a number."""
        return self.error <= tolerance


def heun_trial(
    slope: Slope, norm: Norm, start: Vector, first: Vector, step: float, tolerance: float
) -> Trial:
    """One Heun step against two of half the size; the result of the two, of second order.

    Where y decays much faster than the step is long, whole and halves can agree far from the
    solution: at step × rate = 8 they do so always. So the slope between the halves has to agree
    with their sum as well.

    Parameters
    ----------
    slope
        f of y and of the time since `start`; called four times.
    norm
        In which the error is measured against `tolerance`.
    start, first
        y, and f there.
    step, tolerance
        Step size, and the local error it is controlled by.
    """
    half = step / 2
    whole = _heun(slope, start, first, step, step)
    middle = _heun(slope, start, first, half, half)
    between = slope(middle, half)
    end = _heun(slope, middle, between, half, step)
    # The two differ by 3/4 of the local error c h³ of the whole step; two halves make 1/4 of it.
    error = norm(end - whole) / 3
    # For short steps about that error; with the factor it is below it, and decides nothing.
    defect = norm(end - start - step * between) / 4
    if defect > tolerance:
        error = max(error, defect)
    return Trial(end, error, step * _step_factor(error, tolerance), evaluations=4)


def bogacki_shampine_trial(
    slope: Slope, norm: Norm, start: Vector, first: Vector, step: float, tolerance: float
) -> Trial:
    """A step of third order with an embedded one of second (Bogacki & Shampine 1989).

    Parameters as for `heun_trial`; f is called three times. The error is the difference of the two,
    that of the second-order result.
    """
    second = slope(start + step / 2 * first, step / 2)
    third = slope(start + step * 3 / 4 * second, step * 3 / 4)
    end = start + step / 9 * (2 * first + 3 * second + 4 * third)
    fourth = slope(end, step)
    difference = -5 / 72 * first + second / 12 + third / 9 - fourth / 8
    error = norm(step * difference)
    return Trial(end, error, step * _step_factor(error, tolerance), evaluations=3)


def _step_factor(error: float, tolerance: float) -> float:
    """By how much to change a step whose local error grows with its third power."""
    if not math.isfinite(error):
        return _SHRINK
    ratio = (tolerance / error) ** (1 / 3) if error > 0 else math.inf
    return min(_GROW, max(_SHRINK, _SAFETY * ratio))


def _heun(slope: Slope, start: Vector, first: Vector, step: float, end: float) -> Vector:
    return start + step / 2 * (first + slope(start + step * first, end))


#: By the name in a configuration.
TRIALS = {"heun": heun_trial, "bogacki_shampine": bogacki_shampine_trial}


def interpolate(
    fraction: float, step: float, start: Vector, end: Vector, first: Vector, last: Vector
) -> Vector:
    """Cubic Hermite interpolation inside a step, from values and slopes at both ends."""
    s = fraction
    value = (1 + 2 * s) * (1 - s) ** 2 * start + s**2 * (3 - 2 * s) * end
    return value + step * (s * (1 - s) ** 2 * first - s**2 * (1 - s) * last)


def fisher_norm(fisher: Float[np.ndarray, "P P"]) -> Norm:
    """√(δᵀ S δ): the distance of two nearby distributions of the ansatz."""

    def norm(delta: Vector) -> float:
        # A step that is far too long overflows; its error is then no number, and it is rejected.
        with np.errstate(over="ignore", invalid="ignore"):
            return float(np.sqrt(np.maximum(delta @ fisher @ delta, 0.0)))

    return norm


def row_norm(rows: Float[np.ndarray, "rows P"]) -> Norm:
    """The same with S = rowsᵀ rows, as |rows δ|."""

    def norm(delta: Vector) -> float:
        with np.errstate(over="ignore", invalid="ignore"):
            return float(np.linalg.norm(rows @ delta))

    return norm
