"""Exponential steps of a density matrix against dense exponentials; when they are taken."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.linalg
from dense import dense_states
from systems import free_spins, heisenberg_ring

from opentdvp.errors import NumericalFailure
from opentdvp.physics.model import Model, build_model, one_site
from opentdvp.references.exact.fast_jumps import evolve, is_fast
from opentdvp.references.exact.operators import collapse_operators, hamiltonian, start_state


def propagator(model: Model, time: float) -> np.ndarray:
    """exp(𝓛t) on ρ with its rows one after the other."""
    h, jumps = hamiltonian(model).full(), [jump.full() for jump in collapse_operators(model)]
    one = np.eye(len(h))
    total = -1j * (np.kron(h, one) - np.kron(one, h.T))
    for jump in jumps:
        loss = jump.conj().T @ jump
        total += np.kron(jump, jump.conj()) - (np.kron(loss, one) + np.kron(one, loss.T)) / 2
    return scipy.linalg.expm(total * time)


@pytest.mark.parametrize("error_rate", [1e-3, 1e-8])
def test_density_matrices_are_those_of_dense_exponentials(error_rate):
    """Over several steps, at times of uneven spacing that do not begin at 0."""
    model = build_model(
        heisenberg_ring(
            3,
            jumps=[
                {"operator": [["0.2j", 1], [0.5, "-0.1"]], "rate": 1.0},
                {"operator": "sigma_minus", "rate": 150.0, "sites": [1]},
            ],
        )
    )
    times = np.array([0.5, 0.55, 1.3, 1.31, 3.5])
    rho = start_state(model).full()
    parts = [(None, hamiltonian(model), collapse_operators(model))]
    found = list(evolve(parts, rho, times, error_rate))
    assert len(found) == 4
    for time, matrix in zip(times[1:], found, strict=True):
        expected = (propagator(model, time - times[0]) @ rho.ravel()).reshape(8, 8)
        assert np.linalg.norm(matrix - expected) < error_rate * (time - times[0])


def test_an_error_below_rounding_is_refused():
    model = build_model(free_spins())
    parts = [(None, hamiltonian(model), collapse_operators(model))]
    with pytest.raises(NumericalFailure, match="stopped before time 1"):
        list(evolve(parts, start_state(model).full(), np.array([0.0, 1.0]), 1e-30))


ROOT = np.array([[1, 1], [0, 0]], dtype=complex)  # of the norm √2


@pytest.mark.parametrize(
    ("strength", "matrix", "rate", "stop", "fast"),
    [
        # Twenty times the strongest term of H …
        (3.0, None, 59.0, 1.0, False),
        (3.0, None, 60.5, 1.0, True),
        (-3.0, None, 59.0, 1.0, False),
        # … or the inverse of the time, whatever is larger …
        (0.0, None, 199.0, 0.1, False),
        (0.0, None, 200.5, 0.1, True),
        (0.1, None, 20.5, 1.0, True),
        # … by the rate times the square of the operator's norm …
        (0.0, ROOT, 9.9, 1.0, False),
        (0.0, ROOT, 10.1, 1.0, True),
        (0.0, 3 * ROOT, 1.2, 1.0, True),
        # … or ten thousand times of anything.
        (1.0, None, 1.0, 9_999.0, False),
        (1.0, None, 1.0, 10_001.0, True),
        (2.0, None, 0.0, 5_001.0, True),
        (0.0, None, 0.0, 1e9, False),
    ],
)
def test_fast_is_what_happens_often_or_much_faster_than_all_else(
    strength, matrix, rate, stop, fast
):
    fields = {"Z": strength} if strength else {}
    model = build_model(free_spins(fields=fields, jumps=[{"operator": "X", "rate": rate}]))
    if matrix is not None:
        model = replace(model, jumps=(one_site(ROOT / 10, 0, rate), one_site(matrix, 1, rate)))
    assert is_fast(model, stop) == fast


@pytest.mark.parametrize(
    ("field", "rate", "fast"), [(3.0, 59.0, False), (3.0, 60.5, True), (0.0, 20.5, True)]
)
def test_a_drive_counts_by_the_largest_of_its_absolute_values(field, rate, fast):
    """Three times as strong a field for a moment, and jumps half as fast at most."""
    turned = {"kind": "cosine", "frequency": 2.0, "amplitude": -1.0, "mean": -2.0}
    slowed = {"kind": "ramp", "first": 0.0, "last": 0.5, "stop": 1.0}
    fields = {"Z": {"strength": field / 3, "drive": turned}}
    jumps = [{"operator": "X", "rate": 2 * rate, "drive": slowed}]
    assert is_fast(build_model(free_spins(fields=fields, jumps=jumps)), 1.0) == fast


@pytest.mark.slow
def test_driven_density_matrices_keep_the_error_rate():
    """Two decays, one of them fast and both driven, that do not commute with the couplings."""
    ramp = {"kind": "ramp", "first": 0.0, "last": 1.0, "start": 0.3, "stop": 0.6}
    system = heisenberg_ring(
        3,
        jumps=[
            {"operator": [["0.2j", 1], [0.5, "-0.1"]], "rate": 1.0, "drive": ramp},
            {"operator": "sigma_minus", "rate": 150.0, "sites": [1], "drive": ramp},
        ],
    )
    times, model = np.array([0.0, 0.2, 0.45, 0.9]), build_model(system)
    parts = [(f, hamiltonian(part), collapse_operators(part)) for f, part in model.parts()]
    found = list(evolve(parts, start_state(model).full(), times, 1e-8))
    for time, matrix, expected in zip(
        times[1:], found, dense_states(system, times)[1:], strict=True
    ):
        assert np.linalg.norm(matrix - expected) < 1e-8 * time + 1e-10
