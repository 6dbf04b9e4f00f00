"""Centred moments: exact without a cut, and what a cut leaves and says."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solvers import exact, moments, reduced, solved
from systems import confinement_ring, free_spins, heisenberg_ring

from opentdvp.config import System
from opentdvp.errors import ConfigError
from opentdvp.physics.model import build_model
from opentdvp.physics.pauli.cuts import Cut
from opentdvp.records.checkpoint import load, save
from opentdvp.records.result_code import ResultCode
from opentdvp.references.moments import solve
from opentdvp.references.moments.evolutions import build_evolution
from opentdvp.references.moments.hierarchy import build_hierarchy
from opentdvp.references.moments.points import Tolerances

PAIRS = [a + b for a in "XYZ" for b in "XYZ"]
SQUARE_3X3: dict[str, Any] = {"kind": "square", "size": (3, 3), "periodic": True}
STRONG = {
    "lattice": SQUARE_3X3,
    "couplings": {"XX": 0.9, "YY": 1.8, "ZZ": 1.0},
    "fields": {},
    "start": {"Z": 1.0},
    "observables": {"correlators": dict.fromkeys(("XX", "YY", "ZZ"), (1,))},
}
#: Far below every tolerance, and enough that no two sites are alike.
LOPSIDED = [{"operators": "X", "sites": [k], "strength": 1e-13 * (k + 1) ** 2} for k in range(9)]


def largest_difference(one, other):
    mine, theirs = one.curves(), other.curves()
    assert set(mine) == set(theirs)
    return max(np.abs(mine[key][0] - theirs[key][0]).max() for key in mine)


@st.composite
def systems(draw: st.DrawFn) -> System:
    """Chains of three to five sites, and a square, on which no two terms are alike."""
    strengths = st.floats(-1.5, 1.5, allow_subnormal=False).map(lambda x: round(x, 3))
    shape = draw(st.sampled_from([(3,), (4,), (5,), (2, 2)]))
    periodic = draw(st.booleans()) if min(shape) > 2 else False
    sites = range(int(np.prod(shape)))
    terms = [
        {
            "operators": draw(st.sampled_from(PAIRS)),
            "sites": draw(st.permutations(sites))[:2],
            "strength": draw(strengths),
        }
        for _ in range(draw(st.integers(1, 3)))
    ]
    terms += [
        {"operators": draw(st.sampled_from("XYZ")), "sites": [k], "strength": draw(strengths)}
        for k in sites
    ]
    entries = st.complex_numbers(max_magnitude=1, allow_nan=False, allow_subnormal=False)
    matrix = [[f"{draw(entries):.3f}" for _ in range(2)] for _ in range(2)]
    jumps = [
        {"operator": "sigma_minus", "rate": draw(st.floats(0, 1)), "sites": [sites[-1]]},
        {"operator": [["0.1", matrix[0][1]], matrix[1]], "rate": draw(st.floats(0, 1))},
    ]
    start = np.array([draw(st.floats(-1, 1)) for _ in "XYZ"])
    start /= max(1.0, np.linalg.norm(start) * (1 + 1e-12))
    return heisenberg_ring(
        len(sites),
        lattice={
            "kind": "chain" if len(shape) == 1 else "square",
            "size": shape,
            "periodic": periodic,
        },
        couplings={draw(st.sampled_from(PAIRS)): draw(strengths), "XX": draw(strengths)},
        fields={"Z": draw(strengths)},
        terms=terms,
        jumps=jumps,
        start=dict(zip("XYZ", start.tolist(), strict=True)),
        time={"stop": 1.0, "points": 4},
        observables={"correlators": dict.fromkeys(PAIRS, (1,))},
    )


@given(system=systems())
@settings(max_examples=8, deadline=None)
def test_without_a_cut_it_is_exact(system):
    sites = system.lattice.n_sites
    found = solved(system, moments(sites, max(system.lattice.size)))
    assert found.result is ResultCode.SUCCESS
    assert largest_difference(found, solved(system, exact())) < 1e-6


@pytest.mark.slow
@given(system=systems())
@settings(max_examples=60, deadline=None)
def test_without_a_cut_it_is_exact_for_many_systems(system):
    test_without_a_cut_it_is_exact.hypothesis.inner_test(system)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("system", "solver"),
    [(heisenberg_ring(8), moments(8, 8)), (heisenberg_ring(9, **STRONG), moments(9, 3))],
    ids=["ring", "torus"],
)
def test_without_a_cut_it_is_the_reduced_exact_solution(system, solver):
    assert largest_difference(solved(system, solver), solved(system, reduced())) < 1e-6


@pytest.mark.parametrize(
    ("system", "solver"),
    [
        (heisenberg_ring(9, time={"stop": 1.0, "points": 3}), moments(3, 4)),
        (heisenberg_ring(9, time={"stop": 1.0, "points": 3}), moments(2, 2, 4)),
        (heisenberg_ring(9, time={"stop": 1.0, "points": 3}, **STRONG), moments(3, 2)),
        (confinement_ring(9), moments(4, 3)),
    ],
    ids=["ring", "pairs", "torus", "confinement"],
)
def test_symmetries_change_nothing(system, solver):
    """Without any, all sites and pairs have moments and coefficients of their own."""
    found = solved(system, solver)
    alone = solved(system.model_copy(update={"terms": lopsided()}), solver)
    assert largest_difference(found, alone) < 1e-7


def lopsided():
    return heisenberg_ring(9, terms=LOPSIDED).terms


def test_spins_that_nothing_couples_need_no_pairs():
    """<Z> = −1 + (1 + z) e^(−γt), and X, Y decay at half the rate."""
    system = free_spins(30, jumps=[{"operator": "sigma_minus", "rate": 1.3}])
    found = solved(system, moments(2, 3))
    x, y, z = system.start.bloch
    decay = np.exp(-1.3 * found.times)
    expected = {"X": x * decay**0.5, "Y": y * decay**0.5, "Z": -1 + (1 + z) * decay}
    for axis, values in expected.items():
        np.testing.assert_allclose(found.observables[axis].mean, values, atol=1e-7)
        np.testing.assert_allclose(found.observables[axis].stderr, 0, atol=1e-7)
    np.testing.assert_allclose(found.observables["C_ZZ"].mean, 0, atol=1e-12)


def test_an_ising_ring_of_any_size_needs_three_neighbours():
    """<X> = cos²(2Jt): X leads to YZ and XZZ, and those to nothing else."""
    system = heisenberg_ring(
        50, couplings={"ZZ": 0.7}, fields={}, jumps=[], start={"X": 1.0}, observables={}
    )
    found = solved(system, moments(3, 3)).observables["X"]
    times = np.linspace(0, 1, 11)
    np.testing.assert_allclose(found.mean, np.cos(2 * 0.7 * times) ** 2, atol=1e-7)
    # Without triples, or neighbours on both sides, it would be another curve.
    assert found.stderr[-1] > 0.01


def test_rings_that_are_wider_than_the_cut_are_alike():
    short = {"stop": 0.5, "points": 3}
    few, many = (solved(heisenberg_ring(n, time=short), moments(3, 3)) for n in (12, 66))
    assert largest_difference(few, many) < 1e-9


def test_the_errors_are_changes_by_a_smaller_cut():
    system = heisenberg_ring(8)
    found, lighter, narrower = (solved(system, moments(*cut)) for cut in ((4, 5), (3, 5), (4, 4)))
    by_weight, by_range = [], []
    for key, (mean, error) in found.curves().items():
        by_weight.append(np.abs(mean - lighter.curves()[key][0]))
        by_range.append(np.abs(mean - narrower.curves()[key][0]))
        np.testing.assert_allclose(error, np.maximum(by_weight[-1], by_range[-1]), atol=1e-12)
    for name, changes in (("weight_error", by_weight), ("range_error", by_range)):
        np.testing.assert_allclose(found.diagnostics[name], np.max(changes, axis=0), atol=1e-12)
    assert "one weight less" in found.provenance["standard_error"]
    np.testing.assert_array_equal(found.diagnostics["time"], found.times)


def test_a_larger_cut_is_closer_and_the_errors_cover_it():
    system = heisenberg_ring(8)
    expected = solved(system, reduced())
    runs = [solved(system, moments(*cut)) for cut in ((3, 4), (5, 6), (7, 8))]
    distances = [largest_difference(run, expected) for run in runs]
    assert distances[0] > 3 * distances[1] > 9 * distances[2]
    for run in runs:
        # All but where a change passes through zero.
        covered = [
            np.abs(mean - expected.curves()[key][0]) <= error + 1e-6
            for key, (mean, error) in run.curves().items()
        ]
        assert np.mean(covered) > 0.9
    # Moments at the cut are small where it is good.
    sizes = [run.diagnostics["largest_at_weight"].max() for run in runs]
    assert sizes[0] > sizes[1] > sizes[2] > 0
    # On a ring of eight no string has a range of eight.
    sizes = [run.diagnostics["largest_at_range"].max() for run in runs]
    assert sizes[0] > sizes[1] > sizes[2] == 0


def test_where_symmetry_leaves_nothing_everything_is_zero():
    """The maximally mixed state, by all half turns, stays as it is."""
    jumps = [{"operator": "Z", "rate": 1.0}]
    system = heisenberg_ring(4, fields={}, jumps=jumps, start={"X": 0.0})
    for key, (mean, error) in solved(system, moments(2, 3)).curves().items():
        np.testing.assert_array_equal(mean, 0, err_msg=str(key))
        np.testing.assert_array_equal(error, 0)


def test_pairs_may_reach_farther():
    system = heisenberg_ring(12, observables={"correlators": {"ZZ": (1, 5)}})
    found = solved(system, moments(3, 4, pair_range=6)).observables["C_ZZ"]
    assert found.distances == (1, 5)
    assert 1e-5 < np.abs(found.mean[:, 1]).max() < np.abs(found.mean[:, 0]).max()


def test_a_hierarchy_that_leaves_all_states_ends_with_a_result_code():
    unitary = {**STRONG, "jumps": [], "start": {"X": 0.6, "Z": 0.8}}
    system, states = heisenberg_ring(9, time={"stop": 9.0, "points": 19}, **unitary), []
    stopped = solved(system, moments(3, 3), keep=states.append)
    assert stopped.result is ResultCode.DIVERGENCE
    assert 0 < stopped.times[-1] < 9
    assert "use another weight or range" in stopped.remedy
    assert np.isfinite(stopped.observables["Z"].mean).all()
    # |<Π (σ − m)>| ≤ 2ʷ, as long as there is a state.
    for name, cut in (("asked", (3, 3)), ("lighter", (2, 3)), ("narrower", (3, 2))):
        orbits = build_hierarchy(build_model(system), Cut(*cut)).orbits
        bounds = 2.0 ** np.count_nonzero(orbits.representatives, axis=1)
        for state in states:
            assert (np.abs(state.arrays[f"values/{name}"]) <= bounds).all()


def test_no_state_is_taken_for_one_that_has_left_all_states():
    """All spins up or all down: four are correlated by 4/3 where the mean is 1/√3."""
    model, mean = build_model(heisenberg_ring(6)), 3**-0.5
    evolution = build_evolution(model, Cut(6, 6), Tolerances(1e-6, 1e-6), 1.0)
    weights = np.count_nonzero(evolution.hierarchy.orbits.representatives, axis=1)
    up, down = (1 + mean) * (1 - mean) ** weights, (1 - mean) * (-1 - mean) ** weights
    moments = (up + down) / 2
    assert moments[weights == 4] == pytest.approx(4 / 3)
    assert (np.abs(moments) < evolution.bounds).all()


@pytest.mark.parametrize("interrupted_after", [0, 1, 4, 7, -2])
def test_resumed_equals_uninterrupted(tmp_path, interrupted_after):
    system, solver = heisenberg_ring(6, time={"stop": 1.0, "points": 4}), moments(3, 4)
    states = []
    whole = solved(system, solver, keep=states.append)
    save(states[interrupted_after], "a" * 64, tmp_path / "run.npz")
    rest = solved(system, solver, resume_from=load("a" * 64, tmp_path / "run.npz"))
    assert list(rest.observables) == list(whole.observables)
    for name, observable in whole.observables.items():
        np.testing.assert_array_equal(rest.observables[name].mean, observable.mean)
        np.testing.assert_array_equal(rest.observables[name].stderr, observable.stderr)
    for name, values in whole.diagnostics.items():
        np.testing.assert_array_equal(rest.diagnostics[name], values)


def test_the_number_of_threads_changes_nothing(monkeypatch):
    system, solver = heisenberg_ring(12, time={"stop": 0.2, "points": 2}), moments(6, 9)
    runs = []
    for threads in ("1", "2"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        runs.append(solved(system, solver))
    for name, observable in runs[0].observables.items():
        np.testing.assert_array_equal(runs[1].observables[name].mean, observable.mean)


def test_pairs_that_no_cut_reaches_are_refused():
    message = r"correlators\.XX` must have distances of at most 1.* has 2; use a larger"
    with pytest.raises(ConfigError, match=message):
        solved(heisenberg_ring(6), moments(4, 2))


SQUARE_2X3 = {
    "lattice": {"kind": "square", "size": (2, 3), "periodic": False},
    "observables": {"correlators": {"ZZ": (1,)}},
}


@pytest.mark.parametrize(
    ("changes", "fitting", "beyond"),
    [
        ({}, moments(6, 6), moments(9, 7)),
        ({}, moments(6, 4, 6), moments(7, 4, 8)),
        (SQUARE_2X3, moments(6, 3), moments(9, 7)),
    ],
)
def test_a_cut_beyond_the_lattice_is_that_of_the_lattice(changes, fitting, beyond):
    """With the same errors: one weight or range less leaves out strings."""
    system = heisenberg_ring(6, time={"stop": 0.4, "points": 3}, **changes)
    one, other = solved(system, fitting), solved(system, beyond)
    assert one.observables["Z"].stderr[-1] > 1e-6
    for name, observable in one.observables.items():
        np.testing.assert_array_equal(other.observables[name].mean, observable.mean)
        np.testing.assert_array_equal(other.observables[name].stderr, observable.stderr)
    for name, values in one.diagnostics.items():
        np.testing.assert_array_equal(other.diagnostics[name], values)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"fields": {}, "couplings": {"XX": 1.0}},
        {"couplings": {"ZXZ": 0.8}},
        {"jumps": [{"operator": "sigma_plus sigma_minus", "rate": 1.0}]},
        {"jumps": [{"operator": "sigma_minus", "rates": np.full((14, 14), 0.1).tolist()}]},
        {"couplings": {"XX": {"strength": 1.0, "power_law": {"exponent": 3.0, "cutoff": 7.0}}}},
        {"lattice": {"kind": "square", "size": (5, 3), "periodic": False}},
    ],
    ids=["Heisenberg", "XX", "triples", "two-site jumps", "shared decay", "power law", "square"],
)
def test_the_memory_of_a_run_is_foreseen(monkeypatch, changes):
    """From the elements of its matrix, and 40 vectors."""
    system, cut = heisenberg_ring(14, **changes), (4, 3 if "lattice" in changes else 7)
    hierarchy = build_hierarchy(build_model(system), Cut(*cut))
    unknowns = len(hierarchy.orbits.representatives)
    needed = (8 * 40 * unknowns + 20 * hierarchy.entries) / 2**30
    monkeypatch.setattr(solve, "MAXIMAL_GIB", 0)
    with pytest.raises(ConfigError, match=r"leave .* moments, about .* GiB") as refused:
        solved(system, moments(*cut))
    count, memory = re.search(r"leave (\S+) moments, about (\S+) GiB", str(refused.value)).groups()
    assert float(count) == pytest.approx(unknowns, rel=0.1)
    assert float(memory) == pytest.approx(needed, rel=0.15)


def test_too_many_moments_are_refused_with_their_number():
    large = {"kind": "square", "size": (8, 8), "periodic": False}
    system = heisenberg_ring(64, lattice=large)
    with pytest.raises(ConfigError, match=r"8 permutations .* 6 and 8 leave 7\.\d+e\+09 moments"):
        solved(system, moments(6, 8))
