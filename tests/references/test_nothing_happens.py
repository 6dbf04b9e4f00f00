"""Systems without terms and jumps: every reference keeps the start state."""

from typing import Any

import numpy as np
import pytest
from solvers import exact, kicks, moments, reduced, solved, tensor_network
from systems import free_spins

from opentdvp.config import Solver

FEW = {"stop": 1.0, "points": 3}
NOTHING: dict[str, dict[str, Any]] = {
    "empty": {"jumps": []},
    "zero": {
        "jumps": [{"operator": "Z", "rate": 0.0}],
        "couplings": {"ZZ": 0.0},
        "fields": {"Z": 0.0},
    },
}
REFERENCES: dict[str, Solver] = {
    "exact": exact(),
    "exact_reduced": reduced(),
    "kicks": kicks(4),
    "mpo": tensor_network("mpo", time_step=0.5),
    "mps": tensor_network("mps", time_step=0.5),
    "moments": moments(2, 2),
    "infinite": tensor_network("mpo", "infinite", time_step=0.5),
}


@pytest.mark.parametrize("reference", REFERENCES)
@pytest.mark.parametrize("nothing", NOTHING)
def test_nothing_happens(reference: str, nothing: str) -> None:
    system = free_spins(3, time=FEW, **NOTHING[nothing])
    found = solved(system, REFERENCES[reference]).observables
    for axis, expected in zip("XYZ", system.start.bloch, strict=True):
        np.testing.assert_allclose(found[axis].mean, expected, atol=1e-12)
    np.testing.assert_allclose(found["C_ZZ"].mean, 0, atol=1e-12)


@pytest.mark.parametrize("method", ["mps", "mpo"])
def test_a_time_step_much_longer_than_the_unit_of_time_is_allowed(method: Any) -> None:
    """Couplings may be small: its error is measured, and is in the error bar."""
    system = free_spins(
        3, jumps=[], fields={"X": 1e-3}, couplings={"ZZ": 2e-3}, time={"stop": 100.0, "points": 3}
    )
    solver = tensor_network(method, time_step=5.0)
    found = solved(system, solver).observables
    expected = solved(system, exact()).observables
    for name, observable in found.items():
        np.testing.assert_allclose(observable.mean, expected[name].mean, atol=1e-6)
