import jax
import numpy as np
import pytest
from scipy import stats
from scipy.stats import qmc
from solvers import direct, symmetries_of, tdvp
from systems import heisenberg_ring

from opentdvp.engine.ansatz.orbit_classes import all_classes
from opentdvp.engine.assembly import check
from opentdvp.engine.sampling.direct import sobol_uniforms
from opentdvp.engine.sampling.ensemble import Purpose
from opentdvp.errors import ConfigError


def draw(case, seed, count):
    """Independent samples of the mixture."""
    uniforms = jax.random.uniform(jax.random.key(seed), (count, case.model.n_sites + 1))
    return case.ansatz.sample(case.parameters, uniforms)


def ensemble_of(case, solver, purpose, seed):
    """What the sampler of a solver draws at the parameters of a case."""
    sampler = case.problem(solver).sampler
    return sampler.draw(purpose, case.theta, {}, jax.random.key(seed))[1]


def by_class(case, outcomes, counts, distribution):
    """Counts of three sites' outcomes that are equal up to the orbit, and their probabilities."""
    class_of = all_classes(case.ansatz.symmetries).of_outcome
    observed = np.bincount(class_of[np.asarray(outcomes) @ [16, 4, 1]], np.asarray(counts))
    return observed, np.bincount(class_of, distribution.ravel())


@pytest.mark.parametrize("orbit", ["none", "all"])
def test_samples_follow_the_distribution(setting, orbit):
    case = setting(heisenberg_ring(3), tdvp(orbit=orbit))
    count = 40_000
    ensemble = ensemble_of(case, tdvp(sampling=direct(solve=count)), Purpose.SOLVE, 5)
    assert float(ensemble.weights.sum()) == pytest.approx(1)
    assert int(ensemble.outcomes.min()) == 0
    assert int(ensemble.outcomes.max()) == 3
    observed, exact = by_class(case, ensemble.outcomes, ensemble.counts, case.distribution)
    # Fixed seed: a correct sampler fails this with a probability of 0.001.
    assert stats.chisquare(observed, count * exact).pvalue > 1e-3


@pytest.mark.parametrize("orbit", ["all", "space_group", "full"])
def test_every_element_of_the_orbit_moves_samples(setting, orbit):
    """Outcome by outcome, not only up to the orbit: the network alone is not symmetric."""
    case = setting(heisenberg_ring(3, start={"Z": 1}), tdvp(orbit=orbit))
    count = 40_000
    observed = np.bincount(np.asarray(draw(case, 6, count)) @ [16, 4, 1], minlength=64)
    assert stats.chisquare(observed, count * case.distribution.ravel()).pvalue > 1e-3
    bare = case.ansatz._replace(symmetries=symmetries_of(heisenberg_ring(3), "none"))
    unmoved = np.bincount(
        np.asarray(draw(case._replace(ansatz=bare), 6, count)) @ [16, 4, 1], minlength=64
    )
    assert stats.chisquare(unmoved, count * case.distribution.ravel()).pvalue < 1e-6


def test_wrong_distribution_would_be_noticed(setting):
    case = setting(heisenberg_ring(3), tdvp(orbit="none"))
    other = setting(heisenberg_ring(3), tdvp(orbit="none"), scale=0.45)
    observed = np.bincount(
        np.asarray(draw(case, 5, 40_000)) @ [16, 4, 1],
        minlength=64,
    )
    assert stats.chisquare(observed, 40_000 * other.distribution.ravel()).pvalue < 1e-6


def test_ensembles_depend_on_their_key_only(setting):
    case = setting(heisenberg_ring(3), tdvp())
    first, again, other = (draw(case, seed, 50) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (np.asarray(first) != np.asarray(other)).any()


def test_samples_drawn_in_parts_are_those_drawn_at_once(setting):
    """More than two parts, the last of them not full."""
    case = setting(heisenberg_ring(3), tdvp())
    solver = tdvp(sampling=direct(observables=2500))
    ensemble = ensemble_of(case, solver, Purpose.OBSERVABLES, 4)
    np.testing.assert_array_equal(ensemble.outcomes, draw(case, 4, 2500))
    np.testing.assert_allclose(ensemble.weights, 1 / 2500)


def test_a_step_is_watched_with_no_more_samples_than_its_solve(setting):
    case = setting(heisenberg_ring(3), tdvp())
    few, many = direct(solve=8, observables=100), direct(solve=128, observables=100)
    for sampling, count in ((few, 8), (many, 100)):
        ensemble = ensemble_of(case, tdvp(sampling=sampling), Purpose.MONITOR, 0)
        assert len(ensemble.outcomes) == count


def test_enumeration_has_all_the_probability(setting):
    case = setting(heisenberg_ring(4), tdvp())
    for purpose in Purpose:
        ensemble = ensemble_of(case, tdvp(), purpose, 0)
        assert float(ensemble.weights.sum()) == pytest.approx(1, abs=1e-12)
        assert ensemble.counts is None


def test_enumeration_of_a_large_system_is_refused():
    with pytest.raises(ConfigError, match="must be direct for more than 9 sites"):
        check(heisenberg_ring(10), tdvp())


def test_sobol_numbers_are_a_sequence_shifted_bitwise():
    """What the shift leaves: each of 64 intervals has one of 64 points, and bits that differ."""
    count, dimensions, bits = 64, 3, 30
    numbers, other, again = (
        np.asarray(sobol_uniforms(jax.random.key(seed), (count, dimensions))) for seed in (1, 2, 1)
    )
    np.testing.assert_array_equal(again, numbers)
    assert (np.floor(64 * other[0]) != np.floor(64 * numbers[0])).any()
    for column in (*numbers.T, *other.T):
        assert sorted(np.floor(count * column)) == list(range(count))
    words = np.floor(numbers * 2**bits).astype(int)
    sequence = (qmc.Sobol(dimensions, scramble=False).random(count) * 2**bits).astype(int)
    np.testing.assert_array_equal(words ^ words[0], sequence ^ sequence[0])
    assert len(np.unique(numbers * 2**bits % 1)) == count * dimensions


def test_sobol_averages_are_unbiased_and_less_noisy(setting):
    """Twenty shifts of the sequence: the mean of <Ω_i Ω_j> is right, its spread far smaller."""
    case = setting(heisenberg_ring(4), tdvp())
    weights = case.povm.weights("X")
    exact = np.einsum("abcd,a,b->", case.distribution, weights, weights)
    sample = jax.jit(case.ansatz.sample)
    spreads = []
    for uniforms in (jax.random.uniform, sobol_uniforms):
        estimates = []
        for seed in range(20):
            outcomes = sample(case.parameters, uniforms(jax.random.key(seed), (512, 5)))
            values = weights[np.asarray(outcomes)]
            estimates.append(np.mean(values * np.roll(values, -1, axis=1)))
        # A correct sampler misses by four standard errors with a probability below 1e-3.
        assert abs(np.mean(estimates) - exact) < 4 * np.std(estimates, ddof=1) / np.sqrt(20)
        spreads.append(np.std(estimates, ddof=1))
    assert spreads[1] < 0.6 * spreads[0]


def test_reweighted_samples_follow_the_other_distribution(setting):
    """Samples drawn at one θ, weighted for another: the mean of E at the other vanishes."""
    case = setting(heisenberg_ring(3), tdvp(width=3))
    other = case.theta + 0.05 * jax.random.normal(jax.random.key(1), case.theta.shape)
    solver = tdvp(sampling=direct(solve=40_000), samples="fixed")
    drawn = ensemble_of(case, solver, Purpose.SOLVE, 2)
    ensemble = case.problem(solver).sampler.reweighted(drawn, other)
    there = np.exp(case.ansatz.log_probability(case.ansatz.unravel(other), case.outcomes))
    observed, exact = by_class(case, ensemble.outcomes, ensemble.weights, there)
    error = np.abs(observed - exact).max()
    assert error < 4 * np.sqrt(exact.max() / 40_000)
    _, here = by_class(case, ensemble.outcomes, ensemble.weights, case.distribution)
    assert np.abs(here - exact).max() > 3 * error
