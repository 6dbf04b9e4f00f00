"""Systems for tests. Every keyword replaces the key of `System` of the same name.

Unless told otherwise they observe X, Y, Z and the correlators XX, YY, ZZ at distances 1 and, where
the lattice has it, 2.
"""

from typing import Any

from opentdvp.config import Lattice, System


def heisenberg_ring(n_sites: int, **changes: Any) -> System:
    """Anisotropic Heisenberg ring with decay, from Y = −1 (paper, eq. 6 and Fig. 2a, b)."""
    keys = {
        "lattice": {"kind": "chain", "size": (n_sites,), "periodic": True},
        "couplings": {"XX": 2.0, "ZZ": 1.0},
        "fields": {"Z": 1.0},
        "jumps": [{"operator": "sigma_minus", "rate": 1.0}],
        "start": {"Y": -1.0},
        "time": {"stop": 1.0, "points": 11},
    }
    return _system(keys | changes)


def confinement_ring(n_sites: int, **changes: Any) -> System:
    """Ising ring in a tilted field with dephasing, from Z = +1 (paper, eq. 7 and Fig. 3a)."""
    keys = {
        "lattice": {"kind": "chain", "size": (n_sites,), "periodic": True},
        "couplings": {"ZZ": 1.0},
        "fields": {"X": 0.25, "Z": 0.05},
        "jumps": [{"operator": "Z", "rate": 0.25}],
        "start": {"Z": 1.0},
        "time": {"stop": 4.0, "points": 21},
    }
    return _system(keys | changes)


def free_spins(n_sites: int = 2, **changes: Any) -> System:
    """Spins without couplings that decay from a tilted pure state; a ring if more than two."""
    keys = {
        "lattice": {"kind": "chain", "size": (n_sites,), "periodic": n_sites > 2},
        "jumps": [{"operator": "sigma_minus", "rate": 1.0}],
        "start": {"X": 0.48, "Y": -0.6, "Z": 0.64},
        "time": {"stop": 2.0, "points": 21},
    }
    return _system(keys | changes)


def _system(keys: dict[str, Any]) -> System:
    lattice = Lattice.model_validate(keys["lattice"])
    length = lattice.extent[0]
    largest = length // 2 if lattice.closed[0] else length - 1
    distances = tuple(d for d in (1, 2) if d <= largest)
    observables = {"correlators": dict.fromkeys(("XX", "YY", "ZZ"), distances)}
    return System.model_validate({"observables": observables} | keys)
