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

#: Vectors of a space.
DIMENSION = 24

# By this a step is made longer or shorter until it fits.
_FACTOR = 1.25

# A vector that is shorter by these factors after it was made orthogonal is so only roughly, or is
# nothing but rounding.
_ROUGH, _ROUNDING = 0.5, 1e-14

# Shorter than this times the time, a step would not change it.
_SHORTEST = 1e-15

_EPSILON = np.finfo(float).eps


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


@np.errstate(over="ignore", invalid="ignore")
def build_space(
    derivative: Callable[[np.ndarray], np.ndarray], values: np.ndarray, rows: RowBlocks
) -> KrylovSpace:
    """The Krylov space of some values that are not all zero, by Arnoldi's method."""
    most = min(DIMENSION, len(values))
    basis = np.empty((most + 1, len(values)))
    matrix = np.zeros((most + 1, most))
    length = _length(values, rows)
    basis[0] = values / length
    for k in range(most):
        vector = derivative(basis[k])
        before = _length(vector, rows)
        matrix[: k + 1, k] = _project_out(vector, basis[: k + 1], rows)
        leak = _length(vector, rows)
        if leak < _ROUGH * before:
            matrix[: k + 1, k] += _project_out(vector, basis[: k + 1], rows)
            leak = _length(vector, rows)
        matrix[k + 1, k] = leak
        if leak <= _ROUNDING * before or k + 1 == len(values):
            return KrylovSpace(basis[: k + 1], matrix[: k + 1, : k + 1], length, 0.0)
        basis[k + 1] = vector / leak
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

    def fits(time: float) -> bool:
        return space.error(time) <= error_rate * time

    step = min(guess, remaining)
    if fits(step):
        while step < remaining and fits(min(_FACTOR * step, remaining)):
            step = min(_FACTOR * step, remaining)
        return step
    while step > _SHORTEST * remaining:
        step /= _FACTOR
        if fits(step):
            return step
    return 0.0


def advance(space: KrylovSpace, time: float, rows: RowBlocks) -> np.ndarray:
    """The values after some time: |y| V exp(tH) e₁."""
    weights = space.length * scipy.linalg.expm(time * space.matrix)[:, 0]
    return np.concatenate(
        rows.map(lambda part: _combine(weights, space.basis[:, part]), rows.slices)
    )


# einsum, unlike the products of a BLAS library, adds in an order that no number of threads changes.
def _combine(weights: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    return np.einsum("k,kn->n", weights, vectors)


def _length(vector: np.ndarray, rows: RowBlocks) -> float:
    squares = rows.map(lambda part: np.einsum("n,n->", vector[part], vector[part]), rows.slices)
    return float(np.sqrt(sum(squares)))


def _project_out(vector: np.ndarray, basis: np.ndarray, rows: RowBlocks) -> np.ndarray:
    """Take from a vector, in place, its components along a basis, and return them."""
    parts = rows.map(lambda part: np.einsum("kn,n->k", basis[:, part], vector[part]), rows.slices)
    components = np.sum(parts, axis=0)

    def subtract(part: slice) -> None:
        vector[part] -= _combine(components, basis[:, part])

    rows.map(subtract, rows.slices)
    return components
