"""What evolves, and how well: shared by all kinds of steps."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from opentdvp.records.result_code import ResultCode

#: f(t, y) of y' = f(t, y).
Derivative = Callable[[float, np.ndarray], np.ndarray]

#: Shorter than this times the wanted time, a step would not change it.
SHORTEST = 1e-14


class Point(NamedTuple):
    """Where an evolution is, and the size of the step to try next."""

    time: float
    step_size: float
    values: Float[np.ndarray, " unknowns"]


class Tolerances(NamedTuple):
    """Error of a step that is allowed to every unknown: absolute + relative · |unknown|."""

    relative: float
    absolute: float

    def exceeded(self, errors: np.ndarray, values: np.ndarray) -> float:
        """The largest of some errors, in units of what is allowed."""
        allowed = self.absolute + self.relative * np.abs(values)
        return float(np.max(np.abs(errors) / allowed, initial=0.0))


Steps = Callable[[Derivative, Point, float, Tolerances], Iterator[Point | ResultCode]]
