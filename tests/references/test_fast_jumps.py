"""Exponential steps of a density matrix against dense exponentials; when they are taken."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.linalg
from systems import free_spins, heisenberg_ring

from opentdvp.errors import NumericalFailure
from opentdvp.physics.model import Model, build_model, one_site
from opentdvp.references.exact.fast_jumps import evolve, is_fast
from opentdvp.references.exact.full import collapse_operators, hamiltonian, start_state


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
