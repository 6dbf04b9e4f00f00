"""The many-body Jastrow factor: its terms, symmetries, derivatives and local estimates."""

from functools import reduce

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from dense import dense_states
from featured import (
    HONEYCOMB,
    LADDER,
    NEEL,
    PAIR_JUMPS,
    SYSTEMS,
    TRIANGLE,
    featured,
)
from solvers import chains, jastrow
from systems import confinement_ring, heisenberg_ring

from opentdvp.engine.assembly import assemble, check
from opentdvp.engine.estimates.of_terms import TermEstimator
from opentdvp.engine.povm.generator import apply_generator
from opentdvp.engine.povm.tetrahedron import frame, start_probabilities
from opentdvp.engine.principle.right_hand_side import derivative, log_derivatives
from opentdvp.engine.sampling.ensemble import Purpose
from opentdvp.errors import ConfigError
from opentdvp.physics.pauli.cut_orbits import strings_within
from opentdvp.physics.pauli.cuts import Cut
from opentdvp.physics.pauli.symmetries import automorphisms

FAR = [{"sites": [0, 2], "operators": "XY", "strength": 0.3}]

CHAIN = {"kind": "chain", "size": [4], "periodic": False}
RING = {"kind": "chain", "size": [5], "periodic": True}
UNIFORM = {
    "couplings": {"XX": 1.0, "ZZ": 0.5, "XY": 0.3},
    "fields": {"Z": 0.7},
    "jumps": [{"operator": "sigma_minus", "rate": 1.0}],
    "start": {"X": 0.5, "Z": 0.7},
    "observables": {},
}

#: System, and the weight, range and range of pairs of a Jastrow factor.
CASES = {
    "ring": (heisenberg_ring(5), (3, 3, 3)),
    "far pairs": (heisenberg_ring(6), (3, 2, 4)),
    "whole ring": (heisenberg_ring(4), (4, 4, 4)),
    "half turns": (heisenberg_ring(5, start={"Z": 1}), (3, 3, 3)),
    "confinement": (confinement_ring(5), (2, 3, 3)),
    "no symmetry": (heisenberg_ring(4, terms=FAR), (2, 2, 3)),
    "open square": (
        heisenberg_ring(4, lattice={"kind": "square", "size": [3, 2], "periodic": False}),
        (3, 2, 3),
    ),
    "three sites": (
        featured(**UNIFORM | {"lattice": CHAIN, "couplings": {"XX": 1, "ZXZ": 0.7}}),
        (2, 2, 3),
    ),
    "three sites in a window": (
        featured(**UNIFORM | {"lattice": RING, "couplings": {"ZXZ": 0.7}}),
        (3, 3, 4),
    ),
    "two-site jumps": (featured(jumps=PAIR_JUMPS), (2, 2, 3)),
    "staggered start": (heisenberg_ring(6, start=NEEL), (2, 2, 4)),
    "ladder, closed": (featured(lattice=LADDER, **UNIFORM), (2, 2, 3)),
    "triangular": (featured(lattice=TRIANGLE, **UNIFORM), (3, 2, 3)),
    "graph": (SYSTEMS["graph"], (2, 2, 4)),
    "honeycomb": (featured(lattice=HONEYCOMB, **UNIFORM), (2, 2, 3)),
    "torus": (
        heisenberg_ring(4, lattice={"kind": "square", "size": [3, 3], "periodic": True}),
        (2, 2, 2),
    ),
}


#: Those that the others nearly contain.
SLOW = ("whole ring", "confinement", "triangular", "honeycomb", "ladder, closed", "torus")


@pytest.fixture(
    params=[pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in CASES]
)
def case(request):
    """Parts of the engine, the cut, and parameters away from the product state."""
    system, (weight, reach, pairs) = CASES[request.param]
    parts = assemble(system, jastrow(weight, reach, pairs), jax.random.key(0))
    theta = 0.15 * np.random.default_rng(1).normal(size=parts.problem.ansatz.count)
    return parts, Cut(weight, reach, pairs), jnp.array(theta)


@pytest.mark.parametrize(("n_sites", "shape"), [(3, [3]), (4, [2, 2])])
def test_a_cut_beyond_the_lattice_is_that_of_the_lattice(n_sites, shape):
    """All strings, in one window of all sites: no preset is too large for a small system."""
    kind = "chain" if len(shape) == 1 else "square"
    lattice = {"kind": kind, "size": shape, "periodic": False}
    system = heisenberg_ring(n_sites, lattice=lattice)
    fitting, beyond = (
        assemble(system, jastrow(*cut), jax.random.key(0)).problem.ansatz
        for cut in [(n_sites, max(shape), max(shape)), (5, 6, 7)]
    )
    theta = 0.3 * jax.random.normal(jax.random.key(1), (fitting.count,))
    assert beyond.count == fitting.count
    outcomes = jnp.array(np.indices((4,) * n_sites).reshape(n_sites, -1), dtype=jnp.int32)
    found = [a.log_probability(a.unravel(theta), outcomes) for a in (fitting, beyond)]
    assert np.std(found[0]) > 0.1
    np.testing.assert_array_equal(*found)


def all_outcomes(parts):
    sites = parts.model.n_sites
    return jnp.array(np.indices((4,) * sites).reshape(sites, -1).T, dtype=jnp.int32)


def some_outcomes(parts):
    every = all_outcomes(parts)
    return every[:: len(every) // 100 - 1]


def distribution(parts, theta):
    """P of shape (4,)·N."""
    ansatz = parts.problem.ansatz
    log_weights = np.asarray(ansatz.log_probability(ansatz.unravel(theta), all_outcomes(parts)))
    weights = np.exp(log_weights - log_weights.max())
    return (weights / weights.sum()).reshape((4,) * parts.model.n_sites)


def images(string, parts):
    """The distinct strings that the symmetries lead to."""
    return np.unique([string[p] for p in automorphisms(parts.model)], axis=0)


def test_every_string_of_the_cut_is_in_it_once_with_its_images(case):
    """Σ_k θ_k O_k with the strings listed one by one, and the start state."""
    parts, cut, theta = case
    ansatz, outcomes = parts.problem.ansatz, some_outcomes(parts)
    letters = np.concatenate([np.ones((4, 1)), np.sqrt(3) * parts.povm.directions], axis=1)
    derivatives = np.asarray(ansatz.log_derivatives(ansatz.unravel(theta), outcomes))
    found = []
    for string in strings_within(parts.model.lattice, cut):
        orbit = images(string, parts)
        if np.array_equal(orbit[0], string):  # one string stands for its orbit
            values = letters[np.asarray(outcomes)[:, None], orbit].prod(axis=-1).sum(axis=1)
            found.append(values)
    turns = parts.problem.ansatz.symmetries.shifts
    expected = np.array(found)
    kept = [any(np.allclose(row, other) for other in derivatives.T) for row in expected]
    # A half turn takes away those that change their sign under it.
    assert sum(kept) == derivatives.shape[1]
    assert all(kept) == (len(np.unique(turns)) == 1)
    assert len({tuple(np.round(row, 6)) for row in derivatives.T}) == len(derivatives.T)
    start = np.log(start_probabilities(parts.povm, parts.model.bloch))
    of_start = start[np.arange(parts.model.n_sites), np.asarray(outcomes)].sum(axis=1)
    total = of_start + derivatives @ np.asarray(theta)
    log_weights = ansatz.log_probability(ansatz.unravel(theta), outcomes)
    np.testing.assert_allclose(log_weights, total, atol=1e-12)


def test_log_derivatives_of_some_strings_are_those_of_all(case):
    """In the order that is asked for, and zeros for none."""
    parts, _, theta = case
    ansatz, outcomes = parts.problem.ansatz, some_outcomes(parts)
    every = np.asarray(ansatz.log_derivatives(ansatz.unravel(theta), outcomes))
    numbers = np.random.default_rng(2).permutation(ansatz.count)[: ansatz.count // 2]
    asked = jnp.array([*numbers, ansatz.count, ansatz.count], dtype=jnp.int32)
    found = ansatz.some_log_derivatives(asked, jnp.float64)(outcomes)
    np.testing.assert_allclose(found[:, :-2], every[:, numbers], atol=1e-12)
    np.testing.assert_array_equal(found[:, -2:], 0)


def test_log_derivatives_of_some_strings_where_letters_have_other_sizes():
    """Those of the cubic orientation are 1 and −1, by which it is the same to divide."""
    solver = jastrow(2, 3, 3, povm="z_aligned")
    parts = assemble(heisenberg_ring(5), solver, jax.random.key(0))
    ansatz, outcomes = parts.problem.ansatz, some_outcomes(parts)
    every = ansatz.log_derivatives(ansatz.unravel(ansatz.theta), outcomes)
    found = ansatz.some_log_derivatives(jnp.arange(ansatz.count), jnp.float64)(outcomes)
    np.testing.assert_allclose(found, every, atol=1e-12)


@pytest.mark.parametrize("povm", ["cubic", "z_aligned"])
def test_all_strings_hold_any_state_of_a_model_with_a_half_turn(povm):
    """log P of the evolved state; half turns take strings away only if they permute outcomes."""
    system = heisenberg_ring(3, start={"Z": 0.5})
    parts = assemble(system, jastrow(3, 3, 3, povm=povm), jax.random.key(0))
    ansatz, outcomes = parts.problem.ansatz, all_outcomes(parts)
    evolved = dense_states(system, np.array([0.0, 0.6]))
    log_start, log_evolved = (
        np.log(np.einsum("aij,ji->a", frame(parts.povm.elements, 3), rho).real) for rho in evolved
    )
    derivatives = np.asarray(ansatz.log_derivatives(ansatz.unravel(ansatz.theta), outcomes))
    basis = np.column_stack([np.ones(len(derivatives)), derivatives])
    difference = log_evolved - log_start
    fit = basis @ np.linalg.lstsq(basis, difference, rcond=None)[0]
    assert np.abs(difference).max() > 0.1
    np.testing.assert_allclose(fit, difference, atol=1e-8)


def test_symmetries_leave_it_as_it_is(case):
    parts, _, theta = case
    ansatz, outcomes = parts.problem.ansatz, some_outcomes(parts)
    parameters = ansatz.unravel(theta)
    moved = ansatz.symmetries.images(outcomes)
    for image in np.moveaxis(np.asarray(moved), 1, 0):
        np.testing.assert_allclose(
            ansatz.log_probability(parameters, jnp.array(image.T)),
            ansatz.log_probability(parameters, outcomes),
            atol=1e-12,
        )


def test_local_estimates_are_those_of_the_generator(case):
    """Every outcome, against the dense generator applied to P."""
    parts, _, theta = case
    ansatz, outcomes = parts.problem.ansatz, all_outcomes(parts)
    found = TermEstimator(ansatz, parts.generator, chunk=100)(ansatz.unravel(theta), outcomes)
    probabilities = distribution(parts, theta)
    expected = apply_generator(parts.generator, probabilities) / probabilities
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found.value, expected.ravel(), atol=1e-12 * scale)


def test_means_of_all_strings_follow_the_master_equation(case):
    """S θ̇ = F makes d<O_k>/dt = <𝓛†O_k> for every string of the model, not for others."""
    parts, _, theta = case
    problem = parts.problem
    _, ensemble = problem.sampler.draw(Purpose.SOLVE, theta, {}, jax.random.key(0))
    velocity = derivative(problem, theta, ensemble).velocity
    outcomes, probabilities = all_outcomes(parts), distribution(parts, theta)
    strings = np.asarray(log_derivatives(problem, theta, outcomes))
    flat = probabilities.ravel()
    means = flat @ strings
    of_ansatz = (strings.T * flat) @ ((strings - means) @ np.asarray(velocity))
    exact = apply_generator(parts.generator, probabilities).ravel() @ strings
    np.testing.assert_allclose(of_ansatz, exact, atol=1e-8 * np.abs(exact).max())


def test_start_is_the_product_state(case):
    parts, _, theta = case
    expected = reduce(np.multiply.outer, start_probabilities(parts.povm, parts.model.bloch))
    np.testing.assert_allclose(distribution(parts, 0 * theta), expected, atol=1e-15)


def test_parameters_beyond_the_limit_are_counted_and_refused():
    system = heisenberg_ring(40, terms=FAR)
    with pytest.raises(ConfigError, match=r"at most 20000 parameters, but .* give 93720"):
        check(system, jastrow(5, 6, 6, sampling=chains()))
    with pytest.raises(ConfigError, match="windows of at most 12 sites, but 13 gives 13"):
        check(heisenberg_ring(40), jastrow(2, 13, 13, sampling=chains()))
