import jax
import numpy as np
import pytest
from scipy import stats
from solvers import ENUMERATION, direct, tdvp
from systems import heisenberg_ring

from opentdvp.config import DirectSampling, Enumeration
from opentdvp.engine.sampler import build_sampler
from opentdvp.errors import ConfigError


@pytest.mark.parametrize("orbit", ["none", "all"])
def test_samples_follow_the_distribution(setting, orbit):
    case = setting(heisenberg_ring(3), tdvp(orbit=orbit))
    count = 40_000
    settings = DirectSampling.model_validate(direct(solve=count))
    sampler = build_sampler(settings, np.asarray(case.ansatz.permutations))
    ensemble = sampler.solve(case.ansatz, case.theta, jax.random.key(5))
    assert float(ensemble.weights.sum()) == pytest.approx(1)
    assert int(ensemble.outcomes.min()) == 0
    assert int(ensemble.outcomes.max()) == 3
    observed = np.bincount(np.asarray(ensemble.outcomes) @ [16, 4, 1], minlength=64)
    # Fixed seed: a correct sampler fails this with a probability of 0.001.
    assert stats.chisquare(observed, count * case.distribution.ravel()).pvalue > 1e-3


def test_wrong_distribution_would_be_noticed(setting):
    case = setting(heisenberg_ring(3), tdvp(orbit="none"))
    other = setting(heisenberg_ring(3), tdvp(orbit="none"), scale=0.45)
    observed = np.bincount(
        np.asarray(case.ansatz.sample(case.theta, jax.random.key(5), 40_000)) @ [16, 4, 1],
        minlength=64,
    )
    assert stats.chisquare(observed, 40_000 * other.distribution.ravel()).pvalue < 1e-6


def test_ensembles_depend_on_their_key_only(setting):
    case = setting(heisenberg_ring(3), tdvp())
    first, again, other = (
        case.ansatz.sample(case.theta, jax.random.key(seed), 50) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (np.asarray(first) != np.asarray(other)).any()


def test_enumeration_has_all_the_probability(setting):
    case = setting(heisenberg_ring(4), tdvp())
    sampler = build_sampler(
        Enumeration.model_validate(ENUMERATION), np.asarray(case.ansatz.permutations)
    )
    key = jax.random.key(0)
    for ensemble in (
        sampler.solve(case.ansatz, case.theta, key),
        sampler.held_out(case.ansatz, case.theta, key),
        sampler.observables(case.ansatz, case.theta, key),
    ):
        assert float(ensemble.weights.sum()) == pytest.approx(1, abs=1e-12)
        assert not ensemble.is_sampled


def test_enumeration_of_a_large_system_is_refused():
    with pytest.raises(ConfigError, match="must be direct for more than 8 sites"):
        build_sampler(Enumeration.model_validate(ENUMERATION), np.arange(9)[None])
