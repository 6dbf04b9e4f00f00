"""Steps of a linear equation y' = Ay with constant A, by exponentials in Krylov spaces (Saad 1992).

In the space spanned by y, Ay, A²y, …, with the orthonormal basis V, A is the matrix H, and
exp(tA)y ≈ |y| V exp(tH) e₁. What the equation lacks is r(t) = |y| h (exp(tH))_m1 v, with the next
element h of H and the next vector v; the error is about ∫|r|, at all times of a step. A decay that
is much faster than all else, which an explicit method has to follow for ever, takes some vectors of
the space and does not shorten the steps.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy.linalg
from jaxtyping import Float

from opentdvp.physics.pauli.row_blocks import RowBlocks
from opentdvp.records.result_code import ResultCode

#: Vectors of a space.
DIMENSION = 24

# After so many vectors, a space that need not be larger is looked for.
_SOME = 4

# By this a step is made longer or shorter until it fits.
_FACTOR = 1.25

# A vector that is shorter by these factors after it was made orthogonal is so only roughly, or is
# nothing but rounding.
_ROUGH, _ROUNDING = 0.5, 1e-14

# Shorter than this times the time, a step would not change it.
_SHORTEST = 1e-15

_EPSILON = np.finfo(float).eps


Derivative = Callable[[np.ndarray], np.ndarray]


class NoStep(Exception):
    """No step is short enough; the result code says why."""

    def __init__(self, result: ResultCode) -> None:
        super().__init__(result)
        self.result = result


class Step(NamedTuple):
    """A step that errs by no more than it may.

    Attributes
    ----------
    size, reached
        How long it is, and the time at its end.
    guess
        How long the next one may be.
    at
        The values at any time of it.
    """

    size: float
    reached: float
    guess: float
    at: Callable[[float], np.ndarray]


#: From a time, the values there, a guess of the size and the last time: a step that errs by at most
#: a rate times its size.
Propagator = Callable[[float, np.ndarray, float, float, float], Step]


class KrylovSpace(NamedTuple):
    """A Krylov space of a vector.

    Attributes
    ----------
    basis
        Orthonormal vectors V.
    matrix
        The linear map in the space, H.
    length
        |y|.
    leak
        What leads out of the space, h; 0 if nothing does.
    """

    basis: Float[np.ndarray, "dimension rows"]
    matrix: Float[np.ndarray, "dimension dimension"]
    length: float
    leak: float

    @property
    def is_finite(self) -> bool:
        """Whether nothing overflowed."""
        return bool(np.isfinite(self.length) and np.isfinite(self.matrix).all())

    def error(self, time: float) -> float:
        """Bound of the error of a step: the integral of the residual over halved intervals."""
        if self.leak == 0:
            return 0.0
        norm = np.linalg.norm(self.matrix) * time
        halvings = max(0, int(np.ceil(np.log2(norm)))) if norm > 0 else 0
        width = time / 2**halvings
        flow = scipy.linalg.expm(width * self.matrix)
        before = abs(flow[-1, 0])
        total = width * before
        for _ in range(halvings):
            flow = flow @ flow
            after = abs(flow[-1, 0])
            total += width * max(before, after)
            width, before = 2 * width, after
        return float(self.length * self.leak * total)

    def fits(self, time: float, error_rate: float) -> bool:
        """Whether a step errs by at most this rate times its time."""
        return self.is_finite and bool(self.error(time) <= error_rate * time)


@np.errstate(over="ignore", invalid="ignore")
def build_space(
    derivative: Derivative,
    values: np.ndarray,
    rows: RowBlocks,
    needed: tuple[float, float] | None = None,
) -> KrylovSpace:
    """The Krylov space of some values that are not all zero, by Arnoldi's method.

    It is full, or no larger than `needed`: a time, and the rate of the error up to it.
    """
    most = min(DIMENSION, len(values))
    basis = np.empty((most + 1, len(values)))
    matrix = np.zeros((most + 1, most))
    length = norm(values, rows)
    basis[0] = values / length
    for k in range(most):
        vector = derivative(basis[k])
        before = norm(vector, rows)
        matrix[: k + 1, k] = _project_out(vector, basis[: k + 1], rows)
        leak = norm(vector, rows)
        if leak < _ROUGH * before:
            matrix[: k + 1, k] += _project_out(vector, basis[: k + 1], rows)
            leak = norm(vector, rows)
        matrix[k + 1, k] = leak
        if leak <= _ROUNDING * before or k + 1 == len(values):
            return KrylovSpace(basis[: k + 1], matrix[: k + 1, : k + 1], length, 0.0)
        basis[k + 1] = vector / leak
        if needed is not None and k % _SOME == _SOME - 1:
            space = KrylovSpace(basis[: k + 1], matrix[: k + 1, : k + 1], length, float(leak))
            if space.fits(*needed):
                return space
    return KrylovSpace(basis[:most], matrix[:most], length, float(leak))


def longest_step(space: KrylovSpace, guess: float, remaining: float, error_rate: float) -> float:
    """The longest time, up to a factor, whose error is at most this rate times the time.

    Returns
    -------
    At most the remaining time; 0 if no step is so good, because even rounding errs by more, or if
    a number is not finite.
    """
    if not space.is_finite or _EPSILON * np.linalg.norm(space.matrix, 2) > error_rate:
        return 0.0

    step = min(guess, remaining)
    if space.fits(step, error_rate):
        while step < remaining and space.fits(min(_FACTOR * step, remaining), error_rate):
            step = min(_FACTOR * step, remaining)
        return step
    while step > _SHORTEST * remaining:
        step /= _FACTOR
        if space.fits(step, error_rate):
            return step
    return 0.0


def advance(space: KrylovSpace, time: float, rows: RowBlocks) -> np.ndarray:
    """The values after some time: |y| V exp(tH) e₁."""
    weights = space.length * scipy.linalg.expm(time * space.matrix)[:, 0]
    return np.concatenate(
        rows.map(lambda part: _combine(weights, space.basis[:, part]), rows.slices)
    )


def krylov_step(
    derivative: Derivative,
    rows: RowBlocks,
    time: float,
    values: np.ndarray,
    guess: float,
    stop: float,
    error_rate: float,
) -> Step:
    """One step of y' = Ay, as long as a space allows, at most to the last time.

    Raises
    ------
    NoStep
        As `longest_step` finds none.
    """
    space = build_space(derivative, values, rows)
    return _step_in(space, rows, time, guess, stop, error_rate)


def exponential(
    derivative: Derivative, rows: RowBlocks, values: np.ndarray, time: float, error_rate: float
) -> np.ndarray:
    """exp(tA)y, in as many steps as it needs, each in a space as small as does; errors as above."""
    reached, guess = 0.0, time
    while reached < time:
        space = build_space(derivative, values, rows, (time - reached, error_rate))
        step = _step_in(space, rows, reached, guess, time, error_rate)
        reached, guess, values = step.reached, step.guess, step.at(step.reached)
    return values


def _step_in(
    space: KrylovSpace, rows: RowBlocks, time: float, guess: float, stop: float, error_rate: float
) -> Step:
    size = longest_step(space, guess, stop - time, error_rate)
    if size == 0:
        finite = space.is_finite
        raise NoStep(ResultCode.INTEGRATOR_FAILURE if finite else ResultCode.NOT_FINITE)
    reached = stop if size == stop - time else time + size
    # A difference of times would round.
    return Step(
        size, reached, size, lambda at: advance(space, size if at == reached else at - time, rows)
    )


def norm(vector: np.ndarray, rows: RowBlocks) -> float:
    """The length of a vector, the same for any number of threads."""
    squares = rows.map(lambda part: np.einsum("n,n->", vector[part], vector[part]), rows.slices)
    return float(np.sqrt(sum(squares)))


# einsum, unlike the products of a BLAS library, adds in an order that no number of threads changes.
def _combine(weights: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    return np.einsum("k,kn->n", weights, vectors)


def _project_out(vector: np.ndarray, basis: np.ndarray, rows: RowBlocks) -> np.ndarray:
    """Take from a vector, in place, its components along a basis, and return them."""
    parts = rows.map(lambda part: np.einsum("kn,n->k", basis[:, part], vector[part]), rows.slices)
    components = np.sum(parts, axis=0)

    def subtract(part: slice) -> None:
        vector[part] -= _combine(components, basis[:, part])

    rows.map(subtract, rows.slices)
    return components
