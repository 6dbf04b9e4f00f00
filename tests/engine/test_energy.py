"""Energy networks, with strings and without: symmetries, derivatives, local estimates, chains."""

from dataclasses import replace

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import chi2
from solvers import chains, convolution, hybrid, solved
from systems import confinement_ring, heisenberg_ring

from opentdvp.engine.ansatz.energy.convolution import Convolution
from opentdvp.engine.ansatz.energy.energy import Energy
from opentdvp.engine.ansatz.energy.network import EnergyNetwork, fresh_parameters
from opentdvp.engine.ansatz.energy.surroundings import Surroundings
from opentdvp.engine.assembly import assemble, check
from opentdvp.engine.estimates.of_terms import TermEstimator
from opentdvp.engine.povm.generator import apply_generator
from opentdvp.engine.principle.right_hand_side import held_out_residual
from opentdvp.engine.sampling.ensemble import Ensemble
from opentdvp.errors import ConfigError

TORUS = {"lattice": {"kind": "square", "size": [3, 3], "periodic": True}}
UP = {"start": {"Z": 1.0}}

#: System, solver, and how changes are followed: by tables, by layers, or by patches of the lattice.
CASES = {
    "tabulated": (heisenberg_ring(5), convolution([3, 1]), "tabulated"),
    "tabulated, half turns": (heisenberg_ring(5, **UP), hybrid([3], 2, 2, 2), "tabulated"),
    "one table": (heisenberg_ring(5), hybrid([3], 2, 3, 3), "tabulated"),
    "everything": (heisenberg_ring(4, **UP), convolution([3, 3]), "layers"),
    "everything, strings": (confinement_ring(5), hybrid([3, 5], 2, 2, 3), "layers"),
    "some": (heisenberg_ring(6, **UP), hybrid([3, 1], 2, 2, 2), "layers"),
    "patches": (heisenberg_ring(4, **UP), convolution([3, 3]), "patches"),
    "small patches": (heisenberg_ring(6, **UP), hybrid([3], 2, 2, 2), "patches"),
    "turned square": (heisenberg_ring(4, **UP, **TORUS), hybrid([3, 3], 2, 2, 2), "layers"),
}


@pytest.fixture(params=CASES)
def case(request, monkeypatch):
    """Parts of the engine, and parameters away from the product state."""
    system, solver, way = CASES[request.param]
    if way != "tabulated":
        monkeypatch.setattr("opentdvp.engine.ansatz.energy.tabulated._MOST_SITES", 0)
    parts = assemble(system, solver, jax.random.key(0))
    assert (parts.problem.ansatz.windows is not None) == (way == "tabulated")
    if way == "patches":
        parts = with_energy(parts, Energy)
    return parts, away(parts)


def with_energy(parts, kind):
    """The same network followed in another way."""
    ansatz = parts.problem.ansatz
    energy = kind(ansatz.energy.network, ansatz.energy.surroundings, ansatz.energy.letters)
    problem = parts.problem._replace(ansatz=replace(ansatz, energy=energy))
    return parts._replace(problem=problem)


def away(parts, scale=0.15):
    return parts.theta + scale * np.random.default_rng(1).normal(size=len(parts.theta))


def all_outcomes(parts):
    sites = parts.model.n_sites
    return jnp.array(np.indices((4,) * sites).reshape(sites, -1).T, dtype=jnp.int32)


def some_outcomes(parts, count=50):
    key, sites = jax.random.key(5), parts.model.n_sites
    return jax.random.randint(key, (count, sites), 0, 4, jnp.int32)


def distribution(parts, theta):
    """P of shape (4,)·N."""
    ansatz = parts.problem.ansatz
    compiled = jax.jit(ansatz.log_probability)
    log_weights = np.asarray(compiled(ansatz.unravel(theta), all_outcomes(parts)))
    weights = np.exp(log_weights - log_weights.max())
    return (weights / weights.sum()).reshape((4,) * parts.model.n_sites)


def test_symmetries_leave_it_as_it_is(case):
    """All of the model: on the square its 72 permutations, and half turns."""
    parts, theta = case
    ansatz, outcomes = parts.problem.ansatz, some_outcomes(parts)
    parameters = ansatz.unravel(theta)
    log_probability = jax.jit(ansatz.log_probability)
    before = log_probability(parameters, outcomes)
    assert np.std(before) > 0.1
    for image in np.moveaxis(np.asarray(ansatz.symmetries.images(outcomes)), 1, 0):
        after = log_probability(parameters, jnp.array(image.T))
        np.testing.assert_allclose(after, before, atol=1e-12)


def test_local_estimates_are_those_of_the_generator(case):
    """Every outcome, against the dense generator applied to P."""
    parts, theta = case
    if parts.model.n_sites > 6:
        pytest.skip("too many outcomes")
    ansatz, outcomes = parts.problem.ansatz, all_outcomes(parts)
    estimate = jax.jit(TermEstimator(ansatz, parts.generator, chunk=500))
    found = estimate(ansatz.unravel(theta), outcomes)
    probabilities = distribution(parts, theta)
    expected = apply_generator(parts.generator, probabilities) / probabilities
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found.value, expected.ravel(), atol=1e-12 * scale)


@pytest.mark.parametrize("case", ["some", "turned square"], indirect=True)
def test_layers_are_those_of_the_network(case):
    """Followed everywhere at once, against the flax module on a patch."""
    parts, theta = case
    outcomes, logarithms = some_outcomes(parts), []
    for ansatz in (parts.problem.ansatz, with_energy(parts, Energy).problem.ansatz):
        found = jax.jit(ansatz.log_probability)(ansatz.unravel(theta), outcomes)
        logarithms.append(np.asarray(found))
    np.testing.assert_allclose(logarithms[0], logarithms[1], atol=1e-12)


def test_log_derivatives_are_those_of_finite_differences(case):
    parts, theta = case
    ansatz, outcomes = parts.problem.ansatz, some_outcomes(parts)
    found = jax.jit(ansatz.log_derivatives)(ansatz.unravel(theta), outcomes)
    log_probability = jax.jit(lambda t: ansatz.log_probability(ansatz.unravel(t), outcomes))
    step = 1e-5
    for k in range(len(theta)):
        change = step * np.eye(len(theta))[k]
        expected = (log_probability(theta + change) - log_probability(theta - change)) / (2 * step)
        np.testing.assert_allclose(found[:, k], expected, atol=1e-8)


def test_start_is_the_product_state(case):
    """With hidden weights of the key, other ones for another key."""
    parts, _ = case
    start = np.log((1 + parts.povm.directions @ parts.model.bloch[0]) / 4)
    ansatz, outcomes = parts.problem.ansatz, some_outcomes(parts)
    found = jax.jit(ansatz.log_probability)(ansatz.unravel(parts.theta), outcomes)
    np.testing.assert_allclose(found, start[outcomes].sum(axis=1), atol=1e-13)
    count = ansatz.strings.count
    assert not parts.theta[:count].any()
    assert np.std(parts.theta[count:]) > 0.1


@pytest.mark.parametrize("case", ["tabulated, half turns", "some", "small patches"], indirect=True)
def test_sweeps_leave_the_distribution_as_it_is(case):
    """χ² of 2 sites of chains that began at random outcomes, against enumeration."""
    parts, theta = case
    if parts.model.n_sites > 6:
        pytest.skip("too many outcomes")
    ansatz, count = parts.problem.ansatz, 20_000
    keys = jax.random.split(jax.random.key(3), 21)
    outcomes = jax.random.randint(keys[0], (parts.model.n_sites, count), 0, 4, jnp.int32)
    parameters, sweep = ansatz.unravel(theta), jax.jit(ansatz.sweep)
    for key in keys[1:]:
        outcomes, changed = sweep(parameters, outcomes, key)
    assert 0.3 < changed < 0.9
    found = np.bincount(np.asarray(outcomes[0] + 4 * outcomes[1] + 16 * outcomes[2]), minlength=64)
    axes = tuple(range(3, parts.model.n_sites))
    expected = count * np.moveaxis(distribution(parts, theta).sum(axis=axes), (0, 1, 2), (2, 1, 0))
    statistic = ((found - expected.ravel()) ** 2 / expected.ravel()).sum()
    # Of 64 numbers with one sum; 1e-4 of all runs would fail.
    assert statistic < chi2(63).ppf(1 - 1e-4)


@pytest.mark.parametrize("case", ["one table", "some"], indirect=True)
def test_residual_on_other_samples_knows_the_derivatives(case):
    """The change along a velocity by differentiation, against the log-derivatives."""
    parts, theta = case
    ansatz, outcomes = parts.problem.ansatz, some_outcomes(parts)
    weights = jnp.full(len(outcomes), 1 / len(outcomes))
    velocity = jnp.array(np.random.default_rng(2).normal(size=len(theta)))
    problem = parts.problem._replace(estimator=TermEstimator(ansatz, parts.generator, 64))
    ensemble = Ensemble(outcomes, weights, jnp.ones(len(outcomes), dtype=int))
    found = held_out_residual(problem, theta, velocity, ensemble)
    parameters = ansatz.unravel(theta)
    changes = ansatz.log_derivatives(parameters, outcomes) @ velocity
    target = problem.estimate(theta, outcomes).value
    misfit = jnp.var(changes - target) / jnp.var(target)
    assert float(found) == pytest.approx(float(misfit), rel=1e-10)


@pytest.mark.parametrize(("kernels", "tabulated"), [([3, 1], True), ([3, 3], False)])
def test_terms_that_read_a_site_twice_have_no_table(kernels, tabulated):
    """Its entries would be outcomes that differ from themselves."""
    parts = assemble(heisenberg_ring(4), convolution(kernels), jax.random.key(0))
    assert (parts.problem.ansatz.windows is not None) == tabulated


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 6), (7,)])
def test_a_site_changes_every_term_that_reads_it_once(shape):
    """On rectangles too, and where a term reads all the way round."""
    sites = np.arange(np.prod(shape))
    around = Surroundings(shape, 2, sites[None], np.zeros(1, dtype=int))
    windows = around.windows.reshape(len(sites), -1)
    for site in sites:
        changed, read = around.changed[0, site], around.read[0, site]
        assert sorted(changed) == np.flatnonzero((windows == site).any(axis=1)).tolist()
        # What these terms read, two sites farther each way, ordered as they are.
        inner = read[(slice(2, -2),) * len(shape)]
        np.testing.assert_array_equal(inner.ravel(), changed)


@pytest.mark.parametrize("shape", [(12,), (6, 6)])
def test_fresh_signals_have_the_deviation_of_the_hidden_scale(shape):
    """Of K ∗ h' where features are independent with the mean square 1, as letters are."""
    network = Convolution(
        shape=shape,
        kernels=(3, 5),
        channels=40,
        activation="tanh",
        hidden_scale=0.3,
        classes=tuple(tuple(range(length ** len(shape))) for length in (3, 5)),
    )
    parameters = fresh_parameters(network, jax.random.key(1))["params"]
    assert not parameters["output"].any()
    for layer, read in enumerate(network.kernels):
        kernel = np.asarray(parameters[f"kernel_{layer}"])
        assert kernel.shape == (read ** len(shape), (3, 40)[layer], 40)
        deviations = np.sqrt((kernel**2).sum(axis=(0, 1)))
        # Mean squares of at least 360 normal numbers in all: known to 8 %.
        assert np.sqrt(np.mean(deviations**2)) == pytest.approx(0.3, rel=0.15)
        assert np.std(parameters[f"bias_{layer}"]) == pytest.approx(0.3, rel=0.4)


@pytest.mark.parametrize("shape", [(8,), (6, 8)])
def test_fresh_parameters_are_those_of_a_patch_with_one_inner_site(shape):
    """A layer of flax that reads all of it has as many weights."""

    class Whole(EnergyNetwork):
        reach = 3

        @nn.compact
        def __call__(self, letters):
            weights = self.param("weights", nn.initializers.ones, letters.shape[1:])
            return jnp.zeros((len(letters), *(1,) * len(self.shape))) * weights.sum()

    (weights,) = jax.tree.leaves(fresh_parameters(Whole(shape=shape), jax.random.key(0)))
    assert weights.shape == (*(7,) * len(shape), 3)
    assert weights.dtype == jnp.float64


@pytest.mark.parametrize(
    ("system", "kernels", "message"),
    [
        (heisenberg_ring(4), [5], r"`network.kernels` must be at most 4 on the lattice .*\[5\]"),
        (
            heisenberg_ring(4, fields={}, terms=[{"sites": [1], "operators": "X", "strength": 1}]),
            [3],
            "must be recurrent, raster or jastrow for a system that does not look the same",
        ),
        (
            heisenberg_ring(4, lattice={"kind": "chain", "size": [4], "periodic": False}),
            [3],
            "must be recurrent, raster or jastrow for a system that does not look the same",
        ),
    ],
)
def test_system_that_it_does_not_fit_is_refused(system, kernels, message):
    with pytest.raises(ConfigError, match=message):
        check(system, convolution(kernels, sampling=chains()))


@pytest.mark.slow
@pytest.mark.parametrize("kernels", [[3], [3, 3]])
def test_sampled_run_follows_the_one_without_noise(kernels):
    """Chains, fixed samples that are reweighted at every stage, derivatives that depend on θ.

    A pair of outcomes estimates a correlator with a deviation of 3; with 30 000 samples of four
    pairs each a right-hand side errs by 0.009, and 100 000 looks by 0.005.
    """
    system = heisenberg_ring(4, time={"stop": 0.3, "points": 4})
    settings = {"channels": 3, "eigenvalue_cutoff": 1e-5, "method": "bogacki_shampine"}
    sampling = chains(solve=30_000, held_out=3000, observables=100_000)
    by_chains = hybrid(kernels, 2, 3, 3, sampling=sampling, samples="fixed", chunk=1000, **settings)
    found, known = solved(system, by_chains), solved(system, hybrid(kernels, 2, 3, 3, **settings))
    for name, observable in known.observables.items():
        np.testing.assert_allclose(found.observables[name].mean, observable.mean, atol=0.02)
