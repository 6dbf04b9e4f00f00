"""Steps with random flips against products of whole matrices, with the same random numbers.

And what steps change, from the same matrices, averaged over all flips.
"""

from functools import reduce
from itertools import pairwise

import numpy as np
import pytest
import scipy.linalg
from dense import dense_evolution
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


def hamiltonians(model, time=0.0):
    """What is along Z, and the rest, at a time."""
    along, across = np.zeros((2, 2**model.n_sites, 2**model.n_sites), dtype=complex)
    for term in model.terms:
        letters = dict(zip(term.sites, term.operators, strict=True))
        factor = 1.0 if term.drive is None else term.drive(time)
        matrix = factor * term.strength * on_sites(model.n_sites, letters)
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


COSINE = {"kind": "cosine", "frequency": 9.0, "mean": 0.4}
TABLE = {"kind": "table", "times": [0.1, 0.25], "values": [0.5, 1.5]}


def test_driven_steps_take_everything_at_their_midpoints():
    """With milestones at 0.1 and 0.25, steps of 0.1 are three between the latter and 0.5."""
    system = confinement_ring(
        4,
        couplings={
            "ZZ": [{"strength": 0.8, "drive": COSINE}, {"strength": 0.5, "neighbours": 2}],
            "ZZZ": {"strength": 0.6, "drive": TABLE},
        },
        fields={"X": {"strength": [0.5, 1.0, -0.4, 0.2], "drive": COSINE}, "Y": 0.3, "Z": 0.2},
        jumps=[{"operator": "Z", "rate": [3.0, 0.0, 5.0, 2.0], "drive": TABLE}],
        start={"pattern": "neel", "X": 0.6, "Z": 0.8},
        time={"stop": 0.5, "points": 2},
    )
    model, times = build_model(system), np.array([0.0, 0.5])
    simulate = dephasing_kicks.simulator(model, kicks(time_step=0.1), times)
    _, found = simulate(np.random.default_rng(1))
    random, psi = np.random.default_rng(1), pure_start(model)
    edges = [0.0, 0.1, 0.175, 0.25, 0.25 + 0.25 / 3, 0.25 + 0.5 / 3, 0.5]
    for start, stop in pairwise(edges):
        middle, size = (start + stop) / 2, stop - start
        along, across = hamiltonians(model, middle)
        half, rotation = (scipy.linalg.expm(-1j * h) for h in (along * size / 2, across * size))
        rates = np.array([3.0, 0.0, 5.0, 2.0]) * np.interp(middle, TABLE["times"], TABLE["values"])
        chance = (1 - np.exp(-2 * rates * size / 2)) / 2
        for after in (np.eye(16), rotation):
            flipped = np.flatnonzero(random.random(4) < chance)
            psi = on_sites(4, dict.fromkeys(flipped, "Z")) @ half @ after @ psi
    np.testing.assert_allclose(found, psi, atol=1e-12)


def test_driven_steps_are_of_second_order():
    system = confinement_ring(
        3,
        fields={"X": {"strength": 1.0, "drive": COSINE}, "Z": 0.4},
        couplings={"ZZ": {"strength": 0.8, "drive": {**COSINE, "phase": 1.0}}},
        jumps=[],
        time={"stop": 1.0, "points": 2},
    )
    expected = dense_evolution(system, np.array([0.0, 1.0]))
    coarse, fine = (
        max(
            np.abs(observable.mean - expected[name]).max()
            for name, observable in solved(system, kicks(2, time_step=step)).observables.items()
        )
        for step in (0.1, 0.05)
    )
    assert np.log2(coarse / fine) == pytest.approx(2, abs=0.1)


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
