"""The time-dependent variational principle, S θ̇ = F, as one compiled function (paper, eq. 5).

S_kk' = <O_k O_k'>ᶜ, F_k = <O_k E>ᶜ with O_k(a) = ∂_θk log P_θ(a) and the local estimates E(a).
Read as a regression: θ̇ is the tangent direction whose change Σ_k O_k θ̇_k is closest to E on
average.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int, PRNGKeyArray

from opentdvp.config import TdvpSolver
from opentdvp.engine.ansatz.autoregressive import Parameters
from opentdvp.engine.ansatz.orbit import OrbitAnsatz
from opentdvp.engine.devices import for_samples
from opentdvp.engine.estimates.estimator import Estimate, Estimator
from opentdvp.engine.principle.normal_equations import Regression, relative_misfit, solve
from opentdvp.engine.sampling.ensemble import Ensemble, Sampler

_PRECISIONS = {"single": jnp.float32, "double": jnp.float64}


class Problem(NamedTuple):
    """What stays the same in all right-hand sides of a run."""

    ansatz: OrbitAnsatz
    sampler: Sampler
    estimator: Estimator
    settings: TdvpSolver

    def parameters(self, theta: Float[Array, " P"]) -> Parameters:
        """Network parameters in the precision of the network's passes."""
        dtype = _PRECISIONS[self.settings.precision]
        return jax.tree.map(lambda p: p.astype(dtype), self.ansatz.unravel(theta))

    def estimate(
        self,
        theta: Float[Array, " P"],
        outcomes: Int[Array, "rows sites"],
        needed: Int[Array, ""] | None = None,
    ) -> Estimate:
        """Local estimates of outcomes that the sampler has given."""
        return self.estimator(self.parameters(theta), outcomes, needed)


class Solution(NamedTuple):
    """One right-hand side: θ̇, what measures steps, and what to watch.

    Steps are measured by the Fisher matrix S, or by its `rows`, S = rowsᵀ rows, where the solve
    does without the matrix; the other one is None.
    """

    velocity: Float[Array, " P"]
    fisher: Float[Array, "P P"] | None
    rows: Float[Array, "rows P"] | None
    diagnostics: dict[str, Float[Array, ""]]


def derivative(
    problem: Problem, theta: Float[Array, " P"], origin: Float[Array, " P"], key: PRNGKeyArray
) -> Solution:
    """θ̇ at θ from samples drawn at `origin` with `key`, reweighted if that is another point.

    The diagnostics are `distinct_samples`, how many remain of the samples once those that are equal
    up to the orbit are one; `residual`, r² = <(Oθ̇ − E)²>ᶜ/<E²>ᶜ on the samples of the solve; mean,
    its standard error, and standard deviation of E (the mean vanishes for a normalised ansatz); the
    largest of those of the estimator; and those of `normal_equations.solve`.
    """
    ensemble = problem.sampler.solve(problem.ansatz, theta, origin, key)
    distinct = ensemble.distinct
    estimates = problem.estimate(theta, ensemble.outcomes, distinct)
    jacobian = log_derivatives(problem, theta, ensemble.outcomes, distinct)
    root = jnp.sqrt(ensemble.weights)
    mean, target = _centred(estimates.value, ensemble.weights, root)
    _, rows = _centred(jacobian, ensemble.weights, root)
    regression = Regression(rows, target, ensemble.counts)
    settings = problem.settings.regularization
    fisher = None if settings.method == "sample_space" else regression.fisher
    velocity, spectrum = solve(regression, fisher, settings)
    diagnostics = {
        "distinct_samples": distinct.astype(float),
        "residual": regression.residual(velocity),
        "mean_estimate": mean,
        "mean_estimate_error": _mean_error(ensemble, target),
        "estimate_deviation": jnp.linalg.norm(target),
        **{name: entries.max().astype(float) for name, entries in estimates.diagnostics.items()},
        **spectrum,
    }
    return Solution(velocity, fisher, rows if fisher is None else None, diagnostics)


def held_out_residual(
    problem: Problem, theta: Float[Array, " P"], velocity: Float[Array, " P"], key: PRNGKeyArray
) -> Float[Array, ""]:
    """Residual r² of θ̇ on samples that the solve has not seen."""
    ensemble = problem.sampler.held_out(problem.ansatz, theta, key)
    estimates = problem.estimate(theta, ensemble.outcomes).value
    parameters, direction = problem.parameters(theta), problem.parameters(velocity)

    def change(outcomes: Array) -> Array:
        log_probability = partial(problem.ansatz.log_probability, outcomes=outcomes)
        return jax.jvp(log_probability, (parameters,), (direction,))[1].astype(theta.dtype)

    changes = for_samples(change, ensemble.outcomes, problem.settings.chunk)
    root = jnp.sqrt(ensemble.weights)
    _, change_rows = _centred(changes, ensemble.weights, root)
    _, target = _centred(estimates, ensemble.weights, root)
    return relative_misfit(change_rows, target)


def log_derivatives(
    problem: Problem,
    theta: Float[Array, " P"],
    outcomes: Int[Array, "samples sites"],
    needed: Int[Array, ""] | None = None,
) -> Float[Array, "samples P"]:
    """O_k(a) = ∂_θk log P_θ(a) for every outcome."""
    parameters = problem.parameters(theta)

    def of_one(outcome: Array) -> Array:
        log_probability = partial(problem.ansatz.log_probability, outcomes=outcome[None])
        gradient = jax.grad(lambda p: log_probability(p)[0])(parameters)
        return ravel_pytree(gradient)[0].astype(theta.dtype)

    return for_samples(jax.vmap(of_one), outcomes, problem.settings.chunk, needed)


def _mean_error(ensemble: Ensemble, target: Array) -> Array:
    """Standard error of <E> from √w (E − <E>); zero where the weights are exact."""
    if ensemble.counts is None:
        return jnp.zeros(())
    return jnp.sqrt(jnp.sum(ensemble.weights / jnp.maximum(ensemble.counts, 1) * target**2))


def _centred(values: Array, weights: Array, root: Array) -> tuple[Array, Array]:
    """Mean, and what is left without it times √w."""
    mean = jnp.tensordot(weights, values, axes=1)
    return mean, root.reshape(-1, *(1,) * (values.ndim - 1)) * (values - mean)
