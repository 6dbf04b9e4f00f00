"""Small systems of every kind for tests, and how far a run is from dense matrices."""

from typing import Any

import numpy as np
from dense import dense_evolution
from hypothesis import strategies as st
from solvers import moments

from opentdvp.config import System

PAIRS = [a + b for a in "XYZ" for b in "XYZ"]
TRIPLES = [pair + c for pair in PAIRS for c in "XYZ"]
PENTAGON = {"sites": [[k, k % 2] for k in range(5)], "bonds": [[k, (k + 1) % 5] for k in range(5)]}
LATTICES: list[dict[str, Any]] = [
    {"kind": "chain", "size": [4], "periodic": False},
    {"kind": "chain", "size": [5], "periodic": True},
    {"kind": "ladder", "size": [2, 2], "periodic": False},
    {"kind": "triangular", "size": [2, 2], "periodic": False},
    {"kind": "graph", **PENTAGON},
]
DRIVES: list[dict[str, Any]] = [
    {"kind": "ramp", "first": 0.2, "last": 1.3, "start": 0.15, "stop": 0.6},
    {"kind": "pulse", "centre": 0.5, "width": 0.05},
    {"kind": "cosine", "frequency": 9.0, "phase": 0.3, "amplitude": 0.7, "mean": 0.8},
    {"kind": "table", "times": [0.1, 0.3, 0.35], "values": [1.0, 0.0, 0.7]},
]
RAISING = "sigma_plus sigma_minus"


def system(lattice: dict[str, Any], **changes: Any) -> System:
    keys = {
        "lattice": lattice,
        "start": {"X": 0.48, "Y": -0.6, "Z": 0.64},
        "time": {"stop": 1.0, "points": 4},
        "observables": {"correlators": dict.fromkeys(PAIRS, (1,))},
    }
    return System.model_validate(keys | changes)


def largest_error(of: System, trajectory: Any) -> float:
    expected = dense_evolution(of, trajectory.times)
    assert set(expected) == set(trajectory.observables)
    return max(
        np.abs(found.mean - expected[name]).max() for name, found in trajectory.observables.items()
    )


def whole(of: System) -> Any:
    """Moments of all strings."""
    return moments(of.lattice.n_sites, max(of.lattice.extent))


@st.composite
def systems(draw: st.DrawFn) -> System:
    """Few spins, no two of them alike; whatever a configuration may have."""
    lattice = draw(st.sampled_from(LATTICES))
    n_sites = system(lattice).lattice.n_sites
    strengths = st.floats(-1.5, 1.5, allow_subnormal=False).map(lambda x: round(x, 3))
    drives = st.none() | st.sampled_from(DRIVES)
    entries = st.complex_numbers(max_magnitude=0.6, allow_nan=False, allow_subnormal=False)

    def matrix(rows: int) -> np.ndarray:
        return np.array([[draw(entries) for _ in range(rows)] for _ in range(rows)])

    def written(of: np.ndarray) -> list[list[str]]:
        return [[f"{entry:.4f}" for entry in row] for row in of]

    def driven(entry: dict[str, Any]) -> dict[str, Any]:
        drive = draw(drives)
        return entry if drive is None else entry | {"drive": drive}

    terms = [
        driven(
            {
                "operators": letters,
                "sites": draw(st.permutations(range(n_sites)))[: len(letters)],
                "strength": draw(strengths),
            }
        )
        for letters in (*draw(st.lists(st.sampled_from(TRIPLES + PAIRS), max_size=3)), *"XYZ")
    ]
    pair = list(draw(st.permutations(range(n_sites)))[:2])
    root = matrix(n_sites)
    jumps = [
        driven({"operator": written(matrix(4) + np.eye(4)), "rate": 0.3, "bonds": [pair]}),
        driven({"operator": RAISING, "rate": draw(st.floats(0, 1))}),
        {"operator": written(matrix(2) + np.eye(2)), "rates": written(0.2 * root @ root.conj().T)},
    ]
    vectors = np.array([[draw(st.floats(-1, 1)) for _ in "XYZ"] for _ in range(n_sites)])
    vectors /= np.maximum(1.0, np.linalg.norm(vectors, axis=1) * (1 + 1e-9))[:, None]
    return system(
        lattice,
        couplings={
            draw(st.sampled_from(PAIRS)): driven({"strength": draw(strengths)}),
            "ZX": {"strength": 0.4, "power_law": {"exponent": 1.5, "cutoff": 3.0}},
        },
        terms=terms,
        jumps=jumps,
        start=[dict(zip("XYZ", vector, strict=True)) for vector in vectors.tolist()],
    )
