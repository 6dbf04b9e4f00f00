"""Which strings the residual asks for, and what those that are there do."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from solvers import CHOLESKY, EIGENVALUES, SAMPLE_SPACE, chains, growing, jastrow
from systems import confinement_ring, heisenberg_ring

from opentdvp.config import Deck
from opentdvp.engine.assembly import assemble
from opentdvp.engine.evolve import prepare, start
from opentdvp.engine.povm.generator import apply_generator
from opentdvp.engine.principle.growth import gains, restricted
from opentdvp.engine.principle.right_hand_side import derivative, log_derivatives
from opentdvp.engine.sampling.ensemble import Purpose
from opentdvp.engine.steps import steps
from opentdvp.records.from_solver import ADDED_AT

#: Systems and cuts of whose strings a run does not begin with all.
CASES = {
    "ring": (heisenberg_ring(5), (4, 4, 4)),
    "half turns": (heisenberg_ring(5, start={"Z": 1}), (4, 4, 5)),
    "confinement": (confinement_ring(5), (3, 3, 3)),
}


@pytest.fixture(params=CASES)
def case(request):
    """Parts of the engine, parameters away from the product state, and the strings of pairs."""
    system, cut = CASES[request.param]
    parts = assemble(system, jastrow(*cut), jax.random.key(0))
    ansatz = parts.problem.ansatz
    there = np.flatnonzero(ansatz.weights <= 2)
    theta = np.zeros(ansatz.count)
    theta[there] = 0.1 * np.random.default_rng(1).normal(size=len(there))
    return parts, jnp.array(theta), there


def drawn(parts, theta):
    return parts.problem.sampler.draw(Purpose.SOLVE, theta, {}, jax.random.key(0))[1]


def with_strings(parts, theta, ensemble, there, most=None):
    """The ensemble of a run that knows these strings, and may have so many."""
    missing = (most or len(there)) - len(there)
    numbers = np.pad(there, (0, missing), constant_values=len(theta)).astype(np.int32)
    return restricted(parts.problem, ensemble, jnp.array(numbers))


def regression(parts, theta, ensemble):
    """√w O of all strings and √w E, both centred, in NumPy."""
    weights = np.asarray(ensemble.weights)
    values = log_derivatives(parts.problem, theta, ensemble.outcomes)
    estimates = parts.problem.estimate(theta, ensemble.outcomes).value
    centred = (np.asarray(v) - weights @ np.asarray(v) for v in (values, estimates))
    return tuple(np.sqrt(weights).reshape(-1, *(1,) * (v.ndim - 1)) * v for v in centred)


def residual_of(rows, target):
    """r² of the best fit."""
    fit = rows @ np.linalg.lstsq(rows, target, rcond=1e-12)[0]
    return np.sum((target - fit) ** 2) / np.sum(target**2)


def dense_gains(parts, theta, there):
    """What every string takes off the residual, each fitted together with those that are there."""
    rows, target = regression(parts, theta, drawn(parts, theta))
    before = residual_of(rows[:, there], target)
    others = [k for k in range(len(theta)) if k not in set(there)]
    found = np.zeros(len(theta))
    found[others] = [before - residual_of(rows[:, [*there, k]], target) for k in others]
    return found, before


def test_gains_are_what_a_fit_with_the_string_gains(case):
    parts, theta, there = case
    ensemble = with_strings(parts, theta, drawn(parts, theta), there, most=len(there) + 3)
    found = np.asarray(gains(parts.problem, theta, ensemble))
    expected, _ = dense_gains(parts, theta, there)
    assert expected.max() > 1e-4
    np.testing.assert_allclose(found, expected, atol=1e-9)
    assert (found[there] == 0).all()


def test_what_is_there_gains_nothing_even_where_rounding_decides():
    """Or it would be added again and again; here its strings are nearly those of others."""
    system, cut = CASES["confinement"]
    parts = assemble(system, jastrow(*cut, precision="single"), jax.random.key(0))
    there = np.flatnonzero(parts.problem.ansatz.weights <= 2)
    theta = np.zeros(parts.problem.ansatz.count)
    theta[there] = np.random.default_rng(1).normal(size=len(there))
    theta = jnp.array(theta)
    known = with_strings(parts, theta, drawn(parts, theta), there, most=len(there) + 3)
    found = np.asarray(gains(parts.problem, theta, known))
    assert found.any()
    assert (found[there] == 0).all()


def test_gains_from_samples_differ_by_their_errors_and_are_none_by_chance():
    """√gain has a standard error of about r/√n."""
    count = 4000
    sampling = chains(solve=count, held_out=100, sweeps=20)
    system, cut = CASES["ring"]
    parts = assemble(system, jastrow(*cut, sampling=sampling, chunk=500), jax.random.key(0))
    exact = assemble(system, jastrow(*cut), jax.random.key(0))
    weights = parts.problem.ansatz.weights
    there = np.flatnonzero(weights <= 2)
    theta = jnp.zeros(len(weights))
    theta = theta.at[there].set(0.1 * np.random.default_rng(1).normal(size=len(there)))
    sampler = parts.problem.sampler
    draw = jax.jit(lambda state: sampler.draw(Purpose.SOLVE, theta, state, jax.random.key(3))[1])
    ensemble = draw(sampler.init(jax.random.key(2)))
    known = with_strings(parts, theta, ensemble, there)
    found = np.asarray(gains(parts.problem, theta, known))
    expected, residual = dense_gains(exact, theta, there)
    error = np.sqrt(residual / count)
    # Of so many, chance makes one as large as this.
    least = np.sqrt(2 * np.log(len(theta)))
    assert ((found == 0) | (np.sqrt(found) > 0.95 * least * error)).all()
    differences = np.abs(np.sqrt(found) - np.sqrt(np.maximum(expected, 0)))
    # Of the others, gains may be as large as the limit.
    assert differences[found > 0].max() < 5 * error
    assert np.sqrt(expected[found == 0]).max() < 8 * error
    missing = np.arange(len(theta)) > there.max()
    faint = missing & (expected < error**2)
    # Each is beyond three errors with a probability of at most 0.023.
    assert faint.sum() > 5
    assert np.count_nonzero(found[faint]) <= 2


@pytest.mark.parametrize("regularization", [CHOLESKY, EIGENVALUES, SAMPLE_SPACE])
def test_means_of_strings_that_are_there_follow_the_master_equation(case, regularization):
    """d<O_k>/dt = <𝓛†O_k>, whatever is still missing; the others' parameters stay."""
    parts, theta, there = case
    settings = parts.problem.settings.model_validate(
        parts.problem.settings.model_dump() | {"regularization": regularization}
    )
    problem = parts.problem._replace(settings=settings)
    known = with_strings(parts, theta, drawn(parts, theta), there, most=len(there) + 5)
    assert known.log_derivatives.shape[1] == len(there) + 5
    solution = derivative(problem, theta, known)
    velocity = np.asarray(solution.velocity)
    assert np.flatnonzero(velocity).tolist() == there.tolist()
    assert float(solution.diagnostics["strings"]) == len(there)
    sites = parts.model.n_sites
    outcomes = jnp.array(np.indices((4,) * sites).reshape(sites, -1).T, dtype=jnp.int32)
    log_weights = problem.ansatz.log_probability(problem.ansatz.unravel(theta), outcomes)
    flat = np.asarray(jax.nn.softmax(log_weights))
    strings = np.asarray(log_derivatives(problem, theta, outcomes))
    of_ansatz = (strings.T * flat) @ ((strings - flat @ strings) @ velocity)
    moved = apply_generator(parts.generator, flat.reshape((4,) * sites)).ravel()
    exact = moved @ strings
    np.testing.assert_allclose(of_ansatz[there], exact[there], atol=1e-6 * np.abs(exact).max())
    missing = np.setdiff1d(np.arange(len(theta)), there)
    assert np.abs(of_ansatz - exact)[missing].max() > 1e-3 * np.abs(exact).max()


def test_a_step_begins_with_the_strings_of_the_largest_gains(case, request):
    """A tenth of those that are there, or four, are added at a time; here once."""
    parts, theta, there = case
    system, cut = CASES[request.node.callspec.params["case"]]
    run = prepare(Deck(system=system, solver=jastrow(*cut, growth=growing(len(there) + 4))))
    state = start(run)
    there_at = state.arrays[ADDED_AT]
    assert np.flatnonzero(~np.isnan(there_at)).tolist() == there.tolist()
    arrays = {"theta": np.asarray(theta), ADDED_AT: there_at}
    state = next(iter(steps(run, replace(state, time=0.25, arrays=arrays))))
    expected, _ = dense_gains(parts, theta, there)
    added = np.flatnonzero(state.arrays[ADDED_AT] == 0.25)
    assert sorted(added) == sorted(np.argsort(-expected)[:4])
    moved = np.flatnonzero(state.arrays["theta"] != np.asarray(theta))
    assert moved.tolist() == sorted([*there, *added])
