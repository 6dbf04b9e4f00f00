"""Which strings the residual asks for: what each one besides the present ones would take off it.

Of O_k the present strings span a part; c_k is what is left of it. Added alone, it lowers the
residual r² by <c_k E>²/(<c_k²><E²>), its gain (one step of orthogonal matching pursuit).
"""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from opentdvp.engine.ansatz.interface import GrownAnsatz
from opentdvp.engine.devices import for_samples
from opentdvp.engine.estimates.estimator import Factors
from opentdvp.engine.principle.normal_equations import Regression, directions, in_blocks
from opentdvp.engine.principle.right_hand_side import Problem, centred, log_derivatives
from opentdvp.engine.sampling.ensemble import Ensemble

#: Rows whose log-derivatives of all parameters are there at a time.
_ROWS = 512


def restricted(
    problem: Problem, ensemble: Ensemble, parameters: Int[Array, " columns"]
) -> Ensemble:
    """An ensemble with the log-derivatives of some parameters, and of zeros for number P."""
    assert isinstance(problem.ansatz, GrownAnsatz)
    of_chunk = problem.ansatz.some_log_derivatives(parameters, problem.precision)
    columns = for_samples(of_chunk, ensemble.outcomes, problem.settings.chunk, ensemble.distinct)
    return ensemble._replace(log_derivatives=columns, parameters=parameters)


def gains(
    problem: Problem, theta: Float[Array, " P"], ensemble: Ensemble, factors: Factors = None
) -> Float[Array, " P"]:
    """How much of r² each parameter besides those of the ensemble would take away, alone.

    0 for those that the present ones span, and for gains that rounding or chance explain
    (`_by_chance`). The ensemble is one that was drawn at θ; the factors are those of the drives.
    """
    root = jnp.sqrt(ensemble.weights)
    estimates = problem.estimate(theta, ensemble.outcomes, ensemble.distinct, factors).value
    _, target = centred(estimates, ensemble.weights, root)
    assert ensemble.log_derivatives is not None
    assert ensemble.parameters is not None
    _, rows = centred(ensemble.log_derivatives, ensemble.weights, root)
    basis = _spanned(Regression(rows, target, ensemble.counts))
    left = target - basis @ (basis.T @ target)
    factors = jnp.column_stack([root, left, basis]).astype(rows.dtype)
    products, squares = _sums(problem, theta, ensemble, factors)
    mean, overlap, inside = products[:, 0], products[:, 1], products[:, 2:]
    size = squares - mean**2
    outside = size - jnp.sum(inside**2, axis=1)
    precision = jnp.finfo(rows.dtype).eps
    counted = outside > jnp.sqrt(precision) * size
    scale = jnp.sum(target**2)
    gain = jnp.where(counted, overlap**2 / jnp.where(counted, outside, 1), 0)
    least = jnp.maximum(precision * scale, _by_chance(left, ensemble.counts, len(theta)))
    # What rounding leaves of a present one must not be taken for a new one.
    new = jnp.ones(len(theta), bool).at[ensemble.parameters].set(False, mode="drop")
    return jnp.where(new & (gain > least), gain / jnp.where(scale > 0, scale, 1), 0)


def _by_chance(
    left: Float[Array, " rows"], counts: Int[Array, " rows"] | None, candidates: int
) -> Float[Array, ""]:
    """The gain that the best of many candidates may have without having anything to do with E.

    In n samples <c_k E>² is about <c_k²> r² <E²>/n then, and the largest of P such squares of
    normal variates is about 2 ln P times as large.
    """
    if counts is None:
        return jnp.zeros(())
    return 2 * jnp.log(candidates) * jnp.sum(left**2) / counts.sum()


def _spanned(regression: Regression) -> Float[Array, "rows k"]:
    """Orthonormal columns that span the rows' √w O, and zeros."""
    rows = regression.rows
    fisher = regression.fisher if len(rows) >= rows.shape[1] else None
    found = directions(regression, fisher)
    # Directions that rounding makes up are not orthogonal to the others.
    smallest = jnp.finfo(rows.dtype).eps ** (2 / 3) * found.eigenvalues[-1]
    kept = found.eigenvalues > smallest
    return found.changes * jnp.where(kept, jnp.where(kept, found.eigenvalues, 1) ** -0.5, 0)


def _sums(
    problem: Problem, theta: Array, ensemble: Ensemble, factors: Float[Array, "rows factors"]
) -> tuple[Float[Array, "P factors"], Float[Array, " P"]]:
    """Σ_a √w O_k(a) f(a) for all parameters and factors, and <O_k²>; in double precision.

    Some rows after the other, since all log-derivatives together may not fit the memory.
    """
    count = min(_ROWS, len(factors))
    parts = in_blocks(ensemble.outcomes, count), in_blocks(factors, count)

    def add(totals: tuple[Array, Array], part: tuple[Array, Array]) -> Any:
        outcomes, here = part
        values = here[:, :1] * log_derivatives(problem, theta, outcomes)
        products, squares = values.T @ here, jnp.sum(values**2, axis=0)
        return (totals[0] + products, totals[1] + squares), None

    start = (jnp.zeros((len(theta), factors.shape[1])), jnp.zeros(len(theta)))
    return jax.lax.scan(add, start, parts)[0]
