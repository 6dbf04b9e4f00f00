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
from opentdvp.engine.estimates.prefix_and_forgetting import local_estimates
from opentdvp.engine.povm.generator import Generator
from opentdvp.engine.principle.normal_equations import Regression, relative_misfit, solve
from opentdvp.engine.sampling.ensemble import Ensemble, Sampler
from opentdvp.engine.sampling.enumeration import Enumerator

_PRECISIONS = {"single": jnp.float32, "double": jnp.float64}


class Problem(NamedTuple):
    """What stays the same in all right-hand sides of a run."""

    ansatz: OrbitAnsatz
    generator: Generator
    sampler: Sampler
    settings: TdvpSolver

    def parameters(self, theta: Float[Array, " P"]) -> Parameters:
        """Network parameters in the precision of the network's passes."""
        dtype = _PRECISIONS[self.settings.precision]
        return jax.tree.map(lambda p: p.astype(dtype), self.ansatz.unravel(theta))


class Solution(NamedTuple):
    """One right-hand side: θ̇, what measures steps, and what to watch.

    Steps are measured by the Fisher matrix S, or by its `rows`, S = rowsᵀ rows, where the solve
    does without the matrix; the other one is None.
    """

    velocity: Float[Array, " P"]
    fisher: Float[Array, "P P"] | None
    rows: Float[Array, "rows P"] | None
    diagnostics: dict[str, Float[Array, ""]]


class Estimate(NamedTuple):
    """Local estimates, one row per sample; the rest is the same for all samples of a chunk."""

    value: Float[Array, " samples"]
    forgotten: Float[Array, " samples"]
    prefix: Int[Array, " samples"]
    suffix: Int[Array, " samples"]


def derivative(
    problem: Problem, theta: Float[Array, " P"], origin: Float[Array, " P"], key: PRNGKeyArray
) -> Solution:
    """θ̇ at θ from samples drawn at `origin` with `key`, reweighted if that is another point.

    The diagnostics are `distinct_samples`, how many remain of the samples once those that are equal
    up to the orbit are one; `residual`, r² = <(Oθ̇ − E)²>ᶜ/<E²>ᶜ on the samples of the solve; mean,
    its standard error, and standard deviation of E (the mean vanishes for a normalised ansatz); how
    far the local estimates were followed, `window_prefix` and `window_suffix`, and the largest
    change that was left out, `forgotten`; and those of `normal_equations.solve`.
    """
    ensemble = problem.sampler.solve(problem.ansatz, theta, origin, key)
    distinct = ensemble.distinct
    estimates = _estimates(problem, theta, ensemble.outcomes, distinct)
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
        "forgotten": estimates.forgotten.max(),
        "window_prefix": estimates.prefix.max().astype(float),
        "window_suffix": estimates.suffix.max().astype(float),
        **spectrum,
    }
    return Solution(velocity, fisher, rows if fisher is None else None, diagnostics)


def held_out_residual(
    problem: Problem, theta: Float[Array, " P"], velocity: Float[Array, " P"], key: PRNGKeyArray
) -> Float[Array, ""]:
    """Residual r² of θ̇ on samples that the solve has not seen."""
    ensemble = problem.sampler.held_out(problem.ansatz, theta, key)
    estimates = _estimates(problem, theta, ensemble.outcomes).value
    parameters, direction = problem.parameters(theta), problem.parameters(velocity)

    def change(outcomes: Array) -> Array:
        log_probability = partial(problem.ansatz.log_probability, outcomes=outcomes)
        return jax.jvp(log_probability, (parameters,), (direction,))[1].astype(theta.dtype)

    changes = for_samples(change, ensemble.outcomes, problem.settings.chunk)
    root = jnp.sqrt(ensemble.weights)
    _, change_rows = _centred(changes, ensemble.weights, root)
    _, target = _centred(estimates, ensemble.weights, root)
    return relative_misfit(change_rows, target)


def _estimates(
    problem: Problem,
    theta: Float[Array, " P"],
    outcomes: Int[Array, "rows sites"],
    needed: Int[Array, ""] | None = None,
) -> Estimate:
    """Local estimates of an ensemble of the problem's sampler."""
    if not isinstance(problem.sampler, Enumerator):
        return estimate(problem, theta, outcomes, needed)
    parameters = problem.parameters(theta)
    value = problem.sampler.local_estimates(problem.ansatz, parameters, problem.generator)
    nothing = jnp.zeros_like(value)
    return Estimate(value, nothing, nothing.astype(int), nothing.astype(int))


def estimate(
    problem: Problem,
    theta: Float[Array, " P"],
    outcomes: Int[Array, "samples sites"],
    needed: Int[Array, ""] | None = None,
) -> Estimate:
    """Local estimates of the orbit mixture: E(a) = Σ_τ w_τ(a) E_net(τa).

    With the precision `single` the network runs in float32; sums are always in float64.
    """
    ansatz, settings = problem.ansatz, problem.settings
    parameters = problem.parameters(theta)
    symmetries = ansatz.symmetries
    shares = ansatz.network.stationary and settings.forgetting_bound > 0
    stride = symmetries.stride if shares else 0

    def of_chunk(chunk: Array) -> Estimate:
        sites = chunk.shape[1]
        # Elements of the point group share nothing: they are more samples to the estimator.
        images = ansatz.images(chunk).reshape(sites, -1, symmetries.translations, len(chunk))
        images = images.swapaxes(1, 2).reshape(sites, symmetries.translations, -1)
        result = local_estimates(
            ansatz.network,
            parameters,
            problem.generator,
            images,
            settings.forgetting_bound,
            stride,
        )
        shape = (-1, len(chunk))
        weights = jax.nn.softmax(result.log_probability.reshape(shape), axis=0)
        value = jnp.sum(weights * result.values.reshape(shape), axis=0)
        rest = (result.forgotten, result.prefix, result.suffix)
        return Estimate(value, *(jnp.broadcast_to(entry, value.shape) for entry in rest))

    return for_samples(of_chunk, outcomes, settings.chunk, needed)


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
