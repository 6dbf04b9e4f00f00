"""Strings that are added during a run: which ones, what they do, and what a file tells of them."""

from dataclasses import replace
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from solvers import ENUMERATION, chains, jastrow, quiet, reduced, solved
from systems import confinement_ring, heisenberg_ring

from opentdvp.cli.show import growth_summary
from opentdvp.config import Deck
from opentdvp.engine.assembly import assemble, check
from opentdvp.engine.evolve import evolve, prepare, start
from opentdvp.engine.povm.generator import apply_generator
from opentdvp.engine.principle.growth import gains, restricted
from opentdvp.engine.principle.right_hand_side import derivative, log_derivatives
from opentdvp.engine.sampling.ensemble import Purpose
from opentdvp.engine.steps import steps
from opentdvp.errors import ConfigError
from opentdvp.records import trajectory
from opentdvp.records.checkpoint import load, save
from opentdvp.records.from_solver import ADDED_AT
from opentdvp.records.result_code import ResultCode

CHOLESKY = {"method": "cholesky", "shift": 1e-10}
SAMPLE_SPACE = {"method": "sample_space", "shift": 1e-10}
EIGENVALUES = {"method": "eigenvalues", "eigenvalue_cutoff": 1e-8, "signal_to_noise_cutoff": 0.0}

#: Systems and cuts of whose strings a run does not begin with all.
CASES = {
    "ring": (heisenberg_ring(5), (4, 4, 4)),
    "half turns": (heisenberg_ring(5, start={"Z": 1}), (4, 4, 5)),
    "confinement": (confinement_ring(5), (3, 3, 3)),
}


def growth(strings, residual=0.0, first_weight=2):
    return {"strings": strings, "residual": residual, "first_weight": first_weight}


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
    return restricted(parts.problem, theta, ensemble, jnp.array(numbers))


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
    assert ((found == 0) | (np.sqrt(found) > 2.8 * error)).all()
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
    run = prepare(Deck(system=system, solver=jastrow(*cut, growth=growth(len(there) + 4))))
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


@pytest.mark.parametrize(
    ("regularization", "method", "samples"),
    [
        (EIGENVALUES, "heun", "redrawn"),
        (CHOLESKY, "bogacki_shampine", "fixed"),
        (SAMPLE_SPACE, "bogacki_shampine", "fixed"),
    ],
)
def test_without_limits_it_ends_as_the_fixed_cut(regularization, method, samples):
    """And all strings are there, since when is in the states."""
    system = heisenberg_ring(4, time={"stop": 0.5, "points": 6})
    settings = {"regularization": regularization, "method": method, "samples": samples}
    fixed = evolve(Deck(system=system, solver=jastrow(4, 4, 4, **settings)), quiet)
    count = fixed.states["theta"].shape[1]
    solver = jastrow(4, 4, 4, growth=growth(count), **settings)
    grown = evolve(Deck(system=system, solver=solver), quiet)
    for name, (mean, _) in fixed.curves().items():
        np.testing.assert_allclose(grown.curves()[name][0], mean, atol=2e-5)
    strings, added_at = grown.diagnostics["strings"], grown.states[ADDED_AT]
    assert strings[0] < strings[1] <= strings[-1] == count
    assert not np.isnan(added_at[-1]).any()
    begins = grown.diagnostics["time"]
    assert [np.sum(added_at[-1] <= time) for time in begins] == strings.tolist()


def test_a_run_stops_adding_at_the_tolerance_and_its_file_says_when(tmp_path):
    system = heisenberg_ring(5, time={"stop": 0.3, "points": 11})
    solver = jastrow(5, 5, 5, growth=growth(134, residual=0.05), maximal_step=0.05)
    run = evolve(Deck(system=system, solver=solver), quiet)
    trajectory.write(run, tmp_path / "run.h5")
    again = trajectory.read(tmp_path / "run.h5")
    residual, strings = (again.diagnostics[name] for name in ("residual", "strings"))
    assert (residual <= 0.05).all()
    assert strings[0] < strings[-1] < 134
    added_at, theta = again.states[ADDED_AT], again.states["theta"]
    assert np.isnan(added_at[-1]).any()
    for before, after in pairwise(added_at):
        there = ~np.isnan(before)
        np.testing.assert_array_equal(after[there], before[there])
    times = growth_summary(again)
    assert times["strings"].tolist() == [np.sum(added_at[-1] == t) for t in times["added at"]]
    assert times["together"].iloc[-1] == strings[-1]
    # What is not there yet has no parameter.
    assert (theta[np.isnan(added_at)] == 0).all()
    assert (theta[-1][~np.isnan(added_at[-1])] != 0).all()


@pytest.mark.parametrize(("samples", "done"), [("fixed", 2), ("redrawn", 3)])
def test_resumed_equals_uninterrupted(tmp_path, samples, done):
    """Bit for bit with chains, through a checkpoint between two additions."""
    sampling = chains(solve=400, held_out=100, observables=1500, sweeps=2)
    grown = growth(54, residual=1e-3)
    settings = {"samples": samples, "maximal_step": 0.02, "regularization": CHOLESKY}
    solver = jastrow(4, 4, 4, growth=grown, sampling=sampling, **settings)
    deck = Deck(system=heisenberg_ring(4, time={"stop": 0.15, "points": 6}), solver=solver)
    kept = []
    whole = evolve(deck, keep=kept.append)
    assert whole.result is ResultCode.SUCCESS
    strings = whole.diagnostics["strings"]
    assert strings[done - 1] < strings[-1]
    save(kept[done - 1], "a" * 64, tmp_path / "run.npz")
    resumed = evolve(deck, resume_from=load("a" * 64, tmp_path / "run.npz"))
    for name, curve in whole.curves().items():
        np.testing.assert_array_equal(resumed.curves()[name], curve)
    for kind in ("diagnostics", "states"):
        for name, values in getattr(whole, kind).items():
            np.testing.assert_array_equal(getattr(resumed, kind)[name], values)


def test_impossible_numbers_of_strings_are_refused():
    for strings in (8, 55):
        with pytest.raises(ConfigError, match=rf"between \d+, .* and \d+, .* but is {strings}"):
            check(heisenberg_ring(4), jastrow(4, 4, 4, growth=growth(strings)))
    with pytest.raises(ValueError, match="first_weight` must be at most the weight 3, but is 4"):
        jastrow(3, 3, 3, growth=growth(20, first_weight=4))


def test_a_deck_that_does_not_grow_has_no_word_of_it():
    """So that runs from before there was the key are still known."""
    plain = Deck(system=heisenberg_ring(4), solver=jastrow(3, 3, 3))
    assert "growth" not in plain.canonical()
    grown = Deck(system=heisenberg_ring(4), solver=jastrow(3, 3, 3, growth=growth(20)))
    for deck in (plain, grown):
        assert Deck.model_validate_json(deck.canonical()) == deck


@pytest.mark.slow
def test_on_the_torus_sixty_strings_that_grew_are_better_than_all_140_of_four_sites():
    """In correlators, without samples, Jy = 1.8 to γt = 1.5; about equal in magnetisations."""
    system = heisenberg_ring(
        9,
        couplings={"XX": 0.9, "YY": 1.8, "ZZ": 1.0},
        fields={},
        start={"Z": 1},
        lattice={"kind": "square", "size": [3, 3], "periodic": True},
        time={"stop": 1.5, "points": 21},
        observables={"correlators": {pair: [1] for pair in ("XX", "YY", "ZZ")}},
    )
    truth = solved(system, reduced()).curves()
    settings = {"sampling": ENUMERATION, "chunk": 512, "regularization": CHOLESKY}
    steps = {"method": "bogacki_shampine", "samples": "fixed"}
    off = {}
    for weight, grown in ((4, None), (6, growth(60))):
        solver = jastrow(weight, 3, 3, growth=grown, **settings, **steps)
        run = evolve(Deck(system=system, solver=solver), quiet)
        assert run.states["theta"].shape[1] == (140 if grown is None else 907)
        correlators = [key for key in truth if key[1]]
        off[weight] = max(np.abs(run.curves()[k][0] - truth[k][0]).max() for k in correlators)
    assert off[6] < 0.03 < 0.08 < off[4]
