"""Observables as they are written, their names and what is refused."""

from math import pi
from typing import Any

import pytest
from pydantic import ValidationError
from systems import heisenberg_ring

from opentdvp.config import Lattice, Observables, System
from opentdvp.config.messages import explain, sentences
from opentdvp.config.observables import components
from opentdvp.config.panels import curves_of


def refusal(size: tuple[int, ...], **observables: Any) -> str:
    kind = "chain" if len(size) == 1 else "square"
    lattice = {"kind": kind, "size": size, "periodic": size != (1,)}
    keys = heisenberg_ring(6).model_dump(mode="json")
    keys |= {"lattice": lattice, "observables": observables}
    with pytest.raises(ValidationError) as error:
        System.model_validate(keys)
    return sentences(explain(error.value, keys))


def test_new_keys_are_left_out_of_the_deck_where_there_is_nothing():
    """So that the ids of earlier runs stay."""
    tree = Observables(energy=False, strings=(), currents=()).model_dump(mode="json")
    assert tree == {"magnetization": ["X", "Y", "Z"], "correlators": {}}


def test_strings_are_the_same_in_any_order():
    assert Observables(strings=("Z@4 X@1",)) == Observables(strings=("X@1 Z@4",))


def test_momenta_are_numbers_or_shares_of_pi():
    assert components((0.5, "-pi/2")) == (0.5, -pi / 2)
    assert components("2*pi/5") == (2 * pi / 5,)
    assert components("pi") == (pi,)


def test_labels_name_what_every_entry_is():
    lattice = Lattice(kind="square", size=(2, 2), periodic=False)
    observed = Observables.model_validate(
        {
            "strings": ["Z@3 X@1"],
            "profiles": ["Z"],
            "displacements": {"ZZ": [[1, -1]]},
            "structure_factors": {"XX": [["pi", 0.5]]},
            "currents": ["Z"],
            "density_matrices": {"sites": [[3, 0]], "quantities": ["purity"]},
        }
    )
    assert observed.labels(lattice.geometry) == {
        "X@1 Z@3": {},
        "Z_i": {"site": (0, 1, 2, 3)},
        "C_ZZ_r": {"displacement": ("1, -1",)},
        "S_XX": {"momentum": ("pi, 0.5",)},
        "J_Z": {"bond": ("0, 1", "2, 3", "0, 2", "1, 3")},
        "purity": {"subsystem": ("3, 0",)},
    }


def test_every_entry_is_a_curve():
    observed = {"magnetization": ["X"], "profiles": ["Z"], "energy": True}
    system = heisenberg_ring(3, observables=observed)
    expected = {("X", 0), ("energy", 0), *((f"Z_i[{site}]", 0) for site in range(3))}
    assert curves_of(system) == expected


@pytest.mark.parametrize(
    ("size", "observables", "message"),
    [
        ((6,), {"strings": ["A@1"]}, "must be letters at sites, such as Z@3 or X@1 Z@4"),
        ((6,), {"strings": ["X@1 Z@1"]}, "must have each site once, but is X@1 Z@1"),
        ((6,), {"strings": ["Z@6"]}, "`observables.strings.0` must have different sites in 0…5"),
        ((6,), {"strings": ["Z@1 X@0", "X@0 Z@1"]}, "`observables.strings` must list different"),
        ((6,), {"displacements": {"ZZ": [[1, 1]]}}, "must have offsets of 1 whole numbers"),
        ((6,), {"displacements": {"ZZ": [[6]]}}, "must have offsets from one site to another"),
        ((3, 3), {"structure_factors": {"ZZ": ["pi"]}}, "must have momenta of 2 numbers"),
        ((6,), {"structure_factors": {"ZZ": ["pie"]}}, "structure_factors.ZZ"),
        ((6,), {"density_matrices": {"sites": [[0, 1, 2]]}}, "at most 2 entries"),
        ((6,), {"density_matrices": {"sites": [[1, 1]]}}, "must have different sites in 0…5"),
        ((1,), {"currents": ["Z"]}, "`observables.currents` must be left out"),
        ((6,), {"magnetization": []}, "must have something to observe"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_key(size, observables, message):
    assert message in refusal(size, **observables)
