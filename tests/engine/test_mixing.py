"""What is found of chains whose memory is known: f_(s+1) = ρ f_s + noise, in many chains."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from opentdvp.engine.sampling import mixing as of_chains
from opentdvp.engine.sampling.mixing import LOG_PROBABILITY

CHAINS = 20_000

WATCHED = LOG_PROBABILITY + 1

#: Compiled as a whole, as in a run.
mixing = jax.jit(of_chains.mixing)


def autoregressive(memory, sweeps, chains=CHAINS, start=0.0, seed=0):
    """Standard normal in the long run; begins `start` away from that."""
    rng = np.random.default_rng(seed)
    values = [rng.normal(size=(chains, WATCHED)) + start]
    for _ in range(sweeps):
        noise = rng.normal(size=(chains, WATCHED))
        values.append(memory * values[-1] + np.sqrt(1 - memory**2) * noise)
    return jnp.array(np.stack(values, axis=1))


@pytest.mark.parametrize(("memory", "sweeps"), [(0.3, 1), (0.8, 1), (0.8, 4), (0.95, 6)])
def test_memory_of_chains_is_found(memory, sweeps):
    """In closed form: ρⁿ, (1 + ρ)/(1 − ρ), 1/√(1 − ρ²ⁿ), all beyond what was seen."""
    found, left = mixing(autoregressive(memory, sweeps)), memory**sweeps
    # Four standard errors of a correlation of so many chains.
    error = 4 * (1 - left**2) / np.sqrt(CHAINS)
    np.testing.assert_allclose(found.left, left, atol=error)
    np.testing.assert_allclose(found.time, (1 + memory) / (1 - memory), rtol=0.05)
    # Between eight groups, and within them, the start varies a little less and more.
    excess = (found.r_hat**2 - 1) / (1 / (1 - left**2) - 1)
    np.testing.assert_allclose(excess, 1, atol=0.25)
    summary = found.diagnostics(jnp.array(1000.0))
    expected = 1000 * (1 - left) / (1 + left)
    assert float(summary["effective_samples"]) == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize(("memory", "sweeps", "start"), [(0.5, 1, 0.3), (0.8, 4, 1.0), (0.3, 2, 2)])
def test_lag_behind_a_distribution_that_moved_is_found(memory, sweeps, start):
    """What is left of the distance at the start."""
    values = autoregressive(memory, sweeps, start=start)
    found = mixing(values)
    left = memory**sweeps * start
    np.testing.assert_allclose(found.lag, -left, atol=4 * float(found.lag_error.max()))
    np.testing.assert_allclose(values[:, -1].mean(axis=0), left, atol=4 / np.sqrt(CHAINS))
    summary = found.diagnostics(jnp.array(1000.0))
    assert float(summary["lag"]) == np.abs(found.lag).max()
    # The error is that of repeats.
    repeats = [
        mixing(autoregressive(memory, sweeps, 2000, start, seed)).lag[0] for seed in range(100)
    ]
    error = float(mixing(autoregressive(memory, sweeps, 2000, start)).lag_error[0])
    # The spread of 100 values is known to 7 %.
    assert np.std(repeats) == pytest.approx(error, rel=0.25)


def test_chains_that_follow_have_no_lag():
    lags = [mixing(autoregressive(0.6, 2, 2000, seed=seed)) for seed in range(50)]
    scores = np.concatenate([found.lag / found.lag_error for found in lags])
    # χ² of 200 numbers, with a probability of 0.999.
    assert 138 < np.sum(scores**2) < 272


@pytest.mark.parametrize(
    ("memory", "sweeps", "start", "good"),
    [
        (0.0, 1, 0.0, True),
        (0.3, 1, 0.0, True),
        (0.5, 1, 0.0, False),
        (0.6, 1, 0.0, False),
        (0.6, 2, 0.0, True),
        (0.95, 6, 0.0, False),
        (0.95, 60, 0.0, True),
        (0.3, 1, 1.0, False),
        (0.3, 2, 1.0, True),
        (1.0, 1, 0.0, False),
    ],
)
def test_memory_and_lag_have_bounds(memory, sweeps, start, good):
    assert bool(mixing(autoregressive(memory, sweeps, start=start)).equilibrated) == good


@pytest.mark.parametrize("watched", range(WATCHED))
@pytest.mark.parametrize(("memory", "start"), [(0.6, 0.0), (0.3, 1.0)])
def test_one_bad_quantity_is_enough(watched, memory, start):
    values = (
        autoregressive(0.0, 1)
        .at[:, :, watched]
        .set(autoregressive(memory, 1, start=start)[:, :, watched])
    )
    found = mixing(values)
    assert not found.equilibrated
    summary = found.diagnostics(jnp.array(1000.0))
    assert float(summary["correlation_left"]) == float(found.left[watched])
    names = ("autocorrelation_magnetization", "autocorrelation_log_probability")
    times = [float(summary[name]) for name in names]
    assert times[watched == LOG_PROBABILITY] > 1.5 > times[watched != LOG_PROBABILITY]


def test_memory_that_no_correlation_shows_is_found():
    """Chains that end at the size of where they began."""
    first = np.random.default_rng(3).normal(size=(CHAINS, WATCHED))
    found = mixing(jnp.array(np.stack([first, np.abs(first)], axis=1)))
    assert float(found.left.max()) < 0.05
    assert (found.r_hat > 1.1).all()
    assert not found.equilibrated


def test_few_chains_are_not_accused_by_chance():
    for chains in (4, 16, 64):
        for seed in range(100):
            assert mixing(autoregressive(0.0, 2, chains, seed=seed)).equilibrated


@pytest.mark.parametrize("chains", [16, 40])
def test_memory_is_seen_by_chance_as_often_as_said(monkeypatch, chains):
    """Chains that have forgotten everything: B/W follows an F distribution."""
    monkeypatch.setattr(of_chains, "_CHANCE", 0.05)
    values = jax.random.normal(jax.random.key(1), (2000, chains, 2, WATCHED))
    found = jax.jit(lambda repeats: jax.lax.map(of_chains.mixing, repeats).r_hat)(values)
    bound = of_chains.mixing(values[0]).r_hat_by_chance
    # A share of 8000 numbers: four standard deviations.
    share, error = float((found > bound).mean()), (0.05 * 0.95 / found.size) ** 0.5
    assert share == pytest.approx(0.05, abs=4 * error)


def test_what_is_equal_in_all_chains_is_not_remembered():
    values = autoregressive(0.0, 2).at[:, :, LOG_PROBABILITY].set(3.7)
    found = mixing(values)
    assert found.equilibrated
    summary = found.diagnostics(jnp.array(1000.0))
    assert all(np.isfinite(float(value)) for value in summary.values())
    assert float(found.left[LOG_PROBABILITY]) == 0
