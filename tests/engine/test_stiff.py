"""Strong dissipation: observables between steps and at their ends, against a matrix exponential.

Two sites and enough parameters for every distribution: all that is wrong is the integrator's.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm
from solvers import quiet, tdvp
from systems import heisenberg_ring

from opentdvp.config import Deck
from opentdvp.engine.evolve import evolve
from opentdvp.engine.measuring.observables import measure
from opentdvp.engine.povm.generator import apply_generator, build_generator
from opentdvp.engine.povm.tetrahedron import build_povm, outcome_probabilities
from opentdvp.engine.sampling.ensemble import Ensemble
from opentdvp.physics.model import build_model
from opentdvp.records.result_code import ResultCode

TOLERANCE = 1e-3


def pair(rate, operator, sites, stop):
    """An open pair from a tilted state, with one kind of jump on some sites."""
    jump = {"operator": operator, "rate": rate} | ({"sites": sites} if sites else {})
    return heisenberg_ring(
        2,
        lattice={"kind": "chain", "size": (2,), "periodic": False},
        couplings={"XX": 1.0, "YY": 1.0},
        fields={"X": 0.3},
        jumps=[jump],
        start={"X": 0.48, "Y": -0.64, "Z": 0.6},
        time={"stop": stop, "points": 101},
    )


def truth(system):
    """Observables of exp(L t) P."""
    model, povm = build_model(system), build_povm("cubic")
    generator = build_generator(model, povm)
    matrix = np.stack(
        [apply_generator(generator, unit.reshape(4, 4)).ravel() for unit in np.eye(16)], axis=1
    )
    one_site = outcome_probabilities(povm, model.bloch[0])
    step = expm(matrix * system.time.stop / (system.time.points - 1))
    outcomes = jnp.array(np.indices((4, 4)).reshape(2, -1).T)
    measured = jax.jit(lambda of: measure(of, povm, model.lattice, system.observables))
    probabilities, rows = np.kron(one_site, one_site), []
    for _ in range(system.time.points):
        ensemble = Ensemble(outcomes, jnp.array(probabilities), None)
        found = measured(ensemble)
        rows.append({name: np.asarray(mean) for name, (mean, _) in found.items()})
        probabilities = step @ probabilities
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def check(rate, operator, sites, method, stop):
    system = pair(rate, operator, sites, stop)
    solver = tdvp(
        width=4,
        orbit="none",
        output="per_site",
        method=method,
        fisher_tolerance=TOLERANCE,
        maximal_step=1.0,
        eigenvalue_cutoff=1e-9,
    )
    trajectory = evolve(Deck(system=system, solver=solver), quiet)
    assert trajectory.result is ResultCode.SUCCESS
    for name, exact in truth(system).items():
        found = trajectory.observables[name].mean
        np.testing.assert_allclose(found, exact, rtol=0, atol=5 * TOLERANCE, err_msg=name)


@pytest.mark.parametrize(("method", "stop"), [("heun", 0.4), ("bogacki_shampine", 0.02)])
def test_strong_dissipation_on_one_site(method, stop):
    """Heun's whole step and its halves agree by chance; the third order errs in its first step."""
    check(100.0, "Z", (0,), method, stop)


@pytest.mark.slow
@pytest.mark.parametrize("rate", [1e-3, 1.0, 30.0, 1e3, 1e4])
@pytest.mark.parametrize("sites", [None, (0,)])
@pytest.mark.parametrize("operator", ["sigma_minus", "Z"])
@pytest.mark.parametrize("method", ["heun", "bogacki_shampine"])
def test_dissipation_of_any_strength(rate, sites, operator, method):
    check(rate, operator, sites, method, min(1.0, 50 / rate))
