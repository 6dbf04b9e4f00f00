"""Explicit steps of y' = f(t, y), of order eight (Dormand and Prince; coefficients from SciPy).

They end on the wanted times, because no interpolation between them is right where a decay is fast.
The error is the largest of all unknowns, not their mean. No number of threads changes a sum.
"""

from collections.abc import Iterator

import numpy as np
from scipy.integrate import DOP853

from opentdvp.records.result_code import ResultCode
from opentdvp.references.moments.points import SHORTEST, Derivative, Point, Tolerances

#: Order of the steps, and that of the error estimate, which decides their size.
ORDER, ESTIMATED = 8, 7

# By how much a step is made longer or shorter, and less than this error is none.
_LONGER, _SHORTER, _MARGIN, _NO_ERROR = 6.0, 0.2, 0.9, 1e-12


def explicit_steps(
    derivative: Derivative, point: Point, until: float, tolerances: Tolerances
) -> Iterator[Point | ResultCode]:
    """Every step up to a time, which the last one meets; a result code where there is no step."""
    with np.errstate(over="ignore", invalid="ignore"):
        slope = derivative(point.time, point.values)
        step = point.step_size
        while point.time < until:
            remaining = until - point.time
            taken = min(step, remaining)
            if taken < SHORTEST * until:
                yield _failure(slope)
                return
            reached = until if taken == remaining else point.time + taken
            values, after, error = _trial(derivative, point, slope, reached, taken, tolerances)
            factor = min(max(_MARGIN * error ** (-1 / (ESTIMATED + 1)), _SHORTER), _LONGER)
            if not error <= 1:
                step = taken * (factor if np.isfinite(error) else _SHORTER)
                continue
            # The last step is as short as it has to be, which says nothing about the next one.
            step = max(step, taken * factor) if taken < step else taken * factor
            point, slope = Point(reached, step, values), after
            yield point


def _failure(slope: np.ndarray) -> ResultCode:
    finite = bool(np.isfinite(slope).all())
    return ResultCode.INTEGRATOR_FAILURE if finite else ResultCode.NOT_FINITE


def _trial(
    derivative: Derivative,
    point: Point,
    slope: np.ndarray,
    reached: float,
    step: float,
    tolerances: Tolerances,
) -> tuple[np.ndarray, np.ndarray, float]:
    """Values and slope after a step, and its error in units of what is allowed."""
    values = point.values
    slopes = np.empty((len(DOP853.B) + 1, len(values)))
    slopes[0] = slope
    for stage in range(1, len(DOP853.B)):
        moved = values + step * _combined(DOP853.A[stage, :stage], slopes[:stage])
        slopes[stage] = derivative(point.time + step * DOP853.C[stage], moved)
    after = values + step * _combined(DOP853.B, slopes[:-1])
    slopes[-1] = derivative(reached, after)
    scale = np.maximum(np.abs(values), np.abs(after))
    fifth, third = (
        tolerances.exceeded(step * _combined(weights, slopes), scale)
        for weights in (DOP853.E5, DOP853.E3)
    )
    error = fifth**2 / np.hypot(fifth, 0.1 * third) if fifth else 0.0
    return after, slopes[-1], max(float(error), _NO_ERROR)


# Unlike a product of a BLAS library, this adds in an order that no number of threads changes.
def _combined(weights: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    return np.einsum("k,kn->n", weights, slopes)
