"""References where jumps are much slower or faster than all else, against a dense exponential."""

from functools import reduce
from typing import Any

import numpy as np
import pytest
import scipy.linalg
from solvers import exact, moments, reduced, solved, tensor_network, wave_functions
from systems import heisenberg_ring

from opentdvp.config import System
from opentdvp.errors import NumericalFailure
from opentdvp.physics.spin import PAULI
from opentdvp.records.result_code import ResultCode
from opentdvp.records.trajectory import Trajectory

LOWERING = np.array([[0, 0], [1, 0]])
TOLERANCES = {"relative_tolerance": 1e-6, "absolute_tolerance": 1e-8}


def decaying_chain(
    rate: float, sites: list[int] | None, start: dict[str, float], **keys: Any
) -> System:
    """An open chain of three; XX + YY = 1, so that a fast jump makes it stiff."""
    return heisenberg_ring(
        3,
        lattice={"kind": "chain", "size": (3,), "periodic": False},
        couplings={"XX": 1.0, "YY": 1.0},
        fields={},
        jumps=[{"operator": "sigma_minus", "rate": rate, "sites": sites}],
        start=start,
        observables={"correlators": {"ZZ": (1,)}},
        **keys,
    )


def beyond_any_configuration(rate: float) -> System:
    """The same with a rate that no configuration may hold, on the first site."""
    system = decaying_chain(1.0, [0], {"Z": 1.0})
    jump = system.jumps[0].model_copy(update={"rate": rate})
    return system.model_copy(update={"jumps": (jump,)})


def placed(operators: dict[int, np.ndarray]) -> np.ndarray:
    return reduce(np.kron, [operators.get(site, np.eye(2)) for site in range(3)])


def by_exponential(system: System) -> dict[str, np.ndarray]:
    """<Z> and C_ZZ(1) of `decaying_chain`, from a Liouvillian of 64 × 64 written by hand."""
    h = sum(
        placed({i: PAULI[a], i + 1: PAULI[a]}) * strength
        for i in (0, 1)
        for a, strength in (("X", 1.0), ("Y", 1.0))
    )
    one = np.eye(8)
    # Rows of ρ one after the other: AρB is (A ⊗ Bᵀ)ρ.
    total = -1j * (np.kron(h, one) - np.kron(one, h.T))
    (jump,) = system.jumps
    for site in jump.sites or range(3):
        down = placed({site: LOWERING})
        loss = down.T @ down
        change = np.kron(down, down) - (np.kron(loss, one) + np.kron(one, loss.T)) / 2
        total = total + jump.rate * change
    times = np.linspace(0, system.time.stop, system.time.points)
    spin = (
        np.eye(2) + sum(r * PAULI[a] for a, r in zip("XYZ", system.start.bloch, strict=True))
    ) / 2
    states = [reduce(np.kron, [spin] * 3).ravel()]
    step = scipy.linalg.expm(total * times[1])
    for _ in times[1:]:
        states.append(step @ states[-1])
    z = [
        np.array([np.trace(placed({i: PAULI["Z"]}) @ s.reshape(8, 8)).real for s in states])
        for i in range(3)
    ]
    zz = [
        np.array(
            [
                np.trace(placed({i: PAULI["Z"], i + 1: PAULI["Z"]}) @ s.reshape(8, 8)).real
                for s in states
            ]
        )
        for i in (0, 1)
    ]
    return {
        "Z": np.mean(z, axis=0),
        "C_ZZ": np.mean([zz[0] - z[0] * z[1], zz[1] - z[1] * z[2]], axis=0)[:, None],
    }


def by(method: str, system: System, tolerances: dict[str, float] = TOLERANCES) -> Trajectory:
    solver = exact() if method == "exact" else reduced()
    return solved(system, solver.model_copy(update=tolerances))


@pytest.mark.parametrize("method", ["exact", "exact_reduced"])
@pytest.mark.parametrize("sites", [[0], None], ids=["one", "all"])
@pytest.mark.parametrize("rate", [1e-3, 1e-2, 0.1, 1, 10, 20, 40, 60, 100, 1e3, 1e4, 1e6])
def test_any_rate_is_followed_within_the_tolerances(
    method: str, sites: list[int] | None, rate: float
) -> None:
    """Densely between steps too: 41 times."""
    tilted = {"X": 0.48, "Y": -0.64, "Z": 0.6}
    system = decaying_chain(rate, sites, tilted, time={"stop": 2.0, "points": 41})
    found, expected = by(method, system), by_exponential(system)
    assert found.result is ResultCode.SUCCESS
    for name, values in expected.items():
        # Those of QuTiP hold for every step; those of exponentials for the sum of all.
        bound = sum(TOLERANCES.values()) * (4 if method == "exact" and rate <= 20 else 1)
        np.testing.assert_allclose(found.observables[name].mean, values, rtol=0, atol=bound)


@pytest.mark.parametrize(
    "rate",
    [1e-3, 1, 20, 60, *(pytest.param(r, marks=pytest.mark.slow) for r in (1e3, 1e4, 2e5, 1e6))],
)
@pytest.mark.parametrize("sites", [[0], None], ids=["one", "all"])
def test_moments_follow_any_rate(sites: list[int] | None, rate: float) -> None:
    """Explicit steps up to 10⁴, exponential ones beyond; those are many, so the time is short."""
    tilted = {"X": 0.48, "Y": -0.64, "Z": 0.6}
    stop = 2.0 if rate <= 1e3 else 0.2
    system = decaying_chain(rate, sites, tilted, time={"stop": stop, "points": 5})
    found, expected = solved(system, moments(3, 3, tolerance=1e-6)), by_exponential(system)
    assert found.result is ResultCode.SUCCESS
    for name, values in expected.items():
        np.testing.assert_allclose(found.observables[name].mean, values, rtol=0, atol=3e-6)


@pytest.mark.parametrize("method", ["exact", "exact_reduced"])
def test_values_of_a_strong_decay_on_one_site(method: str) -> None:
    """Explicit steps at their limit of stability gave 0.1007 and −0.0039 here."""
    system = decaying_chain(60.0, [0], {"Z": 1.0}, time={"stop": 2.0, "points": 201})
    found = by(method, system).observables
    assert found["Z"].mean[153] == pytest.approx(0.097101, abs=2e-6)
    assert found["C_ZZ"].mean[153, 0] == pytest.approx(-0.006133, abs=2e-6)


@pytest.mark.parametrize("rate", [1e12, 1e200])
def test_rates_beyond_rounding_are_said(rate: float) -> None:
    system = beyond_any_configuration(rate)
    stopped = by("exact_reduced", system)
    assert stopped.result in (ResultCode.INTEGRATOR_FAILURE, ResultCode.NOT_FINITE)
    assert "smaller rates" in stopped.remedy
    with pytest.raises(NumericalFailure, match=r"before time 0\.1.*relative_tolerance, or smaller"):
        by("exact", system)


@pytest.mark.filterwarnings("ignore:.*Config.__del__")
def test_tensors_that_overflow_are_said() -> None:
    system = beyond_any_configuration(1e200)
    stopped = solved(system, tensor_network("mpo", time_step=0.1))
    assert stopped.result is ResultCode.INTEGRATOR_FAILURE
    assert "use a smaller time_step" in stopped.remedy


def test_tolerances_below_rounding_are_said() -> None:
    tiny = {"relative_tolerance": 1e-30, "absolute_tolerance": 1e-30}
    stopped = by("exact_reduced", decaying_chain(1.0, None, {"Z": 1.0}), tiny)
    assert stopped.result is ResultCode.INTEGRATOR_FAILURE
    assert "use a larger relative_tolerance" in stopped.remedy
    assert stopped.times.tolist() == [0.0]


@pytest.mark.parametrize("rate", [100.0, 500.0, 1e3, 1e4, 1e6])
def test_wave_functions_at_high_rates_are_right_within_their_errors(rate: float) -> None:
    """All end alike: jumps are then rarer than one in a hundred, and none of them may be there."""
    system = heisenberg_ring(
        2,
        lattice={"kind": "chain", "size": (2,), "periodic": False},
        couplings={"XY": 1.0},
        fields={"X": 0.3},
        jumps=[{"operator": "sigma_minus", "rate": rate}],
        start={"X": 0.48, "Y": -0.64, "Z": 0.6},
        time={"stop": 1.0, "points": 5},
        observables={},
    )
    found = solved(system, wave_functions(50))
    expected = by("exact", system)
    if rate == 1e3:
        assert expected.observables["Y"].mean[-1] == pytest.approx(0.0012024, abs=1e-7)
        assert expected.observables["Z"].mean[-1] == pytest.approx(-0.9999953, abs=1e-7)
    for name, observable in found.observables.items():
        missed = np.abs(observable.mean - expected.observables[name].mean)[1:]
        assert (missed <= 4 * observable.stderr[1:]).all()
        assert (observable.stderr[1:] > 1e-6).all()
        assert observable.stderr[-1] < 0.03
