"""Steps of a linear equation y' = Σ f_k(t) A_k y, by products of exponentials in Krylov spaces.

A step of length h is exp(½h(w₂A(t₁) + w₁A(t₂))) exp(½h(w₁A(t₁) + w₂A(t₂))) y, with the nodes of
Gauss and w = ½ ± 1/√3: of fourth order, without commutators (Blanes and Moan, Applied Numerical
Mathematics 56, 1519). Two steps of half the length are kept; their error is 1/15 of what they
differ by from the whole one.
"""

from collections.abc import Iterable
from math import inf, pi
from typing import NamedTuple

import numpy as np

from opentdvp.config.strengths import Cosine, Drive
from opentdvp.physics.pauli.row_blocks import RowBlocks
from opentdvp.records.result_code import ResultCode
from opentdvp.references.exact.krylov import Derivative, NoStep, Step, exponential, norm

#: The first step to try, as a share of the whole time.
FIRST = 0.01

_NODES = (0.5 - 3**0.5 / 6, 0.5 + 3**0.5 / 6)
_WEIGHTS = (0.5 + 3**-0.5, 0.5 - 3**-0.5)

_ORDER = 4

# A step is a bit shorter than what seems to fit, and longer or shorter than the last one by at most
# these factors.
_MARGIN, _LONGER, _SHORTER = 0.9, 4.0, 0.2

# Shorter than this times the last time, a step would not change it; milestones so close are one.
_SHORTEST = 1e-14

# By such a share of the values, two steps differ by rounding.
_ROUNDING = 8 * float(np.finfo(float).eps)


class DrivenEquation(NamedTuple):
    """y' = Σ f_k(t) A_k y, each part with its drive f; without one, f = 1."""

    parts: tuple[tuple[Drive | None, Derivative], ...]
    rows: RowBlocks

    @property
    def drives(self) -> tuple[Drive, ...]:
        """All functions of the time."""
        return tuple(drive for drive, _ in self.parts if drive is not None)

    def step(
        self, time: float, values: np.ndarray, guess: float, stop: float, error_rate: float
    ) -> Step:
        """A step that errs by at most this rate times its size, and ends at a milestone at last.

        Half of the error is left to the exponentials.

        Raises
        ------
        NoStep
            If none is short enough.
        """
        end = next_milestone(self.drives, time, stop)
        size, rate = min(guess, end - time, shortest_period(self.drives)), error_rate / 2
        while True:
            try:
                middle, last, error = self._doubled(time, values, size, rate)
                if error <= rate * size:
                    break
                shorter, result = size * _change(error, rate * size), ResultCode.INTEGRATOR_FAILURE
            except NoStep as none:
                shorter, result = size * _SHORTER, none.result
            if size <= _SHORTEST * stop:
                raise NoStep(result)
            size = shorter
        reached = end if size == end - time else time + size

        def at(moment: float) -> np.ndarray:
            if moment == reached:
                return last
            half = time + size / 2
            begin, start = (time, values) if moment <= half else (half, middle)
            return self._product(begin, start, moment - begin, rate)

        # One that a milestone or the last time cut short says nothing against longer ones.
        least = guess if reached == end else 0.0
        return Step(size, reached, max(least, size * _change(error, rate * size)), at)

    def _doubled(
        self, time: float, values: np.ndarray, size: float, rate: float
    ) -> tuple[np.ndarray, np.ndarray, float]:
        """After half a step and after two of them, and the error of these."""
        middle = self._product(time, values, size / 2, rate)
        last = self._product(time + size / 2, middle, size / 2, rate)
        whole = self._product(time, values, size, rate)
        rounding = _ROUNDING * norm(last, self.rows)
        error = norm(whole - last, self.rows) / (2**_ORDER - 1)
        return middle, last, max(0.0, error - rounding)

    def _product(self, time: float, values: np.ndarray, size: float, rate: float) -> np.ndarray:
        """One step, whatever its own error; that of its exponentials is at most rate · size."""
        nodes = [time + share * size for share in _NODES]
        for weights in (_WEIGHTS, _WEIGHTS[::-1]):
            derivative = self._averaged(nodes, weights)
            values = exponential(derivative, self.rows, values, size / 2, rate)
        return values

    def _averaged(self, times: list[float], weights: tuple[float, ...]) -> Derivative:
        """The derivative with weighted means of all drives."""
        shares = [
            (1.0 if f is None else sum(w * f(t) for w, t in zip(weights, times, strict=True)), part)
            for f, part in self.parts
        ]
        return lambda values: sum(share * part(values) for share, part in shares)  # type: ignore[return-value]


def next_milestone(drives: Iterable[Drive], time: float, stop: float) -> float:
    """The first time after this one that no step may go over; the last time if there is none."""
    later = time + _SHORTEST * stop
    return min((m for drive in drives for m in drive.milestones if later < m < stop), default=stop)


def shortest_period(drives: Iterable[Drive]) -> float:
    """No step is longer, or it would take the values of a cosine at some times for all of it."""
    return min((2 * pi / f.frequency for f in drives if isinstance(f, Cosine)), default=inf)


def _change(error: float, allowed: float) -> float:
    """By what a step becomes longer or shorter."""
    if not np.isfinite(error):
        return _SHORTER
    fitting = _MARGIN * (allowed / error) ** (1 / _ORDER) if error > 0 else _LONGER
    return min(max(fitting, _SHORTER), _LONGER)
