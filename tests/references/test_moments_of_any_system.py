"""Centred moments of any system that a configuration may have, against dense matrices."""

from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
from any_systems import RAISING, largest_error, system, whole
from hypothesis import given, settings
from random_systems import systems
from solvers import exact, moments, solved

from opentdvp.physics.model import build_model
from opentdvp.physics.pauli.cuts import Cut
from opentdvp.records.result_code import ResultCode
from opentdvp.references.moments.hierarchy import build_hierarchy


@given(of=systems())
@settings(max_examples=6, deadline=None)
def test_without_a_cut_it_is_exact(of):
    found = solved(of, whole(of))
    assert found.result is ResultCode.SUCCESS
    assert largest_error(of, found) < 1e-6


@pytest.mark.slow
@given(of=systems())
@settings(max_examples=60, deadline=None)
def test_without_a_cut_it_is_exact_for_many_systems(of):
    test_without_a_cut_it_is_exact.hypothesis.inner_test(of)


RING: dict[str, Any] = {"kind": "chain", "size": [5], "periodic": True}
SYMMETRIC = {
    "triples": system(
        RING, couplings={"ZXZ": 0.8, "XX": 0.3}, jumps=[{"operator": "Z", "rate": 1}]
    ),
    "two-site jumps": system(
        RING, couplings={"ZZ": 0.5}, jumps=[{"operator": RAISING, "rate": 0.7}]
    ),
    "collective decay": system(
        RING,
        couplings={"ZZ": 0.2},
        jumps=[{"operator": "sigma_minus", "rates": np.full((5, 5), 0.5).tolist()}],
    ),
    "next neighbours": system(
        RING, couplings={"XX": [{"strength": 0.5}, {"strength": 0.2, "neighbours": 2}]}
    ),
    "two legs": system(
        {"kind": "ladder", "size": [3, 2], "periodic": True},
        couplings={"XX": 0.5, "ZZ": {"strength": 0.9, "direction": [0, 1]}},
    ),
    "opposite neighbours": system(
        {"kind": "chain", "size": [4], "periodic": True},
        couplings={"XX": 1.0, "YY": 0.6},
        start={"pattern": "neel", "Z": 0.8},
    ),
}


@pytest.mark.parametrize("name", SYMMETRIC)
def test_symmetries_leave_it_exact(name):
    """One unknown stands for all strings of an orbit."""
    of = SYMMETRIC[name]
    assert len(build_hierarchy(build_model(of), Cut(6, 6)).orbits.permutations) > 1
    assert largest_error(of, solved(of, whole(of))) < 1e-6


@pytest.mark.parametrize("name", ["triples", "two-site jumps", "next neighbours"])
def test_a_larger_cut_is_closer(name):
    of = SYMMETRIC[name]
    first, last = (largest_error(of, solved(of, moments(w, r))) for w, r in ((2, 3), (4, 5)))
    assert first > 3 * last > 0


def test_two_spins_that_decay_together_keep_what_is_dark():
    """The singlet of one spin up and one down does not decay: half of <Z₁ + Z₂> + 2 stays."""
    of = system(
        {"kind": "chain", "size": [2], "periodic": False},
        jumps=[{"operator": "sigma_minus", "rates": [[1.0, 1.0], [1.0, 1.0]]}],
        start=[{"Z": 1.0}, {"Z": -1.0}],
        time={"stop": 2.0, "points": 5},
    )
    found = solved(of, moments(2, 2))
    expected = -0.5 + np.exp(-2 * found.times) / 2
    np.testing.assert_allclose(found.observables["Z"].mean, expected, atol=1e-7)


@pytest.mark.parametrize("seed", [0, 7])
def test_on_a_graph_a_range_of_all_sites_is_none(seed):
    """Sites in another order have the same moments then, up to weight 3."""
    random = np.random.default_rng(seed)
    bonds = [list(pair) for pair in combinations(range(6), 2) if random.random() < 0.5]
    order, results = random.permutation(6), []
    for names in (np.arange(6), order):
        renamed = sorted(sorted(int(names[site]) for site in bond) for bond in bonds)
        of = system(
            {"kind": "graph", "sites": [[k] for k in range(6)], "bonds": renamed},
            couplings={"XX": 0.7, "ZZ": 0.4},
            jumps=[{"operator": "sigma_minus", "rate": 1.0}],
            observables={},
        )
        results.append(solved(of, moments(3, 6)))
    for axis in "XYZ":
        one, other = (result.observables[axis].mean for result in results)
        np.testing.assert_allclose(one, other, atol=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("couplings", "factor"),
    [
        ({"XX": [{"strength": 1.0}, {"strength": 0.4, "neighbours": 2}], "ZZ": 0.5}, 3.0),
        ({"XX": {"strength": 1.0, "power_law": {"exponent": 3.0, "cutoff": 20.0}}, "ZZ": 0.5}, 1.8),
    ],
    ids=["next neighbours", "power law"],
)
def test_long_rings_converge_with_the_weight(couplings, factor):
    """The stated error covers the change to the next weight and range, which becomes smaller.

    For a power law slowly: with the range, more of the strings that it reaches are there.
    """
    of = system(
        {"kind": "chain", "size": [40], "periodic": True},
        couplings=couplings,
        fields={"Z": 1.0},
        jumps=[{"operator": "sigma_minus", "rate": 1.0}],
        start={"Y": -1.0},
        time={"stop": 1.0, "points": 6},
        observables={"correlators": dict.fromkeys(("XX", "ZZ"), (1, 2))},
    )
    runs = [solved(of, moments(w, r, 21, tolerance=1e-6)) for w, r in ((4, 6), (5, 7), (6, 8))]
    largest = []
    for run, larger in pairwise(runs):
        changes = {
            name: np.abs(found.mean - larger.observables[name].mean)
            for name, found in run.observables.items()
        }
        covered = [
            (change <= run.observables[name].stderr + 1e-5).ravel()
            for name, change in changes.items()
        ]
        assert np.mean(np.concatenate(covered)) > 0.85
        largest.append(max(change.max() for change in changes.values()))
    assert largest[0] > factor * largest[1]
    assert largest[1] < 2e-3


@pytest.mark.slow
def test_a_honeycomb_is_exact():
    of = system(
        {"kind": "honeycomb", "size": [2, 2], "periodic": [True, False]},
        couplings={"XX": 0.7, "ZZ": 0.5},
        fields={"Z": 0.3},
        jumps=[{"operator": "sigma_minus", "rate": 1.0}],
    )
    theirs = solved(of, exact())
    for name, found in solved(of, moments(8, 4)).observables.items():
        np.testing.assert_allclose(found.mean, theirs.observables[name].mean, atol=1e-6)
