"""Samples moved to neighbours: what they are drawn from, and what their weights make of them."""

from dataclasses import replace
from functools import partial
from itertools import product
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from chained import SYSTEMS, ising, outcomes_of, probabilities, sampled, samples_of
from scipy import stats
from solvers import chains
from systems import heisenberg_ring

from opentdvp.engine.povm.generator import apply_generator
from opentdvp.engine.sampling.ensemble import Purpose

SHARE = 0.3

#: Such whose outcomes change on three sites as well.
CASES = SYSTEMS | {"three sites": heisenberg_ring(4, couplings={"ZZ": 1.0, "XZX": 0.5})}


def neighbour_matrix(parts):
    """Probability of every outcome after a move from each, and the same twice must agree."""
    outcomes, sites = np.asarray(outcomes_of(parts)), parts.model.n_sites
    places = 4 ** np.arange(sites)[::-1]
    matrix = np.zeros((len(outcomes),) * 2)
    for groups in parts.generator.groups:
        for sites, shift in product(groups.sites, groups.shifts):
            moved = outcomes.copy()
            moved[:, sites] ^= shift
            matrix[moved @ places, outcomes @ places] += 1
    return matrix / matrix.sum(axis=0)


@pytest.fixture(scope="module", params=CASES)
def case(request):
    """Chains that begin as samples of P, and the mixture that their samples must come from."""
    settings = chains(solve=30_000, held_out=10_000, sweeps=1, moved=SHARE)
    parts = sampled(CASES[request.param], settings)
    theta = ising(parts, "Z", -0.6)
    weights = probabilities(parts, theta)
    mixture = (1 - SHARE) * weights + SHARE * neighbour_matrix(parts) @ weights
    return SimpleNamespace(parts=parts, theta=theta, weights=weights, mixture=mixture)


def draw_for(purpose, case):
    start = samples_of(case.weights, case.parts, 40_000, seed=3)
    draw = jax.jit(partial(case.parts.problem.sampler.draw, purpose))
    return draw(case.theta, start, jax.random.key(5))


@pytest.fixture(scope="module")
def drawn(case):
    return draw_for(Purpose.SOLVE, case)


@pytest.fixture(scope="module", params=[Purpose.SOLVE, Purpose.HELD_OUT])
def ensemble(case, drawn, request):
    return (drawn if request.param is Purpose.SOLVE else draw_for(request.param, case))[1]


def numbers_of(ensemble):
    outcomes = np.asarray(ensemble.outcomes, dtype=int)
    return outcomes @ 4 ** np.arange(outcomes.shape[1])[::-1]


def test_mean_ratio_is_that_of_all_neighbours(case):
    sampler, outcomes = case.parts.problem.sampler, outcomes_of(case.parts)
    parameters = case.parts.problem.parameters(case.theta)
    found = sampler.neighbours.log_mean_ratio(parameters, outcomes.T)
    expected = np.log(neighbour_matrix(case.parts).T @ case.weights / case.weights)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_samples_come_from_the_mixture(case, ensemble):
    """χ² of all outcomes; a correct draw fails this with a probability of 0.001."""
    counts = np.bincount(numbers_of(ensemble), minlength=len(case.mixture))
    assert stats.chisquare(counts, counts.sum() * case.mixture).pvalue > 1e-3
    assert stats.chisquare(counts, counts.sum() * case.weights).pvalue < 1e-6


def test_weights_undo_it(case, ensemble):
    numbers = numbers_of(ensemble)
    expected = case.weights[numbers] / case.mixture[numbers]
    np.testing.assert_allclose(ensemble.weights, expected / expected.sum(), rtol=1e-5)
    assert expected.max() <= 1 / (1 - SHARE)


def test_weights_elsewhere_are_those_of_other_parameters(case, ensemble):
    other = ising(case.parts, "X", 0.2)
    moved = case.parts.problem.sampler.reweighted(ensemble, other)
    numbers = numbers_of(ensemble)
    expected = probabilities(case.parts, other)[numbers] / case.mixture[numbers]
    np.testing.assert_allclose(moved.weights, expected / expected.sum(), rtol=1e-4)


def test_estimates_of_rare_outcomes_are_tamed(case):
    """<E²> is a sum over outcomes: (LP)²/P without moves, (LP)²/q with them."""
    flow = apply_generator(case.parts.generator, case.weights.reshape((4,) * 4)).ravel()
    plain, tamed = flow / case.weights, flow / case.mixture
    every = case.parts.generator.groups
    neighbours = sum(len(groups.sites) * len(groups.shifts) for groups in every)
    largest = max(np.abs(groups.rates).max() for groups in every) * neighbours / SHARE
    on_diagonal = sum(np.abs(groups.diagonal).max() * len(groups.sites) for groups in every)
    assert np.abs(tamed).max() <= largest + on_diagonal / (1 - SHARE)
    assert np.abs(tamed).max() < np.abs(plain).max()


def test_chains_themselves_are_not_moved(case, drawn):
    """The state that the next draw goes on from is the same with and without."""
    plain = replace(case.parts.problem.sampler, neighbours=None)
    draw = jax.jit(partial(plain.draw, Purpose.SOLVE))
    start = samples_of(case.weights, case.parts, 40_000, seed=3)
    state, ensemble = draw(case.theta, start, jax.random.key(5))
    np.testing.assert_array_equal(drawn[0]["chains"], state["chains"])
    np.testing.assert_array_equal(ensemble.outcomes, state["chains"][:30_000])


def test_fewer_samples_count_than_are_drawn(drawn):
    ensemble = drawn[1]
    left, count = ensemble.diagnostics["correlation_left"], 1 / jnp.sum(ensemble.weights**2)
    expected = (1 - left) / (1 + left) * count
    assert float(ensemble.diagnostics["effective_samples"]) == pytest.approx(float(expected))
    assert float(count) < 0.999 * len(ensemble.weights)
