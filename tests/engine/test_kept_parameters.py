"""Observables of kept parameters: those of a run that had asked for them from the start."""

from dataclasses import replace

import numpy as np
import pytest
from featured import DRIVES
from solvers import chains, direct, jastrow, quiet, tdvp
from systems import heisenberg_ring
from trajectories import solved_exactly

from opentdvp.config import Deck
from opentdvp.config.measurement import Measured
from opentdvp.engine.evolve import evolve
from opentdvp.errors import ConfigError, FileError
from opentdvp.running.measure import measure, measured_deck

FEW = {"observables": {"magnetization": ["Z"]}, "time": {"stop": 0.3, "points": 4}}

#: One of each kind.
MORE = {
    "magnetization": ["X"],
    "correlators": {"XY": [1]},
    "strings": ["Z@0", "X@0 Y@1", "X@0 Y@1 Z@2"],
    "profiles": ["Z"],
    "correlation_matrices": ["ZZ"],
    "displacements": {"XX": [[1]]},
    "structure_factors": {"ZZ": ["pi"]},
    "energy": True,
    "currents": ["Z"],
    "density_matrices": {"sites": [[0], [0, 1]]},
}


def wanted(**changes):
    return Measured.model_validate({"observables": MORE} | changes)


def measured(evolution, what):
    return measure(measured_deck(evolution, what), evolution)


@pytest.fixture(scope="module")
def sampled():
    """A run that knows one observable, and its solver."""
    solver = tdvp(sampling=direct(256, 64, 300), maximal_step=0.05)
    return evolve(Deck(system=heisenberg_ring(3, **FEW), solver=solver), quiet), solver


@pytest.fixture(scope="module")
def asked(sampled):
    """A run that asked for everything from the start."""
    system = heisenberg_ring(3, **FEW | {"observables": MORE})
    return evolve(Deck(system=system, solver=sampled[1]), quiet)


def assert_equal(found, expected, places):
    assert list(found.observables) == list(expected.observables)
    for name, observable in expected.observables.items():
        np.testing.assert_array_equal(found.observables[name].mean, observable.mean[places])
        np.testing.assert_array_equal(found.observables[name].stderr, observable.stderr[places])
        assert found.observables[name].labels == observable.labels


def test_measured_later_equals_asked_from_the_start_bit_for_bit(sampled, asked):
    evolution, _ = sampled
    np.testing.assert_array_equal(evolution.states["theta"], asked.states["theta"])
    found = measured(evolution, wanted())
    assert_equal(found, asked, slice(None))
    assert all(observable.stderr[1:].any() for observable in found.observables.values())
    np.testing.assert_array_equal(found.diagnostics["residual"], evolution.diagnostics["residual"])


def test_some_times_are_those_among_all(sampled, asked):
    some = measured(sampled[0], wanted(time={"times": [0.1, 0.3]}))
    np.testing.assert_allclose(some.times, [0.1, 0.3])
    assert_equal(some, asked, [1, 3])


def test_between_kept_times_it_is_the_run_that_had_asked_for_more():
    """Without samples, with a kink of a strength, up to the digits of the slopes."""
    solver = tdvp(width=8, eigenvalue_cutoff=1e-10, fisher_tolerance=1e-4)
    axes = {"magnetization": ["X", "Y", "Z"]}
    field = {"X": {"strength": 1.0, "drive": DRIVES["table"]}}
    finer = {"stop": 0.3, "points": 13}

    def run(time):
        system = heisenberg_ring(3, observables=axes, time=time, fields=field)
        return evolve(Deck(system=system, solver=solver), quiet)

    asked = run(finer)
    found = measured(
        run({"times": [0.1, 0.3]}),
        Measured.model_validate({"observables": axes, "time": finer}),
    )
    for name, observable in asked.observables.items():
        difference = found.observables[name].mean - observable.mean
        assert np.abs(difference).max() < 1e-7
        assert np.abs(np.diff(observable.mean)).max() > 1e-3


def test_between_kept_times_samples_are_others(sampled, asked):
    finer = measured(sampled[0], wanted(time={"times": [0.1, 0.15, 0.2]}))
    for name in ("X", "Z_i"):
        first, second = asked.observables[name].mean[1:3]
        found = finer.observables[name]
        np.testing.assert_array_equal(found.mean[[0, 2]], [first, second])
        assert np.all(found.mean[1] != found.mean[0])
        assert np.all(np.abs(found.mean[1] - (first + second) / 2) < 5 * found.stderr[1])


def test_identity_is_that_of_evolution_and_measurement(sampled):
    evolution, _ = sampled
    decks = [
        measured_deck(evolution, what)
        for what in (wanted(), wanted(samples=500), wanted(time={"times": [0.3]}))
    ]
    assert {deck.measured_from for deck in decks} == {evolution.run_id}
    assert len({evolution.run_id, *(deck.run_id for deck in decks)}) == 4


def test_more_samples_have_smaller_errors(sampled, asked):
    found = measured(sampled[0], wanted(samples=30_000, time={"times": [0.3]}))
    for name in ("X", "Z_i", "energy"):
        more, less = found.observables[name], asked.observables[name]
        assert more.stderr.mean() < 0.2 * less.stderr[3].mean()
        assert np.all(np.abs(more.mean - less.mean[3]) < 5 * less.stderr[3])


def test_enumeration_gives_the_exact_values_without_errors():
    """A network that can represent every state of three spins."""
    solver = tdvp(width=8, eigenvalue_cutoff=1e-10, fisher_tolerance=5e-5)
    evolution = evolve(Deck(system=heisenberg_ring(3, **FEW), solver=solver), quiet)
    what = Measured.model_validate(
        {"observables": {"magnetization": ["X", "Y"], "strings": ["X@0", "Y@1"], "energy": True}}
    )
    found = measured(evolution, what)
    truth = solved_exactly(heisenberg_ring(3, **FEW | {"observables": {"correlators": {}}}))
    for name, axis in (("X@0", "X"), ("Y@1", "Y")):
        observable = found.observables[name]
        np.testing.assert_allclose(observable.mean, truth.observables[axis].mean, atol=1e-3)
        assert not observable.stderr.any()


def test_chains_follow_the_kept_parameters():
    """Other chains than those of the run: the same within their errors, the start exactly."""
    solver = jastrow(2, 3, 3, sampling=chains(2000, 200, 20_000), maximal_step=0.05)
    keys = {"magnetization": ["X", "Y", "Z"], "correlators": {"XX": [1], "ZZ": [1]}}
    system = heisenberg_ring(4, **FEW | {"observables": keys})
    evolution = evolve(Deck(system=system, solver=solver), quiet)
    again = measured(evolution, Measured.model_validate({"observables": keys}))
    for name, observable in again.observables.items():
        known = evolution.observables[name]
        np.testing.assert_array_equal(observable.mean[0], known.mean[0])
        error = np.hypot(observable.stderr, known.stderr)[1:]
        assert np.all(np.abs(observable.mean - known.mean)[1:] < 5 * error)
        assert np.any(observable.mean[1:] != known.mean[1:])
    last = measured(
        evolution, Measured.model_validate({"observables": keys, "time": {"times": [0.3]}})
    )
    assert_equal(last, again, [3])


def test_what_cannot_be_measured_is_refused(sampled):
    evolution, _ = sampled
    with pytest.raises(ConfigError, match="`time` must end where the run does"):
        measured_deck(evolution, wanted(time={"times": [0.15, 0.4]}))
    old = {"theta": evolution.states["theta"]}
    with pytest.raises(FileError, match=r"must be those of the run, 4 from 0 to 0\.3, because"):
        measured(replace(evolution, states=old), wanted(time={"times": [0.15]}))
    with pytest.raises(ConfigError, match=r"`observables.strings.0` must have .* sites in 0…2"):
        measured_deck(evolution, Measured.model_validate({"observables": {"strings": ["Z@3"]}}))
    with pytest.raises(FileError, match="must be of an evolution, but is of a measurement"):
        measured(measured(evolution, wanted(time={"times": [0.3]})), wanted())
    exact = solved_exactly(heisenberg_ring(3, **FEW))
    with pytest.raises(ConfigError, match="`samples` must be left out"):
        measured_deck(exact, wanted(samples=100))
