"""A single spin that is driven and decays: the Bloch equation, by every solver that takes it."""

from typing import Any

import numpy as np
import pytest
from scipy.linalg import expm
from solvers import (
    chains,
    direct,
    exact,
    jastrow,
    kicks,
    moments,
    reduced,
    solved,
    tdvp,
    tensor_network,
    wave_functions,
)

from opentdvp.config import Deck, Solver, System
from opentdvp.errors import ConfigError
from opentdvp.running.solvers import method_of

DECAY, DEPHASING, X, Z = 0.8, 0.4, 0.7, 0.3
START = {"X": 0.48, "Y": -0.6, "Z": 0.64}
LATTICE = {"kind": "chain", "size": (1,), "periodic": False}


def spin(operator: str = "sigma_minus", **changes: Any) -> System:
    """One spin; a coupling changes nothing, since there is no bond."""
    keys = {
        "lattice": LATTICE,
        "couplings": {"ZZ": 1.0},
        "fields": {"X": X, "Z": Z},
        "jumps": [{"operator": operator, "rate": DECAY if operator != "Z" else DEPHASING}],
        "start": START,
        "time": {"stop": 3.0, "points": 7},
        "observables": {},
    }
    return System.model_validate(keys | changes)


def bloch(times: np.ndarray, operator: str = "sigma_minus") -> np.ndarray:
    """ṙ = 2h × r, with the decay of X and Y at γ/2 and of Z at γ to −1, or of X and Y at 2γ."""
    generator = np.zeros((4, 4))
    generator[:3, :3] = 2 * np.array([[0, -Z, 0], [Z, 0, -X], [0, X, 0]])
    if operator == "Z":
        generator[[0, 1], [0, 1]] -= 2 * DEPHASING
    else:
        generator[[0, 1, 2], [0, 1, 2]] -= np.array([1, 1, 2]) * DECAY / 2
        generator[2, 3] = -DECAY
    return np.array([expm(t * generator)[:3] @ [*START.values(), 1.0] for t in times])


def largest_error(system: System, solver: Solver, operator: str = "sigma_minus") -> float:
    found = solved(system, solver)
    values = np.stack([found.observables[axis].mean for axis in "XYZ"], axis=1)
    return float(np.abs(values - bloch(found.times, operator)).max())


@pytest.mark.parametrize(
    ("solver", "tolerance"),
    [
        (exact(), 1e-8),
        (reduced(), 1e-7),
        (moments(2, 2), 1e-7),
        (tdvp(width=2, orbit="none", fisher_tolerance=1e-4), 1e-3),
        (jastrow(2, 2, 2, fisher_tolerance=1e-4), 1e-3),
        (jastrow(1, 1, 1, fisher_tolerance=1e-4), 1e-3),
    ],
    ids=["exact", "reduced", "moments", "recurrent", "jastrow", "jastrow, one letter"],
)
def test_one_spin_obeys_the_bloch_equation(solver: Solver, tolerance: float) -> None:
    assert largest_error(spin(), solver) < tolerance


@pytest.mark.parametrize(
    ("operator", "solver"),
    [("sigma_minus", wave_functions(400)), ("Z", kicks(400, time_step=0.02))],
    ids=["mcwf", "kicks"],
)
def test_trajectories_of_one_spin_agree_in_their_errors(operator: str, solver: Solver) -> None:
    found = solved(spin(operator), solver)
    for number, axis in enumerate("XYZ"):
        left = found.observables[axis].mean - bloch(found.times, operator)[:, number]
        assert (np.abs(left) < 4 * found.observables[axis].stderr + 1e-3).all()
    assert max(o.stderr.max() for o in found.observables.values()) < 0.06


@pytest.mark.parametrize(
    ("solver", "message"),
    [
        (tensor_network(), r"`lattice.size` must be at least \[2\] for a tensor network"),
        (tensor_network(chain="infinite"), r"`lattice.size` must be at least \[2\]"),
        (tdvp(orbit="none", sampling=direct()), "`sampling.kind` must be enumeration .* is direct"),
        (jastrow(1, 1, 1, sampling=chains()), "`sampling.kind` must be enumeration .* is chains"),
    ],
)
def test_what_needs_pairs_is_refused(solver: Solver, message: str) -> None:
    deck = Deck(system=spin(), solver=solver)
    with pytest.raises(ConfigError, match=message):
        method_of(deck).check(deck)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lattice": LATTICE | {"periodic": True}}, "a periodic `size` must be at least 3"),
        (
            {"lattice": {"kind": "square", "size": (1, 3), "periodic": False}},
            r"`size` must be \[1\], or at least 2 everywhere, but is \[1, 3\]",
        ),
        (
            {"observables": {"correlators": {"ZZ": [1]}}},
            "`observables.correlators.ZZ` must be left out on a lattice of one site",
        ),
    ],
)
def test_other_lattices_of_one_site_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        spin(**changes)
