"""Local estimates against L P / P with the full distribution, which uses none of their code."""

import jax
import numpy as np
import pytest
from featured import NEEL
from solvers import direct, tdvp
from systems import confinement_ring, free_spins, heisenberg_ring

from opentdvp.engine.povm.generator import apply_generator, build_generator
from opentdvp.engine.povm.tetrahedron import build_povm
from opentdvp.physics.model import build_model

FAR_TERMS = [
    {"operators": "XY", "sites": [0, 2], "strength": 0.7},
    {"operators": "ZX", "sites": [3, 1], "strength": -0.4},
    {"operators": "Z", "sites": [2], "strength": 0.9},
]
OPEN = {"kind": "chain", "size": [4], "periodic": False}
LADDER = {"kind": "square", "size": [2, 2], "periodic": False}
LONG_LADDER = {"kind": "square", "size": [2, 3], "periodic": False}
TORUS = {"kind": "square", "size": [3, 3], "periodic": True}
CLOSED_LADDER = {"kind": "ladder", "size": [3, 2], "periodic": True}
EVERY_PAIR = {"XX": {"strength": 1.0, "power_law": {"exponent": 2, "cutoff": 9}}}
EXCHANGE = [{"operator": "sigma_minus sigma_plus", "rate": 0.7}]
ROWS = {"kind": "square", "size": [4, 5], "periodic": True}


@pytest.mark.parametrize(
    ("system", "settings"),
    [
        (heisenberg_ring(4), {"orbit": "all", "depth": 2}),
        (heisenberg_ring(4), {"orbit": 2, "povm": "z_aligned", "activation": "elu"}),
        (confinement_ring(4), {"orbit": "all"}),
        (heisenberg_ring(4, terms=FAR_TERMS), {"orbit": "none"}),
        (heisenberg_ring(4, lattice=OPEN, couplings={"XY": 1.3}), {"orbit": "none"}),
        (heisenberg_ring(4, lattice=LADDER, observables={}), {"orbit": "none"}),
        (heisenberg_ring(4), {"orbit": "space_group", "cell": "gated"}),
        (heisenberg_ring(4, start={"Z": 1}), {"orbit": "half_turns"}),
        (heisenberg_ring(4, start={"Z": 1}), {"orbit": "full"}),
        (heisenberg_ring(4), {"orbit": "all", "output": "per_site", "forgetting_bound": 1e-300}),
        (
            heisenberg_ring(2, lattice=LONG_LADDER, observables={}),
            {"orbit": "none", "kind": "raster", "cell": "gated"},
        ),
        (heisenberg_ring(4), {"orbit": "all", "cell": "multiplicative"}),
        (heisenberg_ring(4, start=NEEL), {"orbit": 2, "forgetting_bound": 1e-300}),
        (heisenberg_ring(3, lattice=CLOSED_LADDER), {"orbit": "space_group"}),
        (heisenberg_ring(4, couplings=EVERY_PAIR, jumps=EXCHANGE), {"orbit": "all"}),
        (
            heisenberg_ring(2, lattice=LONG_LADDER, observables={}),
            {"orbit": "none", "kind": "raster", "cell": "multiplicative"},
        ),
    ],
)
def test_estimates_equal_the_dense_generator(setting, system, settings):
    solver = tdvp(**settings)
    case = setting(system, solver)
    probabilities = case.distribution
    expected = (apply_generator(case.generator, probabilities) / probabilities).ravel()
    estimates = case.estimator(solver)(case.outcomes).value
    np.testing.assert_allclose(estimates, expected, atol=1e-11 * np.abs(expected).max())
    assert abs(probabilities.ravel() @ np.asarray(estimates)) < 1e-12


def test_estimates_of_a_torus_equal_the_dense_generator(setting):
    """A raster network on nine sites: of 4⁹ outcomes the 40 likeliest."""
    solver = tdvp(kind="raster", width=3, orbit="none", sampling=direct())
    case = setting(heisenberg_ring(3, lattice=TORUS), solver)
    probabilities = case.distribution
    likeliest = np.argsort(probabilities.ravel())[-40:]
    change = apply_generator(case.generator, probabilities)
    expected = (change / probabilities).ravel()[likeliest]
    estimates = case.estimator(solver)(case.outcomes[likeliest]).value
    np.testing.assert_allclose(estimates, expected, atol=1e-11 * np.abs(expected).max())


@pytest.mark.parametrize(("ring", "count"), [(heisenberg_ring, 15), (confinement_ring, 12)])
def test_only_shifts_that_connect_outcomes_are_kept(ring, count):
    """Of 15 ways to change a pair, ZZ couplings with fields and dephasing use 12."""
    generator = build_generator(build_model(ring(4)), build_povm("cubic"))
    assert len(generator.pairs.shifts) == count


@pytest.mark.parametrize(
    ("system", "settings", "scale", "bound", "window"),
    [
        (heisenberg_ring(14), {"orbit": "none"}, 0.2, 1e-3, (14, 10)),
        (heisenberg_ring(14), {"orbit": "space_group"}, 0.2, 1e-4, (12, 10)),
        # Forgets so soon that images share what is left to be linear in, near the end and far.
        (heisenberg_ring(20), {"orbit": "all", "recurrent_scale": 0.2}, 0.2, 9e-5, (9, 6)),
        # Images share what they know though every other site begins in another state.
        (
            heisenberg_ring(20, start=NEEL),
            {"orbit": 2, "recurrent_scale": 0.2},
            0.2,
            9e-5,
            (14, 8),
        ),
        # Reads a change again one row later: one quiet site is not enough.
        (
            heisenberg_ring(4, lattice=ROWS),
            {"orbit": "none", "kind": "raster"},
            0.1,
            1e-2,
            (20, 14),
        ),
    ],
)
def test_forgetting_costs_less_than_its_bound(setting, system, settings, scale, bound, window):
    """The error, in standard deviations of E, follows the bound, and windows are short."""
    solvers = [
        tdvp(forgetting_bound=b, sampling=direct(), **{"recurrent_scale": 0.3} | settings)
        for b in (0, bound)
    ]
    case = setting(system, solvers[0], scale=scale)
    sites = case.model.n_sites
    uniforms = jax.random.uniform(jax.random.key(1), (30, sites + 1))
    outcomes = jax.jit(case.ansatz.sample)(case.parameters, uniforms)
    exact, windowed = (case.estimator(s)(outcomes) for s in solvers)
    # Exact means from the first site on, and behind it to the last one.
    window_of_exact = [int(exact.diagnostics[f"window_{end}"][0]) for end in ("prefix", "suffix")]
    assert window_of_exact == [sites, sites - 1]
    assert float(exact.diagnostics["forgotten"].max()) == 0
    error = np.sqrt(np.mean((windowed.value - exact.value) ** 2)) / np.std(exact.value)
    assert 0.01 * bound < error < bound
    assert 0 < float(windowed.diagnostics["forgotten"].max()) < bound
    assert int(windowed.diagnostics["window_prefix"][0]) <= window[0]
    assert int(windowed.diagnostics["window_suffix"][0]) <= window[1]


def test_forgetting_changes_nothing_without_memory(setting):
    """Free spins in their product state: every conditional is the same, whatever came before."""
    case = setting(free_spins(5), tdvp(), scale=0)
    exact, windowed = (
        np.asarray(case.estimator(solver)(case.outcomes).value)
        for solver in (tdvp(), tdvp(forgetting_bound=1e-6))
    )
    np.testing.assert_allclose(windowed, exact, atol=1e-12 * np.abs(exact).max())


def test_single_precision_is_a_small_part_of_the_spread(setting):
    case = setting(heisenberg_ring(4), tdvp(width=12))
    double, single = (
        np.asarray(case.estimator(tdvp(precision=p))(case.outcomes).value)
        for p in ("double", "single")
    )
    weights = case.distribution.ravel()
    error = np.sqrt(weights @ (single - double) ** 2)
    assert 0 < error < 1e-5 * np.sqrt(weights @ double**2)


@pytest.mark.parametrize(
    ("system", "settings"),
    [
        (heisenberg_ring(4), {"orbit": "none"}),
        (heisenberg_ring(5), {"orbit": "all", "povm": "z_aligned"}),
        (confinement_ring(5), {"orbit": "space_group"}),
        (heisenberg_ring(5, start={"Z": 1}), {"orbit": "half_turns"}),
        (heisenberg_ring(5, start={"Z": 1}), {"orbit": "full"}),
        (heisenberg_ring(4, terms=FAR_TERMS), {"orbit": "none"}),
    ],
)
def test_table_of_an_enumeration_has_the_same_estimates(setting, system, settings):
    solver = tdvp(**settings)
    case = setting(system, solver)
    problem = case.problem(solver)
    outcomes = jax.numpy.array(problem.sampler.classes.outcomes)
    expected = np.asarray(case.estimator(solver)(outcomes).value)
    table = problem.estimate(case.theta, outcomes).value
    np.testing.assert_allclose(table, expected, atol=1e-11 * np.abs(expected).max())
