"""Markov chains: what they sample, what connects their draws, and what follows for errors."""

from dataclasses import replace
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from chained import SYSTEMS, drawing, ising, outcomes_of, probabilities, sampled, samples_of
from scipy import stats
from solvers import chains


def p_value(parts, chains, weights):
    """χ² of all outcomes of all sites."""
    numbers = np.asarray(chains, dtype=int) @ 4 ** np.arange(parts.model.n_sites)[::-1]
    counts = np.bincount(numbers, minlength=len(weights))
    return stats.chisquare(counts, len(chains) * weights).pvalue


@pytest.fixture(scope="module", params=SYSTEMS)
def slow(request):
    """40 000 chains that are not far from where they were after one sweep."""
    parts = sampled(SYSTEMS[request.param], chains(solve=30_000, held_out=10_000, sweeps=1))
    turns = len(np.unique(parts.problem.ansatz.symmetries.shifts))
    assert turns == (1 if request.param == "no half turn" else 2)
    theta = ising(parts, "Z", 0.8)
    weights, draw = probabilities(parts, theta), drawing(parts, theta)
    return SimpleNamespace(parts=parts, weights=weights, draw=draw)


def test_sweeps_leave_the_distribution_as_it_is(slow):
    """Fixed seed: correct sweeps fail this with a probability of 0.001."""
    start = samples_of(slow.weights, slow.parts, 40_000, seed=3)
    assert p_value(slow.parts, start["chains"], slow.weights) > 1e-3
    moved, ensemble = slow.draw(start)
    assert (np.asarray(moved["chains"]) != np.asarray(start["chains"])).any(axis=1).mean() > 0.5
    assert p_value(slow.parts, moved["chains"], slow.weights) > 1e-3
    np.testing.assert_array_equal(ensemble.outcomes, moved["chains"][:30_000])


def test_chains_reach_the_distribution_from_another_one(slow):
    """From the product start state: too far for one sweep, not for many."""
    state = slow.parts.problem.sampler.init(jax.random.key(2))
    start = probabilities(slow.parts, slow.parts.theta)
    assert p_value(slow.parts, state["chains"], start) > 1e-3
    values = []
    for seed in range(30):
        state, ensemble = slow.draw(state, seed)
        values.append(p_value(slow.parts, state["chains"], slow.weights))
        if seed == 0:
            assert not ensemble.equilibrated
    assert values[0] < 1e-6
    assert values[-1] > 1e-3


def sweep_matrix(weights, sites):
    """Probabilities of all outcomes after a heat-bath sweep from each: a site after the other."""
    kernel = np.eye(len(weights))
    for site in range(sites):
        parts = weights.reshape(4**site, 4, -1)
        given = parts / parts.sum(axis=1, keepdims=True)
        before = kernel.reshape(len(weights), *parts.shape).sum(axis=2, keepdims=True)
        kernel = (before * given).reshape(len(weights), -1)
    return kernel


@pytest.mark.parametrize(("sweeps", "good"), [(1, False), (25, True)])
def test_memory_of_chains_is_that_of_the_matrix_of_a_sweep(sweeps, good):
    """Of chains that began right; few sweeps are not enough even for them."""
    parts = sampled(SYSTEMS["no half turn"], chains(3000, 1000, sweeps=sweeps))
    theta = ising(parts, "Z", 0.8)
    weights, kernel = probabilities(parts, theta), np.eye(256)
    step = sweep_matrix(weights, 4)
    np.testing.assert_allclose(weights @ step, weights, atol=1e-15)
    z = parts.povm.weights("Z")[np.asarray(outcomes_of(parts))].mean(axis=1)
    z -= weights @ z
    memory = []
    for _ in range(500):
        kernel = kernel @ step
        memory.append((weights * z) @ kernel @ z / (weights @ z**2))
    _, ensemble = drawing(parts, theta)(samples_of(weights, parts, 4000, seed=3))
    found = {name: float(value) for name, value in ensemble.diagnostics.items()}
    left = memory[sweeps - 1]
    assert found["correlation_left"] == pytest.approx(left, abs=4 * (1 - left**2) / 4000**0.5)
    # One sweep does not tell the slowest memory from the others.
    time = 1 + 2 * sum(memory)
    assert found["autocorrelation_magnetization"] == pytest.approx(time, rel=0.25)
    assert found["lag"] < 5 * found["lag_error"]
    assert (found["nested_r_hat"] > 1.1) == (not good)
    assert bool(ensemble.equilibrated) == good


def test_acceptance_is_the_share_of_sites_that_change():
    """Of the product state: each site is drawn anew, so 1 − Σ p² of them."""
    parts = sampled(SYSTEMS["no half turn"], chains(3000, 1000, sweeps=3))
    _, ensemble = drawing(parts, parts.theta)(parts.problem.sampler.init(jax.random.key(2)))
    single = (1 + parts.povm.directions @ parts.model.bloch[0]) / 4
    error = 0.5 / np.sqrt(4000 * 4 * 3)
    expected = 1 - np.sum(single**2)
    assert float(ensemble.diagnostics["acceptance"]) == pytest.approx(expected, abs=4 * error)
    left, effective = (
        float(ensemble.diagnostics[name]) for name in ("correlation_left", "effective_samples")
    )
    assert effective == pytest.approx(3000 * (1 - left) / (1 + left))


def test_half_turns_take_chains_where_sweeps_do_not():
    """All begin with X up; as much of the distribution has X down, far away for sweeps.

    Chains that know nothing of the other half cannot tell that they have not seen it.
    """
    parts = sampled(SYSTEMS["half turn"], chains(3000, 1000, sweeps=1))
    theta = ising(parts, "X", 1.5)
    x = parts.povm.weights("X")[np.asarray(outcomes_of(parts))].mean(axis=1)
    weights = probabilities(parts, theta)
    assert abs(weights @ x) < 1e-12
    start = samples_of(weights * (x > 0), parts, 4000, seed=4)
    still = parts.problem.ansatz.symmetries._replace(shifts=np.zeros(1, dtype=int))
    for symmetries, reached in ((parts.problem.ansatz.symmetries, True), (still, False)):
        ansatz = replace(parts.problem.ansatz, symmetries=symmetries)
        sampler = replace(parts.problem.sampler, ansatz=ansatz)
        changed = parts._replace(problem=parts.problem._replace(sampler=sampler))
        _, ensemble = drawing(changed, theta)(start)
        mean = x[np.asarray(ensemble.outcomes) @ [64, 16, 4, 1]].mean()
        assert (abs(mean) < 4 * x.std() / np.sqrt(3000)) == reached


def test_half_turns_leave_the_distribution_as_it_is():
    """Neighbours that agree in X still do after a turn of all spins and a sweep."""
    parts = sampled(SYSTEMS["half turn"], chains(3000, 1000, sweeps=1))
    theta = ising(parts, "X", 1.5)
    x = parts.povm.weights("X")[np.asarray(outcomes_of(parts))]
    together, weights = (x * np.roll(x, -1, axis=1)).mean(axis=1), probabilities(parts, theta)
    expected = weights @ together
    error = np.sqrt(weights @ (together - expected) ** 2 / 3000)
    _, ensemble = drawing(parts, theta)(samples_of(weights, parts, 4000, seed=4))
    found = together[np.asarray(ensemble.outcomes) @ [64, 16, 4, 1]].mean()
    assert found == pytest.approx(expected, abs=4 * error)
    assert expected > 20 * error
