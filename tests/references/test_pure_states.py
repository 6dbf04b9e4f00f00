"""Expectation values of amplitudes against those of the density matrix."""

import numpy as np
import pytest

from opentdvp.config import Observables
from opentdvp.errors import ConfigError
from opentdvp.geometry.lattice import Lattice
from opentdvp.physics.spin import AXES, PAULI
from opentdvp.references.exact import full
from opentdvp.references.trajectories.pure_states import linear_expectations, spin_amplitudes

EVERY_PAIR = [a + b for a in AXES for b in AXES]


def random_state(n_sites: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    psi = random.normal(size=2**n_sites) + 1j * random.normal(size=2**n_sites)
    return psi / np.linalg.norm(psi)


@pytest.mark.parametrize("letters", [EVERY_PAIR, ["ZZ"], ["XZ"]])
@pytest.mark.parametrize(
    "lattice",
    [
        Lattice((4,), periodic=False),
        Lattice((4,), True),
        Lattice((7,), True),
        Lattice((2, 2), False),
    ],
)
def test_averages_of_states_without_symmetry_are_those_of_their_mixture(lattice, letters):
    distances = (1, 2) if len(lattice.shape) == 1 else (1,)
    observables = Observables(correlators=dict.fromkeys(letters, distances))
    expectations = linear_expectations(lattice, observables)
    states = [random_state(lattice.n_sites, seed) for seed in range(3)]
    values = [expectations.of_state(psi) for psi in states]
    assert {len(row) for row in values} == {expectations.size}
    found = expectations.averages(np.mean(values, axis=0))
    rho = np.mean([np.outer(psi, psi.conj()) for psi in states], axis=0)
    expected = full.measure(rho, lattice, observables)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, atol=1e-12)


@pytest.mark.parametrize("letters", ["ZZ", "XY"])
def test_values_of_a_state_are_in_the_order_of_sites_and_pairs(letters):
    observables = Observables(correlators={letters: (1, 2)})
    expectations = linear_expectations(Lattice((3,), periodic=False), observables)
    assert expectations.pairs == ((0, 1), (1, 2), (0, 2))
    psi = random_state(3, seed=9)
    rho = np.outer(psi, psi.conj())
    strings = [(axis, (site,)) for axis in AXES for site in range(3)]
    strings += [(letters, pair) for pair in expectations.pairs]
    expected = [full.expectation(rho, *string) for string in strings]
    np.testing.assert_allclose(expectations.of_state(psi), expected, atol=1e-12)


@pytest.mark.parametrize("bloch", [(0, 0, 1), (0, 0, -1), (0.6, 0, 0.8), (0.48, -0.6, 0.64)])
def test_amplitudes_of_a_spin_point_along_its_bloch_vector(bloch):
    psi = spin_amplitudes(np.array(bloch, dtype=float))
    found = [np.vdot(psi, PAULI[axis] @ psi).real for axis in AXES]
    np.testing.assert_allclose(found, bloch, atol=1e-12)


@pytest.mark.parametrize("length", [0.999, 1.001, 0.0])
def test_a_mixed_spin_has_no_amplitudes(length):
    with pytest.raises(ConfigError, match="must be a pure state"):
        spin_amplitudes(np.array([0, length, 0]))
