"""Local estimates against L P / P with the full distribution, which uses none of their code."""

import numpy as np
import pytest
from solvers import tdvp
from systems import confinement_ring, heisenberg_ring

from opentdvp.engine.lindblad import apply_generator
from opentdvp.engine.tdvp import estimate

FAR_TERMS = [
    {"operators": "XY", "sites": [0, 2], "strength": 0.7},
    {"operators": "ZX", "sites": [3, 1], "strength": -0.4},
    {"operators": "Z", "sites": [2], "strength": 0.9},
]
OPEN = {"kind": "chain", "size": [4], "periodic": False}
LADDER = {"kind": "square", "size": [2, 2], "periodic": False}


@pytest.mark.parametrize(
    ("system", "settings"),
    [
        (heisenberg_ring(4), {"orbit": "none"}),
        (heisenberg_ring(4), {"orbit": "all", "depth": 2}),
        (heisenberg_ring(4), {"orbit": 2, "povm": "z_aligned", "activation": "elu"}),
        (confinement_ring(4), {"orbit": "all"}),
        (heisenberg_ring(4, terms=FAR_TERMS), {"orbit": "none"}),
        (heisenberg_ring(4, lattice=OPEN, couplings={"XY": 1.3}), {"orbit": "none"}),
        (heisenberg_ring(4, lattice=LADDER, observables={}), {"orbit": "none"}),
    ],
)
def test_estimates_equal_the_dense_generator(setting, system, settings):
    solver = tdvp(**settings)
    case = setting(system, solver)
    probabilities = case.distribution
    expected = (apply_generator(case.generator, probabilities) / probabilities).ravel()
    estimates = estimate(case.problem(solver), case.theta, case.outcomes).value
    np.testing.assert_allclose(estimates, expected, atol=1e-11 * np.abs(expected).max())
    assert abs(probabilities.ravel() @ np.asarray(estimates)) < 1e-12


def test_single_precision_is_a_small_part_of_the_spread(setting):
    case = setting(heisenberg_ring(4), tdvp(width=12))
    double, single = (
        np.asarray(estimate(case.problem(tdvp(precision=p)), case.theta, case.outcomes).value)
        for p in ("double", "single")
    )
    weights = case.distribution.ravel()
    error = np.sqrt(weights @ (single - double) ** 2)
    assert 0 < error < 1e-5 * np.sqrt(weights @ double**2)
