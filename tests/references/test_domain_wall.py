"""A domain wall in an XX chain: free fermions, and with dephasing a closed equation for pairs.

With σ⁺_i σ⁻_{i+1} = c†_i c_{i+1}, H = J Σ (XX + YY) hops by 2J, and dephasing at rate γ damps
G_ij = <c†_i c_j> off the diagonal: Ġ = i[h, G] − 4γ (G − diag G). This is N × N, not 2ᴺ × 2ᴺ.
"""

import numpy as np
import pytest
import scipy.linalg
from solvers import exact, jastrow, moments, reduced, solved, tensor_network

from opentdvp.config import System

COUPLING = 0.7
TIMES = np.linspace(0, 1.5, 4)


def melting(n_sites: int, dephasing: float, stop: float = 1.5) -> System:
    """Up in the left half, down in the right one."""
    return System.model_validate(
        {
            "lattice": {"kind": "chain", "size": [n_sites], "periodic": False},
            "couplings": {"XX": COUPLING, "YY": COUPLING},
            "jumps": [{"operator": "Z", "rate": dephasing}] if dephasing else [],
            "start": {"pattern": "domain_wall", "Z": 1},
            "time": {"stop": stop, "points": 4},
            "observables": {
                "magnetization": ["Z"],
                "correlators": {"XX": [1], "XY": [1], "ZZ": [1, 2]},
            },
        }
    )


def pairs(n_sites: int, dephasing: float, times: np.ndarray) -> np.ndarray:
    """G at every time."""
    one, hops = np.eye(n_sites), 2 * COUPLING * (np.eye(n_sites, k=1) + np.eye(n_sites, k=-1))
    # Of G written row by row.
    turning = 1j * (np.kron(hops, one) - np.kron(one, hops))
    damping = 4 * dephasing * np.diag((1 - one).ravel())
    start = np.diag(np.arange(n_sites) < n_sites // 2).astype(complex).ravel()
    states = [scipy.linalg.expm(t * (turning - damping)) @ start for t in times]
    return np.array(states).reshape(-1, n_sites, n_sites)


@pytest.mark.parametrize("dephasing", [0.0, 0.4])
@pytest.mark.parametrize(
    ("solver", "n_sites", "tolerance"),
    [
        (exact(), 6, 1e-7),
        (reduced(), 8, 1e-7),
        (moments(6, 6), 6, 1e-6),
        (tensor_network(), 6, 1e-5),
        (jastrow(4, 4, 4, fisher_tolerance=1e-5), 4, 1e-3),
    ],
    ids=["exact", "reduced", "moments", "mpo", "jastrow"],
)
def test_currents_and_correlators_are_those_of_free_fermions(solver, n_sites, tolerance, dephasing):
    found = solved(melting(n_sites, dephasing), solver).observables
    state = pairs(n_sites, dephasing, TIMES)
    currents = -2 * np.diagonal(state, 1, axis1=1, axis2=2).imag.mean(axis=1)
    assert np.abs(currents).max() > 0.1
    np.testing.assert_allclose(found["C_XY"].mean[:, 0], currents, atol=tolerance)
    np.testing.assert_allclose(found["C_XX"].mean[:, 0], 0, atol=tolerance)
    np.testing.assert_allclose(found["Z"].mean, 0, atol=tolerance)
    if not dephasing:  # a Gaussian state: <n_i n_j>ᶜ = −|G_ij|²
        for column, distance in enumerate((1, 2)):
            off = np.diagonal(state, distance, axis1=1, axis2=2)
            expected = -4 * (np.abs(off) ** 2).mean(axis=1)
            np.testing.assert_allclose(found["C_ZZ"].mean[:, column], expected, atol=tolerance)


@pytest.mark.parametrize("dephasing", [10.0, 40.0])
def test_strong_dephasing_makes_it_diffuse(dephasing):
    """Spins hop at rate 2J²/γ to either side, in the limit; the current is that of the walk."""
    n_sites, rate = 8, 2 * COUPLING**2 / dephasing
    found = solved(melting(n_sites, dephasing, stop=1 / rate), reduced())
    bonds = np.eye(n_sites, k=1)[:-1] - np.eye(n_sites)[:-1]
    start = np.where(np.arange(n_sites) < n_sites // 2, 1.0, 0.0)
    profiles = [scipy.linalg.expm(-rate * t * bonds.T @ bonds) @ start for t in found.times]
    flows = np.array([-rate * (bonds @ profile).mean() for profile in profiles])
    # Of the number, J_i = 4J Im G_{i+1,i} = 2J <X_i Y_{i+1}>
    measured = 2 * COUPLING * found.observables["C_XY"].mean[:, 0]
    np.testing.assert_allclose(measured[1:], flows[1:], rtol=4 * (COUPLING / dephasing) ** 2 + 1e-6)
