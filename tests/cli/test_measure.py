"""Measuring a run from the command line."""

import numpy as np
import pytest
import yaml
from pipeline import TINY
from solvers import wave_functions
from trajectories import make

from opentdvp.records import trajectory
from opentdvp.records.timing import read_timing
from opentdvp.records.trajectory import Observable

WANTED = "{magnetization: [Z], strings: [X@0 Y@1], energy: true}"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The tiny configuration with a quick network, one of its runs, and a measurement."""
    tree = yaml.safe_load(TINY.read_text())
    network = tree["solvers"]["tdvp"]
    network["sampling"] |= {"solve": 256, "observables": 200}
    keys = {"system": "ring_3", "solvers": ["tdvp"], "observables": yaml.safe_load(WANTED)}
    tree["measurements"] = {"more": keys}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(tree))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_options_and_configuration_give_the_same_file(call, folder):
    assert call("run", "config.yaml", "ring_3", "tdvp", "--out", "run.h5")[0] == 0
    before = (folder / "run.h5").read_bytes()
    code, _, said = call("measure", "run.h5", "--observables", WANTED, "--out", "one.h5")
    assert code == 0, said
    more = ("--config", "config.yaml", "--run", "more", "tdvp", "--out", "two.h5")
    assert call("measure", "run.h5", *more)[0] == 0
    assert (folder / "one.h5").read_bytes() == (folder / "two.h5").read_bytes()
    assert (folder / "run.h5").read_bytes() == before
    found = trajectory.read(folder / "one.h5")
    assert set(found.observables) == {"Z", "X@0 Y@1", "energy"}
    costs = [read_timing(folder / name)["wall_seconds"] for name in ("run.h5", "one.h5")]
    assert costs[1] > costs[0]
    code, _, said = call("measure", "run.h5", "--observables", WANTED, "--out", "run.h5")
    assert code == 1
    assert "it is the same file as run.h5" in said[-1]


@pytest.fixture
def averages(folder):
    """A file of averages over trajectories, which keep no states."""
    times = np.linspace(0, 1, 11)
    curves = {"Z": Observable(0 * times, 0 * times)}
    trajectory.write(make(curves, times, solver=wave_functions(4, 4)), folder / "run.h5")


@pytest.mark.usefixtures("averages")
def test_what_keeps_nothing_is_told_to_be_solved_anew(call, folder):
    code, _, said = call("measure", "run.h5", "--observables", WANTED, "--out", "one.h5")
    assert code == 1
    assert "must be one whose runs keep states (tdvp, exact, exact_reduced, mps," in said[-1]
    assert "but is mcwf; solve the system anew" in said[-1]
    other = ("--config", "config.yaml", "--run", "more", "tdvp", "--out", "one.h5")
    code, _, said = call("measure", "run.h5", *other)
    assert code == 1
    assert "Argument FILE must be of the evolution that is measured, run id" in said[-1]
    assert not (folder / "one.h5").exists()


def test_measurements_are_not_run(call, folder):
    code, _, said = call("run", "config.yaml", "more", "tdvp", "--out", "run.h5")
    assert code == 1
    assert "use `opentdvp measure` with the run of that id" in said[-1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "Option --observables must be given, or --config with --run"),
        (("--config", "config.yaml"), "Option --observables must be given, or --config with"),
        (("--observables", "{magnetization: [Q]}"), "`observables.magnetization.0` must be one"),
        (("--observables", "[X"), "Option --observables: it is not valid YAML"),
        (("--observables", "{}", "--samples", "1"), "`samples` must be at least 2, but is 1"),
        (("--observables", "{}", "--times", "{times: [2]}"), "`time` must end where the run does"),
    ],
)
@pytest.mark.usefixtures("averages")
def test_wrong_options_are_one_line(call, options, said):
    code, _, lines = call("measure", "run.h5", *options, "--out", "one.h5")
    assert code == 1
    assert said in lines[-1]
