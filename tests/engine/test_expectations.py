"""Expectation values of Pauli strings from outcomes of a distribution that is known as a whole."""

from itertools import combinations, product
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from chained import outcomes_of, probabilities, samples_of
from solvers import jastrow
from systems import heisenberg_ring

from opentdvp.engine.assembly import assemble
from opentdvp.engine.measuring.expectations import expectations
from opentdvp.engine.measuring.given_rest import given_rest
from opentdvp.engine.povm.tetrahedron import frame
from opentdvp.engine.sampling.ensemble import Ensemble
from opentdvp.physics.spin import pauli_string

SITES = 4

#: All strings on up to three of four sites, and the identity.
STRINGS = tuple(
    tuple(zip(sites, letters, strict=True))
    for size in range(4)
    for sites in combinations(range(SITES), size)
    for letters in product("XYZ", repeat=size)
)


@pytest.fixture(scope="module")
def case():
    """A distribution without any symmetry."""
    parts = assemble(
        heisenberg_ring(SITES, start={"X": 0.3, "Y": -0.4}), jastrow(2, 4, 4), jax.random.key(0)
    )
    theta = parts.theta + 0.2 * jax.random.normal(jax.random.key(1), parts.theta.shape)
    ansatz = parts.problem.ansatz
    return SimpleNamespace(
        parts=parts,
        weights=probabilities(parts, theta),
        rest=given_rest(ansatz, ansatz.unravel(theta)),
    )


def in_density_matrix(case):
    """tr(ρP) of every string, ρ = Σ_a P^a D^a."""
    rho = np.tensordot(case.weights, frame(case.parts.povm.dual, SITES), 1)
    letters = ("".join(dict(string).get(i, "I") for i in range(SITES)) for string in STRINGS)
    return np.array([np.trace(rho @ pauli_string(text)).real for text in letters])


@pytest.mark.parametrize("smooth", [False, True])
def test_all_outcomes_give_the_traces_with_the_density_matrix(case, smooth):
    ensemble = Ensemble(outcomes_of(case.parts), jnp.array(case.weights), None)
    rest = case.rest if smooth else None
    found = np.asarray(expectations(ensemble, case.parts.povm, STRINGS, 4**SITES, rest))
    expected = in_density_matrix(case)
    assert found.shape == (1, len(STRINGS))
    np.testing.assert_allclose(found[0], expected, atol=1e-6 if smooth else 1e-12)
    assert np.abs(expected[1:]).max() > 0.1


def drawn(case, chains, looks, seed):
    """Samples of chains that do not move: their rows are alike."""
    outcomes = samples_of(case.weights, case.parts, chains, seed)["chains"].astype(jnp.int32)
    count = chains * looks
    return Ensemble(
        jnp.repeat(outcomes, looks, axis=0),
        jnp.full(count, 1 / count),
        jnp.ones(count, jnp.int32),
        chain=jnp.repeat(jnp.arange(chains), looks) if looks > 1 else None,
    )


@pytest.mark.parametrize(("smooth", "looks"), [(False, 1), (True, 1), (False, 3)])
def test_spread_of_groups_is_that_of_repeats(case, smooth, looks):
    """A number of chains that is no multiple of that of the groups."""
    rest = case.rest if smooth else None
    mean_of = jax.jit(lambda e: expectations(e, case.parts.povm, STRINGS, 1000, rest))
    repeats = np.array([mean_of(drawn(case, 1000, looks, seed)) for seed in range(60)])
    groups = repeats.shape[1]
    assert groups == 32
    means = repeats.mean(axis=1)
    errors = np.sqrt(repeats.var(axis=1, ddof=1) / groups).mean(axis=0)
    np.testing.assert_allclose(means[:, 0], 1, atol=1e-12)
    # 60 repeats know a spread to 9 %; of 174 strings the worst is four deviations away.
    np.testing.assert_allclose(means.std(axis=0)[1:], errors[1:], rtol=0.4)
    away = (means.mean(axis=0) - in_density_matrix(case))[1:] / errors[1:] * np.sqrt(60)
    assert np.abs(away).max() < 5
    assert np.sqrt(np.mean(away**2)) == pytest.approx(1, abs=0.5)


def test_groups_have_each_sample_once(case):
    """Ten samples in ten groups of one; of the outcome of each, its weights."""
    ensemble = drawn(case, 10, 1, 5)
    found = np.asarray(expectations(ensemble, case.parts.povm, STRINGS[:4], 10))
    assert found.shape == (10, 4)
    weights = np.array([case.parts.povm.weights(axis) for axis in "XYZ"])
    np.testing.assert_allclose(found[:, 1:], weights[:, np.asarray(ensemble.outcomes)[:, 0]].T)
