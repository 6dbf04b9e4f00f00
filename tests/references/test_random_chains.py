"""Matrix products of random chains, with all that one can have, against the dense Lindbladian."""

from typing import Any

import numpy as np
import pytest
from dense import dense_evolution
from hypothesis import given, settings
from hypothesis import strategies as st
from solvers import solved, tensor_network

from opentdvp.config import System

STOP, POINTS = 0.5, 3
PAIRS = {"correlators": {"XX": (1,), "XY": (1,), "ZY": (1,)}}


@st.composite
def chains(draw: Any, closed_system: bool, most: int = 5) -> System:
    """Three to five spins; every strength is of its own, and some change with the time."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    periodic, driven = draw(st.booleans()), draw(st.booleans())
    n_sites = draw(st.integers(3, most))
    lattice = {"kind": "chain", "size": [n_sites], "periodic": periodic}
    keys = _hamiltonian(random, n_sites, periodic, driven)
    if not closed_system:
        keys["jumps"] = _jumps(random, n_sites, periodic, driven)
    start = random.normal(size=(n_sites, 3))
    # Mixed spins have no amplitudes.
    lengths = 1 if closed_system else random.uniform(0.2, 1, (n_sites, 1))
    start *= lengths / np.linalg.norm(start, axis=1, keepdims=True)
    time = {"stop": STOP, "points": POINTS}
    keys |= {"lattice": lattice, "time": time, "observables": PAIRS}
    keys["start"] = [dict(zip("XYZ", vector, strict=True)) for vector in start.tolist()]
    return System.model_validate(keys)


def _hamiltonian(random: Any, n_sites: int, periodic: bool, driven: bool) -> dict[str, Any]:
    bonds = n_sites if periodic else n_sites - 1
    near, other = (int(k) for k in random.integers(bonds, size=2))
    return {
        "couplings": {
            "XX": _uniform(random, bonds),
            "ZY": {"strength": _uniform(random, bonds), **_drive(random, driven)},
        },
        "fields": {
            "X": [
                {"strength": _uniform(random, 2), "sites": [0, 2], **_drive(random, driven)},
                {"strength": 0.3, **_drive(random, driven)},
            ],
            "Z": _uniform(random, n_sites),
        },
        "terms": [
            {"operators": "YX", "sites": [near, (near + 1) % n_sites], "strength": 0.7},
            {
                "operators": "ZZ",
                "sites": [(other + 1) % n_sites, other],
                "strength": -0.4,
                **_drive(random, driven),
            },
        ],
    }


def _jumps(random: Any, n_sites: int, periodic: bool, driven: bool) -> list[dict[str, Any]]:
    """Of one site, of two, and shared by neighbours."""
    bonds = n_sites if periodic else n_sites - 1
    rates = np.eye(n_sites, dtype=complex)
    for i in range(bonds):
        share = 0.4 * np.exp(2j * np.pi * random.uniform())
        rates[i, (i + 1) % n_sites], rates[(i + 1) % n_sites, i] = share, share.conjugate()
    return [
        {"operator": "sigma_minus", "rate": _uniform(random, n_sites, 0)},
        {
            "operator": "sigma_minus sigma_plus + 0.5j X I - 0.3 Z Y",
            "rate": _uniform(random, bonds, 0),
            **_drive(random, driven, rate=True),
        },
        {
            "operator": [[0.2, "0.5j"], [1, -0.3]],
            "rates": [[str(entry).strip("()") for entry in row] for row in rates.tolist()],
            **_drive(random, driven, rate=True),
        },
    ]


def _uniform(random: Any, count: int, least: float = -1.0) -> list[float]:
    return random.uniform(least, 1, count).tolist()


def _drive(random: Any, driven: bool, rate: bool = False) -> dict[str, Any]:
    kinds = [
        {"kind": "ramp", "first": 0.2, "last": 1.5, "start": 0.13, "stop": 0.31},
        {"kind": "pulse", "centre": random.uniform(0, STOP), "width": 0.1},
        {"kind": "cosine", "frequency": 6.0, "phase": 0.4, "mean": 1.0 if rate else 0.2},
        {"kind": "table", "times": [0.1, 0.22, 0.4], "values": [0.5, 1.4, 0.1]},
    ]
    return {"drive": kinds[random.integers(len(kinds))]} if driven else {}


def assert_agrees(system: System, method: str) -> None:
    found = solved(system, tensor_network(method, time_step=0.1)).observables
    expected = dense_evolution(system, np.linspace(0, STOP, POINTS))
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(found[name].mean, values, atol=1e-5, err_msg=name)


@given(system=chains(closed_system=True))
@settings(max_examples=4, deadline=None)
def test_amplitudes(system: System) -> None:
    assert_agrees(system, "mps")


@given(system=chains(closed_system=False, most=3))
@settings(max_examples=3, deadline=None)
def test_density_matrices(system: System) -> None:
    assert_agrees(system, "mpo")


@pytest.mark.slow
@given(system=chains(closed_system=True))
@settings(max_examples=40, deadline=None)
def test_amplitudes_of_many(system: System) -> None:
    assert_agrees(system, "mps")


@pytest.mark.slow
@given(system=chains(closed_system=False))
@settings(max_examples=25, deadline=None)
def test_density_matrices_of_many(system: System) -> None:
    assert_agrees(system, "mpo")
