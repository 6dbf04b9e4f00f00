"""All references on the same systems of eight to ten spins: minutes."""

import numpy as np
import pytest
from solvers import kicks, quiet, reduced, tensor_network, wave_functions
from systems import confinement_ring, heisenberg_ring

from opentdvp.config import Deck
from opentdvp.records.trajectory import read
from opentdvp.running.solve import solve_to_file

PAIRS = {"correlators": {"XX": (1, 2), "YY": (1, 2), "ZZ": (1, 2)}}
HEISENBERG = heisenberg_ring(8, time={"stop": 1.0, "points": 6}, observables=PAIRS)
CONFINEMENT = confinement_ring(8, time={"stop": 10.0, "points": 6}, observables=PAIRS)
UNITARY = confinement_ring(10, jumps=[], time={"stop": 40.0, "points": 21}, observables=PAIRS)

TRAJECTORIES = wave_functions(seed=5)
KICKS = kicks(seed=5, time_step=0.05)


@pytest.fixture
def solved(tmp_path):
    """The trajectory of a deck, by the way that every command takes."""

    def solve(system, solver):
        path = tmp_path / f"{solver.method}.h5"
        deck = Deck(system=system, solver=solver)
        solve_to_file(deck, path, None, quiet)
        return read(path)

    return solve


@pytest.mark.slow
@pytest.mark.parametrize(
    ("system", "solver", "error"),
    [
        (HEISENBERG, tensor_network("mpo", bond_dimension=200, time_step=0.1), 5e-3),
        (CONFINEMENT, tensor_network("mpo", bond_dimension=48, time_step=0.25), 1e-3),
        (UNITARY, tensor_network("mps", bond_dimension=40, time_step=0.25), 2e-4),
    ],
    ids=["heisenberg", "confinement", "unitary"],
)
def test_matrix_products_differ_from_exact_by_less_than_their_error(solved, system, solver, error):
    expected, found = solved(system, reduced()).curves(), solved(system, solver).curves()
    largest = max(claimed.max() for _, claimed in found.values())
    assert largest < error
    for key, (mean, _) in found.items():
        assert np.abs(mean - expected[key][0]).max() < largest + 1e-6, key


@pytest.mark.slow
@pytest.mark.parametrize(
    ("system", "solver"),
    [(HEISENBERG, TRAJECTORIES), (CONFINEMENT, TRAJECTORIES), (CONFINEMENT, KICKS)],
    ids=["heisenberg", "confinement", "kicks"],
)
def test_trajectories_scatter_around_exact_by_their_standard_errors(solved, system, solver):
    """No point beyond 4.5 standard errors: by chance in less than one of a thousand seeds."""
    expected, found = solved(system, reduced()).curves(), solved(system, solver).curves()
    for key, (mean, error) in found.items():
        deviation = np.abs(mean - expected[key][0])
        # At the start nothing is random; of kicks, the splitting is wrong by 1e-3.
        assert (deviation <= 4.5 * error + 1.5e-3).all(), key
        assert error[1:].min() > 0, key
