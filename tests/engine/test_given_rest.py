"""Observables from means of a site given all others: the same mean, with less noise."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from chained import outcomes_of, probabilities, samples_of
from solvers import convolution, jastrow, tdvp
from systems import heisenberg_ring

from opentdvp.config import Observables
from opentdvp.engine.assembly import assemble
from opentdvp.engine.measuring.given_rest import given_rest
from opentdvp.engine.measuring.observables import measure
from opentdvp.engine.sampling.ensemble import Ensemble

WANTED = Observables.model_validate(
    {"magnetization": ["X", "Y", "Z"], "correlators": {"ZZ": [1, 2], "XY": [1]}}
)


@pytest.fixture(scope="module", params=[jastrow(2, 5, 5), convolution([3])])
def case(request):
    """Parameters away from the start, where sites depend on each other; windows of five sites."""
    parts = assemble(heisenberg_ring(5), request.param, jax.random.key(0))
    theta = parts.theta + 0.2 * jax.random.normal(jax.random.key(1), parts.theta.shape)
    return SimpleNamespace(parts=parts, theta=theta, weights=probabilities(parts, theta))


def test_probabilities_given_the_rest_are_those_of_all_outcomes(case):
    outcomes = np.asarray(outcomes_of(case.parts))
    rest = given_rest(case.parts.problem.ansatz, case.parts.problem.parameters(case.theta))
    found = np.asarray(rest(jnp.array(outcomes.T)))
    table = case.weights.reshape((4,) * case.parts.model.n_sites)
    for site in range(case.parts.model.n_sites):
        given = table / table.sum(axis=site, keepdims=True)
        expected = np.moveaxis(given, site, 0).reshape(4, -1)
        places = np.delete(outcomes, site, axis=1) @ 4 ** np.arange(4)[::-1]
        np.testing.assert_allclose(found[:, site], expected[:, places], atol=1e-6)


def measured(case, ensemble, rest):
    return measure(ensemble, case.parts.povm, case.parts.model.lattice, WANTED, rest)


def test_means_are_the_same_over_all_outcomes(case):
    """Exactly: of a distribution, not of samples."""
    ensemble = Ensemble(outcomes_of(case.parts), jnp.array(case.weights), None)
    rest = given_rest(case.parts.problem.ansatz, case.parts.problem.ansatz.unravel(case.theta))
    plain, smooth = measured(case, ensemble, None), measured(case, ensemble, rest)
    for name, (mean, _) in plain.items():
        np.testing.assert_allclose(smooth[name][0], mean, atol=1e-6)
        assert np.abs(mean).max() > 1e-3


def test_standard_errors_are_smaller_and_still_those_of_repeats(case):
    """Two hundred sets of 4000 samples: so many that squares of errors are none."""
    rest = given_rest(case.parts.problem.ansatz, case.parts.problem.ansatz.unravel(case.theta))
    truth = measured(case, Ensemble(outcomes_of(case.parts), jnp.array(case.weights), None), None)
    equal = {"weights": jnp.full(4000, 1 / 4000), "counts": jnp.ones(4000, dtype=int)}
    smooth, plain = (
        jax.jit(lambda outcomes, rest=rest: measured(case, Ensemble(outcomes, **equal), rest))
        for rest in (rest, None)
    )
    sets = samples_of(case.weights, case.parts, 200 * 4000, seed=5)["chains"].reshape(200, 4000, -1)
    repeats = [smooth(outcomes) for outcomes in sets]
    before = plain(sets[0])
    for name in truth:
        means, errors = (np.array([np.ravel(r[name][k])[0] for r in repeats]) for k in range(2))
        # The spread of 200 values is known to 5 %: three standard deviations.
        assert means.std() == pytest.approx(errors.mean(), rel=0.15)
        deviation = means.mean() - np.ravel(truth[name][0])[0]
        assert abs(deviation) < 4 * errors.mean() / np.sqrt(200) + 1e-3
        assert errors.mean() < 0.7 * np.ravel(before[name][1])[0]


def test_recurrent_network_has_none():
    """What a changed outcome changes is not local there."""
    parts = assemble(heisenberg_ring(3), tdvp(), jax.random.key(0))
    assert given_rest(parts.problem.ansatz, parts.problem.parameters(parts.theta)) is None
