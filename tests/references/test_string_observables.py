"""Observables of Pauli strings by every reference, against density matrices of the whole space."""

from typing import Any

import numpy as np
import pytest
from dense import dense_states
from dense_observables import EVERYTHING, dense_observables
from scipy.interpolate import CubicSpline
from solvers import exact, kicks, moments, reduced, solved, tensor_network, wave_functions

from opentdvp.config import Deck, System
from opentdvp.errors import ConfigError
from opentdvp.running.solvers import check

RANDOM = np.random.default_rng(3)
DRIVE = {"kind": "cosine", "frequency": 2.0, "amplitude": 0.5, "mean": 1.0}
VECTORS = RANDOM.normal(size=(4, 3))
LENGTHS = np.linalg.norm(VECTORS, axis=1, keepdims=True)


def numbers(count: int) -> list[float]:
    return RANDOM.normal(size=count).tolist()


def spins(length: float) -> list[dict[str, float]]:
    return [dict(zip("XYZ", v, strict=True)) for v in (length * VECTORS / LENGTHS).tolist()]


KEYS: dict[str, Any] = {
    "lattice": {"kind": "chain", "size": [4], "periodic": False},
    "couplings": {
        "XX": numbers(3),
        "XY": numbers(3),
        "ZZ": {"strength": numbers(3), "drive": DRIVE},
    },
    "fields": {"X": numbers(4), "Z": {"strength": 0.7, "drive": DRIVE}},
    "jumps": [
        {"operator": "sigma_minus", "rate": [0.3, 0.1, 0.6, 0.2]},
        {"operator": "Z", "rate": 0.2},
    ],
    "start": spins(0.8),
    "time": {"stop": 0.8, "points": 3},
    "observables": EVERYTHING,
}
MIXED = System.model_validate(KEYS)
PURE = System.model_validate(KEYS | {"start": spins(1.0)})
CLOSED = System.model_validate(KEYS | {"start": spins(1.0), "jumps": []})
DEPHASED = System.model_validate(
    KEYS
    | {
        "couplings": {"ZZ": {"strength": numbers(3), "drive": DRIVE}},
        "jumps": [{"operator": "Z", "rate": 0.4}],
        "start": spins(1.0),
    }
)
#: The boundaries drive a current through it.
DRIVEN: dict[str, Any] = {
    "lattice": {"kind": "chain", "size": [4], "periodic": False},
    "couplings": {"XX": 0.5, "YY": 0.5, "ZZ": 0.5},
    "jumps": [
        {"operator": "sigma_plus", "rate": 1.0, "sites": [0]},
        {"operator": "sigma_minus", "rate": 1.0, "sites": [3]},
    ],
    "start": {"pattern": "neel", "Z": 1},
    "observables": {"profiles": ["Z"], "currents": ["Z"]},
}


def expected(system: System) -> dict[str, np.ndarray]:
    times = system.time.values
    return dense_observables(system, times, dense_states(system, times))


@pytest.mark.parametrize(
    ("system", "solver", "tolerance"),
    [
        (MIXED, exact(), 1e-7),
        (MIXED, reduced(), 1e-6),
        (MIXED, moments(4, 4), 1e-6),
        (MIXED, tensor_network("mpo", bond_dimension=16, time_step=0.05), 1e-4),
        (CLOSED, tensor_network("mps", bond_dimension=4, time_step=0.05), 1e-4),
    ],
    ids=["exact", "exact_reduced", "moments", "mpo", "mps"],
)
def test_every_observable_is_that_of_the_density_matrix(system, solver, tolerance):
    found, right = solved(system, solver).observables, expected(system)
    assert set(right) == set(found) - {"X", "Y", "Z"}
    for name, values in right.items():
        assert found[name].mean.shape == found[name].stderr.shape == values.shape, name
        np.testing.assert_allclose(found[name].mean, values, atol=tolerance, err_msg=name)


@pytest.mark.parametrize(
    ("system", "solver"),
    [(PURE, wave_functions(60)), (DEPHASED, kicks(60, time_step=0.02))],
    ids=["mcwf", "kicks"],
)
def test_trajectories_scatter_around_the_density_matrix_by_their_errors(system, solver):
    """No value beyond 4.5 standard errors, and they are not all tiny."""
    found, right = solved(system, solver).observables, expected(system)
    for name, values in right.items():
        deviation = np.abs(found[name].mean - values)
        # The splitting of kicks is wrong by less than 1e-3.
        assert (deviation <= 4.5 * found[name].stderr + 2e-3).all(), name
        assert found[name].stderr[1:].max() < 0.5, name
        np.testing.assert_allclose(found[name].mean[0], values[0], atol=1e-6, err_msg=name)
    assert (found["Z_i"].stderr[1:] > 1e-3).all()


@pytest.mark.parametrize("chain", ["finite", "infinite"])
def test_a_ring_of_tensors_has_the_correlators_of_the_site_averages(chain):
    """The shortest way around a ring, in both orders of the letters."""
    keys = {
        "lattice": {"kind": "chain", "size": [6], "periodic": True},
        "couplings": {"XX": 1.0, "ZX": 0.5},
        "start": {"Y": -1},
        "time": {"times": [0.4]},
        "observables": {
            "correlators": {"XZ": [1, 2]},
            "displacements": {"XZ": [[1], [2]]},
            "correlation_matrices": ["XZ"],
        },
    }
    solver = tensor_network("mpo", chain, bond_dimension=16, time_step=0.1)
    found = solved(System.model_validate(keys), solver).observables
    assert np.abs(found["C_XZ"].mean).max() > 1e-3
    np.testing.assert_allclose(found["C_XZ_r"].mean, found["C_XZ"].mean, atol=1e-12)
    matrix = found["C_XZ_ij"].mean[0]
    around = [matrix[i, (i + 1) % 6] for i in range(6)]
    np.testing.assert_allclose(np.mean(around), found["C_XZ"].mean[0, 0], atol=1e-12)


def test_the_driven_chain_of_four_carries_a_steady_current():
    """Known: the profile and the current of the issue, 1 − 0.41414 through every bond."""
    system = System.model_validate(DRIVEN | {"time": {"times": [80.0]}})
    found = solved(system, reduced()).observables
    profile = [0.41414, 0.16667, -0.16667, -0.41414]
    np.testing.assert_allclose(found["Z_i"].mean[0], profile, atol=1e-5)
    np.testing.assert_allclose(found["J_Z"].mean[0], 0.58586, atol=1e-5)
    assert found["Z_i"].labels == {"site": (0, 1, 2, 3)}
    assert found["J_Z"].labels == {"bond": ("0, 1", "1, 2", "2, 3")}


def test_what_flows_in_less_what_flows_out_is_the_change_of_the_profile():
    system = System.model_validate(DRIVEN | {"time": {"stop": 2.0, "points": 201}})
    run = solved(system, reduced())
    profile, current = run.observables["Z_i"].mean, run.observables["J_Z"].mean
    change = CubicSpline(run.times, profile).derivative()(run.times)
    nothing = np.zeros((len(current), 1))
    flow = np.hstack([nothing, current]) - np.hstack([current, nothing])
    flow[:, 0] += 1 - profile[:, 0]
    flow[:, 3] -= 1 + profile[:, 3]
    assert np.abs(current).max() > 0.3
    np.testing.assert_allclose(change, flow, atol=1e-4)


def test_moments_refuse_strings_beyond_their_cut():
    observables = {"strings": ["X@0 Y@1 Z@2"]}
    deck = Deck(
        system=System.model_validate(KEYS | {"observables": observables}), solver=moments(2, 4)
    )
    with pytest.raises(ConfigError, match=r"`observables` must .* need X@0 Y@1 Z@2; use a larger"):
        check(deck)
