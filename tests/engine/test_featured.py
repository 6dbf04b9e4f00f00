"""All that a system may have, against its dense Lindbladian."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from dense import dense_evolution, superoperators
from featured import (
    DRIVEN,
    DRIVES,
    GRAPH,
    HONEYCOMB,
    LADDER,
    NEEL,
    PAIR_JUMPS,
    SYSTEMS,
    featured,
)
from solvers import chains, convolution, direct, hybrid, jastrow, solved, tdvp
from systems import heisenberg_ring

from opentdvp.config import Deck
from opentdvp.engine.assembly import assemble, check
from opentdvp.engine.evolve import evolve, prepare, start
from opentdvp.engine.povm.generator import apply_generator, build_generator
from opentdvp.engine.povm.tetrahedron import build_povm, frame, start_probabilities
from opentdvp.engine.steps import steps
from opentdvp.errors import ConfigError
from opentdvp.physics.model import build_model

#: Tight steps; the whole error is theirs.
TIGHT = {"method": "bogacki_shampine", "fisher_tolerance": 1e-6, "eigenvalue_cutoff": 1e-12}


@pytest.fixture(params=SYSTEMS)
def system(request):
    return SYSTEMS[request.param]


@pytest.mark.parametrize("time", [0.0, 0.13, 0.37])
@pytest.mark.parametrize("orientation", ["cubic", "z_aligned"])
def test_generator_at_any_time_is_the_dense_one(system, orientation, time):
    """tr(M^a 𝓛(t)[D^b])."""
    model, povm = build_model(system), build_povm(orientation)
    n_sites = model.n_sites
    generator = build_generator(model, povm)
    factors = np.array([drive(time) for drive in model.drives]) if model.drives else None
    columns = np.eye(4**n_sites).reshape(*(4,) * n_sites, 4**n_sites)
    found = apply_generator(generator.at(factors), columns).reshape(4**n_sites, 4**n_sites)
    elements, dual = (
        frame(one, n_sites).reshape(4**n_sites, -1) for one in (povm.elements, povm.dual)
    )
    parts = superoperators(system).items()
    liouvillian = sum((1.0 if drive is None else drive(time)) * part for drive, part in parts)
    expected = (elements.conj() @ (liouvillian @ dual.T)).real
    np.testing.assert_allclose(found, expected, atol=1e-10)


def test_all_strings_follow_the_dense_solution(system):
    """A Jastrow factor of full weight and range is any distribution."""
    n_sites = system.lattice.n_sites
    found = solved(system, jastrow(n_sites, n_sites, n_sites, **TIGHT))
    expected = dense_evolution(system, found.times)
    assert found.diagnostics["residual"].max() < 1e-8
    for name, observable in found.observables.items():
        np.testing.assert_allclose(observable.mean, expected[name], atol=2e-6)
    assert max(np.ptp(curve, axis=0).max() for curve in expected.values()) > 0.1


#: Without terms on three sites, which samples of recurrent networks do not have.
PAIRS = DRIVEN | {"terms": DRIVEN["terms"][:1], "jumps": [*PAIR_JUMPS, *DRIVEN["jumps"]]}

NETWORKS = {
    "strings": (featured(**DRIVEN | {"jumps": PAIR_JUMPS}), jastrow(2, 2, 3, sampling=chains())),
    "shared": (featured(**PAIRS), tdvp(orbit="none", sampling=direct())),
    "per site": (featured(**PAIRS), tdvp(orbit="none", output="per_site", sampling=direct())),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_local_estimates_at_any_time_are_those_of_the_generator(name):
    """Of all outcomes, by the estimators that samples need."""
    system, solver = NETWORKS[name]
    parts = assemble(system, solver, jax.random.key(0))
    theta = parts.theta + 0.3 * jax.random.normal(jax.random.key(1), parts.theta.shape)
    problem, n_sites = parts.problem, system.lattice.n_sites
    outcomes = jnp.array(np.indices((4,) * n_sites).reshape(n_sites, -1).T, dtype=jnp.int32)
    log_probability = problem.ansatz.log_probability(problem.parameters(theta), outcomes)
    probabilities = np.exp(np.asarray(log_probability)).reshape((4,) * n_sites)
    estimate = jax.jit(lambda factors: problem.estimate(theta, outcomes, None, factors).value)
    for time in (0.0, 0.2, 0.37):
        factors = np.array([drive(time) for drive in parts.model.drives])
        at_time = parts.generator.at(factors)
        expected = (apply_generator(at_time, probabilities) / probabilities).ravel()
        scale = np.abs(expected).max()
        np.testing.assert_allclose(estimate(factors), expected, atol=1e-11 * scale)
    with pytest.raises(TypeError, match="`factors` must be those of 4 drives"):
        problem.estimate(theta, outcomes)


def test_chains_begin_as_samples_of_each_site():
    """Of equal sites, in the way of the library; of others, each within 5 standard errors."""
    sampling, key = chains(solve=30_000, held_out=10_000), jax.random.key(4)
    for system in (heisenberg_ring(3, start={"X": 0.4, "Z": 0.5}), featured()):
        parts = assemble(system, jastrow(1, 1, 1, sampling=sampling), jax.random.key(0))
        start = start_probabilities(parts.povm, parts.model.bloch)
        drawn = np.asarray(parts.problem.sampler.init(key)["chains"])
        shares = np.stack([(drawn == outcome).mean(axis=0) for outcome in range(4)], axis=1)
        np.testing.assert_array_less(np.abs(shares - start), 5 * np.sqrt(start / len(drawn)))
        if parts.model.is_uniform:
            known = jax.random.choice(key, 4, drawn.shape, p=jnp.array(start[0]))
            np.testing.assert_array_equal(drawn, known)


TWO = {"kind": "chain", "size": [2], "periodic": False}
CLOSED = {
    "couplings": {},
    "fields": {"X": 1.0},
    "jumps": [{"operator": "sigma_minus", "rate": 1.0}],
    "start": {"X": 0.5},
    "observables": {},
}
ALONE = CLOSED | {"lattice": {"kind": "graph", "sites": [[0]], "bonds": []}}
RABI = {"kind": "cosine", "frequency": 3.0, "phase": 0.3, "amplitude": 1.5, "mean": 0.4}


@pytest.mark.parametrize(("method", "order"), [("heun", 2), ("bogacki_shampine", 3)])
@pytest.mark.parametrize("samples", ["fixed", "redrawn"])
def test_error_of_a_driven_spin_falls_with_the_order(method, order, samples):
    """H = f(t) X: <Z> = r cos φ and <Y> = −r sin φ with φ = 2 ∫ f dt."""
    system = featured(
        lattice=TWO,
        couplings={},
        fields={"X": {"strength": 1.0, "drive": RABI}},
        jumps=[],
        start={"Z": 0.8},
        time={"stop": 1.0, "points": 2},
        observables={"magnetization": ["Y", "Z"]},
    )
    errors, counts = [], [8, 16, 32]
    for count in counts:
        settings = {"fisher_tolerance": 1e3, "maximal_step": 1 / count, "samples": samples}
        deck = Deck(system=system, solver=jastrow(1, 1, 1, method=method, **settings))
        run = prepare(deck)
        *_, last = steps(run, replace(start(run), step_size=1 / count))
        assert len(last.diagnostics) == count
        angle = 2 * (0.4 + 1.5 / 3 * (np.sin(3.3) - np.sin(0.3)))
        expected = {"Y": -0.8 * np.sin(angle), "Z": 0.8 * np.cos(angle)}
        errors.append(max(abs(last.outputs[-1][a] - value) for a, value in expected.items()))
    assert np.polyfit(np.log(counts), np.log(errors), 1)[0] == pytest.approx(-order, abs=0.3)


def test_steps_end_where_drives_have_kinks_and_resume_bit_for_bit():
    """Also where an output time or nothing else is near."""
    system = featured(
        lattice=TWO,
        couplings={"XX": {"strength": 1.0, "drive": DRIVES["table"]}},
        fields={"Z": {"strength": 0.5, "drive": DRIVES["ramp"]}},
        jumps=[{"operator": "sigma_minus", "rate": 0.5}],
        start={"X": 0.6},
        time={"stop": 0.5, "points": 3},
        observables={},
    )
    solver = jastrow(2, 2, 2, fisher_tolerance=1e-3)
    deck, kept = Deck(system=system, solver=solver), []
    whole = evolve(deck, keep=kept.append)
    times = whole.diagnostics["time"]
    ends = np.append(times[1:], 0.5)
    for milestone in (0.1, 0.15, 0.35, 0.4):
        assert milestone in ends
        assert not ((times < milestone) & (ends > milestone)).any()
    assert whole.diagnostics["step_size"].min() > 1e-6
    resumed = evolve(deck, resume_from=kept[len(kept) // 2])
    for name, curve in whole.curves().items():
        np.testing.assert_array_equal(resumed.curves()[name], curve)
    for name, values in whole.diagnostics.items():
        np.testing.assert_array_equal(resumed.diagnostics[name], values)


@pytest.mark.parametrize(
    ("system", "solver", "message"),
    [
        (SYSTEMS["drives"], tdvp(orbit="none", sampling=direct()), "at most 2 sites .* recurrent"),
        (
            heisenberg_ring(4, couplings={"ZXZ": 1.0}),
            convolution([3, 3], sampling=chains()),
            "at most 2 sites .* convolution, but one acts on 3; use the network jastrow",
        ),
        (heisenberg_ring(4, start=NEEL), convolution([3]), "the same from every site"),
        (featured(**CLOSED | {"lattice": HONEYCOMB}), convolution([3]), "the same from every site"),
        (featured(**CLOSED | {"lattice": LADDER}), hybrid([3], 2, 2, 2), "the same from every"),
        (featured(**CLOSED | {"lattice": GRAPH}), tdvp(kind="raster"), "recurrent on the chain or"),
        (
            featured(**ALONE),
            jastrow(1, 1, 1, sampling=chains()),
            "on a lattice of one site",
        ),
        (
            featured(start=[{"Z": 1}, {"Z": -1}, {"Z": 1}]),
            jastrow(1, 1, 1, povm="z_aligned"),
            "the other orientation",
        ),
    ],
)
def test_what_does_not_fit_is_refused(system, solver, message):
    with pytest.raises(ConfigError, match=message):
        check(system, solver)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("system", "solver", "tolerance"),
    [
        (
            featured(**PAIRS),
            tdvp(
                width=12,
                orbit="none",
                output="per_site",
                sampling=direct(solve=20_000, held_out=2000, observables=100_000),
                eigenvalue_cutoff=1e-7,
                samples="fixed",
                method="bogacki_shampine",
                chunk=1000,
            ),
            0.03,
        ),
        (
            featured(**DRIVEN | {"jumps": PAIR_JUMPS}),
            jastrow(
                3,
                3,
                3,
                sampling=chains(solve=30_000, held_out=3000, observables=100_000, moved=0.2),
                eigenvalue_cutoff=1e-5,
                samples="fixed",
                method="bogacki_shampine",
                chunk=1000,
            ),
            0.03,
        ),
    ],
)
def test_sampled_runs_follow_the_dense_solution(system, solver, tolerance):
    """A mean of three sites errs by 1.7/√(3 · 100 000) = 0.003 in the look alone, a pair by 0.01.

    What the right-hand sides add is of the same size; the tolerance is three times both.
    """
    found = solved(system, solver)
    expected = dense_evolution(system, found.times)
    for name, observable in found.observables.items():
        np.testing.assert_allclose(observable.mean, expected[name], atol=tolerance)
