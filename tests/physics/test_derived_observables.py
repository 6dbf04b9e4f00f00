"""What follows from expectation values of Pauli strings, and its errors."""

import numpy as np
import pytest
from dense_observables import EVERYTHING
from systems import heisenberg_ring

from opentdvp.config import Observables
from opentdvp.physics.model import Model, build_model
from opentdvp.physics.observables.derived import Derived
from opentdvp.physics.pauli.strings import Expectations

OPEN = {"kind": "chain", "size": (4,), "periodic": False}
MODEL: Model = build_model(heisenberg_ring(4, lattice=OPEN))
GROUPS = 30


def derived(**observables) -> Derived:
    return Derived(Observables.model_validate(observables), MODEL)


def test_every_string_is_needed_once_and_the_identity_never():
    strings = Derived(Observables.model_validate(EVERYTHING), MODEL).strings
    assert len(set(strings)) == len(strings)
    assert () not in strings
    assert all(list(string) == sorted(string) for string in strings)


def test_a_spin_without_preference_is_as_mixed_as_can_be():
    found = derived(density_matrices={"sites": [[0], [0, 1]]})
    means = found.means(0.0, np.zeros(len(found.strings)))
    np.testing.assert_allclose(means["purity"], [1 / 2, 1 / 4])
    np.testing.assert_allclose(means["entropy"], [np.log(2), np.log(4)])
    np.testing.assert_allclose(means["smallest_eigenvalue"], [1 / 2, 1 / 4])


def test_a_pure_product_state_has_no_entropy_and_only_its_own_correlations():
    found = derived(
        density_matrices={"sites": [[2], [0, 1]]},
        correlation_matrices=["ZZ", "XZ"],
        structure_factors={"ZZ": [0, "pi"]},
    )
    # All spins up: strings of Z alone are 1, all others 0.
    values = np.array([float({letter for _, letter in s} == {"Z"}) for s in found.strings])
    means = found.means(0.0, values)
    np.testing.assert_allclose(means["purity"], 1)
    np.testing.assert_allclose(means["entropy"], 0, atol=1e-12)
    np.testing.assert_allclose(means["smallest_eigenvalue"], 0, atol=1e-12)
    np.testing.assert_allclose(means["C_ZZ_ij"], np.zeros((4, 4)), atol=1e-15)
    np.testing.assert_allclose(means["C_XZ_ij"], np.zeros((4, 4)), atol=1e-15)
    np.testing.assert_allclose(means["S_ZZ"], [4, 0], atol=1e-12)


def sampled(seed: int, found: Derived, mean: np.ndarray) -> Expectations:
    """Groups of samples that scatter by 0.5, two of the strings together."""
    noise = 0.5 * np.random.default_rng(seed).normal(size=(GROUPS, len(mean)))
    noise[:, 1] = (noise[:, 0] + noise[:, 1]) / np.sqrt(2)
    groups = mean + noise
    return Expectations(groups.mean(axis=0), groups)


@pytest.mark.parametrize("name", ["purity", "C_ZZ_r", "energy"])
def test_the_jackknife_error_is_the_spread_over_seeds(name):
    found = derived(
        density_matrices={"sites": [[0]], "quantities": ["purity"]},
        displacements={"ZZ": [[1]]},
        energy=True,
    )
    mean = np.linspace(-0.5, 0.5, len(found.strings))
    runs = [found.estimates(np.array(0.0), sampled(s, found, mean))[name] for s in range(600)]
    values = np.array([run.mean for run in runs]).ravel()
    errors = np.array([run.stderr for run in runs]).ravel()
    # 600 spreads are known to 3 %.
    assert np.sqrt(np.mean(errors**2)) == pytest.approx(values.std(), rel=0.12)
    right = float(np.ravel(found.means(0.0, mean)[name])[0])
    # The bias of the plain estimate of the purity, ½ Σ var/n = 0.0125, is more than this.
    assert values.mean() == pytest.approx(right, abs=4 * values.std() / np.sqrt(600))


def test_stated_errors_are_added_with_the_weights_of_the_strings():
    found = derived(
        profiles=["Z"], density_matrices={"sites": [[0]], "quantities": ["purity"]}, energy=True
    )
    values = np.full(len(found.strings), 0.3)
    errors = np.full_like(values, 1e-6)
    estimates = found.estimates(np.array(0.0), Expectations(values, errors=errors))
    np.testing.assert_allclose(estimates["Z_i"].stderr, 1e-6)
    np.testing.assert_allclose(estimates["purity"].stderr, 3 * 0.3 * 1e-6, rtol=1e-4)
    total = sum(abs(term.strength) for term in MODEL.terms)
    np.testing.assert_allclose(estimates["energy"].stderr, total * 1e-6)
    np.testing.assert_allclose(estimates["energy"].mean, 0.3 * sum(t.strength for t in MODEL.terms))


def test_times_come_first_and_without_groups_nothing_is_uncertain():
    found = derived(correlation_matrices=["XY"], currents=["Z"])
    values = np.random.default_rng(0).uniform(-1, 1, (5, len(found.strings)))
    times = np.linspace(0, 1, 5)
    together = found.estimates(times, Expectations(values))
    assert together["C_XY_ij"].mean.shape == (5, 4, 4)
    for name, estimate in together.items():
        assert not estimate.stderr.any()
        alone = [found.means(t, v)[name] for t, v in zip(times, values, strict=True)]
        np.testing.assert_allclose(estimate.mean, alone, atol=1e-14)
