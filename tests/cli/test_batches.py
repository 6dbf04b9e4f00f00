"""Commands for batches of trajectories: what they gather, and what they refuse."""

from dataclasses import replace

import pytest
import yaml
from pipeline import TINY

from opentdvp import config
from opentdvp.config import Run
from opentdvp.records import trajectory
from opentdvp.records.checkpoint import State, load, save
from opentdvp.records.provenance import revision


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
    run_id = config.load(stochastic).deck(Run(system="ring_3", solver="trajectories")).run_id
    save(replace(load(run_id, first), revisions=("a" * 40,)), run_id, first)
    arguments = ["ring_3", "trajectories", first, second, "--out", tmp_path / "run.h5"]
    assert call("gather", stochastic, *arguments)[0] == 0
    found = trajectory.read(tmp_path / "run.h5").provenance["revision"]
    assert found == f"{'a' * 40},{revision()}"
