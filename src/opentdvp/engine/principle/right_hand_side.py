"""The time-dependent variational principle, S θ̇ = F, as one compiled function (paper, eq. 5).

S_kk' = <O_k O_k'>ᶜ, F_k = <O_k E>ᶜ with O_k(a) = ∂_θk log P_θ(a) and the local estimates E(a).
Read as a regression: θ̇ is the tangent direction whose change Σ_k O_k θ̇_k is closest to E on
average.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from opentdvp.config import TdvpSolver
from opentdvp.engine.ansatz.interface import Ansatz, Parameters
from opentdvp.engine.devices import for_samples
from opentdvp.engine.estimates.estimator import Estimate, Estimator, Factors
from opentdvp.engine.principle.normal_equations import (
    Damped,
    Regression,
    relative_misfit,
    solve,
    solve_near,
)
from opentdvp.engine.sampling.ensemble import Ensemble, Sampler

_PRECISIONS = {"single": jnp.float32, "double": jnp.float64}


class Problem(NamedTuple):
    """What stays the same in all right-hand sides of a run."""

    ansatz: Ansatz
    sampler: Sampler
    estimator: Estimator
    settings: TdvpSolver

    @property
    def precision(self) -> type:
        """Of the network's passes."""
        return _PRECISIONS[self.settings.precision]

    def parameters(self, theta: Float[Array, " P"]) -> Parameters:
        """Network parameters in the precision of the network's passes."""
        return jax.tree.map(lambda p: p.astype(self.precision), self.ansatz.unravel(theta))

    def estimate(
        self,
        theta: Float[Array, " P"],
        outcomes: Int[Array, "rows sites"],
        needed: Int[Array, ""] | None = None,
        factors: Factors = None,
    ) -> Estimate:
        """Local estimates of outcomes that the sampler has given, with the factors of drives."""
        return self.estimator(self.parameters(theta), outcomes, needed, factors)


class Solution(NamedTuple):
    """One right-hand side: θ̇, what measures steps, and what to watch.

    Steps are measured by the Fisher matrix S, or by its `rows`, S = rowsᵀ rows, where the solve
    does without the matrix; the other one is None. Both are those of the ensemble's `parameters`.
    `damped` is S as it was factored, if it was.
    """

    velocity: Float[Array, " P"]
    fisher: Float[Array, "columns columns"] | None
    rows: Float[Array, "rows columns"] | None
    diagnostics: dict[str, Float[Array, ""]]
    damped: Damped | None = None


def derivative(
    problem: Problem, theta: Float[Array, " P"], ensemble: Ensemble, factors: Factors = None
) -> Solution:
    """θ̇ at θ from an ensemble that was drawn there, or elsewhere if samples are fixed.

    The factors are those of the drives at the time.

    The diagnostics are `distinct_samples`, how many remain of the samples once those that are equal
    up to the orbit are one; `residual`, r² = <(Oθ̇ − E)²>ᶜ/<E²>ᶜ on the samples of the solve; mean,
    its standard error, and standard deviation of E (the mean vanishes for a normalised ansatz); the
    largest of those of the estimator; those of `normal_equations.solve`; and those of the sampler.
    Where an ensemble knows only some parameters, the others stay as they are, and `strings` is how
    many it knows.
    """
    ensemble, estimates, regression, mean = _regression(problem, theta, ensemble, factors)
    settings = problem.settings.regularization
    fisher = None if settings.method == "sample_space" else regression.fisher
    solved = solve(regression, fisher, settings)
    diagnostics = {
        "distinct_samples": ensemble.distinct.astype(float),
        "residual": regression.residual(solved.velocity),
        "mean_estimate": mean,
        "mean_estimate_error": _mean_error(ensemble, regression.target),
        "estimate_deviation": jnp.linalg.norm(regression.target),
        **{name: entries.max().astype(float) for name, entries in estimates.diagnostics.items()},
        **solved.summary,
        **ensemble.diagnostics,
    }
    if ensemble.parameters is not None:
        diagnostics["strings"] = jnp.sum(ensemble.parameters < len(theta)).astype(float)
    rows = regression.rows if fisher is None else None
    velocity = _of_all(theta, ensemble, solved.velocity)
    return Solution(velocity, fisher, rows, diagnostics, solved.damped)


def later_velocity(
    problem: Problem,
    theta: Float[Array, " P"],
    ensemble: Ensemble,
    velocity: Float[Array, " P"],
    damped: Damped,
    factors: Factors = None,
) -> Float[Array, " P"]:
    """θ̇ at a later stage of a step with fixed samples, from what was found at its start.

    S does not depend on the generator, so that its factor is a good one at any time.
    """
    regression = _regression(problem, theta, ensemble, factors)[2]
    known = velocity
    if ensemble.parameters is not None:
        known = jnp.take(velocity, ensemble.parameters, mode="fill", fill_value=0)
    return _of_all(theta, ensemble, solve_near(regression, damped, known))


def _of_all(theta: Float[Array, " P"], ensemble: Ensemble, known: Array) -> Float[Array, " P"]:
    """θ̇ of all parameters from that of those which the ensemble knows; the others stay."""
    if ensemble.parameters is None:
        return known
    return jnp.zeros_like(theta).at[ensemble.parameters].set(known, mode="drop")


def _regression(
    problem: Problem, theta: Array, ensemble: Ensemble, factors: Factors
) -> tuple[Ensemble, Estimate, Regression, Float[Array, ""]]:
    """The ensemble with its weights at θ, E and O of it, and <E>."""
    if problem.settings.fixed_samples:
        ensemble = problem.sampler.reweighted(ensemble, theta)
    distinct = ensemble.distinct
    estimates = problem.estimate(theta, ensemble.outcomes, distinct, factors)
    jacobian = ensemble.log_derivatives
    if jacobian is None:
        jacobian = log_derivatives(problem, theta, ensemble.outcomes, distinct)
    root = jnp.sqrt(ensemble.weights)
    mean, target = centred(estimates.value, ensemble.weights, root)
    _, rows = centred(jacobian, ensemble.weights, root)
    return ensemble, estimates, Regression(rows, target, ensemble.counts), mean


def held_out_residual(
    problem: Problem,
    theta: Float[Array, " P"],
    velocity: Float[Array, " P"],
    ensemble: Ensemble,
    factors: Factors = None,
) -> Float[Array, ""]:
    """Residual r² of θ̇ on samples that the solve has not seen."""
    estimates = problem.estimate(theta, ensemble.outcomes, None, factors).value
    # Parameters may hold what is made from θ, and not linearly.
    parameters, direction = jax.jvp(problem.parameters, (theta,), (velocity,))

    def change(outcomes: Array) -> Array:
        log_probability = partial(problem.ansatz.log_probability, outcomes=outcomes)
        return jax.jvp(log_probability, (parameters,), (direction,))[1].astype(theta.dtype)

    changes = for_samples(change, ensemble.outcomes, problem.settings.chunk)
    root = jnp.sqrt(ensemble.weights)
    _, change_rows = centred(changes, ensemble.weights, root)
    _, target = centred(estimates, ensemble.weights, root)
    return relative_misfit(change_rows, target)


def log_derivatives(
    problem: Problem,
    theta: Float[Array, " P"],
    outcomes: Int[Array, "samples sites"],
    needed: Int[Array, ""] | None = None,
) -> Float[Array, "samples P"]:
    """O_k(a) = ∂_θk log P_θ(a) for every outcome."""
    parameters = problem.parameters(theta)

    of_chunk = partial(problem.ansatz.log_derivatives, parameters)
    return for_samples(of_chunk, outcomes, problem.settings.chunk, needed)


def _mean_error(ensemble: Ensemble, target: Array) -> Array:
    """Standard error of <E> from √w (E − <E>); zero where the weights are exact."""
    if ensemble.counts is None:
        return jnp.zeros(())
    return jnp.sqrt(jnp.sum(ensemble.weights / jnp.maximum(ensemble.counts, 1) * target**2))


def centred(
    values: Float[Array, "rows *columns"],
    weights: Float[Array, " rows"],
    root: Float[Array, " rows"],
) -> tuple[Float[Array, " *columns"], Float[Array, "rows *columns"]]:
    """Mean, and what is left without it times √w, in the precision of the values."""
    mean = jnp.tensordot(weights.astype(values.dtype), values, axes=1)
    roots = root.astype(values.dtype).reshape(-1, *(1,) * (values.ndim - 1))
    return mean, roots * (values - mean)
