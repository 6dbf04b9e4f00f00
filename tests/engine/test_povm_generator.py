"""The POVM generator against dense Liouvillians and closed forms."""

from itertools import permutations
from typing import Any

import numpy as np
import pytest
import qutip
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm
from systems import confinement_ring, free_spins, heisenberg_ring

from opentdvp.engine.povm.generator import (
    Generator,
    apply_generator,
    build_generator,
    in_frame,
)
from opentdvp.engine.povm.tetrahedron import Povm, build_povm, frame, outcome_probabilities
from opentdvp.physics.model import Model, Term, build_model
from opentdvp.physics.pauli.local_generators import site_generator, term_generator
from opentdvp.references.exact.operators import collapse_operators, hamiltonian

SITES = 3
BLOCH = np.array([0.48, -0.6, 0.64])
GAMMA, H = 1.3, 0.7

strengths = st.floats(-2, 2, allow_subnormal=False)
entries = st.builds(complex, strengths, strengths)


@st.composite
def terms(draw: st.DrawFn) -> dict[str, Any]:
    """A Pauli string on one site or on two in any order."""
    letters = draw(st.text("XYZ", min_size=1, max_size=2))
    sites = draw(st.sampled_from(list(permutations(range(SITES), len(letters)))))
    return {"operators": letters, "sites": sites, "strength": draw(strengths)}


@st.composite
def jumps(draw: st.DrawFn) -> dict[str, Any]:
    """Any 2×2 matrix on one site."""
    row = st.tuples(entries, entries)
    matrix = draw(st.tuples(row, row).filter(lambda rows: any(map(any, rows))))
    site, rate = draw(st.integers(0, SITES - 1)), draw(st.floats(0, 2, allow_subnormal=False))
    return {"operator": matrix, "rate": rate, "sites": [site]}


@pytest.fixture(params=["cubic", "z_aligned"])
def povm(request: pytest.FixtureRequest) -> Povm:
    return build_povm(request.param)


def dense(generator: Generator, n_sites: int) -> np.ndarray:
    """The full matrix, shape (4ᴺ, 4ᴺ); its columns ride along as one more axis."""
    columns = np.eye(4**n_sites).reshape(*(4,) * n_sites, 4**n_sites)
    return apply_generator(generator, columns).reshape(4**n_sites, 4**n_sites)


def mapped_liouvillian(model: Model, povm: Povm) -> np.ndarray:
    """tr(M^a 𝓛[D^b]) from QuTiP's superoperator on column-stacked matrices."""
    liouvillian = qutip.liouvillian(hamiltonian(model), collapse_operators(model)).full()
    elements, dual = (
        np.array([matrix.flatten(order="F") for matrix in frame(frame_1, model.n_sites)])
        for frame_1 in (povm.elements, povm.dual)
    )
    return (elements.conj() @ liouvillian @ dual.T).real


@given(entries=st.lists(terms(), max_size=5), jumped=st.lists(jumps(), max_size=3))
@settings(deadline=None, max_examples=60)
@pytest.mark.parametrize("orientation", ["cubic", "z_aligned"])
def test_equals_the_liouvillian(orientation: Any, entries: list[Any], jumped: list[Any]) -> None:
    model = build_model(free_spins(SITES, terms=entries, jumps=jumped))
    povm = build_povm(orientation)
    generator = build_generator(model, povm)
    matrix = dense(generator, SITES)
    expected = mapped_liouvillian(model, povm)
    np.testing.assert_allclose(matrix, expected, atol=1e-10)
    np.testing.assert_allclose(matrix.sum(axis=0), 0, atol=1e-10)
    pairs = generator.pairs.sites
    assert (pairs[:, 0] < pairs[:, 1]).all()
    assert len(set(map(tuple, pairs.tolist()))) == len(pairs)


@pytest.mark.parametrize(
    "system",
    [
        heisenberg_ring(3),
        confinement_ring(3),
        heisenberg_ring(3, couplings={"XY": 1.1, "ZX": -0.4}, fields={"X": 0.2, "Y": 0.3}),
        heisenberg_ring(4, lattice={"kind": "square", "size": [2, 2], "periodic": False}),
    ],
)
def test_uniform_systems_equal_the_liouvillian(system: Any, povm: Povm) -> None:
    model = build_model(system)
    matrix = dense(build_generator(model, povm), model.n_sites)
    np.testing.assert_allclose(matrix, mapped_liouvillian(model, povm), atol=1e-10)


def test_columns_of_every_pair_sum_to_zero(povm: Povm) -> None:
    for system in (heisenberg_ring(4), confinement_ring(4)):
        matrices = np.asarray(build_generator(build_model(system), povm).pairs.matrices)
        np.testing.assert_allclose(matrices.sum(axis=(1, 2)), 0, atol=1e-13)


def test_building_twice_gives_equal_arrays(povm: Povm) -> None:
    model = build_model(heisenberg_ring(5))
    first, second = (build_generator(model, povm) for _ in range(2))
    np.testing.assert_array_equal(first.pairs.sites, second.pairs.sites)
    np.testing.assert_array_equal(first.pairs.matrices, second.pairs.matrices)


def test_pairs_are_the_bonds() -> None:
    model = build_model(heisenberg_ring(5))
    generator = build_generator(model, build_povm("cubic"))
    expected = sorted(tuple(sorted(bond)) for bond in model.lattice.bonds)
    assert generator.pairs.sites.tolist() == [list(pair) for pair in expected]


@pytest.mark.parametrize("coupled", [(), ((0, 1),)])
def test_sites_without_couplings_keep_their_terms(
    povm: Povm, coupled: tuple[tuple[int, int], ...]
) -> None:
    """Sites 2 and 3 are bound to nothing, and every spin decays on its own."""
    ising = [{"operators": "ZZ", "sites": pair, "strength": 0.5} for pair in coupled]
    model = build_model(free_spins(4, terms=ising))
    generator = build_generator(model, povm)
    one_site = in_frame(site_generator(model, 2), povm)
    p = outcome_probabilities(povm, BLOCH)
    product = np.einsum("a,b,c,d->abcd", p, p, p, p)
    change = apply_generator(generator, product)
    for site in (2, 3):
        rest = tuple(s for s in range(4) if s != site)
        np.testing.assert_allclose(change.sum(axis=rest), one_site @ p, atol=1e-13)


def test_empty_model_has_an_empty_generator(povm: Povm) -> None:
    generator = build_generator(build_model(free_spins(3, jumps=[])), povm)
    assert generator.pairs.sites.shape == (0, 2)
    assert generator.pairs.matrices.shape == (0, 4, 4, 4, 4)


def of_a_spin(povm: Povm, **changes: Any) -> np.ndarray:
    return in_frame(site_generator(build_model(free_spins(**changes)), 0), povm)


def evolved(povm: Povm, generator: np.ndarray, time: float) -> list[float]:
    """Bloch vector of one spin at a time."""
    probabilities = expm(time * generator) @ outcome_probabilities(povm, BLOCH)
    assert probabilities.sum() == pytest.approx(1, abs=1e-13)
    return [probabilities @ povm.weights(axis) for axis in "XYZ"]


@pytest.mark.parametrize("time", [0.1, 1.0, 3.0])
def test_decay_of_one_spin(povm: Povm, time: float) -> None:
    generator = of_a_spin(povm, jumps=[{"operator": "sigma_minus", "rate": GAMMA}])
    shrunk = np.exp(-GAMMA * time / 2)
    expected = [BLOCH[0] * shrunk, BLOCH[1] * shrunk, -1 + (1 + BLOCH[2]) * shrunk**2]
    np.testing.assert_allclose(evolved(povm, generator, time), expected, atol=1e-13)


@pytest.mark.parametrize("time", [0.1, 1.0, 3.0])
def test_dephasing_of_one_spin(povm: Povm, time: float) -> None:
    generator = of_a_spin(povm, jumps=[{"operator": "Z", "rate": GAMMA}])
    shrunk = np.exp(-2 * GAMMA * time)
    expected = [BLOCH[0] * shrunk, BLOCH[1] * shrunk, BLOCH[2]]
    np.testing.assert_allclose(evolved(povm, generator, time), expected, atol=1e-13)


@pytest.mark.parametrize("time", [0.1, 1.0, 3.0])
def test_precession_of_one_spin(povm: Povm, time: float) -> None:
    generator = of_a_spin(povm, fields={"Z": H}, jumps=[])
    c, s = np.cos(2 * H * time), np.sin(2 * H * time)
    expected = [BLOCH[0] * c - BLOCH[1] * s, BLOCH[0] * s + BLOCH[1] * c, BLOCH[2]]
    np.testing.assert_allclose(evolved(povm, generator, time), expected, atol=1e-13)


def test_order_of_sites_in_a_pair(povm: Povm) -> None:
    """X on the first spin precesses only with the second one's Z: <YI> follows <XZ>-like terms."""
    generator = in_frame(term_generator(Term("XZ", (0, 1), H)), povm)
    up, down = (outcome_probabilities(povm, np.array([0, 0, z])) for z in (1.0, -1.0))
    for second, sign in ((up, 1), (down, -1)):
        final = expm(generator) @ np.kron(up, second)
        first_spin = final.reshape(4, 4).sum(axis=1)
        expected = [0, -sign * np.sin(2 * H), np.cos(2 * H)]
        found = [first_spin @ povm.weights(axis) for axis in "XYZ"]
        np.testing.assert_allclose(found, expected, atol=1e-13)
