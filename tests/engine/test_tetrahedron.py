from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from opentdvp.engine.povm.tetrahedron import Povm, build_povm, frame, outcome_probabilities
from opentdvp.physics.spin import AXES, PAULI, pauli_string, spin_state

ENTRIES = st.floats(-1, 1, allow_subnormal=False)
AXIS_STATES = [sign * vector for vector in np.eye(3) for sign in (1, -1)]


@pytest.fixture(params=["cubic", "z_aligned"])
def povm(request: pytest.FixtureRequest) -> Povm:
    return build_povm(request.param)


@st.composite
def density_matrices(draw: st.DrawFn) -> np.ndarray:
    """States AA†/tr AA† of one to three spins, of any rank."""
    dimension = 2 ** draw(st.integers(1, 3))
    real, imaginary = draw(arrays(float, (2, dimension, dimension), elements=ENTRIES))
    root = real + 1j * imaginary
    norm = np.linalg.norm(root)
    assume(norm > 1e-3)
    root = root / norm
    return root @ root.conj().T


def distribution(povm: Povm, rho: np.ndarray) -> np.ndarray:
    """P^a = tr(ρ M^a) of several spins."""
    return np.einsum("aij,ji->a", frame(povm.elements, n_spins(rho)), rho)


def n_spins(rho: np.ndarray) -> int:
    return int(np.log2(len(rho)))


def test_directions_form_a_tetrahedron(povm: Povm) -> None:
    expected = np.full((4, 4), -1 / 3) + np.eye(4) * 4 / 3
    np.testing.assert_allclose(povm.directions @ povm.directions.T, expected, atol=1e-15)
    np.testing.assert_allclose(povm.directions.sum(axis=0), 0, atol=1e-15)


def test_elements_are_positive_and_sum_to_the_identity(povm: Povm) -> None:
    np.testing.assert_allclose(povm.elements.sum(axis=0), PAULI["I"], atol=1e-15)
    for element in povm.elements:
        np.testing.assert_allclose(np.linalg.eigvalsh(element), [0, 0.5], atol=1e-15)


def test_overlaps_and_dual_frame(povm: Povm) -> None:
    """T = 1/6·1 + 1/12·J and T⁻¹ = 6·1 − J, with J all ones."""
    identity, ones = np.eye(4), np.ones((4, 4))
    overlaps = np.einsum("aij,bji->ab", povm.elements, povm.elements)
    np.testing.assert_allclose(overlaps, identity / 6 + ones / 12, atol=1e-15)
    inverse = 6 * identity - ones
    np.testing.assert_allclose(inverse @ overlaps, identity, atol=1e-14)
    dual = np.einsum("ba,aij->bij", inverse, povm.elements)
    np.testing.assert_allclose(povm.dual, dual, atol=1e-14)
    traces = np.einsum("aij,bji->ab", povm.elements, povm.dual)
    np.testing.assert_allclose(traces, identity, atol=1e-14)


def test_z_aligned_points_up_first() -> None:
    np.testing.assert_array_equal(build_povm("z_aligned").directions[0], [0, 0, 1])


def test_cubic_directions_have_an_even_number_of_minus_signs() -> None:
    directions = build_povm("cubic").directions
    np.testing.assert_allclose(np.abs(directions), 1 / np.sqrt(3))
    assert (np.prod(directions, axis=1) > 0).all()


@given(rho=density_matrices())
@settings(deadline=None)
@pytest.mark.parametrize("orientation", ["cubic", "z_aligned"])
def test_density_matrix_returns_from_its_distribution(orientation: Any, rho: np.ndarray) -> None:
    povm = build_povm(orientation)
    probabilities = distribution(povm, rho)
    assert np.abs(probabilities.imag).max() < 1e-15
    assert probabilities.real.min() > -1e-15
    assert probabilities.sum() == pytest.approx(1, abs=1e-14)
    restored = np.einsum("a,aij->ij", probabilities, frame(povm.dual, n_spins(rho)))
    np.testing.assert_allclose(restored, rho, atol=1e-13)


@given(rho=density_matrices())
@settings(deadline=None)
@pytest.mark.parametrize("orientation", ["cubic", "z_aligned"])
def test_weights_reproduce_expectation_values(orientation: Any, rho: np.ndarray) -> None:
    """<X ⊗ Y ⊗ Z> as far as the spins go, so that axes and sites cannot be confused."""
    povm, letters = build_povm(orientation), "XYZ"[: n_spins(rho)]
    weights = np.ones(1)
    for axis in letters:
        weights = np.kron(weights, povm.weights(axis))
    expected = np.trace(rho @ pauli_string(letters))
    assert distribution(povm, rho) @ weights == pytest.approx(expected, abs=1e-13)


def test_weights_are_traces_with_the_dual_frame(povm: Povm) -> None:
    for axis in AXES:
        traces = np.einsum("ij,aji->a", PAULI[axis], povm.dual)
        np.testing.assert_allclose(povm.weights(axis), traces, atol=1e-14)


@pytest.mark.parametrize("bloch", [*AXIS_STATES, np.array([0.3, -0.5, 0.2]), np.zeros(3)])
def test_outcome_probabilities_of_one_spin(povm: Povm, bloch: np.ndarray) -> None:
    expected = distribution(povm, spin_state(bloch))
    np.testing.assert_allclose(outcome_probabilities(povm, bloch), expected, atol=1e-15)


def test_smallest_probability_of_axis_states() -> None:
    smallest = {
        orientation: min(
            outcome_probabilities(build_povm(orientation), bloch).min() for bloch in AXIS_STATES
        )
        for orientation in ("cubic", "z_aligned")
    }
    assert smallest["cubic"] == pytest.approx((1 - 1 / np.sqrt(3)) / 4)
    assert smallest["cubic"] >= 0.105
    assert smallest["z_aligned"] == 0


def test_first_spin_is_the_most_significant_digit(povm: Povm) -> None:
    pairs = frame(povm.elements, 2)
    for a in range(4):
        for b in range(4):
            expected = np.kron(povm.elements[a], povm.elements[b])
            np.testing.assert_array_equal(pairs[4 * a + b], expected)
