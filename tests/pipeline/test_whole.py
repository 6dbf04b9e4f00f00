"""A whole study: everything of a configuration, once, and again what has changed."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from pipeline import TINY

from opentdvp.config import Run, load
from opentdvp.errors import ConfigError, JobFailure
from opentdvp.pipeline import execute
from opentdvp.pipeline.whole import make
from opentdvp.records import trajectory
from opentdvp.study import last_words
from opentdvp.study.verification import VALID, verify

MCWF = {"method": "mcwf", "seed": 1, "trajectories": 3, "batch": 2}
MCWF |= {"relative_tolerance": 1e-5, "absolute_tolerance": 1e-7}


def tree(**tolerance):
    """Two exact runs, one of trajectories in two batches, and one figure."""
    keys = yaml.safe_load(TINY.read_text())
    del keys["solvers"]["tdvp"], keys["published"], keys["panels"]
    keys["scans"]["tolerances"]["vary"] = {"relative_tolerance": {"r6": 1e-6}}
    keys["solvers"]["mcwf"] = MCWF
    keys["comparisons"] = {
        "mine": {
            "candidate": {"system": "ring_3", "solver": "mcwf"},
            "reference": {"system": "ring_3", "solver": "exact"},
            "tolerance": {"magnetization": 2.0, "correlators": 2.0} | tolerance,
        }
    }
    keys["figures"] = {"scan": keys["figures"]["scan"]}
    return keys


@pytest.fixture
def run_study(tmp_path, monkeypatch, call):
    """Make a study, each command within this process; what it says, and what it has run."""
    monkeypatch.chdir(tmp_path)
    commands = []

    class Done:
        def __init__(self, command, *, stdout, **settings):
            commands.append(command[3])
            self._status, said, errors = call(*command[3:])
            stdout.write((said + "\n".join(errors)).encode())

        def poll(self):
            return self._status

    def run(keys):
        text, path = yaml.safe_dump(keys), Path("config.yaml")
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
        commands.clear()
        said = []
        with monkeypatch.context() as patched:
            fake = SimpleNamespace(Popen=Done, DEVNULL=subprocess.DEVNULL)
            patched.setattr(execute, "subprocess", fake)
            make(Path("config.yaml"), 2, said.append)
        return said, sorted(commands)

    return run


EVERYTHING = ["batch", "batch", "compare", "compare", "derive", "gather", "overview", "plot"]
EVERYTHING += ["run", "run"]


def test_a_study_is_made_once_and_after_a_change_what_it_asks_for(run_study):
    said, commands = run_study(tree())
    assert commands == EVERYTHING
    assert said[-1] == "10 jobs were run, 0 were done already."
    study = load(Path("config.yaml"))
    assert last_words(study) == ["Within tolerance: all 2 comparisons."]
    assert set(verify(study)["verdict"]) == {VALID}
    assert not list(Path("results/checkpoints").rglob("*.npz"))
    assert run_study(tree())[1] == []
    # Nothing is computed anew for a tolerance, and a miss is said, but no error.
    _, commands = run_study(tree(magnetization=1e-9))
    assert "compare" in commands
    assert not {"run", "batch", "gather"} & set(commands)
    assert last_words(load(Path("config.yaml")))[0] == "BEYOND TOLERANCE: 1 of 2 comparisons."
    assert run_study(tree(magnetization=1e-9))[1] == []


def test_a_run_is_made_anew_where_its_deck_or_its_file_is_another(run_study):
    run_study(tree())
    other = tree()
    other["solvers"]["mcwf"] = MCWF | {"trajectories": 4}
    _, commands = run_study(other)
    # The first batch stays, and the reference.
    assert commands.count("batch") == 1
    assert "gather" in commands
    assert "run" not in commands
    study = load(Path("config.yaml"))
    mcwf = Run(system="ring_3", solver="mcwf")
    assert trajectory.read_run_id(study.output.trajectory(mcwf)) == study.deck(mcwf).run_id
    study.output.trajectory(Run(system="ring_3", solver="exact")).unlink()
    assert run_study(other)[1].count("run") == 1


def test_batches_that_were_averaged_may_be_gone(run_study):
    run_study(tree())
    for path in Path("results/runs/ring_3/mcwf").iterdir():
        path.unlink()
    assert run_study(tree())[1] == []


def test_runs_of_an_archive_are_copied_once(run_study):
    run_study(tree())
    Path("results").rename("archived")
    keys = tree() | {"archive": {"results": "archived", "solvers": ["exact", "mcwf"]}}
    said, commands = run_study(keys)
    assert (commands.count("restore"), commands.count("run")) == (2, 1)
    assert said[0].startswith("From the archive in archived: 2 of 3 runs.")
    assert run_study(keys)[1] == []
    # Without the archive they are computed here.
    assert run_study(tree())[1].count("run") == 1


@pytest.mark.slow
def test_a_run_is_measured_from_the_one_that_it_belongs_to(run_study):
    keys = tree()
    keys["solvers"]["tdvp"] = yaml.safe_load(TINY.read_text())["solvers"]["tdvp"]
    more = {"magnetization": ["X"], "correlators": {}, "profiles": ["Z"]}
    keys["measurements"] = {"more": {"system": "ring_3", "solvers": ["tdvp"], "observables": more}}
    keys["comparisons"]["more"] = {
        "candidate": {"system": "more", "solver": "tdvp"},
        "reference": {"system": "more", "solver": "exact"},
        "tolerance": 2.0,
    }
    _, commands = run_study(keys)
    assert (commands.count("measure"), commands.count("run")) == (1, 4)
    study, run = load(Path("config.yaml")), Run(system="more", solver="tdvp")
    found = trajectory.read(study.output.trajectory(run))
    assert set(found.observables) == {"X", "Z_i"}
    assert set(verify(study)["verdict"]) == {VALID}
    assert run_study(keys)[1] == []
    # Other observables evolve nothing; another evolution is measured anew.
    more["magnetization"] = ["X", "Y"]
    commands = run_study(keys)[1]
    assert ("measure" in commands, commands.count("run")) == (True, 1)
    study.output.trajectory(Run(system="ring_3", solver="tdvp")).unlink()
    commands = run_study(keys)[1]
    assert (commands.count("measure"), commands.count("run")) == (1, 1)


def test_what_does_not_fit_is_said_before_any_job(run_study):
    keys = tree()
    keys["systems"]["ring_3"]["lattice"]["size"] = [11]
    with pytest.raises(ConfigError, match=r"config\.yaml: `.*`, ring_3 by"):
        run_study(keys)
    assert not Path("results").exists()


def test_runs_of_another_configuration_are_not_replaced(run_study):
    run_study(tree())
    Path("config.yaml").rename("first.yaml")
    Path("results/configurations.txt").write_text("../first.yaml\n")
    other = tree()
    other["solvers"]["mcwf"] = MCWF | {"seed": 2}
    with pytest.raises(ConfigError, match=r"than that of first\.yaml, whose .*mcwf\.h5 would be"):
        run_study(other)


def test_a_job_that_fails_is_named_with_its_last_words(run_study):
    Path("results/runs/ring_3").mkdir(parents=True)
    Path("results/runs/ring_3/exact.h5").write_text("precious")
    words = r"solve ring_3 exact: Cannot write results/runs/ring_3/exact\.h5: .*solve/ring_3/exact"
    with pytest.raises(JobFailure, match=words):
        run_study(tree())
    assert Path("results/runs/ring_3/exact.h5").read_text() == "precious"


@pytest.fixture
def without_snakemake(tmp_path):
    """Run our command where Snakemake cannot be imported, nor by the processes that it starts."""
    (tmp_path / "snakemake.py").write_text("raise ImportError('not here')\n")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(tree(magnetization=1e-9)))

    def run(*arguments):
        settings = {"capture_output": True, "text": True, "cwd": tmp_path}
        command = [sys.executable, "-m", "opentdvp", *arguments]
        return subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, **settings)

    return run


def test_commands_need_no_snakemake(without_snakemake):
    done = without_snakemake("validate", "config.yaml")
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_study_needs_no_snakemake(without_snakemake):
    done = without_snakemake("study", "config.yaml", "--jobs", "2")
    assert done.returncode == 0, done.stderr
    assert "overview: done" in done.stdout
    assert "figures/scan.png\n" in done.stdout
    assert "BEYOND TOLERANCE: 1 of 2 comparisons." in done.stdout
    again = without_snakemake("study", "config.yaml")
    assert "0 jobs were run, 10 were" in again.stdout
