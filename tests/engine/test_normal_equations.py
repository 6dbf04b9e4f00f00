"""Regressions with known solutions: what the cutoffs keep, and where the three ways agree."""

import jax.numpy as jnp
import numpy as np
import pytest

from opentdvp.config.solver import Cutoffs, DiagonalShift
from opentdvp.engine.principle import normal_equations
from opentdvp.engine.principle.normal_equations import Regression, solve, solve_near

WAYS = ["eigenvalues", "cholesky", "sample_space"]


def settings(method, scale, signal_to_noise=0.0):
    """One of the three ways, with its cutoff or shift."""
    if method == "eigenvalues":
        cutoffs = {"eigenvalue_cutoff": scale, "signal_to_noise_cutoff": signal_to_noise}
        return Cutoffs(method=method, **cutoffs)
    return DiagonalShift(method=method, shift=scale)


def regression(samples, parameters, weighted, seed=1):
    """Random log-derivatives and estimates with equal or unequal weights, centred."""
    rng = np.random.default_rng(seed)
    weights = rng.exponential(size=samples) if weighted else np.ones(samples)
    weights /= weights.sum()
    columns = rng.normal(size=(samples, parameters + 1))
    rows = np.sqrt(weights)[:, None] * (columns - weights @ columns)
    return make(rows[:, :-1], rows[:, -1])


def make(rows, target, counts=None):
    counts = np.ones(len(rows)) if counts is None else counts
    return Regression(jnp.array(rows), jnp.array(target), jnp.array(counts, dtype=int))


def solved(case, method, *arguments):
    fisher = None if method == "sample_space" else case.fisher
    velocity, summary, _ = solve(case, fisher, settings(method, *arguments))
    return np.asarray(velocity), {name: float(value) for name, value in summary.items()}


@pytest.mark.parametrize("count", [1024, 2500])
def test_fisher_matrix_of_rows_in_single_precision_is_summed_in_double(count):
    """Exactly: ones and a few twos are single numbers, 2⁻²⁶ besides their sum is none."""
    rows = np.ones((count, 3), dtype=np.float32)
    rows[:, 1] = np.arange(count) % 3
    rows[-1, 2], rows[: count - 1, 2] = 2.0**13, 2.0**-13
    fisher = make(rows, np.zeros(count)).fisher
    assert fisher.dtype == jnp.float64
    wide = rows.astype(float)
    np.testing.assert_allclose(fisher[:2, :2], (wide.T @ wide)[:2, :2], rtol=0)
    # A block of 1024 rows may lose it; blocks without the large row do not.
    kept = (count - 1) // 1024 * 1024
    assert float(fisher[2, 2]) - 2.0**26 >= kept * 2.0**-26


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("method", "size", "factor"),
    [("eigenvalues", 1e-1, 1e6), ("cholesky", 1e-2, 10), ("sample_space", 1e-2, 10)],
)
def test_weak_regularization_is_least_squares(method, size, factor, weighted):
    """Ten times smaller, shifts change θ̇ ten times less, soft cutoffs 10⁶ times."""
    case = regression(60, 6, weighted)
    expected, *_ = np.linalg.lstsq(case.rows, case.target)
    errors = [
        np.linalg.norm(solved(case, method, scale)[0] - expected) / np.linalg.norm(expected)
        for scale in (size, size / 10, 1e-7)
    ]
    assert errors[0] / errors[1] == pytest.approx(factor, rel=0.1)
    assert errors[2] < 1e-6
    residual = np.sum((case.rows @ expected - case.target) ** 2) / np.sum(case.target**2)
    assert float(case.residual(jnp.array(expected))) == pytest.approx(residual)


@pytest.mark.parametrize("shift", [1e-1, 1e-3, 1e-6])
@pytest.mark.parametrize(("samples", "parameters"), [(60, 6), (20, 50)])
@pytest.mark.parametrize("weighted", [False, True])
def test_parameters_and_samples_are_two_ways_to_one_solution(samples, parameters, weighted, shift):
    case = regression(samples, parameters, weighted)
    (first, known), (second, _) = (solved(case, way, shift) for way in WAYS[1:])
    np.testing.assert_allclose(second, first, atol=1e-8 * np.linalg.norm(first))
    largest = np.linalg.eigvalsh(case.fisher)[-1]
    # By power iteration, so from below.
    assert 0.9 * largest < known["largest_eigenvalue"] <= largest * (1 + 1e-12)
    exact = np.linalg.solve(
        case.fisher + shift * known["largest_eigenvalue"] * np.eye(parameters), case.force
    )
    np.testing.assert_allclose(first, exact, atol=1e-8 * np.linalg.norm(exact))


@pytest.mark.parametrize("method", WAYS[1:])
@pytest.mark.parametrize(("samples", "parameters"), [(60, 6), (20, 50)])
def test_damping_relative_to_variances_does_not_depend_on_the_units(method, samples, parameters):
    """(S + μ diag S)⁻¹ F; parameters in other units, one of which nothing depends on."""
    case = regression(samples, parameters, weighted=True)
    units = 10.0 ** np.linspace(-3, 3, parameters)
    damping = DiagonalShift(method=method, shift=0.1, relative_to="variances")
    diagonal = np.diag(np.diag(case.fisher))
    expected = np.linalg.solve(case.fisher + 0.1 * diagonal, case.force) / units
    rows = np.append(case.rows * units, np.zeros((samples, 1)), axis=1)
    other = make(rows, case.target)
    found, known, _ = solve(other, None if method == "sample_space" else other.fisher, damping)
    np.testing.assert_allclose(found[:-1], expected, rtol=1e-8, atol=1e-10 * abs(expected).max())
    assert found[-1] == 0
    largest = np.linalg.eigvalsh(other.fisher)[-1]
    assert 0.9 * largest < known["largest_eigenvalue"] <= largest * (1 + 1e-12)


@pytest.mark.parametrize("relative_to", [None, "variances"])
@pytest.mark.parametrize("single", [False, True])
def test_solution_near_a_factored_one_is_that_of_the_new_matrix(relative_to, single, monkeypatch):
    """Weights that have changed by a tenth; without falling back on a new factor."""
    case = regression(400, 30, weighted=True)
    damping = DiagonalShift(method="cholesky", shift=1e-4, relative_to=relative_to)
    velocity, _, damped = solve(case, case.fisher, damping)
    factors = np.exp(0.1 * np.random.default_rng(5).normal(size=400))
    dtype = np.float32 if single else float
    moved = make((factors[:, None] * case.rows).astype(dtype), factors * case.target)
    diagonal = damped.shift * np.asarray(damped.units) ** 2
    exact = np.linalg.solve(
        moved.rows.T.astype(float) @ moved.rows + np.diag(diagonal), moved.force
    )
    monkeypatch.setattr(normal_equations.jax.scipy.linalg, "solve", lambda m, f, **_: jnp.nan * f)
    found = solve_near(moved, damped, velocity)
    assert np.abs(found - exact).max() < 1e-3 * np.abs(exact).max()
    assert np.abs(velocity - exact).max() > 1e-2 * np.abs(exact).max()


def test_solution_far_from_a_factored_one_is_found_anew():
    """Where the preconditioner is of another problem, so that too few iterations converge."""
    case, other = regression(4000, 300, weighted=True), regression(4000, 300, False, seed=2)
    other = other._replace(rows=other.rows * 10.0 ** np.linspace(-4, 4, 300))
    velocity, _, damped = solve(case, case.fisher, settings("cholesky", 1e-12))
    found = solve_near(other, damped, velocity)
    diagonal = damped.shift * np.eye(300)
    exact = np.linalg.solve(np.asarray(other.fisher) + diagonal, other.force)
    np.testing.assert_allclose(found, exact, rtol=1e-6, atol=1e-8 * np.abs(exact).max())


def test_soft_cutoff_multiplies_every_direction_by_its_factor():
    """Eigenvalues 4·(1, 0.1, 0.01, 0.001) and a cutoff of 0.02."""
    rng = np.random.default_rng(2)
    left, right = (np.linalg.qr(rng.normal(size=(size, 4)))[0] for size in (30, 4))
    ratios = np.array([1, 1e-1, 1e-2, 1e-3])
    exact = np.array([1.0, -2.0, 3.0, -4.0])
    rows = left * np.sqrt(4 * ratios) @ right.T
    velocity, summary = solved(make(rows, rows @ right @ exact), "eigenvalues", 0.02)
    factors = 1 / (1 + (0.02 / ratios) ** 6)
    np.testing.assert_allclose(right.T @ velocity, factors * exact, atol=1e-9)
    assert summary["largest_eigenvalue"] == pytest.approx(4)
    assert summary["effective_parameters"] == pytest.approx(factors.sum())
    assert summary["rank"] == 2
    shares = ratios / ratios.sum()
    assert summary["spectral_entropy"] == pytest.approx(-shares @ np.log(shares))


@pytest.mark.parametrize("signal_to_noise", [0.0, 0.7])
def test_fewer_samples_than_parameters_change_only_where_the_spectrum_is_found(signal_to_noise):
    """Samples that are counted as zero times add rows, so S is diagonalised instead."""
    case = regression(20, 50, weighted=True)
    none = make(
        jnp.pad(case.rows, [(0, 60), (0, 0)]),
        jnp.pad(case.target, (0, 60)),
        np.pad(case.counts, (0, 60)),
    )
    cutoffs = ("eigenvalues", 0.2, signal_to_noise)
    (few, known), (many, expected) = (solved(c, *cutoffs) for c in (case, none))
    np.testing.assert_allclose(few, many, rtol=1e-8, atol=1e-10)
    assert known == pytest.approx(expected)
    assert 2 < known["effective_parameters"] < 18


@pytest.mark.parametrize("weighted", [False, True])
def test_signal_to_noise_cutoff_tells_signal_from_noise(weighted):
    """Two directions: E follows the first at 20 standard errors, the second not at all."""
    rng = np.random.default_rng(4)
    weights = rng.uniform(0.5, 1.5, size=2000) if weighted else np.ones(2000)
    weights /= weights.sum()
    directions = np.linalg.qr(np.sqrt(weights)[:, None] * rng.normal(size=(2000, 2)))[0]
    noise = np.sqrt(weights) * rng.normal(size=2000)
    rows = directions * [1.0, 2.0]
    target = 0.5 * directions[:, 0] + noise
    expected, *_ = np.linalg.lstsq(rows, target)
    case = make(rows, target)
    velocity, summary = solved(case, "eigenvalues", 0.0, 5.0)
    assert velocity[0] == pytest.approx(expected[0], rel=1e-2)
    assert 0 < abs(velocity[1]) < 1e-2 * abs(expected[1])
    assert summary["effective_parameters"] == pytest.approx(1, abs=1e-2)
    exact, _ = solved(case._replace(counts=None), "eigenvalues", 0.0, 5.0)
    np.testing.assert_allclose(exact, expected, rtol=1e-9)


@pytest.mark.parametrize("method", WAYS)
@pytest.mark.parametrize("scale", [1e-8, 1e-2])
@pytest.mark.parametrize("samples", [3, 9])
def test_nothing_follows_from_a_zero_matrix(method, scale, samples):
    velocity, summary = solved(make(np.zeros((samples, 4)), np.ones(samples)), method, scale)
    np.testing.assert_array_equal(velocity, 0)
    assert summary["largest_eigenvalue"] == 0
    assert all(np.isfinite(value) for value in summary.values())


def test_a_row_may_stand_for_several_samples():
    """Signal, noise and solution are those of the rows repeated."""
    rng = np.random.default_rng(5)
    counts = rng.integers(0, 5, size=80)
    rows = rng.normal(size=(80, 6))
    target = rows @ rng.normal(size=6) * 0.1 + rng.normal(size=80)
    root = np.sqrt(counts / counts.sum())
    merged = make(root[:, None] * rows, root * target, counts)
    once = np.repeat(np.arange(80), counts)
    repeated = make(rows[once] / np.sqrt(len(once)), target[once] / np.sqrt(len(once)))
    (first, known), (second, _) = (solved(c, "eigenvalues", 0.0, 2.0) for c in (merged, repeated))
    np.testing.assert_allclose(first, second, rtol=1e-9)
    assert 0 < known["effective_parameters"] < 6


@pytest.mark.parametrize("spread", [0.02, 0.5])
def test_signal_to_noise_is_the_mean_over_its_standard_error(spread):
    """Products O E of one direction: m ± s from n samples have the signal-to-noise m √n/s.

    A second moment in the place of the variance would bound it by √n.
    """
    samples, cutoff = 64, 40.0
    rng = np.random.default_rng(3)
    column = rng.choice([-1.0, 1.0], size=samples)
    column[: samples // 2] = -column[samples // 2 :]  # its mean is zero
    products = 1 + spread * rng.choice([-1.0, 1.0], size=samples)
    estimates = products * column
    root = np.sqrt(1 / samples)
    case = make(root * column[:, None], root * estimates)
    ratio = products.mean() * np.sqrt(samples) / products.std()
    assert (ratio > cutoff) == (spread == 0.02)
    _, summary = solved(case, "eigenvalues", 0.0, cutoff)
    expected = 1 / (1 + (cutoff / ratio) ** 6)
    assert summary["effective_parameters"] == pytest.approx(expected, rel=1e-6)
