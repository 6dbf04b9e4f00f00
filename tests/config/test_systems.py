"""What a system may be: sites, strengths, jumps and starts; what is refused, and with which key."""

import json

import numpy as np
import pytest
from pydantic import ValidationError

from opentdvp.config import Deck, System
from opentdvp.config.messages import explain, sentences
from opentdvp.config.strengths import Cosine, Pulse, Ramp, Table
from opentdvp.physics.model import build_model

CHAIN = {"kind": "chain", "size": [4], "periodic": False}
SQUARE = {"kind": "square", "size": [3, 3], "periodic": False}
BASE = {
    "lattice": CHAIN,
    "start": {"Z": 1},
    "time": {"stop": 1.0, "points": 2},
    "observables": {},
}


def system(**changes):
    return System.model_validate(BASE | changes)


def strengths(**changes):
    """Strength by letters and sites."""
    model = build_model(system(**changes))
    return {(term.operators, term.sites): term.strength for term in model.terms}


def refusal(**changes):
    with pytest.raises(ValidationError) as caught:
        system(**changes)
    return sentences(explain(caught.value, BASE | changes))


def run_id(found):
    exact = {"method": "exact", "relative_tolerance": 1e-8, "absolute_tolerance": 1e-8}
    return Deck.model_validate({"system": found, "solver": exact}).run_id


def test_a_number_is_on_every_bond_and_every_site():
    assert strengths(couplings={"XY": 2.0}, fields={"Z": 0.5}) == {
        **{("XY", bond): 2.0 for bond in ((0, 1), (1, 2), (2, 3))},
        **{("Z", (site,)): 0.5 for site in range(4)},
    }


def test_a_list_has_one_strength_for_each():
    found = strengths(couplings={"ZZ": [1.0, 2.0, 3.0]}, fields={"X": [1.0, 0.0, 2.0, 3.0]})
    assert found == {
        ("ZZ", (0, 1)): 1.0, ("ZZ", (1, 2)): 2.0, ("ZZ", (2, 3)): 3.0,
        ("X", (0,)): 1.0, ("X", (2,)): 2.0, ("X", (3,)): 3.0,
    }  # fmt: skip


def test_strengths_alternate_along_a_dimerised_chain():
    found = strengths(couplings={"XX": {"alternating": [1.0, 0.25]}})
    assert list(found.values()) == [1.0, 0.25, 1.0]


@pytest.mark.parametrize(
    ("choice", "bonds"),
    [
        ({"neighbours": 2}, {(0, 2): 1.5, (1, 3): 1.5}),
        ({"direction": [3]}, {(0, 3): 1.5}),
        ({"bonds": [[3, 0], [1, 2]]}, {(0, 3): 1.5, (1, 2): 1.5}),
        (
            {"power_law": {"exponent": 2, "cutoff": 2}},
            {(0, 1): 1.5, (1, 2): 1.5, (2, 3): 1.5, (0, 2): 1.5 / 4, (1, 3): 1.5 / 4},
        ),
    ],
)
def test_which_bonds_a_coupling_is_on(choice, bonds):
    found = strengths(couplings={"ZZ": {"strength": 1.5, **choice}})
    assert {sites: strength for (_, sites), strength in found.items()} == pytest.approx(bonds)


def test_the_first_letter_is_on_the_first_site_of_a_bond():
    found = strengths(couplings={"XY": {"strength": 1.0, "bonds": [[3, 0]]}})
    assert found == {("YX", (0, 3)): 1.0}


def test_several_couplings_of_the_same_letters_are_added():
    several = [{"strength": 1.0}, {"strength": 0.5, "bonds": [[0, 1]]}]
    assert strengths(couplings={"ZZ": several}) == {
        ("ZZ", (0, 1)): 1.5, ("ZZ", (1, 2)): 1.0, ("ZZ", (2, 3)): 1.0,
    }  # fmt: skip


def test_directions_of_a_square():
    along = strengths(lattice=SQUARE, couplings={"XX": {"strength": 1.0, "direction": [1, 0]}})
    assert len(along) == 6
    assert all(j - i == 1 for _, (i, j) in along)


def test_three_letters_are_on_all_threes_of_a_chain():
    assert strengths(couplings={"ZXZ": 0.3}) == {
        ("ZXZ", (0, 1, 2)): 0.3, ("ZXZ", (1, 2, 3)): 0.3,
    }  # fmt: skip
    ring = {"kind": "chain", "size": [4], "periodic": True}
    assert len(strengths(lattice=ring, couplings={"XYZ": 1.0})) == 4


def test_drawn_numbers_stand_in_the_deck_and_stay():
    drawn = {"uniform": [-2.0, 3.0], "seed": 7}
    found = system(fields={"Z": drawn}, couplings={"XX": {"strength": drawn, "neighbours": 2}})
    fields, coupling = found.fields["Z"], found.couplings["XX"]
    assert len(fields) == 4
    assert len(coupling.strength) == 2
    assert len(set(fields)) == 4
    assert all(-2 <= number <= 3 for number in fields)
    again = System.model_validate(json.loads(found.model_dump_json()))
    assert again == found
    assert run_id(again) == run_id(found)
    assert system(fields={"Z": drawn | {"seed": 8}}).fields != found.fields


def test_normal_numbers_have_their_mean_and_deviation():
    lattice = {"kind": "chain", "size": [4000], "periodic": False}
    found = system(lattice=lattice, fields={"Z": {"normal": [1.0, 0.5], "seed": 1}}).fields["Z"]
    # Six standard errors.
    assert np.mean(found) == pytest.approx(1.0, abs=6 * 0.5 / 4000**0.5)
    assert np.std(found) == pytest.approx(0.5, abs=6 * 0.5 / 8000**0.5)


@pytest.mark.parametrize(
    ("drive", "values"),
    [
        (Ramp(kind="ramp", first=1, last=3, start=1, stop=2), {0: 1, 1: 1, 1.5: 2, 2: 3, 9: 3}),
        (Pulse(kind="pulse", centre=2, width=0.5), {2: 1, 2.5: np.exp(-0.5), 1: np.exp(-2)}),
        (Cosine(kind="cosine", frequency=np.pi, mean=1, amplitude=2), {0: 3, 0.5: 1, 1: -1}),
        (Table(kind="table", times=(1, 2, 4), values=(0, 2, 0)), {0: 0, 1.5: 1, 3: 1, 5: 0}),
    ],
)
def test_drives_are_these_functions_of_the_time(drive, values):
    for time, value in values.items():
        assert drive(time) == pytest.approx(value, abs=1e-12)
    least, most = drive.bounds
    assert all(least - 1e-12 <= drive(t) <= most + 1e-12 for t in np.linspace(-1, 6, 400))


def test_parts_are_what_each_drive_multiplies():
    ramp = {"kind": "ramp", "first": 0, "last": 1, "stop": 1}
    model = build_model(
        system(
            couplings={"XX": 1.0},
            fields={"Z": {"strength": 2.0, "drive": ramp}},
            jumps=[{"operator": "sigma_minus", "rate": 1.0, "drive": ramp}],
        )
    )
    (nothing, constant), (drive, driven) = model.parts()
    assert nothing is None
    assert {term.operators for term in constant.terms} == {"XX"}
    assert constant.jumps == ()
    assert drive(0.5) == 0.5
    assert {term.operators for term in driven.terms} == {"Z"}
    assert len(driven.jumps) == 4
    assert not driven.drives


SPLUS, SMINUS = np.array([[0, 1], [0, 0]]), np.array([[0, 0], [1, 0]])


@pytest.mark.parametrize(
    ("operator", "matrix"),
    [
        ("sigma_minus sigma_plus", np.kron(SMINUS, SPLUS)),
        ("sigma_minus I + 0.5j I Z", np.kron(SMINUS, np.eye(2)) + 0.5j * np.diag([1, -1, 1, -1])),
        ("- X X - 2 Z Z", -np.fliplr(np.eye(4)) - 2 * np.diag([1, -1, -1, 1])),
        ("0.5 X - 0.5i Y", SMINUS),
        ("j Z", 1j * np.diag([1, -1])),
    ],
)
def test_expressions_are_sums_of_products(operator, matrix):
    jump = build_model(system(jumps=[{"operator": operator, "rate": 1.0}])).jumps[0]
    np.testing.assert_allclose(jump.matrices[0], matrix)


def test_an_operator_on_two_sites_is_on_every_bond():
    model = build_model(system(jumps=[{"operator": "Z Z", "rate": [1.0, 2.0, 3.0]}]))
    assert [(jump.sites, jump.rate) for jump in model.jumps] == [
        (((0, 1),), 1.0), (((1, 2),), 2.0), (((2, 3),), 3.0),
    ]  # fmt: skip


def test_rates_of_a_matrix_are_those_of_its_eigenvectors():
    """Two emitters with full correlation share one decay, at twice the rate."""
    rates = [[1.0, 1.0], [1.0, 1.0]]
    jumps = [{"operator": "sigma_minus", "rates": rates, "sites": [0, 2]}]
    (jump,) = build_model(system(jumps=jumps)).jumps
    assert jump.rate == pytest.approx(2)
    assert jump.support == (0, 2)
    total = sum(np.abs(matrix[1, 0]) ** 2 for matrix in jump.matrices)
    assert total == pytest.approx(1)


@pytest.mark.parametrize(
    ("start", "z"),
    [
        ({"Z": 1}, [1, 1, 1, 1]),
        ([{"Z": 1}, {"Z": 0.5}, {"X": 1}, {"Z": -1}], [1, 0.5, 0, -1]),
        ({"pattern": "neel", "Z": 1}, [1, -1, 1, -1]),
        ({"pattern": "domain_wall", "Z": 1}, [1, 1, -1, -1]),
        ({"pattern": "sublattices", "states": [{"Z": 1}, {"Z": 0}, {"Z": -1}]}, [1, 0, -1, 1]),
    ],
)
def test_starts_by_site(start, z):
    assert np.array(system(start=start).bloch)[:, 2].tolist() == z


def test_a_neel_square_is_a_chess_board():
    z = np.array(system(lattice=SQUARE, start={"pattern": "neel", "X": 1}).bloch)[:, 0]
    assert z.reshape(3, 3).tolist() == [[1, -1, 1], [-1, 1, -1], [1, -1, 1]]


RAMP = {"kind": "ramp", "first": 0, "last": 1}
RING_OF_FIVE = {"kind": "chain", "size": [5], "periodic": True}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"couplings": {"XX": [1.0]}}, "`couplings.XX` must have 3 entries"),
        (
            {"couplings": {"XX": {"strength": [1.0]}}},
            "`couplings.XX.strength` must have 3 entries",
        ),
        ({"couplings": {"XX": {"strength": 1, "neigbours": 2}}}, "(did you mean neighbours?)"),
        ({"couplings": {"XX": {"strength": 1, "neighbours": 9}}}, "`couplings.XX.neighbours`"),
        (
            {"couplings": {"XX": {"strength": 1, "bonds": [[0, 4]]}}},
            "`couplings.XX.bonds` must be in 0…3, but has 4",
        ),
        (
            {"couplings": {"XX": {"strength": 1, "neighbours": 2, "direction": [1]}}},
            "must have at most one of neighbours, direction, bonds, power_law",
        ),
        ({"couplings": {"XX": {"uniform": [1, 0], "seed": 1}}}, "`couplings.XX.uniform`"),
        ({"couplings": {"ZXZ": 1.0}, "lattice": SQUARE}, "`couplings.ZXZ` must be on all threes"),
        ({"fields": {"Z": {"strength": 1, "sites": [4]}}}, "`fields.Z.sites` must be in 0…3"),
        (
            {"fields": {"Z": {"strength": 1, "drive": RAMP | {"stop": 0}}}},
            "`fields.Z.drive.stop` must be later than start 0",
        ),
        ({"jumps": [{"operator": "sigma_minsu", "rate": 1.0}]}, "did you mean sigma_minus"),
        ({"jumps": [{"operator": "sigma_z", "rate": 1.0}]}, "(did you mean Z?)"),
        ({"jumps": [{"operator": "z", "rate": 1.0}]}, "(did you mean Z?)"),
        ({"jumps": [{"operator": "X X X", "rate": 1.0}]}, "`jumps.0.operator` must have terms of"),
        ({"jumps": [{"operator": "X X + Z", "rate": 1.0}]}, "`jumps.0.operator` must have terms"),
        ({"jumps": [{"operator": "X", "rate": -1.0}]}, "`jumps.0.rate` must be at least 0"),
        ({"jumps": [{"operator": "X"}]}, "`jumps.0.rate` is required"),
        ({"jumps": [{"operator": "X X", "rate": 1.0, "sites": [0]}]}, "`jumps.0.sites` must be"),
        ({"jumps": [{"operator": "X", "rate": [1.0]}]}, "`jumps.0.rate` must have 4 entries"),
        (
            {"jumps": [{"operator": "X", "rates": [[1, 2], [2, 1]], "sites": [0, 1]}]},
            "`jumps.0.rates` must have no negative eigenvalue, but one is -1",
        ),
        (
            {"jumps": [{"operator": "X", "rates": [[1, "j"], ["j", 1]], "sites": [0, 1]}]},
            "`jumps.0.rates` must be Hermitian",
        ),
        (
            {"jumps": [{"operator": "X", "rates": [[1, 0], [0, 1]]}]},
            "`jumps.0.rates` must have 4 rows",
        ),
        (
            {"jumps": [{"operator": "X", "rate": 1.0, "drive": RAMP | {"first": -1, "stop": 1}}]},
            "`jumps.0.drive` must never be negative",
        ),
        ({"start": [{"Z": 1}]}, "`start` must have 4 entries"),
        ({"start": {"pattern": "neel"}}, "`start` must have one of X, Y, Z"),
        (
            {
                "start": {"pattern": "neel", "Z": 1},
                "lattice": {**CHAIN, "size": [5], "periodic": True},
            },
            "`start` must not be neel",
        ),
        ({"lattice": {**CHAIN, "periodic": [True, False]}}, "`lattice.periodic` of a chain must"),
        ({"lattice": {"kind": "graph", "size": [3]}}, "`lattice.sites` is required for a graph"),
        (
            {"lattice": {"kind": "graph", "sites": [[0, 0], [1, 0]], "bonds": [[0, 2]]}},
            "`lattice.bonds.0` must join two different sites in 0…1",
        ),
        ({"terms": [{"operators": "ZXZY", "sites": [0, 1, 2, 3], "strength": 1}]}, "one to three"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_key(changes, said):
    assert said in refusal(**changes)


def test_run_ids_of_older_decks_stay():
    """The deck of a system with what was there from the beginning has no new keys."""
    found = system(
        couplings={"XX": 2.0},
        fields={"Z": 1.0},
        terms=[{"operators": "ZZ", "sites": [0, 1], "strength": 1.0}],
        jumps=[{"operator": "sigma_minus", "rate": 1.0}],
    )
    assert found.model_dump(mode="json") == {
        "lattice": {"kind": "chain", "size": [4], "periodic": False},
        "couplings": {"XX": 2.0},
        "fields": {"Z": 1.0},
        "terms": [{"operators": "ZZ", "sites": [0, 1], "strength": 1.0}],
        "jumps": [{"operator": "sigma_minus", "rate": 1.0, "sites": None}],
        "start": {"X": 0.0, "Y": 0.0, "Z": 1.0},
        "time": {"stop": 1.0, "points": 2},
        "observables": {"magnetization": ["X", "Y", "Z"], "correlators": {}},
    }
