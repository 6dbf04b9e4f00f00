from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from systems import confinement_ring, free_spins, heisenberg_ring

from opentdvp.config import System
from opentdvp.geometry.lattice import Lattice
from opentdvp.physics.model import Model, Term, build_model
from opentdvp.physics.pauli.symmetries import symmetry_test
from opentdvp.physics.spin import SITE_OPERATORS, pauli_string

RING, CHAIN = Lattice((5,), periodic=True), Lattice((5,), periodic=False)
TORUS, SQUARE = Lattice((3, 4), periodic=True), Lattice((3, 4), periodic=False)


def hamiltonian(model: Model) -> np.ndarray:
    """Dense H, site 0 leftmost."""
    total = np.zeros((2**model.n_sites, 2**model.n_sites), dtype=complex)
    for term in model.terms:
        placed = dict(zip(term.sites, term.operators, strict=True))
        letters = "".join(placed.get(site, "I") for site in range(model.n_sites))
        total += term.strength * pauli_string(letters)
    return total


def with_terms(*terms: dict[str, Any], n_sites: int = 3) -> Model:
    return build_model(free_spins(n_sites, terms=terms, jumps=[]))


def undirected(pairs: tuple[tuple[int, int], ...]) -> set[frozenset[int]]:
    return {frozenset(pair) for pair in pairs}


@pytest.mark.parametrize(
    ("shape", "periodic", "count"),
    [
        ((5,), True, 5),
        ((5,), False, 4),
        ((3,), True, 3),
        ((2,), False, 1),
        ((4, 4), True, 32),
        ((3, 3), True, 18),
        ((3, 4), False, 17),
        ((2, 2), False, 4),
    ],
)
def test_every_bond_is_counted_once(shape: tuple[int, ...], periodic: bool, count: int) -> None:
    bonds = Lattice(shape, periodic).bonds
    assert len(bonds) == count
    assert len(undirected(bonds)) == count
    assert all(first != second for first, second in bonds)


def test_bonds_of_chains_are_directed_along_x() -> None:
    assert CHAIN.bonds == ((0, 1), (1, 2), (2, 3), (3, 4))
    assert RING.bonds == (*CHAIN.bonds, (4, 0))


def test_bonds_of_squares_are_directed_along_x_and_y() -> None:
    """Sites are row-major: 0 1 2 in the first row of width 3, 3 4 5 in the second."""
    assert {(0, 1), (1, 2), (0, 3), (8, 11)} <= set(SQUARE.bonds)
    assert {(2, 0), (9, 0), (11, 2)} <= set(TORUS.bonds) - set(SQUARE.bonds)
    assert (0, 2) not in TORUS.bonds


def test_every_site_of_a_torus_has_four_neighbours() -> None:
    ends = [site for bond in Lattice((4, 4), periodic=True).bonds for site in bond]
    assert np.bincount(ends).tolist() == [4] * 16


@pytest.mark.parametrize("distance", [1, 2, 3])
def test_pairs_along_a_chain(distance: int) -> None:
    assert CHAIN.pairs(distance) == tuple((i, i + distance) for i in range(5 - distance))
    assert RING.pairs(distance) == tuple((i, (i + distance) % 5) for i in range(5))


def test_pairs_along_x_stay_in_their_row() -> None:
    assert len(TORUS.pairs(1)) == 12
    assert {(0, 1), (1, 2), (2, 0), (9, 10), (11, 9)} <= set(TORUS.pairs(1))
    assert SQUARE.pairs(2) == ((0, 2), (3, 5), (6, 8), (9, 11))


@pytest.mark.parametrize(
    ("lattice", "step", "count"),
    [
        (RING, 1, 5),
        (Lattice((6,), periodic=True), 2, 3),
        (TORUS, 1, 12),
        (Lattice((4, 6), periodic=True), 2, 6),
    ],
)
def test_translations_form_a_group(lattice: Lattice, step: int, count: int) -> None:
    translations = lattice.translations(step)
    assert translations.shape == (count, lattice.n_sites)
    assert translations[0].tolist() == list(range(lattice.n_sites))
    elements = {tuple(p.tolist()) for p in translations}
    assert len(elements) == count
    for p in translations:
        assert tuple(np.argsort(p).tolist()) in elements
        for q in translations:
            assert tuple(p[q].tolist()) in elements


def test_translations_map_bonds_to_bonds() -> None:
    bonds = set(TORUS.bonds)
    for p in TORUS.translations(1):
        assert {(int(p[i]), int(p[j])) for i, j in bonds} == bonds


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize(("shape", "count"), [((5,), 2), ((3, 3), 8), ((3, 2), 4), ((4, 4), 8)])
def test_point_group_maps_bonds_to_bonds(
    shape: tuple[int, ...], periodic: bool, count: int
) -> None:
    lattice = Lattice(shape, periodic)
    group = lattice.point_group()
    assert group.shape == (count, lattice.n_sites)
    assert group[0].tolist() == list(range(lattice.n_sites))
    elements = {tuple(p.tolist()) for p in group}
    assert len(elements) == count
    assert all(tuple(p[q].tolist()) in elements for p in group for q in group)
    bonds = undirected(lattice.bonds)
    for p in group:
        assert {frozenset((int(p[i]), int(p[j]))) for i, j in lattice.bonds} == bonds


def test_point_group_of_a_square_has_quarter_turns() -> None:
    """Sites 0 1 2 / 3 4 5 / 6 7 8, turned once: 2 5 8 / 1 4 7 / 0 3 6."""
    turned = [2, 5, 8, 1, 4, 7, 0, 3, 6]
    assert turned in Lattice((3, 3), periodic=False).point_group().tolist()


@pytest.mark.parametrize(
    "system",
    [
        heisenberg_ring(5),
        confinement_ring(4),
        heisenberg_ring(4, couplings={"XY": 0.3, "YX": -0.2}),
        heisenberg_ring(3, lattice={"kind": "square", "size": [3, 4], "periodic": True}),
    ],
)
def test_translations_are_symmetries_of_uniform_models(system: System) -> None:
    model = build_model(system)
    assert all(symmetry_test(model)(p) for p in model.lattice.translations(1))


@pytest.mark.parametrize(
    "changes",
    [
        {"terms": [{"operators": "Z", "sites": [1], "strength": 0.1}]},
        {"terms": [{"operators": "XX", "sites": [0, 1], "strength": 0.1}]},
        {"jumps": [{"operator": "Z", "rate": 0.1, "sites": [0]}]},
        {"jumps": [{"operator": "Z", "rate": 0.1 * (i + 1), "sites": [i]} for i in range(4)]},
        {"lattice": {"kind": "chain", "size": [4], "periodic": False}},
    ],
)
def test_translations_are_no_symmetries_of_other_models(changes: dict[str, Any]) -> None:
    model = build_model(heisenberg_ring(4, **changes))
    identity, *shifts = model.lattice.translations(1)
    assert symmetry_test(model)(identity)
    assert not any(symmetry_test(model)(p) for p in shifts)


def test_even_translations_are_symmetries_of_alternating_models() -> None:
    terms = [{"operators": "Z", "sites": [i], "strength": 0.1} for i in (0, 2)]
    model = build_model(heisenberg_ring(4, terms=terms))
    assert [symmetry_test(model)(p) for p in model.lattice.translations(1)] == [True, False] * 2


def test_reflection_is_no_symmetry_of_directed_couplings() -> None:
    reflection = np.array([3, 2, 1, 0])
    assert symmetry_test(build_model(heisenberg_ring(4)))(reflection)
    assert not symmetry_test(build_model(heisenberg_ring(4, couplings={"XY": 1.0})))(reflection)


def test_directed_couplings_keep_their_order_around_the_ring() -> None:
    model = build_model(heisenberg_ring(3, couplings={"XY": 0.5}, fields={}))
    expected = 0.5 * sum(pauli_string(letters) for letters in ("XYI", "IXY", "YIX"))
    np.testing.assert_array_equal(hamiltonian(model), expected)


@pytest.mark.parametrize("letters", ["XY", "YZ", "ZZ"])
@pytest.mark.parametrize("sites", [(0, 1), (1, 0), (2, 0), (1, 2), (2, 1)])
def test_letters_stay_with_their_sites(letters: str, sites: tuple[int, int]) -> None:
    model = with_terms({"operators": letters, "sites": sites, "strength": 0.7})
    placed = dict(zip(sites, letters, strict=True))
    expected = 0.7 * pauli_string("".join(placed.get(site, "I") for site in range(3)))
    np.testing.assert_array_equal(hamiltonian(model), expected)
    assert all(first < second for term in model.terms for first, second in pairwise(term.sites))


def test_heisenberg_chain_as_a_dense_matrix() -> None:
    """Eq. 6 of the paper for three sites in a row."""
    chain = {"kind": "chain", "size": [3], "periodic": False}
    couplings = {"XX": 2.0, "YY": 0.3, "ZZ": 1.0}
    model = build_model(heisenberg_ring(3, lattice=chain, couplings=couplings))
    strings = {"XXI": 2.0, "IXX": 2.0, "YYI": 0.3, "IYY": 0.3, "ZZI": 1.0, "IZZ": 1.0}
    strings |= {"ZII": 1.0, "IZI": 1.0, "IIZ": 1.0}
    expected = sum(strength * pauli_string(letters) for letters, strength in strings.items())
    np.testing.assert_allclose(hamiltonian(model), expected, atol=1e-15)


def test_equal_terms_are_added_whatever_the_order_of_their_sites() -> None:
    model = with_terms(
        {"operators": "XY", "sites": [0, 1], "strength": 0.5},
        {"operators": "YX", "sites": [1, 0], "strength": 0.25},
        {"operators": "YX", "sites": [0, 1], "strength": 1.0},
    )
    assert model.terms == (Term("XY", (0, 1), 0.75), Term("YX", (0, 1), 1.0))


def test_vanishing_terms_and_rates_are_dropped() -> None:
    cancelled = [{"operators": "ZZ", "sites": [1, 0], "strength": -1.0}]
    model = build_model(
        heisenberg_ring(
            3,
            couplings={"ZZ": 1.0, "XX": 0.0},
            fields={},
            terms=cancelled,
            jumps=[{"operator": "Z", "rate": 0.0}],
        )
    )
    assert [term.sites for term in model.terms] == [(0, 2), (1, 2)]
    assert model.jumps == ()


def test_jumps_are_expanded_over_their_sites() -> None:
    matrix = [[0, "1j"], [0.5, 0]]
    model = build_model(
        heisenberg_ring(
            3,
            jumps=[
                {"operator": "sigma_minus", "rate": 0.5},
                {"operator": matrix, "rate": 2.0, "sites": [2, 0]},
            ],
        )
    )
    assert [(jump.support[0], jump.rate) for jump in model.jumps] == [
        (0, 0.5),
        (1, 0.5),
        (2, 0.5),
        (2, 2.0),
        (0, 2.0),
    ]
    np.testing.assert_array_equal(model.jumps[0].matrices[0], SITE_OPERATORS["sigma_minus"])
    np.testing.assert_array_equal(model.jumps[3].matrices[0], [[0, 1j], [0.5, 0]])


def test_sigma_minus_maps_up_to_down() -> None:
    np.testing.assert_array_equal(SITE_OPERATORS["sigma_minus"] @ [1, 0], [0, 1])
    np.testing.assert_array_equal(SITE_OPERATORS["sigma_plus"] @ [0, 1], [1, 0])


def test_start_is_the_bloch_vector() -> None:
    assert build_model(heisenberg_ring(3)).bloch.tolist() == [[0, -1, 0]] * 3
