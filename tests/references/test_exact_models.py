"""Both exact methods against closed forms, and a Lindbladian that shares only the configuration."""

from functools import partial
from typing import Any

import numpy as np
import pytest
import scipy.linalg
from dense import dense_evolution, site_means
from hypothesis import given, settings
from random_systems import PAIRS, systems
from scipy.special import erf
from solvers import exact, reduced, solved

from opentdvp.config import System
from opentdvp.physics.model import build_model
from opentdvp.physics.pauli.orbits import find_orbits
from opentdvp.physics.pauli.symmetries import automorphisms, half_turns
from opentdvp.records.checkpoint import State
from opentdvp.records.result_code import ResultCode
from opentdvp.records.trajectory import Trajectory

UP, DOWN = {"Z": 1.0}, {"Z": -1.0}
METHODS = {"exact": exact(), "exact_reduced": reduced(1e-8)}
GAMMA, H = 0.8, 1.3

both = pytest.mark.parametrize("method", METHODS)


def system(sites: int, periodic: bool = False, distances: tuple[int, ...] = (1,), **keys: Any):
    """A chain; nothing happens that is not named."""
    lattice = {"kind": "chain", "size": [sites], "periodic": periodic}
    observables = {"correlators": dict.fromkeys(PAIRS, distances)}
    time = {"stop": 2.0, "points": 9}
    given = {"lattice": lattice, "start": UP, "time": time, "observables": observables} | keys
    return System.model_validate(given)


def by(method: str, given: System, **options: Any) -> Trajectory:
    found = solved(given, METHODS[method], **options)
    assert found.result is ResultCode.SUCCESS
    return found


def means(trajectory: Trajectory) -> dict[str, np.ndarray]:
    """Correlators of distance 1 only."""
    found = {name: observable.mean for name, observable in trajectory.observables.items()}
    return {name: mean if mean.ndim == 1 else mean[:, 0] for name, mean in found.items()}


def by_site(method: str, given: System) -> np.ndarray:
    """<Z_i> at the last time."""
    states: list[State] = []
    by(method, given, keep=states.append)
    if method == "exact":
        return site_means(states[-1].arrays["rho"][None])["Z"][0]
    model = build_model(given)
    orbits = find_orbits(automorphisms(model), half_turns(model))
    z = 1 << np.arange(model.n_sites)
    return states[-1].arrays["expectations"][orbits.index(0 * z, z)]


@settings(max_examples=4, deadline=None, derandomize=True)
@given(systems())
@both
def test_any_system(method, system):
    assert_agrees(method, system)


@pytest.mark.slow
@settings(max_examples=30, deadline=None, derandomize=True)
@given(systems())
@both
def test_many_systems(method, system):
    assert_agrees(method, system)


def assert_agrees(method: str, given: System) -> None:
    found = by(method, given)
    expected = dense_evolution(given, found.times)
    assert list(found.observables) == list(expected)
    for name, observable in found.observables.items():
        np.testing.assert_allclose(observable.mean, expected[name], atol=1e-7, err_msg=name)


COSINE = {"kind": "cosine", "frequency": 3.0, "amplitude": 0.4, "mean": 0.6}
RAMP = {"kind": "ramp", "first": 0.0, "last": 1.0, "start": 0.3, "stop": 1.1}
HOPPING = {"operator": "sigma_plus sigma_minus", "rate": 0.7}
PAIR_LOSS = {"operator": "sigma_minus sigma_minus", "rate": 0.9}
SHARED = {"operator": "sigma_minus", "rates": (0.6 * np.ones((4, 4)) + 0.3 * np.eye(4)).tolist()}
NEEL = {"pattern": "neel", "Z": 1.0}
XXZ = {"XX": 1.0, "YY": 1.0, "ZZ": 0.5}


ONE_DRIVEN = {"X": {"strength": 0.7, "sites": [1], "drive": RAMP}}
SYMMETRIC = {
    "neel": ({"couplings": XXZ, "start": NEEL, "jumps": [PAIR_LOSS]}, 4, ("Z",)),
    "hopping": ({"couplings": XXZ, "start": NEEL, "jumps": [HOPPING]}, 2, ("Z",)),
    "directed": ({"couplings": {"XY": 0.9, "YX": -0.9}, "jumps": [PAIR_LOSS]}, 4, ("Z",)),
    "cluster": (
        {"couplings": {"ZXZ": 0.8}, "fields": {"X": 0.3}, "jumps": [PAIR_LOSS]},
        8,
        (),
    ),
    "shared": ({"couplings": {"XX": 0.8}, "jumps": [SHARED]}, 8, ("Z",)),
    "driven": (
        {"couplings": {"XX": 0.8}, "fields": {"X": {"strength": 0.7, "drive": RAMP}}},
        8,
        (),
    ),
    "shared_driven": (
        {
            "couplings": {"ZZ": {"strength": 0.8, "drive": COSINE}},
            "fields": {"X": 0.4},
            "jumps": [SHARED | {"drive": RAMP}],
            "start": {"X": 0.5},
        },
        8,
        (),
    ),
    "one_driven": ({"couplings": {"XX": 0.8}, "fields": ONE_DRIVEN}, 2, ()),
}


@pytest.mark.parametrize("name", SYMMETRIC)
@both
def test_symmetric_models(method, name):
    """With the order of their group, and their half turns."""
    keys, order, turns = SYMMETRIC[name]
    given = system(4, periodic=True, distances=(1, 2), **keys)
    model = build_model(given)
    assert (len(automorphisms(model)), half_turns(model)) == (order, turns)
    assert_agrees(method, given)


@both
def test_rabi_oscillations_with_decay(method):
    """Optical Bloch equations at resonance, H = ΩX/2 from the ground state (Torrey)."""
    fields = {"X": H / 2}
    jumps = [{"operator": "sigma_minus", "rate": GAMMA}]
    found = by(method, system(2, fields=fields, jumps=jumps, start=DOWN))
    np.testing.assert_allclose(means(found)["Z"], rabi(found.times), atol=1e-7)


@both
def test_a_turning_drive_is_a_constant_one_seen_from_a_turning_frame(method):
    """H = ½ωZ + ½Ω(X cos ωt + Y sin ωt)."""
    frequency = 4.0
    turning = {"kind": "cosine", "frequency": frequency}
    fields = {
        "X": {"strength": H / 2, "drive": turning},
        "Y": {"strength": H / 2, "drive": turning | {"phase": -np.pi / 2}},
        "Z": frequency / 2,
    }
    jumps = [{"operator": "sigma_minus", "rate": GAMMA}]
    found = by(method, system(2, fields=fields, jumps=jumps, start=DOWN))
    np.testing.assert_allclose(means(found)["Z"], rabi(found.times), atol=1e-7)


def rabi(t: np.ndarray) -> np.ndarray:
    turning = np.sqrt(H**2 - GAMMA**2 / 16)
    swing = np.cos(turning * t) + 0.75 * GAMMA / turning * np.sin(turning * t)
    excited = H**2 / (2 * H**2 + GAMMA**2) * (1 - np.exp(-0.75 * GAMMA * t) * swing)
    return 2 * excited - 1


def ramp_area(t: np.ndarray) -> np.ndarray:
    within = np.clip(t, 0.3, 1.1)
    return (within - 0.3) ** 2 / 1.6 + np.maximum(t - 1.1, 0)


def pulse_area(t: np.ndarray) -> np.ndarray:
    return 0.03 * np.sqrt(np.pi / 2) * (erf((t - 1.37) / 0.03 / 2**0.5) + 1)


def table_area(t: np.ndarray) -> np.ndarray:
    """The trapezia up to 1.2, and what is constant outside."""
    grid = np.linspace(0.5, 1.2, 3)
    fine = np.union1d(np.concatenate([[0.0], grid, [2.0]]), t)
    values = np.interp(fine, grid, (0.2, 1.0, 0.4))
    areas = np.concatenate([[0], np.cumsum(np.diff(fine) * (values[1:] + values[:-1]) / 2)])
    return np.interp(t, fine, areas)


DRIVES = {
    "cosine": (COSINE, lambda t: 0.6 * t + 0.4 * np.sin(3 * t) / 3),
    "ramp": (RAMP, ramp_area),
    "pulse": ({"kind": "pulse", "centre": 1.37, "width": 0.03}, pulse_area),
    "table": (
        {"kind": "table", "times": [0.5, 0.85, 1.2], "values": [0.2, 1.0, 0.4]},
        table_area,
    ),
}


@pytest.mark.parametrize("drive", DRIVES)
@both
def test_a_driven_spin_turns_by_twice_the_integral_of_the_drive(method, drive):
    """H = 5f(t)X, from up: <Z> = cos(10∫f), <Y> = −sin(10∫f)."""
    given, area = DRIVES[drive]
    found = by(method, system(2, fields={"X": {"strength": 5.0, "drive": given}}))
    angle = 10 * area(found.times)
    np.testing.assert_allclose(means(found)["Z"], np.cos(angle), atol=1e-7)
    np.testing.assert_allclose(means(found)["Y"], -np.sin(angle), atol=1e-7)


@pytest.mark.parametrize("rate", [2.0, 400.0], ids=["slow", "fast"])
@pytest.mark.parametrize("drive", DRIVES)
@both
def test_a_driven_decay_is_that_of_the_integral_of_its_rate(method, drive, rate):
    given, area = DRIVES[drive]
    jumps = [{"operator": "sigma_minus", "rate": rate, "drive": given}]
    found = means(by(method, system(2, jumps=jumps, start={"X": 0.6, "Z": 0.8})))
    lost = rate * area(np.linspace(0, 2, 9))
    np.testing.assert_allclose(found["Z"], -1 + 1.8 * np.exp(-lost), atol=1e-7)
    np.testing.assert_allclose(found["X"], 0.6 * np.exp(-lost / 2), atol=1e-7)
    for letters in PAIRS:
        np.testing.assert_allclose(found[f"C_{letters}"], 0, atol=2e-7)


def shared(sites: int, **keys: Any) -> System:
    """Decay that all spins share: L = Σ σ⁻."""
    rates = np.full((sites, sites), GAMMA).tolist()
    return system(sites, jumps=[{"operator": "sigma_minus", "rates": rates}], **keys)


@both
def test_two_spins_decay_together_twice_as_fast(method):
    """Up, up → triplet → down, down, each at the rate 2γ."""
    found = by(method, shared(2))
    decay = np.exp(-2 * GAMMA * found.times)
    triplet = 2 * GAMMA * found.times * decay
    z = 2 * decay + triplet - 1
    expected = {"Z": z, "C_ZZ": 1 - 2 * triplet - z**2, "C_XX": triplet, "C_XY": 0 * triplet}
    for name, values in expected.items():
        np.testing.assert_allclose(means(found)[name], values, atol=1e-7)


@both
def test_the_singlet_in_up_and_down_does_not_decay(method):
    """Half of it is the triplet, whose rate is 2γ; what lies between them decays with γ."""
    given = shared(2, start=[UP, DOWN])
    found = by(method, given)
    decay = np.exp(-2 * GAMMA * found.times)
    np.testing.assert_allclose(means(found)["Z"], (decay - 1) / 2, atol=1e-7)
    np.testing.assert_allclose(means(found)["C_XX"], (decay - 1) / 2, atol=1e-7)
    between = np.exp(-GAMMA * 2.0)
    expected = (decay[-1] - 1) / 2 + np.array([between, -between])
    np.testing.assert_allclose(by_site(method, given), expected, atol=1e-7)


@both
def test_four_spins_go_down_the_ladder_of_dicke(method):
    """M = 2 … −2 at the rates γ(J + M)(J − M + 1) with J = 2."""
    found = by(method, shared(4))
    rates = GAMMA * np.array([4, 6, 6, 4, 0])
    ladder = np.diag(rates[:-1], -1) - np.diag(rates)
    expected = [
        scipy.linalg.expm(t * ladder)[:, 0] @ np.array([1, 0.5, 0, -0.5, -1]) for t in found.times
    ]
    np.testing.assert_allclose(means(found)["Z"], expected, atol=1e-7)


@both
def test_values_by_site_of_an_open_chain(method):
    """XX = 1 and decay, from up, down, up."""
    given = system(
        3,
        couplings={"XX": 1.0},
        jumps=[{"operator": "sigma_minus", "rate": 1.0}],
        start=[UP, DOWN, UP],
        time={"stop": 1.0, "points": 3},
    )
    expected = [-0.49161, -0.28197, -0.49161]
    np.testing.assert_allclose(by_site(method, given), expected, atol=5e-6)


TWO_DRIVES = partial(
    system,
    3,
    couplings={"XX": 1.0, "ZZ": 0.4},
    fields={"X": {"strength": 1.5, "drive": RAMP}, "Z": 0.3},
    time={"stop": 2.0, "points": 31},
)


@pytest.mark.parametrize(
    ("method", "rate"),
    [
        ("exact", 1.0),
        pytest.param("exact", 40.0, marks=pytest.mark.slow),
        ("exact_reduced", 1.0),
    ],
)
def test_resumed_equals_uninterrupted(method, rate):
    given = TWO_DRIVES(jumps=[{"operator": "sigma_minus", "rate": rate, "drive": COSINE}])
    states: list[State] = []
    whole = by(method, given, keep=states.append)
    rest = by(method, given, resume_from=states[len(states) // 2])
    for name, observable in whole.observables.items():
        np.testing.assert_array_equal(rest.observables[name].mean, observable.mean)
    for name, values in whole.diagnostics.items():
        np.testing.assert_array_equal(rest.diagnostics[name], values)


def test_no_step_goes_over_a_milestone():
    """That of the reduced solver; its steps are those of any number of output times."""
    jumps = [{"operator": "sigma_minus", "rate": 1.0, "drive": COSINE}]
    few, many = (
        by("exact_reduced", TWO_DRIVES(jumps=jumps, time={"stop": 2.0, "points": points}))
        for points in (3, 41)
    )
    ends = few.diagnostics["time"] + few.diagnostics["step_size"]
    for milestone in (0.3, 1.1, 2.0):
        assert np.isclose(ends, milestone, atol=1e-14).sum() == 1
    np.testing.assert_array_equal(few.diagnostics["step_size"], many.diagnostics["step_size"])
    for name, observable in few.observables.items():
        np.testing.assert_array_equal(observable.mean[-1], many.observables[name].mean[-1])


@pytest.mark.parametrize("tolerance", [1e-4, 1e-7, pytest.param(1e-10, marks=pytest.mark.slow)])
def test_errors_of_all_steps_are_within_the_tolerance(tolerance):
    given = TWO_DRIVES(jumps=[{"operator": "sigma_minus", "rate": 1.0, "drive": COSINE}])
    found = solved(given, reduced(tolerance))
    expected = dense_evolution(given, found.times)
    for name, observable in found.observables.items():
        np.testing.assert_allclose(observable.mean, expected[name], atol=1.01 * tolerance)
