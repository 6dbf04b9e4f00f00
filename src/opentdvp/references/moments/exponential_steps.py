"""Steps of y' = f(y) by exponentials, which a decay much faster than all else does not shorten.

In Krylov spaces, f is solved as linearised at the start of a step, and then what that lacks, as if
it grew with the square of the time; the order is three (exprb32; Hochbruck and Ostermann, Acta
Numerica 19, 209).
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
    problem = _Linearised(derivative, point.values)
    remaining = until - point.time
    rate = sum(tolerances) / remaining
    first = problem.space(problem.slope, remaining, 0)
    if not first.is_finite:
        return ResultCode.NOT_FINITE
    step = longest_step(first, min(point.step_size, remaining), remaining, rate)
    while step > SHORTEST * until:
        change = problem.response(first, step)
        second = problem.space(problem.rest(change), step, 2)
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
    """f near some values: the slope there, the Jacobian, and what these two lack."""

    def __init__(self, derivative: Derivative, values: np.ndarray) -> None:
        self._derivative = derivative
        self._values = values
        self.slope = derivative(values)

    def rest(self, change: np.ndarray) -> np.ndarray:
        """What the linearisation lacks after a change."""
        return self._derivative(self._values + change) - self.slope - self._along(change)

    def space(self, forcing: np.ndarray, step: float, power: int) -> KrylovSpace:
        """For e' = Je + forcing · (t/step)ᵏ from 0: linear with k + 1 more unknowns, (t/step)ⁱ."""
        size = len(forcing)

        def derivative(values: np.ndarray) -> np.ndarray:
            powers = values[size:]
            moved = self._along(values[:size]) + forcing * powers[-1]
            return np.concatenate([moved, [0.0], np.arange(1, power + 1) * powers[:-1] / step])

        start = np.zeros(size + power + 1)
        start[size] = 1.0
        return build_space(derivative, start, RowBlocks(len(start)))

    def response(self, space: KrylovSpace, step: float) -> np.ndarray:
        """The unknowns of such a space after a step, without the powers of the time."""
        rows = RowBlocks(space.basis.shape[1])
        return advance(space, step, rows)[: len(self._values)]

    def _along(self, direction: np.ndarray) -> np.ndarray:
        """The Jacobian times a vector."""
        moved = self._derivative(self._values + 1j * _INCREMENT * direction)
        return np.asarray(moved.imag) / _INCREMENT
