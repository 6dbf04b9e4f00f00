"""Symmetry groups of models whose order is known."""

import numpy as np
import pytest
from systems import confinement_ring, free_spins, heisenberg_ring

from opentdvp.physics.model import build_model
from opentdvp.physics.pauli.symmetries import automorphisms, half_turns, symmetry_test

TORUS = {"kind": "square", "size": (4, 4), "periodic": True}
OPEN = {"kind": "chain", "size": (5,), "periodic": False}
ONE_FIELD = [{"operators": "X", "sites": [2], "strength": 0.5}]
ONE_JUMP = [{"operator": "Z", "rate": 1.0, "sites": [2]}]


@pytest.mark.parametrize(
    ("changes", "order"),
    [
        ({}, 10),  # turns and reflections of a pentagon
        ({"couplings": {"XY": 1.0}}, 5),  # directed: no reflections
        ({"lattice": OPEN}, 2),
        ({"terms": ONE_FIELD}, 2),
        ({"jumps": ONE_JUMP}, 2),
        ({"terms": ONE_FIELD, "jumps": [{"operator": "Z", "rate": 1.0, "sites": [0]}]}, 1),
        ({"lattice": TORUS, "observables": {}}, 384),  # of a hypercube in four dimensions
    ],
)
def test_order_of_the_group(changes, order):
    model = build_model(heisenberg_ring(5, **changes))
    group = automorphisms(model)
    assert len(np.unique(group, axis=0)) == len(group) == order
    np.testing.assert_array_equal(group[0], np.arange(model.n_sites))
    assert all(map(symmetry_test(model), group))
    members = {tuple(p) for p in group}
    assert all(tuple(p[q]) in members for p in group[:20] for q in group[-20:])


RAMP = {"kind": "ramp", "first": 0.0, "last": 1.0, "stop": 2.0}
PULSE = {"kind": "pulse", "centre": 1.0, "width": 0.2}
NEEL = {"pattern": "neel", "Z": 1.0}
TRANSLATIONS, MIRROR, EVERY_OTHER = 6, 2, 6
SHARED = {"operator": "sigma_minus", "rates": (np.eye(6) + 0.3).tolist()}


def driven(*entries):
    """A field along X for some sites each, with a drive each."""
    fields = [{"strength": 0.5, "sites": sites, "drive": drive} for sites, drive in entries]
    return {"X": fields}


@pytest.mark.parametrize(
    ("changes", "order"),
    [
        # Translations by two sites, and reflections about sites.
        ({"start": NEEL}, EVERY_OTHER),
        ({"start": {"pattern": "sublattices", "states": [{"X": 1}, {"Y": 0.5}]}}, EVERY_OTHER),
        ({"start": {"pattern": "domain_wall", "Z": 1.0}}, MIRROR),
        ({"start": [{"Z": 0.1 * k} for k in range(6)]}, 1),
        ({"couplings": {"XX": {"strength": {"alternating": [1.0, 0.5]}}}}, EVERY_OTHER),
        ({"fields": {"Z": {"strength": {"uniform": [-1, 1], "seed": 3}}}}, 1),
        ({"couplings": {"XX": 1.0, "XY": 0.3, "YX": -0.3}}, TRANSLATIONS),
        ({"couplings": {"XX": 1.0, "XY": 0.3, "YX": 0.3}}, 12),
        ({"couplings": {"XX": {"strength": 1.0, "neighbours": 2}}}, 72),  # two triangles
        ({"couplings": {"ZXZ": 1.0}}, 12),
        ({"couplings": {"XYZ": 1.0}}, TRANSLATIONS),
        ({"terms": [{"operators": "ZXZ", "sites": [5, 0, 1], "strength": 1.0}]}, MIRROR),
        ({"terms": [{"operators": "XZZ", "sites": [0, 1, 5], "strength": 1.0}]}, MIRROR),
        ({"terms": [{"operators": "XYZ", "sites": [0, 1, 5], "strength": 1.0}]}, 1),
        ({"jumps": [{"operator": "sigma_minus sigma_minus", "rate": 0.5}]}, 12),
        ({"jumps": [{"operator": "sigma_minus sigma_plus", "rate": 0.5}]}, TRANSLATIONS),
        ({"jumps": [{"operator": "sigma_minus I - I sigma_minus", "rate": 0.5}]}, 12),
        ({"jumps": [SHARED]}, 12),
        ({"jumps": [SHARED], "couplings": {}}, 720),
        ({"jumps": [SHARED | {"drive": RAMP}]}, 12),
        ({"fields": driven((list(range(6)), RAMP))}, 12),
        ({"fields": driven(([0, 2, 4], RAMP), ([1, 3, 5], PULSE))}, EVERY_OTHER),
        ({"fields": driven(([0], RAMP))}, MIRROR),
        ({"fields": driven(([0], RAMP), ([3], PULSE))}, MIRROR),
        ({"fields": driven(([0], RAMP), ([2], PULSE))}, 1),
        ({"jumps": [{"operator": "Z", "rate": 1.0, "sites": [0], "drive": RAMP}]}, MIRROR),
    ],
)
def test_order_of_the_group_of_a_ring_of_six(changes, order):
    keys = {"couplings": {"XX": 1.0, "ZZ": 0.5}} | changes
    model = build_model(heisenberg_ring(6, **keys))
    group = automorphisms(model)
    assert len(np.unique(group, axis=0)) == len(group) == order
    assert all(map(symmetry_test(model), group))


def test_spins_that_nothing_couples_have_all_permutations():
    assert len(automorphisms(build_model(free_spins(4)))) == 24


def test_of_too_many_permutations_those_of_the_lattice_remain(monkeypatch):
    monkeypatch.setattr("opentdvp.physics.pauli.symmetries.MANY", 23)
    model = build_model(free_spins(4))
    group = automorphisms(model)
    assert len(np.unique(group, axis=0)) == 8
    neighbours = (group - np.roll(group, 1, axis=1)) % 4
    assert set(neighbours.ravel()) == {1, 3}


UP = {"Z": 1.0}
SHARED_BY_THREE = {"operator": "sigma_minus", "rates": np.ones((3, 3)).tolist()}


@pytest.mark.parametrize(
    ("changes", "turns"),
    [
        ({"start": UP}, ("Z",)),
        ({"start": {"Y": -1.0}}, ()),
        ({"start": UP, "fields": {"X": 1.0}}, ()),
        ({"start": UP, "couplings": {"XZ": 1.0}}, ()),
        ({"start": UP, "couplings": {"XY": 1.0}}, ("Z",)),
        ({"start": {"Z": 0.0}, "fields": {}}, ("Z",)),
        (
            {"start": {"Z": 0.0}, "fields": {}, "jumps": [{"operator": "Z", "rate": 1.0}]},
            ("X", "Y", "Z"),
        ),
        ({"start": UP, "jumps": [{"operator": [[1, 1], [1, -1]], "rate": 1.0}]}, ()),
        ({"start": UP, "jumps": [{"operator": "sigma_minus sigma_plus", "rate": 1.0}]}, ("Z",)),
        ({"start": UP, "jumps": [{"operator": "sigma_minus Z", "rate": 1.0}]}, ("Z",)),
        ({"start": UP, "jumps": [{"operator": "Z I + sigma_minus Z", "rate": 1.0}]}, ()),
        ({"start": UP, "jumps": [SHARED_BY_THREE]}, ("Z",)),
        ({"start": UP, "couplings": {"ZXZ": 1.0}}, ()),
        ({"start": UP, "couplings": {"XZX": 1.0}}, ("Z",)),
        ({"start": UP, "fields": driven(([1], RAMP))}, ()),
        ({"start": UP, "fields": {"Z": {"strength": 1.0, "drive": RAMP}}}, ("Z",)),
        ({"start": [UP, {"Z": -1.0}, {"Z": 0.2}]}, ("Z",)),
        ({"start": [UP, {"Z": -1.0}, {"X": 0.2}]}, ()),
    ],
)
def test_half_turns(changes, turns):
    assert half_turns(build_model(heisenberg_ring(3, **changes))) == turns


def test_a_neel_start_on_an_even_ring_keeps_the_half_turn_about_z():
    couplings = {"XX": 1.0, "YY": 1.0, "ZZ": 0.5}
    assert half_turns(build_model(heisenberg_ring(6, couplings=couplings, start=NEEL))) == ("Z",)


def test_half_turn_of_the_confinement_model_is_broken_by_its_field():
    assert half_turns(build_model(confinement_ring(3))) == ()
