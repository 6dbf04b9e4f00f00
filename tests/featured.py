"""Small systems with all that a system may have: lattices, couplings, jumps, starts, drives."""

from typing import Any

from opentdvp.config import System

NEEL = {"pattern": "neel", "X": 0.48, "Z": 0.64}
OPEN_CHAIN = {"kind": "chain", "size": [3], "periodic": False}
TRIANGLE = {"kind": "triangular", "size": [3, 2], "periodic": [True, False]}
LADDER = {"kind": "ladder", "size": [3, 2], "periodic": True}
HONEYCOMB = {"kind": "honeycomb", "size": [2, 2], "periodic": [True, False]}
GRAPH = {
    "kind": "graph",
    "sites": [[0, 0], [1, 0], [0, 1], [-1, 0]],
    "bonds": [[0, 1], [0, 2], [3, 0]],
}

DRIVES: dict[str, Any] = {
    "ramp": {"kind": "ramp", "first": 0.2, "last": 1.0, "start": 0.1, "stop": 0.35},
    "pulse": {"kind": "pulse", "centre": 0.2, "width": 0.08},
    "cosine": {"kind": "cosine", "frequency": 9.0, "phase": 0.4, "amplitude": 0.7, "mean": 0.3},
    "table": {"kind": "table", "times": [0.0, 0.15, 0.4], "values": [0.0, 1.0, 0.5]},
}


def featured(**changes: Any) -> System:
    """Three spins in a row, each different, decaying on their own; keys of `System`."""
    keys: dict[str, Any] = {
        "lattice": OPEN_CHAIN,
        "couplings": {"XX": [1.0, -0.6], "ZZ": 0.5},
        "fields": {"Z": [0.4, -0.3, 0.8]},
        "jumps": [{"operator": "sigma_minus", "rate": [0.5, 0.8, 0.3]}],
        "start": [{"X": 0.6, "Z": 0.5}, {"Y": -0.9}, {"X": -0.3, "Z": -0.7}],
        "time": {"stop": 0.4, "points": 5},
        "observables": {"correlators": {"XX": [1], "XY": [1, 2], "ZZ": [1]}},
    }
    return System.model_validate(keys | changes)


#: Two-site jumps: an exchange with a direction, a sum of products, and a decay that sites share.
PAIR_JUMPS = [
    {"operator": "sigma_minus sigma_plus", "rate": [0.5, 0.9]},
    {"operator": "X X - 0.5j Z I", "rate": 0.4, "bonds": [[2, 0]]},
    {
        "operator": "sigma_minus",
        "rates": [[1.0, 0.6, 0.2], [0.6, 1.0, "0.3j"], [0.2, "-0.3j", 0.7]],
    },
]
THREES = [{"operators": "XYZ", "sites": [2, 0, 1], "strength": 0.7}]
FAR = {"XX": {"strength": 0.9, "power_law": {"exponent": 1.5, "cutoff": 9}}, "ZY": 0.4}
DRIVEN = {
    "couplings": {"XX": {"strength": 1.0, "drive": DRIVES["cosine"]}, "ZZ": 0.5},
    "fields": {"X": {"strength": 2.0, "drive": DRIVES["pulse"]}, "Z": 0.3},
    "terms": [
        {"operators": "YZ", "sites": [0, 2], "strength": 0.8, "drive": DRIVES["table"]},
        {"operators": "XYX", "sites": [0, 1, 2], "strength": 0.5, "drive": DRIVES["ramp"]},
    ],
    "jumps": [
        {"operator": "sigma_minus", "rate": 0.7, "drive": DRIVES["ramp"]},
        {"operator": "Z", "rate": 0.2},
    ],
}

SYSTEMS = {
    "disorder": featured(),
    "two-site jumps": featured(jumps=PAIR_JUMPS),
    "far and on three sites": featured(couplings=FAR, terms=THREES),
    "drives": featured(**DRIVEN),
    "graph": featured(
        lattice=GRAPH,
        couplings={"XX": [1.0, 0.5, -0.7], "ZZ": {"strength": 0.4, "neighbours": 2}},
        fields={"Z": {"uniform": [-1, 1], "seed": 3}},
        jumps=[{"operator": "sigma_plus sigma_minus", "rate": 0.6}],
        start={"pattern": "neel", "Z": 0.9},
    ),
    "ring, everything but disorder": featured(
        lattice={"kind": "chain", "size": [4], "periodic": True},
        couplings={"XX": 1.0, "ZZ": {"strength": 0.3, "neighbours": 2}, "ZXZ": 0.4},
        fields={"Z": {"strength": 0.8, "drive": DRIVES["cosine"]}},
        jumps=[
            {"operator": "sigma_minus sigma_plus", "rate": 0.5},
            {"operator": "sigma_minus", "rate": 0.4, "drive": DRIVES["ramp"]},
        ],
        start=NEEL,
    ),
}
