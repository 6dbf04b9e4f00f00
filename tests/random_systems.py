"""Random systems of two to five spins with whatever a configuration may hold."""

from itertools import product
from typing import Any

import numpy as np
from hypothesis import strategies as st

from opentdvp.config import System

PAIRS = [a + b for a, b in product("XYZ", "XYZ")]
EXPRESSIONS = [
    "sigma_minus sigma_plus",
    "sigma_minus I + 0.5j I sigma_minus",
    "Z sigma_plus - 0.3 X Y",
]
GRAPH = {"kind": "graph", "sites": [[0], [1], [2.5]], "bonds": [[0, 1], [2, 1]]}
PENTAGON = {
    "kind": "graph",
    "sites": [[k, k % 2] for k in range(5)],
    "bonds": [[k, (k + 1) % 5] for k in range(5)],
}
LATTICES = [
    {"kind": "chain", "size": [2], "periodic": False},
    {"kind": "chain", "size": [3], "periodic": True},
    {"kind": "chain", "size": [4], "periodic": False},
    {"kind": "chain", "size": [4], "periodic": True},
    {"kind": "square", "size": [2, 2], "periodic": False},
    {"kind": "triangular", "size": [2, 2], "periodic": False},
    GRAPH,
    PENTAGON,
]


def numbers(random: np.random.Generator, *shape: int) -> Any:
    """In −1…1, rounded so that a failure can be read."""
    return np.round(random.uniform(-1, 1, shape), 2).tolist()


def drive(random: np.random.Generator, least: float = -1.0) -> dict[str, Any]:
    """Any function of the time in 0…1 that is nowhere less than this."""
    first, last, middle = np.round(random.uniform(least, 1, 3), 2).tolist()
    kinds: list[dict[str, Any]] = [
        {"kind": "ramp", "first": first, "last": last, "start": 0.2, "stop": 0.7},
        {"kind": "pulse", "centre": 0.5, "width": 0.1},
        {"kind": "cosine", "frequency": 5.0, "phase": first, "amplitude": 0.5, "mean": 0.5},
        {"kind": "table", "times": [0.1, 0.35, 2.0], "values": [first, middle, last]},
    ]
    return kinds[random.integers(len(kinds))]


def coupling(random: np.random.Generator, sites: int, bonds: int) -> Any:
    """Any way to choose bonds."""
    strength, exponent = numbers(random, 2)
    ways: list[Any] = [
        strength,
        numbers(random, bonds),
        {"strength": {"alternating": numbers(random, 2)}},
        {"strength": strength, "power_law": {"exponent": 1 + exponent, "cutoff": 9.0}},
        {"strength": strength, "bonds": [[sites - 1, 0]]},
        [{"strength": strength, "drive": drive(random)}, {"strength": exponent}],
    ]
    return ways[random.integers(len(ways))]


def field(random: np.random.Generator, sites: int) -> Any:
    """Any way to choose sites."""
    strength = numbers(random)
    ways: list[Any] = [
        strength,
        numbers(random, sites),
        {"strength": strength, "sites": [1], "drive": drive(random)},
    ]
    return ways[random.integers(len(ways))]


def term(random: np.random.Generator, sites: int, driven: bool) -> dict[str, Any]:
    """One to three letters anywhere."""
    count = int(random.integers(1, min(sites, 3) + 1))
    letters = "".join(random.choice(list("XYZ"), count))
    where = random.permutation(sites)[:count].tolist()
    given = {"operators": letters, "sites": where, "strength": numbers(random)}
    return given | ({"drive": drive(random)} if driven else {})


def jump(random: np.random.Generator, sites: int, driven: bool) -> dict[str, Any]:
    """On one site, on two, or on all together."""
    rate = abs(numbers(random))
    matrix = random.normal(size=(sites, sites)) + 1j * random.normal(size=(sites, sites))
    pair = random.normal(size=(4, 4)) + 1j * random.normal(size=(4, 4))
    ways = [
        {"operator": "sigma_minus", "rate": np.abs(numbers(random, sites)).tolist()},
        {"operator": [[0.3, "1j"], [0.5, "0.2-0.4j"]], "rate": rate, "sites": [sites - 1]},
        {"operator": EXPRESSIONS[random.integers(len(EXPRESSIONS))], "rate": rate},
        {"operator": (pair / 3).tolist(), "rate": rate, "bonds": [[1, 0]]},
        {"operator": "sigma_minus", "rates": (matrix @ matrix.conj().T / 4).tolist()},
    ]
    return ways[random.integers(len(ways))] | ({"drive": drive(random, 0.0)} if driven else {})


@st.composite
def systems(draw: st.DrawFn) -> System:
    """Such systems, all that they observe included."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    lattice = draw(st.sampled_from(LATTICES))
    sites = len(lattice["sites"]) if "sites" in lattice else int(np.prod(lattice["size"]))
    bonds = len(System.model_validate(_keys(lattice, sites, random)).lattice.geometry.bonds)
    pairs = draw(st.lists(st.sampled_from(PAIRS), max_size=2, unique=True))
    keys = _keys(lattice, sites, random) | {
        "couplings": {letters: coupling(random, sites, bonds) for letters in pairs},
        "fields": {axis: field(random, sites) for axis in draw(st.sets(st.sampled_from("XYZ")))},
        "terms": [term(random, sites, d) for d in draw(st.lists(st.booleans(), max_size=2))],
        "jumps": [jump(random, sites, d) for d in draw(st.lists(st.booleans(), max_size=2))],
    }
    return System.model_validate(keys)


def _keys(lattice: dict[str, Any], sites: int, random: np.random.Generator) -> dict[str, Any]:
    vectors = [
        dict(zip("XYZ", np.array(numbers(random, 3)) / 2, strict=True)) for _ in range(sites)
    ]
    return {
        "lattice": lattice,
        "start": vectors,
        "time": {"stop": 1.0, "points": 4},
        "observables": {"correlators": dict.fromkeys(PAIRS, (1,))},
    }
