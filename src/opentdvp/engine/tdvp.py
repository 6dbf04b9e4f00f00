"""The time-dependent variational principle, S θ̇ = F, as one compiled function (paper, eq. 5).

S_kk' = <O_k O_k'>ᶜ, F_k = <O_k E>ᶜ with O_k(a) = ∂_θk log P_θ(a) and the local estimates E(a).
Read as a regression: θ̇ is the tangent direction whose change Σ_k O_k θ̇_k is closest to E on
average.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from opentdvp.config import TdvpSolver
from opentdvp.config.solver import Regularization
from opentdvp.engine.estimator import local_estimates
from opentdvp.engine.lindblad import Generator
from opentdvp.engine.orbit import OrbitAnsatz
from opentdvp.engine.sampler import Ensemble, Sampler

#: Order of the soft cutoffs 1/(1 + (cutoff/x)⁶) of Schmitt & Heyl.
_SHARPNESS = 6

_PRECISIONS = {"single": jnp.float32, "double": jnp.float64}


class Solution(NamedTuple):
    """One right-hand side: θ̇, the Fisher matrix that measures steps, and what to watch."""

    velocity: Float[Array, " P"]
    fisher: Float[Array, "P P"]
    diagnostics: dict[str, Float[Array, ""]]


def derivative(
    ansatz: OrbitAnsatz,
    generator: Generator,
    sampler: Sampler,
    settings: TdvpSolver,
    theta: Float[Array, " P"],
    key: PRNGKeyArray,
) -> Solution:
    """θ̇ at θ from samples drawn with `key`.

    The diagnostics are `residual`, r² = <(Oθ̇ − E)²>ᶜ/<E²>ᶜ on the samples of the solve; mean and
    standard deviation of E (the mean vanishes for a normalised ansatz); the largest eigenvalue λ
    of S; the entropy −Σ p ln p of its spectrum p = λ/Σλ; its `rank`, the number of eigenvalues
    above the cutoff; and the effective number of parameters, the sum of the soft cutoffs.
    """
    ensemble = sampler.solve(ansatz, theta, key)
    estimates = _estimates(ansatz, generator, settings, theta, ensemble)
    jacobian = chunked(partial(log_derivatives, ansatz, theta), ensemble, settings.chunk)
    mean_estimate, centred_estimates = _centred(estimates, ensemble.weights)
    _, centred_jacobian = _centred(jacobian, ensemble.weights)
    fisher = centred_jacobian.T @ (ensemble.weights[:, None] * centred_jacobian)
    velocity, spectrum = _solve(
        fisher, centred_jacobian, centred_estimates, ensemble, settings.regularization
    )
    change = centred_jacobian @ velocity
    diagnostics = {
        "residual": _residual(change, centred_estimates, ensemble.weights),
        "mean_estimate": mean_estimate,
        "estimate_deviation": jnp.sqrt(ensemble.weights @ centred_estimates**2),
        **spectrum,
    }
    return Solution(velocity, fisher, diagnostics)


def held_out_residual(
    ansatz: OrbitAnsatz,
    generator: Generator,
    sampler: Sampler,
    settings: TdvpSolver,
    theta: Float[Array, " P"],
    velocity: Float[Array, " P"],
    key: PRNGKeyArray,
) -> Float[Array, ""]:
    """Residual r² of θ̇ on samples that the solve has not seen."""
    ensemble = sampler.held_out(ansatz, theta, key)
    estimates = _estimates(ansatz, generator, settings, theta, ensemble)

    def change(outcomes: Array) -> Array:
        return jax.jvp(lambda t: ansatz.log_probability(t, outcomes), (theta,), (velocity,))[1]

    _, centred_change = _centred(chunked(change, ensemble, settings.chunk), ensemble.weights)
    _, centred_estimates = _centred(estimates, ensemble.weights)
    return _residual(centred_change, centred_estimates, ensemble.weights)


def estimate(
    ansatz: OrbitAnsatz, generator: Generator, precision: str, theta: Array, outcomes: Array
) -> Float[Array, " batch"]:
    """Local estimates of the orbit mixture: E(a) = Σ_τ w_τ(a) E_net(τa).

    With the precision `single` the network runs in float32; sums are always in float64.
    """
    parameters = jax.tree.map(lambda p: p.astype(_PRECISIONS[precision]), ansatz.unravel(theta))
    weights = jax.nn.softmax(ansatz.image_log_probability(theta, outcomes), axis=1)
    of_images = local_estimates(ansatz.network, parameters, generator, ansatz.images(outcomes))
    return jnp.sum(weights * of_images.reshape(weights.shape), axis=1)


def log_derivatives(ansatz: OrbitAnsatz, theta: Array, outcomes: Array) -> Float[Array, "batch P"]:
    """O_k(a) = ∂_θk log P_θ(a) for every outcome of a batch."""

    def of_one(outcome: Array) -> Array:
        return jax.grad(lambda t: ansatz.log_probability(t, outcome[None])[0])(theta)

    return jax.vmap(of_one)(outcomes)


def chunked(
    function: Callable[[Array], Array], ensemble: Ensemble, chunk: int
) -> Float[Array, "samples ..."]:
    """`function` over all outcomes, `chunk` of them at a time, so that memory stays bounded."""
    count, sites = ensemble.outcomes.shape
    size = min(chunk, count)
    padded = jnp.pad(ensemble.outcomes, ((0, -count % size), (0, 0)))
    values = jax.lax.map(function, padded.reshape(-1, size, sites))
    return values.reshape(-1, *values.shape[2:])[:count]


def _estimates(
    ansatz: OrbitAnsatz,
    generator: Generator,
    settings: TdvpSolver,
    theta: Array,
    ensemble: Ensemble,
) -> Float[Array, " samples"]:
    of_chunk = partial(estimate, ansatz, generator, settings.estimator_precision, theta)
    return chunked(of_chunk, ensemble, settings.chunk)


def _solve(
    fisher: Array,
    jacobian: Array,
    estimates: Array,
    ensemble: Ensemble,
    settings: Regularization,
) -> tuple[Array, dict[str, Array]]:
    """θ̇ = Σ_k v_k c_k (v_k·F)/λ_k with soft cutoffs c_k in eigenvalue and signal-to-noise ratio."""
    eigenvalues, vectors = jnp.linalg.eigh(fisher)
    largest = eigenvalues[-1]
    force = vectors.T @ (jacobian.T @ (ensemble.weights * estimates))
    keep = _cutoff(eigenvalues / largest, settings.eigenvalue_cutoff)
    if ensemble.is_sampled and settings.signal_to_noise_cutoff > 0:
        # Rotate first: the noise of a sum over directions is not the sum of their noises.
        rotated = (jacobian @ vectors) * estimates[:, None]
        noise = jnp.sqrt((ensemble.weights @ rotated**2 - force**2) / len(estimates))
        keep *= _cutoff(jnp.abs(force) / noise, settings.signal_to_noise_cutoff)
    positive = eigenvalues > 0
    coefficients = jnp.where(positive, keep * force / jnp.where(positive, eigenvalues, 1), 0)
    share = jnp.maximum(eigenvalues, 0) / jnp.sum(jnp.maximum(eigenvalues, 0))
    summary = {
        "largest_eigenvalue": largest,
        "spectral_entropy": jnp.sum(jax.scipy.special.entr(share)),
        "rank": jnp.sum(eigenvalues > settings.eigenvalue_cutoff * largest).astype(float),
        "effective_parameters": jnp.sum(keep),
    }
    return vectors @ coefficients, summary


def _cutoff(ratio: Array, cutoff: float) -> Array:
    """1/(1 + (cutoff/ratio)⁶), 0 for a ratio of 0 or less, and for 0/0 (no signal, no noise)."""
    if cutoff == 0:
        return jnp.ones_like(ratio)
    safe = jnp.where(ratio > 0, ratio, 1.0)
    return jnp.where(ratio > 0, 1 / (1 + (cutoff / safe) ** _SHARPNESS), 0.0)


def _centred(values: Array, weights: Array) -> tuple[Array, Array]:
    mean = jnp.tensordot(weights, values, axes=1)
    return mean, values - mean


def _residual(change: Array, estimates: Array, weights: Array) -> Array:
    """<(Oθ̇ − E)²>ᶜ/<E²>ᶜ; 0 if nothing changes."""
    scale = weights @ estimates**2
    misfit = weights @ (change - estimates) ** 2
    return jnp.where(scale > 0, misfit / jnp.where(scale > 0, scale, 1), 0)
