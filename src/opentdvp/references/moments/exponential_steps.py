"""Steps of y' = f(t, y) by exponentials, which a decay much faster than all else does not shorten.

In Krylov spaces, f is solved as linearised at the start of a step, in the time too, and then what
that lacks, as if it grew with the square of the time; the order is three (exprb32; Hochbruck and
Ostermann, Acta Numerica 19, 209).
"""

from collections.abc import Iterator

import numpy as np

from opentdvp.physics.pauli.row_blocks import RowBlocks
from opentdvp.records.result_code import ResultCode
from opentdvp.references.exact.krylov import KrylovSpace, advance, build_space, longest_step
from opentdvp.references.moments.points import SHORTEST, Derivative, Point, Tolerances

#: Order of the steps.
ORDER = 3

# Of the derivative along a vector by an imaginary increment, which cancels nothing.
_INCREMENT = 1e-20

# Of the derivative by the time, in units of the step; drives are real functions.
_FRACTION = 1e-3

# By how much a step is made longer or shorter after its error was found, and less than this error
# is none.
_LONGER, _SHORTER, _MARGIN, _NO_ERROR = 4.0, 0.2, 0.8, 1e-9


def exponential_steps(
    derivative: Derivative, point: Point, until: float, tolerances: Tolerances
) -> Iterator[Point | ResultCode]:
    """As `explicit_steps`, for fast decay."""
    with np.errstate(over="ignore", invalid="ignore"):
        while point.time < until:
            found = _exponential_step(derivative, point, until, tolerances)
            yield found
            if isinstance(found, ResultCode):
                return
            point = found


def _exponential_step(
    derivative: Derivative, point: Point, until: float, tolerances: Tolerances
) -> Point | ResultCode:
    remaining = until - point.time
    problem = _Linearised(derivative, point, min(point.step_size, remaining))
    rate = sum(tolerances) / remaining
    first = problem.space(problem.forcings(remaining), remaining)
    if not first.is_finite:
        return ResultCode.NOT_FINITE
    step = longest_step(first, min(point.step_size, remaining), remaining, rate)
    while step > SHORTEST * until:
        change = problem.response(first, step)
        second = problem.space(problem.rest(change, step), step)
        # Of a space that is not finite the error may seem to be none.
        if second.is_finite and second.error(step) <= rate * step:
            correction = problem.response(second, step)
            values = point.values + change + correction
            error = max(tolerances.exceeded(correction, values), _NO_ERROR)
            factor = min(max(_MARGIN * error ** (-1 / ORDER), _SHORTER), _LONGER)
            if error <= 1:
                reached = until if step == remaining else point.time + step
                return Point(reached, step * factor, values)
        else:
            factor = _MARGIN if second.is_finite else _SHORTER
        step *= min(factor, _MARGIN) if np.isfinite(factor) else _SHORTER
    return ResultCode.INTEGRATOR_FAILURE


class _Linearised:
    """f near some point: the slope there, its change with the time, the Jacobian, and the rest."""

    def __init__(self, derivative: Derivative, point: Point, step: float) -> None:
        self._derivative = derivative
        self._point = point
        self.slope = derivative(point.time, point.values)
        self._drift = self._change_in_time(_FRACTION * step)

    def _change_in_time(self, increment: float) -> np.ndarray:
        """∂f/∂t, to second order from later times alone: f need not be smooth across the first."""
        time, values = self._point.time, self._point.values
        near, far = (self._derivative(time + k * increment, values) for k in (1, 2))
        return (4 * (near - self.slope) - (far - self.slope)) / (2 * increment)

    def forcings(self, step: float) -> list[np.ndarray]:
        """What the linearisation adds to Je, by powers of t/step."""
        return [self.slope, self._drift * step] if self._drift.any() else [self.slope]

    def rest(self, change: np.ndarray, step: float) -> list[np.ndarray]:
        """What the linearisation lacks after a change, as it grows with the square of the time."""
        after = self._derivative(self._point.time + step, self._point.values + change)
        lacking = after - self.slope - self._along(change) - step * self._drift
        return [np.zeros_like(lacking), np.zeros_like(lacking), lacking]

    def space(self, forcings: list[np.ndarray], step: float) -> KrylovSpace:
        """For e' = Je + Σ forcingₖ · (t/step)ᵏ from 0: linear with more unknowns, (t/step)ᵏ."""
        size, powers = len(forcings[0]), np.arange(1, len(forcings))

        def derivative(values: np.ndarray) -> np.ndarray:
            known = values[size:]
            moved = self._along(values[:size])
            for forcing, power in zip(forcings, known, strict=True):
                moved = moved + forcing * power
            return np.concatenate([moved, [0.0], powers * known[:-1] / step])

        start = np.zeros(size + len(forcings))
        start[size] = 1.0
        return build_space(derivative, start, RowBlocks(len(start)))

    def response(self, space: KrylovSpace, step: float) -> np.ndarray:
        """The unknowns of such a space after a step, without the powers of the time."""
        rows = RowBlocks(space.basis.shape[1])
        return advance(space, step, rows)[: len(self.slope)]

    def _along(self, direction: np.ndarray) -> np.ndarray:
        """The Jacobian times a vector."""
        nearby = self._point.values + 1j * _INCREMENT * direction
        return np.asarray(self._derivative(self._point.time, nearby).imag) / _INCREMENT
