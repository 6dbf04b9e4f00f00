"""Names of runs in legends."""

from typing import Any

import pytest
from solvers import tdvp
from systems import heisenberg_ring
from trajectories import damped

from opentdvp.config import TensorNetworkSolver
from opentdvp.figures import names


@pytest.mark.parametrize(
    ("lattice", "label"),
    [
        ({"kind": "chain", "size": [6], "periodic": True}, "ring $N = 6$"),
        ({"kind": "chain", "size": [8], "periodic": False}, "open chain $N = 8$"),
        ({"kind": "square", "size": [3, 4], "periodic": True}, r"torus $3 \times 4$"),
        ({"kind": "square", "size": [3, 3], "periodic": False}, r"open square $3 \times 3$"),
    ],
)
def test_systems_are_named_by_geometry_and_size(lattice: dict[str, Any], label: str) -> None:
    observables = {"magnetization": ["X", "Y", "Z"]}
    run = damped(system=heisenberg_ring(6, lattice=lattice, observables=observables))
    assert names.system(run) == label


def test_infinite_chain_is_named_instead_of_the_ring() -> None:
    keys: dict[str, Any] = {"method": "mpo", "chain": "infinite", "bond_dimension": 8}
    accuracy = {"singular_value_cutoff": 0, "time_step": 0.1, "order": 2}
    run = damped(solver=TensorNetworkSolver(**keys, **accuracy))
    assert (names.system(run), names.method(run)) == ("infinite chain", "MPO")


def test_methods_are_named() -> None:
    assert names.method(damped(solver=tdvp())) == "TDVP (recurrent)"
    assert names.method(damped()) == "exact"
    network = {"kind": "jastrow", "weight": 2, "range": 3, "pair_range": 3}
    run = damped(solver=tdvp(network=network, orbit=None, forgetting_bound=None))
    assert names.method(run) == "TDVP (Jastrow)"


def test_keys_become_words() -> None:
    assert names.words("autocorrelation_magnetization") == "autocorrelation magnetisation"
    assert names.words("residual_held_out") == "residual held out"
