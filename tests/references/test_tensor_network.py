"""Matrix product references against exact ones; what layout, symmetry and stops may not change."""

import numpy as np
import pytest
from solvers import exact
from systems import confinement_ring, heisenberg_ring

from opentdvp.config import Deck, TensorNetworkSolver
from opentdvp.references import exact as qutip_reference
from opentdvp.references.tensor_network import solve

PAIRS = {"correlators": {"XX": (1, 2), "XY": (1, 2), "ZZ": (1, 2)}}


def tensor_network(method="mpo", chain="finite", bond_dimension=64, time_step=0.05, order=4):
    return TensorNetworkSolver(
        method=method,
        chain=chain,
        bond_dimension=bond_dimension,
        singular_value_cutoff=1e-12,
        time_step=time_step,
        order=order,
    )


def quiet(time, **values):
    """Report nothing."""


def solved(system, solver, **arguments):
    return solve(Deck(system=system, solver=solver), quiet, **arguments)


def qutip(system):
    return qutip_reference.solve(Deck(system=system, solver=exact()), quiet)


def largest_difference(found, expected):
    return max(
        np.abs(curve[0] - expected.curves()[key][0]).max() for key, curve in found.curves().items()
    )


SHORT = {"stop": 0.6, "points": 4}
UNITARY = {"jumps": [], "observables": PAIRS, "time": {"stop": 3.0, "points": 4}}
OPEN = {"kind": "chain", "size": (4,), "periodic": False}


@pytest.mark.parametrize(
    ("system", "solver"),
    [
        (heisenberg_ring(4, time=SHORT, observables=PAIRS), tensor_network()),
        (heisenberg_ring(5, time=SHORT, observables=PAIRS), tensor_network()),
        (heisenberg_ring(4, lattice=OPEN, time=SHORT, observables=PAIRS), tensor_network()),
        (confinement_ring(4, observables=PAIRS), tensor_network(time_step=0.2)),
        (confinement_ring(6, **UNITARY), tensor_network("mps", time_step=0.2)),
        (confinement_ring(5, lattice={**OPEN, "size": (5,)}, **UNITARY), tensor_network("mps")),
    ],
    ids=["ring", "odd", "open", "dephasing", "unitary", "unitary-open"],
)
def test_agrees_with_the_exact_solution(system, solver):
    assert largest_difference(solved(system, solver), qutip(system)) < 2e-5
