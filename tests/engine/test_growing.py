"""Runs whose strings grow: where they end, what a file tells of it, and what is refused."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from solvers import (
    CHOLESKY,
    EIGENVALUES,
    ENUMERATION,
    SAMPLE_SPACE,
    chains,
    growing,
    jastrow,
    quiet,
    solved,
)
from systems import heisenberg_ring

from opentdvp.cli.show import growth_summary
from opentdvp.config import Deck
from opentdvp.config import load as load_study
from opentdvp.config.networks import Growth
from opentdvp.engine.assembly import check
from opentdvp.engine.evolve import evolve
from opentdvp.engine.growing import Growing
from opentdvp.errors import ConfigError
from opentdvp.records import trajectory
from opentdvp.records.checkpoint import load, save
from opentdvp.records.from_solver import ADDED_AT
from opentdvp.records.result_code import ResultCode

STUDY = Path(__file__).parents[2] / "config" / "growing.yaml"

CHAINS = chains(solve=400, held_out=100, observables=1500, sweeps=2)


@pytest.mark.parametrize(
    ("regularization", "method", "samples"),
    [
        (EIGENVALUES, "heun", "redrawn"),
        (CHOLESKY, "bogacki_shampine", "fixed"),
        (SAMPLE_SPACE, "bogacki_shampine", "fixed"),
    ],
)
def test_without_limits_it_ends_as_the_fixed_cut(regularization, method, samples):
    """And all strings are there, since when is in the states."""
    system = heisenberg_ring(4, time={"stop": 0.5, "points": 6})
    settings = {"regularization": regularization, "method": method, "samples": samples}
    fixed = evolve(Deck(system=system, solver=jastrow(4, 4, 4, **settings)), quiet)
    count = fixed.states["theta"].shape[1]
    solver = jastrow(4, 4, 4, growth=growing(count), **settings)
    grown = evolve(Deck(system=system, solver=solver), quiet)
    for name, (mean, _) in fixed.curves().items():
        np.testing.assert_allclose(grown.curves()[name][0], mean, atol=2e-5)
    strings, added_at = grown.diagnostics["strings"], grown.states[ADDED_AT]
    assert strings[0] < strings[1] <= strings[-1] == count
    assert not np.isnan(added_at[-1]).any()
    begins = grown.diagnostics["time"]
    assert [np.sum(added_at[-1] <= time) for time in begins] == strings.tolist()


def test_a_run_stops_adding_at_the_tolerance_and_its_file_says_when(tmp_path):
    system = heisenberg_ring(5, time={"stop": 0.3, "points": 11})
    solver = jastrow(5, 5, 5, growth=growing(134, residual=0.05), maximal_step=0.05)
    run = evolve(Deck(system=system, solver=solver), quiet)
    trajectory.write(run, tmp_path / "run.h5")
    again = trajectory.read(tmp_path / "run.h5")
    residual, strings = (again.diagnostics[name] for name in ("residual", "strings"))
    assert (residual <= 0.05).all()
    assert strings[0] < strings[-1] < 134
    added_at, theta = again.states[ADDED_AT], again.states["theta"]
    assert np.isnan(added_at[-1]).any()
    for before, after in pairwise(added_at):
        there = ~np.isnan(before)
        np.testing.assert_array_equal(after[there], before[there])
    times = growth_summary(again)
    assert times["strings"].tolist() == [np.sum(added_at[-1] == t) for t in times["added at"]]
    assert times["together"].iloc[-1] == strings[-1]
    # What is not there yet has no parameter.
    assert (theta[np.isnan(added_at)] == 0).all()
    assert (theta[-1][~np.isnan(added_at[-1])] != 0).all()


@pytest.mark.parametrize(
    ("sampling", "samples", "done"),
    [(CHAINS, "fixed", 2), (CHAINS, "redrawn", 3), (ENUMERATION, "fixed", 2)],
)
def test_resumed_equals_uninterrupted(tmp_path, sampling, samples, done):
    """Bit for bit, through a checkpoint between two additions."""
    grown = growing(54, residual=1e-3)
    settings = {"samples": samples, "maximal_step": 0.02, "regularization": CHOLESKY}
    solver = jastrow(4, 4, 4, growth=grown, sampling=sampling, **settings)
    deck = Deck(system=heisenberg_ring(4, time={"stop": 0.15, "points": 6}), solver=solver)
    kept = []
    whole = evolve(deck, keep=kept.append)
    assert whole.result is ResultCode.SUCCESS
    strings = whole.diagnostics["strings"]
    assert strings[done - 1] < strings[-1]
    save(kept[done - 1], "a" * 64, tmp_path / "run.npz")
    resumed = evolve(deck, resume_from=load("a" * 64, tmp_path / "run.npz"))
    for name, curve in whole.curves().items():
        np.testing.assert_array_equal(resumed.curves()[name], curve)
    for kind in ("diagnostics", "states"):
        for name, values in getattr(whole, kind).items():
            np.testing.assert_array_equal(getattr(resumed, kind)[name], values)


def test_the_largest_gains_are_added_until_there_are_as_many_as_may_be():
    """A tenth, or four, of those that gain anything, and never beyond the largest number."""
    first = np.append(np.zeros(60), np.full(140, np.nan))
    gains = np.append(np.zeros(60), np.arange(140.0))

    def added(strings, gains):
        settings = Growth(strings=strings, residual=0.0, first_weight=2)
        rules = Growing(settings, first, 0, quiet, quiet)
        return np.flatnonzero(rules.with_more(first, gains, 0.5) == 0.5).tolist()

    assert added(200, gains) == [194, 195, 196, 197, 198, 199]
    assert added(62, gains) == [198, 199]
    assert added(60, gains) == []
    assert added(200, gains * (gains > 137)) == [198, 199]


def test_impossible_numbers_of_strings_are_refused():
    for strings in (8, 55):
        with pytest.raises(ConfigError, match=rf"between \d+, .* and \d+, .* but is {strings}"):
            check(heisenberg_ring(4), jastrow(4, 4, 4, growth=growing(strings)))
    with pytest.raises(ValueError, match="first_weight` must be at most the weight 3, but is 4"):
        jastrow(3, 3, 3, growth=growing(20, first_weight=4))


def test_a_deck_that_does_not_grow_has_no_word_of_it():
    """So that runs from before there was the key are still known."""
    plain = Deck(system=heisenberg_ring(4), solver=jastrow(3, 3, 3))
    assert "growth" not in plain.canonical()
    grown = Deck(system=heisenberg_ring(4), solver=jastrow(3, 3, 3, growth=growing(20)))
    for deck in (plain, grown):
        assert Deck.model_validate_json(deck.canonical()) == deck


@pytest.mark.slow
def test_on_the_torus_two_hundred_strings_that_grew_are_better_than_all_393_of_five_sites():
    """Without samples, Jy = 1.8; see docs/jastrow.md."""
    study = load_study(STUDY)
    names = ("reduced", "strings_5", "grown_200")
    system = study.systems["torus_3x3"]
    truth, fixed, grown = (solved(system, study.solvers[name]) for name in names)
    counts = [len(run.states["theta"][-1]) for run in (fixed, grown)]
    assert counts == [393, 907]
    assert np.count_nonzero(~np.isnan(grown.states[ADDED_AT][-1])) == 200
    for magnetization in (True, False):
        exact = {k: m for k, (m, _) in truth.curves().items() if bool(k[1]) is not magnetization}
        off_fixed, off_grown = (
            max(np.abs(run.curves()[key][0] - mean).max() for key, mean in exact.items())
            for run in (fixed, grown)
        )
        assert off_grown < 0.6 * off_fixed
