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
    ],
)
def test_half_turns(changes, turns):
    assert half_turns(build_model(heisenberg_ring(3, **changes))) == turns


def test_half_turn_of_the_confinement_model_is_broken_by_its_field():
    assert half_turns(build_model(confinement_ring(3))) == ()
