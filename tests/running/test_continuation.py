"""Runs that go on from the end of an earlier one."""

import numpy as np
import pytest
from solvers import direct, exact, moments, quiet, reduced, tdvp
from systems import heisenberg_ring

from opentdvp.config import Deck
from opentdvp.errors import ConfigError, FileError
from opentdvp.records import trajectory
from opentdvp.records.timing import read_timing
from opentdvp.running.continuation import continuation
from opentdvp.running.keeper import Checkpoints, checkpoint_path
from opentdvp.running.solve import solve_to_file

SHORT, LONG = {"stop": 0.1, "points": 3}, {"stop": 0.2, "points": 5}


def deck(solver, **keys):
    return Deck(system=heisenberg_ring(3, **keys), solver=solver)


def solve(what, path, earlier=None):
    """What was run, with the checkpoint that stays beside its file."""
    checkpoints = Checkpoints(checkpoint_path(path), interval=1e9, stay=True)
    solve_to_file(what, path, checkpoints, quiet, earlier)
    return trajectory.read(path)


NETWORK = tdvp(sampling=direct(256, 64, 300), maximal_step=0.05)


@pytest.mark.parametrize(
    ("solver", "close"),
    [
        (exact(), 1e-7),
        (reduced(), 1e-7),
        (moments(3, 3), 1e-6),
        pytest.param(NETWORK, 0.05, marks=pytest.mark.slow),
    ],
    ids=["exact", "reduced", "moments", "tdvp"],
)
def test_a_later_stop_goes_on_from_the_end(tmp_path, solver, close):
    first = solve(deck(solver, time=SHORT), tmp_path / "short.h5")
    both = solve(deck(solver, time=LONG), tmp_path / "both.h5", tmp_path / "short.h5")
    whole = solve(deck(solver, time=LONG), tmp_path / "whole.h5")
    assert both.run_id == whole.run_id
    for name, observable in whole.observables.items():
        found = both.observables[name].mean
        np.testing.assert_array_equal(found[:3], first.observables[name].mean)
        np.testing.assert_allclose(found, observable.mean, atol=close)
    for name, values in first.diagnostics.items():
        np.testing.assert_array_equal(both.diagnostics[name][: len(values)], values)
    seconds = [read_timing(tmp_path / f"{name}.h5")["wall_seconds"] for name in ("short", "both")]
    assert seconds[1] >= seconds[0]


def test_only_the_end_of_the_same_run_is_gone_on_from(tmp_path):
    path = tmp_path / "short.h5"
    solve(deck(reduced(), time=SHORT), path)
    wrong = {
        "times": deck(reduced(), time={"stop": 0.2, "points": 4}),
        "no later": deck(reduced(), time=SHORT),
        "system": deck(reduced(), time=LONG, fields={"Z": 2.0}),
        "solver": deck(exact(), time=LONG),
    }
    for what in wrong.values():
        with pytest.raises(ConfigError, match="Option --continue must be a run"):
            continuation(what, path)
    state = continuation(deck(reduced(), time=LONG), path)
    assert state.time == 0.1
    checkpoint_path(path).unlink()
    with pytest.raises(FileError, match="run it with --keep-checkpoint"):
        continuation(deck(reduced(), time=LONG), path)
