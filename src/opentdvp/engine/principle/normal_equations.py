"""Three ways to solve S θ̇ = F for noisy S and F, all with a scale relative to the largest λ of S.

With the rows √w O of the samples' log-derivatives, S = (√w O)ᵀ(√w O) and F = (√w O)ᵀ(√w E).
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Shaped

from opentdvp.config.solver import Cutoffs, DiagonalShift, Regularization

#: Order of the soft cutoffs 1/(1 + (cutoff/x)⁶) of Schmitt & Heyl.
_SHARPNESS = 6

#: Rows whose products are summed in the precision of the rows.
_ROWS = 1024

#: Conjugate gradients: the residual at which they stop, one that is still good enough, and how
#: many there may be until then.
_NEAR, _CLOSE_ENOUGH, _ITERATIONS = 1e-4, 1e-3, 40

#: Products with S until its largest eigenvalue is known to a few per cent, enough for a scale.
_POWER_ITERATIONS = 20


class Regression(NamedTuple):
    """Outcomes with weights w as the rows √w O and the target √w E, both centred.

    `counts` is how many samples each row stands for, None where the weights are exact.
    """

    rows: Float[Array, "rows P"]
    target: Float[Array, " rows"]
    counts: Int[Array, " rows"] | None

    @property
    def fisher(self) -> Float[Array, "P P"]:
        """S_kk' = <O_k O_k'>ᶜ; sums over blocks of rows are in double precision."""
        rows = self.rows
        if rows.dtype == jnp.float64:
            return rows.T @ rows

        def add(total: Array, block: Array) -> tuple[Array, None]:
            return total + (block.T @ block).astype(jnp.float64), None

        return jax.lax.scan(add, jnp.zeros((rows.shape[1],) * 2), in_blocks(rows, _ROWS))[0]

    @property
    def force(self) -> Float[Array, " P"]:
        """F_k = <O_k E>ᶜ."""
        return self.rows.T @ self.target

    def residual(self, velocity: Float[Array, " P"]) -> Float[Array, ""]:
        """r² = <(Oθ̇ − E)²>ᶜ/<E²>ᶜ; 0 if nothing changes."""
        return relative_misfit(self.rows @ velocity, self.target)


def in_blocks(
    rows: Shaped[Array, "rows columns"], count: int
) -> Shaped[Array, "blocks count columns"]:
    """Rows in blocks of so many, the last one filled up with zeros."""
    padded = jnp.pad(rows, ((0, -len(rows) % count), (0, 0)))
    return padded.reshape(-1, count, rows.shape[1])


def relative_misfit(change: Float[Array, " samples"], target: Float[Array, " samples"]) -> Array:
    """|change − target|²/|target|²; 0 for no target."""
    scale = jnp.sum(target**2)
    misfit = jnp.sum((change - target) ** 2)
    return jnp.where(scale > 0, misfit / jnp.where(scale > 0, scale, 1), 0)


class Damped(NamedTuple):
    """S + μ diag(u²), as the Cholesky factor of S_kk'/(u_k u_k') + μ.

    Where the shift is relative to the largest eigenvalue, all units u are 1.
    """

    factor: Float[Array, "P P"]
    units: Float[Array, " P"]
    shift: Float[Array, ""]

    def solve(self, force: Float[Array, " P"]) -> Float[Array, " P"]:
        """(S + μ diag(u²))⁻¹ F."""
        return jax.scipy.linalg.cho_solve((self.factor, True), force / self.units) / self.units


class Solved(NamedTuple):
    """θ̇, what is known about the spectrum of S, and S with its damping where it was factored."""

    velocity: Float[Array, " P"]
    summary: dict[str, Array]
    damped: Damped | None = None


def solve(
    regression: Regression, fisher: Float[Array, "P P"] | None, settings: Regularization
) -> Solved:
    """θ̇, and what the chosen way knows about the spectrum; `sample_space` does without S.

    Always `largest_eigenvalue` of S. The eigendecomposition adds the entropy −Σ p ln p of the
    spectrum p = λ/Σλ as `spectral_entropy`; its `rank`, the number of eigenvalues above the cutoff;
    and the `effective_parameters`, the sum of the soft cutoffs.
    """
    if isinstance(settings, Cutoffs):
        return Solved(*_in_eigenbasis(regression, fisher, settings))
    if settings.method == "sample_space":
        fisher = None
    largest = _largest_eigenvalue(regression, fisher)
    known = {"largest_eigenvalue": largest}
    units, shift = _damping(regression, largest, settings)
    if fisher is None:
        scaled = regression._replace(rows=regression.rows / units)
        return Solved(_in_sample_space(scaled, shift) / units, known)
    matrix = fisher / jnp.outer(units, units) + shift * jnp.eye(len(fisher))
    damped = Damped(jax.scipy.linalg.cho_factor(matrix, lower=True)[0], units, shift)
    return Solved(damped.solve(regression.force), known, damped)


def solve_near(
    regression: Regression, damped: Damped, guess: Float[Array, " P"]
) -> Float[Array, " P"]:
    """θ̇ where S has hardly changed since it was factored: without a new S, by conjugate gradients.

    The damping is that of the factor, which is the preconditioner. Where they do not converge, S is
    made and factored anew.
    """
    rows, force = regression.rows, regression.force
    damping = damped.shift * damped.units**2

    def product(velocity: Array) -> Array:
        change = rows @ velocity.astype(rows.dtype)
        return (rows.T @ change).astype(force.dtype) + damping * velocity

    force = force.astype(guess.dtype)
    found, _ = jax.scipy.sparse.linalg.cg(
        product, force, guess, tol=_NEAR, maxiter=_ITERATIONS, M=damped.solve
    )
    missed = jnp.linalg.norm(product(found) - force)
    converged = missed <= _CLOSE_ENOUGH * jnp.linalg.norm(force)

    def anew() -> Array:
        matrix = regression.fisher + jnp.diag(damping)
        return jax.scipy.linalg.solve(matrix, force, assume_a="pos").astype(found.dtype)

    return jax.lax.cond(converged, lambda: found, anew)


def _damping(
    regression: Regression, largest: Array, settings: DiagonalShift
) -> tuple[Float[Array, " P"], Float[Array, ""]]:
    """Units of θ and the shift in them; where nothing depends on θ, S is zero and so is θ̇."""
    if settings.relative_to == "variances":
        squares = jnp.sum(regression.rows**2, axis=0)
        return jnp.sqrt(jnp.where(squares > 0, squares, 1)), jnp.asarray(settings.shift)
    units = jnp.ones(regression.rows.shape[1], regression.rows.dtype)
    return units, settings.shift * jnp.where(largest > 0, largest, 1.0)


class Directions(NamedTuple):
    """Eigenvectors v_k of S, as many as there are parameters or rows, whichever are fewer.

    `changes` holds √w O v_k in its columns; `embed` maps coefficients c_k to Σ_k c_k v_k.
    """

    eigenvalues: Float[Array, " k"]
    force: Float[Array, " k"]
    changes: Float[Array, "rows k"]
    embed: Callable[[Array], Array]


def directions(regression: Regression, fisher: Float[Array, "P P"] | None) -> Directions:
    """Eigenvectors of S, or those u_k of (√w O)(√w O)ᵀ, then v_k = (√w O)ᵀ u_k/√λ_k."""
    rows = regression.rows
    if len(rows) >= rows.shape[1]:
        eigenvalues, vectors = jnp.linalg.eigh(fisher)
        force = vectors.T @ regression.force
        return Directions(eigenvalues, force, rows @ vectors, lambda c: vectors @ c)
    eigenvalues, vectors = jnp.linalg.eigh(rows @ rows.T)
    scales = jnp.sqrt(jnp.maximum(eigenvalues, 0))
    inverse = jnp.where(scales > 0, 1 / jnp.where(scales > 0, scales, 1), 0)
    force = scales * (vectors.T @ regression.target)
    changes = vectors * scales
    return Directions(eigenvalues, force, changes, lambda c: rows.T @ (vectors @ (inverse * c)))


def _in_eigenbasis(
    regression: Regression, fisher: Array | None, settings: Cutoffs
) -> tuple[Array, dict[str, Array]]:
    """θ̇ = Σ_k v_k c_k (v_k·F)/λ_k with soft cutoffs c_k in eigenvalue and signal-to-noise ratio."""
    eigenvalues, force, changes, embed = directions(regression, fisher)
    largest = eigenvalues[-1]
    keep = _cutoff(eigenvalues / largest, settings.eigenvalue_cutoff)
    if regression.counts is not None and settings.signal_to_noise_cutoff > 0:
        # Rotate first: the noise of a sum over directions is not the sum of their noises.
        products = changes * regression.target[:, None]
        counts = regression.counts
        squares = (1 / jnp.maximum(counts, 1)) @ products**2
        noise = jnp.sqrt(jnp.maximum(squares - force**2 / counts.sum(), 0))
        keep *= _cutoff(jnp.abs(force) / noise, settings.signal_to_noise_cutoff)
    positive = eigenvalues > 0
    coefficients = jnp.where(positive, keep * force / jnp.where(positive, eigenvalues, 1), 0)
    share = jnp.maximum(eigenvalues, 0)
    share /= jnp.where(largest > 0, jnp.sum(share), 1)
    summary = {
        "largest_eigenvalue": largest,
        "spectral_entropy": jnp.sum(jax.scipy.special.entr(share)),
        "rank": jnp.sum(eigenvalues > settings.eigenvalue_cutoff * largest).astype(float),
        "effective_parameters": jnp.sum(keep),
    }
    return embed(coefficients), summary


def _in_sample_space(regression: Regression, shift: Array) -> Array:
    """The same θ̇ as (√w O)ᵀ (T + μ)⁻¹ √w E with T = (√w O)(√w O)ᵀ, samples by samples."""
    rows = regression.rows
    matrix = rows @ rows.T + shift * jnp.eye(len(rows))
    return rows.T @ jax.scipy.linalg.solve(matrix, regression.target, assume_a="pos")


def _largest_eigenvalue(regression: Regression, fisher: Array | None) -> Array:
    """By power iteration from the column of S with the largest diagonal entry."""
    rows = regression.rows

    def product(vector: Array) -> Array:
        return rows.T @ (rows @ vector) if fisher is None else fisher @ vector

    def step(_: object, vector: Array) -> Array:
        image = product(vector)
        norm = jnp.linalg.norm(image)
        return image / jnp.where(norm > 0, norm, 1.0)

    if fisher is None:
        start = rows.T @ rows[:, jnp.argmax(jnp.sum(rows**2, axis=0))]
    else:
        start = fisher[jnp.argmax(jnp.diag(fisher))]
    vector = jax.lax.fori_loop(0, _POWER_ITERATIONS, step, start)
    return vector @ product(vector)


def _cutoff(ratio: Array, cutoff: float) -> Array:
    """1/(1 + (cutoff/ratio)⁶), 0 for a ratio of 0 or less, and for 0/0 (no signal, no noise)."""
    if cutoff == 0:
        return jnp.ones_like(ratio)
    safe = jnp.where(ratio > 0, ratio, 1.0)
    return jnp.where(ratio > 0, 1 / (1 + (cutoff / safe) ** _SHARPNESS), 0.0)
