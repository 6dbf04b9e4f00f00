"""Steps with random flips against products of whole matrices, with the same random numbers."""

from functools import reduce

import numpy as np
import pytest
import scipy.linalg
from solvers import kicks
from systems import confinement_ring

from opentdvp.physics.model import build_model
from opentdvp.physics.spin import PAULI
from opentdvp.references.trajectories import dephasing_kicks
from opentdvp.references.trajectories.pure_states import pure_start

STEP, STEPS, OUTPUTS, RATE = 0.1, 3, 4, 4.0


def on_sites(n_sites, letters):
    """A product of Pauli matrices on named sites."""
    return reduce(np.kron, [PAULI[letters.get(site, "I")] for site in range(n_sites)])


@pytest.mark.parametrize("n_sites", [5, 6])
def test_a_trajectory_is_a_product_of_steps(n_sites):
    system = confinement_ring(
        n_sites,
        lattice={"kind": "chain", "size": (n_sites,), "periodic": False},
        fields={"X": 0.5, "Y": 0.3, "Z": 0.2},
        terms=[{"operators": "ZZ", "sites": [n_sites - 1, 1], "strength": 0.7}],
        jumps=[{"operator": "Z", "rate": RATE, "sites": list(range(1, n_sites))}],
    )
    model = build_model(system)
    times = np.arange(OUTPUTS) * STEP * STEPS
    found = list(
        dephasing_kicks.simulator(model, kicks(time_step=STEP), times)(np.random.default_rng(4))
    )

    along, across = np.zeros((2, 2**n_sites, 2**n_sites), dtype=complex)
    for term in model.terms:
        matrix = term.strength * on_sites(
            n_sites, dict(zip(term.sites, term.operators, strict=True))
        )
        if set(term.operators) == {"Z"}:
            along += matrix
        else:
            across += matrix
    half, rotation = (scipy.linalg.expm(-1j * h) for h in (along * STEP / 2, across * STEP))
    random, flips = np.random.default_rng(4), 0
    chance = (1 - np.exp(-2 * RATE * STEP / 2)) / 2 * (np.arange(n_sites) > 0)

    def kicked(psi):
        nonlocal flips
        flipped = np.flatnonzero(random.random(n_sites) < chance)
        flips += len(flipped)
        return on_sites(n_sites, dict.fromkeys(flipped, "Z")) @ half @ psi

    psi = pure_start(model)
    np.testing.assert_allclose(found[0], psi, atol=1e-12)
    for state in found[1:]:
        for _ in range(STEPS):
            psi = kicked(rotation @ kicked(psi))
        np.testing.assert_allclose(state, psi, atol=1e-12)
    assert flips > 5
