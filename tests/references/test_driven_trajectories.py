"""Trajectories of systems with all that one can have, against the dense Lindbladian."""

from typing import Any

import numpy as np
import pytest
from dense import dense_evolution
from solvers import kicks, quiet, solved, wave_functions

from opentdvp.config import Deck, System
from opentdvp.physics.model import build_model
from opentdvp.references.exact.fast_jumps import is_fast
from opentdvp.references.trajectories.batches import batch, solve

PAIRS = {"correlators": {"XX": (1,), "XY": (1,), "ZZ": (1,)}}
RAMP = {"kind": "ramp", "first": 0.3, "last": 1.5, "start": 0.4, "stop": 0.9}
PULSE = {"kind": "pulse", "centre": 0.8, "width": 0.2}
COSINE = {"kind": "cosine", "frequency": 5.0, "mean": 1.0}
TABLE = {"kind": "table", "times": [0.2, 0.5, 1.2], "values": [0.2, 2.0, 0.5]}
START = [{"X": 1.0}, {"Y": 0.6, "Z": 0.8}, {"Z": -1.0}, {"X": 0.6, "Y": -0.8}]


def system(**keys: Any) -> System:
    time = {"time": {"stop": 1.5, "points": 4}, "observables": PAIRS, "start": START}
    ring = {"lattice": {"kind": "chain", "size": [4], "periodic": True}}
    return System.model_validate(ring | time | keys)


HAMILTONIAN = {
    "couplings": {
        "XX": {"strength": [1.0, -0.5, 0.3, 0.8], "drive": PULSE},
        "ZXZ": {"strength": 0.7, "drive": COSINE},
        "ZY": {"strength": 0.4, "neighbours": 2},
    },
    "fields": {"X": {"strength": 0.8, "drive": RAMP}, "Z": [0.5, -0.2, 0.3, 0.0]},
}
EVERYTHING = system(
    **HAMILTONIAN,
    jumps=[
        {"operator": "sigma_minus", "rate": [0.5, 0.0, 1.0, 0.2], "drive": TABLE},
        {"operator": "sigma_minus sigma_plus + 0.5 X I", "rate": 0.6, "drive": COSINE},
        {
            "operator": "sigma_minus",
            "rates": [[1, 0.5, "0.2j"], [0.5, 1, 0.3], ["-0.2j", 0.3, 1]],
            "sites": [0, 1, 3],
        },
    ],
)
#: A rate 400 times as fast as everything else, but only for a moment.
FAST = system(
    **HAMILTONIAN,
    jumps=[{"operator": "sigma_minus", "rate": 400.0, "drive": {**PULSE, "width": 0.02}}],
)
DEPHASING = system(
    lattice={"kind": "graph", "sites": [[0, 0], [1, 0], [0, 1], [1, 2]], "bonds": [[0, 1], [2, 3]]},
    couplings={
        "ZZ": [
            {"strength": 1.0, "power_law": {"exponent": 3, "cutoff": 2.5}, "drive": RAMP},
            {"strength": [0.4, -0.7]},
        ]
    },
    terms=[{"operators": "ZZZ", "sites": [3, 0, 2], "strength": 0.8, "drive": COSINE}],
    fields={"X": {"strength": 0.8, "drive": PULSE}, "Y": [0.5, -0.2, 0.3, 0.0], "Z": 0.3},
    jumps=[{"operator": "Z", "rate": [0.5, 0.0, 1.0, 0.2], "drive": TABLE}],
)


def deviations(system, solver):
    """From the exact solution, in standard errors."""
    found = solved(system, solver).observables
    expected = dense_evolution(system, np.linspace(0, 1.5, 4))
    apart = [(found[k].mean - v)[1:] / found[k].stderr[1:] for k, v in expected.items()]
    return np.concatenate([one.ravel() for one in apart])


@pytest.mark.parametrize(
    ("system", "solver"),
    [(EVERYTHING, wave_functions(150)), (DEPHASING, kicks(150, time_step=0.05))],
    ids=["everything", "dephasing"],
)
def test_averages_agree_with_the_exact_solution(system, solver):
    """None is above 4 standard errors; 0.4 to 2 are typical, for few of them are independent."""
    found = deviations(system, solver)
    assert np.abs(found).max() < 4
    assert 0.4 < np.sqrt(np.mean(found**2)) < 2


def test_averages_with_fast_jumps_agree_with_the_exact_solution():
    """Whether they are fast is told by the largest value of a drive."""
    assert is_fast(build_model(FAST), 1.5)
    assert not is_fast(build_model(EVERYTHING), 1.5)
    assert np.abs(deviations(FAST, wave_functions(60))).max() < 4


@pytest.mark.parametrize("rate", [2.0, 400.0])
def test_wave_functions_do_not_miss_a_short_pulse(rate):
    """Long after nothing has happened, a pulse of a field turns all spins, whatever integrates."""
    width, strength = 0.01, 30.0
    drive = {"kind": "pulse", "centre": 7.0, "width": width}
    pulsed = system(
        fields={"X": {"strength": strength, "drive": drive}},
        # Nothing decays from Z = −1 before it.
        jumps=[{"operator": "sigma_minus", "rate": rate, "drive": {**drive, "centre": 30.0}}],
        start={"Z": -1.0},
        time={"stop": 14.0, "points": 2},
    )
    found = solved(pulsed, wave_functions(2)).observables["Z"].mean[-1]
    assert found == pytest.approx(-np.cos(2 * strength * width * np.sqrt(2 * np.pi)), abs=1e-4)


@pytest.mark.parametrize(
    ("system", "solver"), [(EVERYTHING, wave_functions(6, 3)), (DEPHASING, kicks(6, 3))]
)
def test_the_same_seed_gives_the_same_batches(system, solver):
    deck = Deck(system=system, solver=solver)
    one, other = (batch(range(3, 6))(deck).arrays["values"] for _ in range(2))
    np.testing.assert_array_equal(one, other)
    whole = []
    solve(deck, quiet, keep=whole.append)
    np.testing.assert_array_equal(whole[-1].arrays["values"][3:], one)
