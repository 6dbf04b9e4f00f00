"""Steps with random flips against products of whole matrices, with the same random numbers.

And what steps change, from the same matrices, averaged over all flips.
"""

from functools import reduce

import numpy as np
import pytest
import scipy.linalg
from solvers import kicks, reduced, solved
from systems import confinement_ring

from opentdvp.physics.model import build_model
from opentdvp.physics.spin import PAULI
from opentdvp.references.trajectories import dephasing_kicks
from opentdvp.references.trajectories.pure_states import pure_start

STEP, STEPS, OUTPUTS, RATE = 0.1, 3, 4, 4.0


def on_sites(n_sites, letters):
    """A product of Pauli matrices on named sites."""
    return reduce(np.kron, [PAULI[letters.get(site, "I")] for site in range(n_sites)])


def hamiltonians(model):
    """What is along Z, and the rest."""
    along, across = np.zeros((2, 2**model.n_sites, 2**model.n_sites), dtype=complex)
    for term in model.terms:
        letters = dict(zip(term.sites, term.operators, strict=True))
        matrix = term.strength * on_sites(model.n_sites, letters)
        if set(term.operators) == {"Z"}:
            along += matrix
        else:
            across += matrix
    return along, across


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

    along, across = hamiltonians(model)
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


def test_steps_of_the_archive_lower_the_magnetization_by_a_thousandth():
    """Without statistical error: a flip with chance p damps a coherence of its spin by 1 - 2p."""
    system = confinement_ring(6, time={"stop": 60.0, "points": 31})
    expected = solved(system, reduced()).observables["Z"].mean
    model = build_model(system)
    along, across = hamiltonians(model)
    rate = system.jumps[0].rate
    z = np.array([np.diag(on_sites(6, {site: "Z"})).real for site in range(6)])
    apart = (6 - z.T @ z) / 2
    largest = {}
    for step in (0.1, 0.05):
        phases = np.exp(-0.5j * step * np.diag(along))
        half = np.outer(phases, phases.conj()) * np.exp(-rate * step * apart)
        rotation = scipy.linalg.expm(-1j * step * across)
        rho = np.outer(pure_start(model), pure_start(model).conj())
        found = [1.0]
        for k in range(1, round(60 / step) + 1):
            rho = half * (rotation @ (half * rho) @ rotation.conj().T)
            if k % round(2 / step) == 0:
                found.append(float(np.diag(rho).real @ z.mean(axis=0)))
        differences = np.array(found) - expected
        assert np.all(differences[1:] < 0)
        largest[step] = -differences.min()
    assert largest[0.05] == pytest.approx(0.00125, abs=5e-5)
    assert largest[0.1] / largest[0.05] == pytest.approx(4, rel=0.1)
