"""Commands for batches of trajectories: what they gather, and what they refuse."""

from dataclasses import replace

import numpy as np
import pytest
import yaml
from pipeline import TINY

from opentdvp import config
from opentdvp.config import Run
from opentdvp.records import trajectory
from opentdvp.records.checkpoint import State, load, save
from opentdvp.records.provenance import revision
from opentdvp.references.trajectories.batches import batch
from opentdvp.running.solvers import method_of

RUN = Run(system="ring_3", solver="trajectories")


@pytest.fixture
def stochastic(tmp_path):
    """The tiny configuration with ten trajectories in batches of four, and paths of a batch."""
    tree = yaml.safe_load(TINY.read_text())
    tolerances = {"relative_tolerance": 1e-5, "absolute_tolerance": 1e-7}
    counts = {"seed": 1, "trajectories": 10, "batch": 4}
    tree["solvers"]["trajectories"] = {"method": "mcwf", **counts, **tolerances}
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(tree))
    return path


def batch_files(tmp_path, number):
    return ["--out", tmp_path / f"{number}.npz", "--checkpoint", tmp_path / f"{number}.cut.npz"]


def test_some_batches_give_a_result_that_says_how_many(call, tmp_path, stochastic):
    for number in (0, 2):
        arguments = [number, *batch_files(tmp_path, number)]
        assert call("batch", stochastic, "ring_3", "trajectories", *arguments)[0] == 0
    found = [tmp_path / "0.npz", tmp_path / "2.npz"]
    arguments = [*found, "--out", tmp_path / "run.h5"]
    code, said, _ = call("gather", stochastic, "ring_3", "trajectories", *arguments)
    assert code == 0
    assert "averages of 6 trajectories" in " ".join(said.split())
    numbers = trajectory.read(tmp_path / "run.h5").diagnostics["trajectory"]
    assert numbers.tolist() == [0, 1, 2, 3, 8, 9]


def test_batch_that_is_not_there_is_refused(call, tmp_path, stochastic):
    arguments = ["ring_3", "trajectories", 3, *batch_files(tmp_path, 3)]
    code, _, errors = call("batch", stochastic, *arguments)
    assert (code, len(errors)) == (1, 1)
    assert "Argument `batch` must be in 0…2, but is 3." in errors[0]


@pytest.mark.parametrize("command", ["batch", "gather"])
def test_solver_without_trajectories_is_refused(call, tmp_path, command):
    rest = [0, *batch_files(tmp_path, 0)] if command == "batch" else ["x.npz", "--out", "x.h5"]
    code, _, errors = call(command, TINY, "ring_3", "exact", *rest)
    assert (code, len(errors)) == (1, 1)
    assert "Argument SOLVER must be one of independent trajectories" in errors[0]


def test_foreign_and_repeated_batches_are_refused(call, tmp_path, stochastic):
    mine = tmp_path / "0.npz"
    call("batch", stochastic, "ring_3", "trajectories", 0, *batch_files(tmp_path, 0))
    foreign = tmp_path / "foreign.npz"
    save(State(0.0, 0.0, {}), "a" * 64, foreign)
    for files, message in (([mine, foreign], "but is aaaaaaaaaaaa"), ([mine, mine], "4 in 8")):
        out = tmp_path / "run.h5"
        arguments = ["ring_3", "trajectories", *files, "--out", out]
        code, _, errors = call("gather", stochastic, *arguments)
        assert (code, len(errors)) == (1, 1)
        assert message in errors[0]
        assert not out.exists()


def test_a_gathered_average_names_the_code_of_all_batches(call, tmp_path, stochastic):
    for number in (0, 1):
        call("batch", stochastic, "ring_3", "trajectories", number, *batch_files(tmp_path, number))
    first, second = tmp_path / "0.npz", tmp_path / "1.npz"
    batch_id = config.load(stochastic).deck(RUN).batch_id
    save(replace(load(batch_id, first), revisions=("a" * 40,)), batch_id, first)
    arguments = ["ring_3", "trajectories", first, second, "--out", tmp_path / "run.h5"]
    assert call("gather", stochastic, *arguments)[0] == 0
    found = trajectory.read(tmp_path / "run.h5").provenance["revision"]
    assert found == f"{'a' * 40},{revision()}"


def with_trajectories(path, count):
    tree = yaml.safe_load(path.read_text())
    tree["solvers"]["trajectories"]["trajectories"] = count
    path.write_text(yaml.safe_dump(tree))
    return config.load(path).deck(RUN)


def test_batches_stay_valid_when_there_are_more_trajectories(call, tmp_path, stochastic):
    """And give what all trajectories give at once, to the last bit."""
    few = with_trajectories(stochastic, 8)
    for number in (0, 1):
        call("batch", stochastic, "ring_3", "trajectories", number, *batch_files(tmp_path, number))
    more = with_trajectories(stochastic, 12)
    assert more.run_id != few.run_id
    call("batch", stochastic, "ring_3", "trajectories", 2, *batch_files(tmp_path, 2))
    files = [tmp_path / f"{number}.npz" for number in range(3)]
    arguments = ["ring_3", "trajectories", *files, "--out", tmp_path / "run.h5"]
    assert call("gather", stochastic, *arguments)[0] == 0
    found, whole = trajectory.read(tmp_path / "run.h5"), method_of(more)(more)
    assert found.run_id == more.run_id
    for name, observable in whole.observables.items():
        np.testing.assert_array_equal(found.observables[name].mean, observable.mean)
        np.testing.assert_array_equal(found.observables[name].stderr, observable.stderr)


def test_batches_with_more_trajectories_than_wanted_are_refused(call, tmp_path, stochastic):
    for number in (0, 2):
        call("batch", stochastic, "ring_3", "trajectories", number, *batch_files(tmp_path, number))
    with_trajectories(stochastic, 9)
    files = [tmp_path / f"{number}.npz" for number in (0, 2)]
    arguments = ["ring_3", "trajectories", *files, "--out", tmp_path / "run.h5"]
    code, _, errors = call("gather", stochastic, *arguments)
    assert (code, len(errors)) == (1, 1)
    assert "numbers in 0…8, but hold number 9" in errors[0]


def test_a_batch_that_stopped_goes_on_when_it_is_to_be_longer(call, tmp_path, stochastic):
    """The last batch has two of four trajectories, and then all."""
    few = with_trajectories(stochastic, 10)
    _, cut = paths = tmp_path / "2.npz", tmp_path / "2.cut.npz"
    states = []
    batch(few.solver.numbers(2))(few, keep=states.append)
    save(states[0], few.batch_id, cut)
    with_trajectories(stochastic, 12)
    arguments = [2, "--out", paths[0], "--checkpoint", cut]
    assert call("batch", stochastic, "ring_3", "trajectories", *arguments)[0] == 0
    found = load(few.batch_id, paths[0])
    assert found.arrays["numbers"].tolist() == [8, 9, 10, 11]
    np.testing.assert_array_equal(found.arrays["values"][0], states[0].arrays["values"][0])


def test_batches_of_earlier_versions_can_be_gathered(call, tmp_path, stochastic):
    """They have the run id of the whole; that of another is refused."""
    deck = config.load(stochastic).deck(RUN)
    path, out = tmp_path / "0.npz", tmp_path / "run.h5"
    call("batch", stochastic, "ring_3", "trajectories", 0, *batch_files(tmp_path, 0))
    state = load(deck.batch_id, path)
    for run_id, code in ((deck.run_id, 0), (with_trajectories(stochastic, 20).run_id, 1)):
        with_trajectories(stochastic, 10)
        save(state, run_id, path)
        out.unlink(missing_ok=True)
        assert call("gather", stochastic, "ring_3", "trajectories", path, "--out", out)[0] == code
        assert out.exists() == (code == 0)
