"""The disordered square of config/disordered.yaml, and a part of it that has an exact solution."""

from pathlib import Path

import numpy as np
import pytest
from solvers import moments, reduced, solved

from opentdvp import config
from opentdvp.physics.model import build_model
from opentdvp.physics.pauli.symmetries import automorphisms, half_turns
from opentdvp.running.solvers import check

STUDY = config.load(Path(__file__).parents[2] / "config" / "disordered.yaml")
SQUARE = STUDY.systems["disordered_square"]


def corner(width, height):
    """The same spins, fields and couplings, without those beyond the corner of the lattice."""
    kept = [x + SQUARE.lattice.size[0] * y for y in range(height) for x in range(width)]
    terms = [SQUARE.terms[site].model_copy(update={"sites": (n,)}) for n, site in enumerate(kept)]
    lattice = SQUARE.lattice.model_copy(update={"size": (width, height)})
    pairs = dict.fromkeys(SQUARE.observables.correlators, (1,))
    observables = SQUARE.observables.model_copy(update={"correlators": pairs})
    changes = {"lattice": lattice, "terms": tuple(terms), "observables": observables}
    return SQUARE.model_copy(update=changes)


def test_no_two_sites_are_alike():
    assert [term.sites for term in SQUARE.terms] == [(site,) for site in range(25)]
    model = build_model(SQUARE)
    assert len(automorphisms(model)) == 1
    assert half_turns(model) == ()


def test_every_run_is_valid():
    compared = STUDY.comparisons.values()
    runs = [run for both in compared for run in (both.candidate, both.reference)]
    assert len(runs) == 4
    for run in runs:
        check(STUDY.deck(run))


@pytest.mark.parametrize(
    ("height", "weight", "magnetizations", "correlators"),
    [
        (2, 3, 0.007, 0.005),
        (2, 4, 0.001, 0.003),
        (2, 5, 0.0002, 0.0004),
        pytest.param(3, 3, 0.007, 0.009, marks=pytest.mark.slow),
        pytest.param(3, 4, 0.002, 0.003, marks=pytest.mark.slow),
        pytest.param(3, 5, 0.0004, 0.0004, marks=pytest.mark.slow),
    ],
)
def test_moments_of_a_corner_approach_the_exact_solution(
    height, weight, magnetizations, correlators
):
    """At all times; there are correlations to be missed."""
    exact = solved(corner(3, height), reduced()).curves()
    found = solved(corner(3, height), moments(weight, 3)).curves()
    for key, (mean, _) in found.items():
        allowed = correlators if key[0].startswith("C_") else magnetizations
        assert np.abs(mean - exact[key][0]).max() < allowed, key
    assert np.abs(exact["C_ZZ", 1][0]).max() > 0.05
