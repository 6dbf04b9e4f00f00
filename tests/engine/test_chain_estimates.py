"""What is estimated on Markov chains, against enumeration, repeats and independent samples."""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from chained import SYSTEMS, drawing, ising, probabilities, sampled, samples_of
from jax.flatten_util import ravel_pytree
from scipy import stats
from solvers import chains, convolution, direct, jastrow, tdvp
from systems import heisenberg_ring

from opentdvp.config.solver import ChainSampling
from opentdvp.engine.ansatz.jastrow.ansatz import JastrowAnsatz
from opentdvp.engine.ansatz.orbit import OrbitAnsatz
from opentdvp.engine.assembly import assemble
from opentdvp.engine.measuring.observables import measure
from opentdvp.engine.principle.right_hand_side import derivative, held_out_residual
from opentdvp.engine.sampling.chains import ChainSampler
from opentdvp.engine.sampling.ensemble import Ensemble, Purpose

RING = SYSTEMS["no half turn"]


def test_standard_errors_are_the_spread_of_repeats():
    """Of chains that are looked at five times, a sweep apart, and remember it."""
    parts = sampled(RING, chains(solve=300, held_out=100, observables=2000, sweeps=1))
    theta, sampler = ising(parts, "Z", 0.5), parts.problem.sampler
    weights = probabilities(parts, theta)

    def measured(ensemble):
        return measure(ensemble, parts.povm, parts.model.lattice, RING.observables)

    @jax.jit
    def repeat(state, key):
        _, ensemble = sampler.draw(Purpose.OBSERVABLES, theta, state, key)
        assert len(ensemble.outcomes) == 2000
        return measured(ensemble), measured(ensemble._replace(chain=None))

    starts = (samples_of(weights, parts, 400, seed) for seed in range(200))
    found = [repeat(start, jax.random.key(seed)) for seed, start in enumerate(starts)]
    found, naive = jax.tree.map(lambda *values: np.array(values), *found)
    everything = all_of(parts, weights)
    for name, (exact, _) in measured(everything).items():
        (means, errors), (_, others) = found[name], naive[name]
        # The spread of 200 values is known to 5 %: three standard deviations.
        np.testing.assert_allclose(means.std(axis=0), errors.mean(axis=0), rtol=0.15)
        scores = (means.mean(axis=0) - exact) / (errors.mean(axis=0) / np.sqrt(200))
        assert np.abs(scores).max() < 4
        if name == "Z":
            assert others.mean() < 0.7 * errors.mean()


def all_of(parts, weights):
    """All outcomes with their exact weights."""
    outcomes = np.indices((4,) * parts.model.n_sites).reshape(parts.model.n_sites, -1).T
    return Ensemble(jnp.array(outcomes), jnp.array(weights), None)


def test_mean_of_local_estimates_vanishes_if_chains_follow():
    """Schwinger-Dyson: probability is conserved; chains that lag behind lose or make some."""
    parts = sampled(RING, chains(solve=20_000, held_out=100, sweeps=1))
    theta = ising(parts, "Z", 0.8)
    right = samples_of(probabilities(parts, theta), parts, 20_100, seed=1)
    behind = parts.problem.sampler.init(jax.random.key(1))
    move = drawing(parts, theta)
    solve = jax.jit(lambda ensemble: derivative(parts.problem, theta, ensemble))
    scores = []
    for start in (right, behind):
        _, ensemble = move(start)
        found = solve(ensemble).diagnostics
        scores.append(abs(float(found["mean_estimate"] / found["mean_estimate_error"])))
        assert {"acceptance", "nested_r_hat", "lag"} <= set(found)
    assert scores[0] < 4
    assert scores[1] > 8


def test_chains_that_judge_are_not_those_of_the_solve():
    parts = sampled(RING, chains(solve=40, held_out=30, sweeps=1))
    state = parts.problem.sampler.init(jax.random.key(0))
    state, solve = drawing(parts, parts.theta)(state)
    draws = {
        purpose: parts.problem.sampler.draw(purpose, parts.theta, state, jax.random.key(1))[1]
        for purpose in (Purpose.HELD_OUT, Purpose.MONITOR)
    }
    everyone = np.asarray(state["chains"])
    np.testing.assert_array_equal(solve.outcomes, everyone[:40])
    np.testing.assert_array_equal(draws[Purpose.MONITOR].outcomes, everyone[:40])
    np.testing.assert_array_equal(draws[Purpose.HELD_OUT].outcomes, everyone[40:])


@pytest.mark.parametrize("solver", [jastrow(2, 2, 2), convolution([1])])
def test_derivatives_that_are_kept_are_those_at_other_parameters(solver):
    """Of a log-linear ansatz; those of a network depend on its parameters, and are not kept."""
    sampling = chains(solve=40, held_out=10, sweeps=1)
    parts = assemble(RING, solver.model_copy(update=sampled_by(sampling)), jax.random.key(0))
    ansatz, sampler = parts.problem.ansatz, parts.problem.sampler
    _, ensemble = drawing(parts, parts.theta)(sampler.init(jax.random.key(0)))
    assert (ensemble.log_derivatives is not None) == isinstance(ansatz, JastrowAnsatz)
    if ensemble.log_derivatives is not None:
        elsewhere = ansatz.unravel(ising(parts, "Z", 0.7))
        expected = ansatz.log_derivatives(elsewhere, ensemble.outcomes)
        np.testing.assert_allclose(ensemble.log_derivatives, expected, atol=1e-5)


def sampled_by(settings):
    return {"sampling": ChainSampling.model_validate(settings)}


@dataclass(frozen=True, eq=False)
class Swept:
    """A recurrent network, whose sites are drawn anew by its log P of all four outcomes."""

    network: OrbitAnsatz
    log_linear = False

    @property
    def symmetries(self):
        return self.network.symmetries

    @property
    def unravel(self):
        return self.network.unravel

    def log_probability(self, parameters, outcomes):
        return self.network.log_probability(parameters, outcomes)

    def log_derivatives(self, parameters, outcomes):
        return self.network.log_derivatives(parameters, outcomes)

    def sweep(self, parameters, outcomes, key):
        def update(outcomes, at):
            site, key = at
            choices = jnp.stack([outcomes.at[site].set(a) for a in range(4)])
            log_weights = jax.vmap(lambda o: self.log_probability(parameters, o.T))(choices)
            new = jax.random.categorical(key, log_weights, axis=0).astype(outcomes.dtype)
            return outcomes.at[site].set(new), jnp.mean(new != outcomes[site])

        work = (jnp.arange(len(outcomes)), jax.random.split(key, len(outcomes)))
        outcomes, changed = jax.lax.scan(update, outcomes, work)
        return outcomes, changed.mean()


def test_chains_and_direct_samples_of_a_network_agree(setting):
    """The same recurrent network, the same estimators: averages over ten draws of each."""
    system, counts = heisenberg_ring(3), {"solve": 1000, "held_out": 500, "observables": 3000}
    solver = tdvp(width=3, sampling=direct(**counts))
    case = setting(system, solver)
    problem, network = case.problem(solver), Swept(case.ansatz)
    settings = ChainSampling.model_validate(chains(**counts))
    start = np.full((network.symmetries.permutations.shape[1], 4), 0.25)
    by_chains = ChainSampler(network, settings, start, case.povm.directions, 64)
    velocity = 0.3 * jax.random.normal(jax.random.key(9), case.theta.shape)

    def averages(sampler, state, key):
        keys = jax.random.split(key, 3)
        state, ensemble = sampler.draw(Purpose.SOLVE, case.theta, state, keys[0])
        _, unseen = sampler.draw(Purpose.HELD_OUT, case.theta, state, keys[1])
        _, seen = sampler.draw(Purpose.OBSERVABLES, case.theta, state, keys[2])
        solution = derivative(problem, case.theta, ensemble)
        return state, {
            "fisher": solution.fisher,
            "residual": held_out_residual(problem, case.theta, velocity, unseen),
            "mean_estimate": solution.diagnostics["mean_estimate"],
            "estimate_deviation": solution.diagnostics["estimate_deviation"],
            **measure(seen, case.povm, case.model.lattice, system.observables),
        }

    def draws(sampler):
        step, state = jax.jit(partial(averages, sampler)), sampler.init(jax.random.key(0))
        found = []
        for seed in range(13):
            state, draw = step(state, jax.random.key(seed))
            found.append(ravel_pytree(draw)[0])
        # Chains first have to forget the uniform outcomes that they begin with.
        return np.array(found[3:])

    one, other = draws(problem.sampler), draws(by_chains)
    chances = stats.ttest_ind(one, other, equal_var=False).pvalue
    # Some hundred numbers, equal with a probability of 0.999 if the samples are.
    assert len(chances) > 100
    assert chances.min() > 1e-3 / len(chances)
