"""The command line as a user meets it: what goes wrong is one line, and harms no earlier file."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from pipeline import TINY

from opentdvp import config
from opentdvp.engine.evolve import prepare, start
from opentdvp.engine.principle import right_hand_side
from opentdvp.records import trajectory
from opentdvp.records.checkpoint import State, save
from opentdvp.records.permissions import reserved
from opentdvp.records.result_code import ResultCode
from opentdvp.records.timing import write_timing


@pytest.fixture(scope="module")
def exact_run(tmp_path_factory):
    """The exact trajectory of the tiny configuration."""
    path = tmp_path_factory.mktemp("exact") / "exact.h5"
    command = [sys.executable, "-m", "opentdvp", "run", TINY, "ring_3", "exact", "--out", path]
    subprocess.run(list(map(str, command)), check=True, capture_output=True)
    return path


def changed(tmp_path, **settings):
    """The tiny configuration with some settings of its TDVP solver changed."""
    tree = yaml.safe_load(TINY.read_text())
    tree["solvers"]["tdvp"] |= settings
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(tree))
    return path


@pytest.mark.skipif(not Path("/proc").exists(), reason="threads are counted by Linux")
def test_linear_algebra_has_one_thread():
    """Results do not depend on the number of cores; NumPy starts its threads when it is loaded."""
    code = "import os, opentdvp.cli, numpy; print(len(os.listdir('/proc/self/task')))"
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"


def test_show_says_what_was_run_and_how_it_ended(call, exact_run):
    code, output, _ = call("show", exact_run)
    assert code == 0
    for part in ("success", "run id", "C_XX(1)", "revision", "wall_seconds"):
        assert part in output


def test_validate(call, tmp_path):
    code, output, _ = call("validate", TINY)
    assert code == 0
    assert "is valid: 1 systems, 4 solvers, 3 comparisons, 8 figures" in output
    code, _, errors = call("validate", changed(tmp_path, orbit=2))
    assert code == 1
    assert len(errors) == 1
    assert (
        "`comparisons.ring_3.candidate`, ring_3 by tdvp: `orbit` must be symmetries of the lattice"
        in errors[0]
    )


def test_every_compared_run_is_checked_once(call, monkeypatch):
    """Runs of many comparisons are; the pipeline does this at each start."""
    checked = []
    monkeypatch.setattr("opentdvp.pipeline.validation.check", lambda *run: checked.append(run))
    assert call("validate", TINY)[0] == 0
    study = config.load(TINY)
    runs = {run for c in study.comparisons.values() for run in (c.candidate, c.reference)}
    assert len(runs) < 2 * len(study.comparisons)
    assert len(checked) == len(runs)


def test_runs_that_only_a_figure_shows_are_checked(call, tmp_path):
    tree = yaml.safe_load(TINY.read_text())
    tree["solvers"]["shown"] = tree["solvers"]["tdvp"] | {"orbit": 2}
    run = {"system": "ring_3", "solver": "shown"}
    tree["figures"]["residuals"]["runs"].append(run)
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(tree))
    code, _, errors = call("validate", path)
    assert (code, len(errors)) == (1, 1)
    assert "`figures.residuals`, ring_3 by shown: `orbit` must be symmetries" in errors[0]


@pytest.mark.parametrize("label", [r"$\frac{1}$", r"$\gama$", r"a $x^{2$ b"])
def test_tex_that_cannot_be_drawn_is_refused(call, tmp_path, monkeypatch, label):
    monkeypatch.setattr("opentdvp.pipeline.validation.check", lambda *run: None)
    tree = yaml.safe_load(TINY.read_text())
    tree["figures"]["front"]["rows"][0]["label"] = label
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(tree))
    code, _, errors = call("validate", path)
    assert (code, len(errors)) == (1, 1)
    assert "`figures.front.rows.0.label` must be text with TeX in pairs of $" in errors[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["run", TINY, "nothing", "exact", "--out", "x.h5"],
            "SYSTEM must be one of ring_3, but is",
        ),
        (["run", TINY, "ring_3", "magic", "--out", "x.h5"], "SOLVER must be one of exact, tdvp"),
        (["run", "missing.yaml", "ring_3", "exact", "--out", "x.h5"], "Cannot read missing.yaml"),
        (
            ["run", TINY, "ring_3", "exact", "--out", "/dev/null/x.h5"],
            "Cannot write /dev/null/x.h5",
        ),
        (["show", "missing.h5"], "Cannot read missing.h5: there is no such file"),
        (["validate", "missing.yaml"], "Cannot read missing.yaml"),
    ],
)
def test_bad_arguments_are_one_line(call, monkeypatch, tmp_path, arguments, message):
    monkeypatch.chdir(tmp_path)
    code, _, errors = call(*arguments)
    assert code == 1
    assert len(errors) == 1
    assert errors[0].startswith("error: ")
    assert message in errors[0]
    assert not (tmp_path / "x.h5").exists()


@pytest.fixture
def failing(call, tmp_path, exact_run):
    """Run TDVP onto an earlier file; return the one error line, and check that the file stays."""

    def run(config, *options):
        out = tmp_path / "run.h5"
        shutil.copy(exact_run, out)
        code, _, lines = call("run", config, "ring_3", "tdvp", "--out", out, *options)
        assert code == 1
        errors = [line for line in lines if line.startswith("error: ")]
        assert len(errors) == 1
        assert errors == lines[-1:]
        assert out.read_bytes() == exact_run.read_bytes()
        return errors[0]

    return run


def test_numerical_failure_keeps_the_earlier_file(failing, tmp_path):
    """A tolerance that no step can meet: the step collapses."""
    integrator = {
        "method": "heun",
        "fisher_tolerance": 1e-13,
        "initial_step": 1e-3,
        "minimal_step": 1e-4,
        "maximal_step": 0.1,
        "samples": "redrawn",
    }
    error = failing(changed(tmp_path, integrator=integrator))
    assert "stopped at time 0 with the result step_size_collapse" in error
    failed = trajectory.read(tmp_path / "run.failed.h5")
    assert failed.result is ResultCode.STEP_SIZE_COLLAPSE


def test_comparison_refuses_failed_and_foreign_runs(call, tmp_path, exact_run):
    tables = ["--points", tmp_path / "points.tsv", "--summary", tmp_path / "summary.tsv"]
    code, _, errors = call("compare", TINY, "ring_3", exact_run, exact_run, *tables)
    assert code == 1
    assert "its run id must be" in errors[0]
    assert len(errors) == 1
    exact_run_cut = tmp_path / "cut.h5"
    exact_run_cut.write_bytes(exact_run.read_bytes()[:-100])
    code, _, errors = call("compare", TINY, "ring_3", exact_run_cut, exact_run, *tables)
    assert code == 1
    assert "truncated, damaged" in errors[0]
    assert not (tmp_path / "summary.tsv").exists()


def test_checkpoint_of_another_deck_is_refused_and_kept(call, tmp_path):
    path = tmp_path / "run.npz"
    save(State(0.0, 0.1, {"theta": np.zeros(3)}), "a" * 64, path)
    content = path.read_bytes()
    arguments = ["--out", tmp_path / "run.h5", "--checkpoint", path]
    code, _, errors = call("run", TINY, "ring_3", "tdvp", *arguments)
    assert code == 1
    assert len(errors) == 1
    assert "but is aaaaaaaaaaaa; delete it to start the run anew" in errors[0]
    assert path.read_bytes() == content


@pytest.fixture
def foreign(tmp_path, exact_run):
    """A configuration whose TDVP run is another run's file."""
    tree = yaml.safe_load(TINY.read_text())
    tree["output"] = {"results": str(tmp_path / "results"), "figures": "figures"}
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(tree))
    for name in ("tdvp", "exact"):
        run = tmp_path / f"results/runs/ring_3/{name}.h5"
        run.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(exact_run, run)
        write_timing(run, 1.0, resumed=False)
    return path


def test_overview_refuses_a_run_of_another_deck(call, tmp_path, foreign):
    code, _, errors = call("overview", foreign, "--out", tmp_path / "tables")
    assert code == 1
    assert "tdvp.h5: its run id must be" in errors[0]
    assert not list((tmp_path / "tables").iterdir())


def test_plot_refuses_a_run_of_another_deck(call, tmp_path, foreign):
    code, _, errors = call("plot", foreign, "dynamics", "--out", tmp_path / "figure.pdf")
    assert (code, len(errors)) == (1, 1)
    assert "tdvp.h5: its run id must be" in errors[0]
    assert not (tmp_path / "figure.pdf").exists()


def test_derive_refuses_figures_that_need_no_table(call, tmp_path):
    code, _, errors = call("derive", TINY, "dynamics", "--out", tmp_path / "table.tsv")
    assert (code, len(errors)) == (1, 1)
    assert "FIGURE must be of the kind front, scan or costs, or a heatmap with a" in errors[0]
    assert "but is of the kind dynamics" in errors[0]


def test_nan_ends_the_run_with_its_code_and_keeps_the_checkpoint(failing, tmp_path, monkeypatch):
    def broken(*arguments):
        solved = honest(*arguments)
        return solved._replace(velocity=solved.velocity * np.nan)

    honest = right_hand_side.solve
    monkeypatch.setattr(right_hand_side, "solve", broken)
    deck = config.load(TINY).deck(config.Run(system="ring_3", solver="tdvp"))
    checkpoint = tmp_path / "run.npz"
    save(start(prepare(deck)), deck.run_id, checkpoint)
    content = checkpoint.read_bytes()
    error = failing(TINY, "--checkpoint", checkpoint)
    assert "stopped at time 0 with the result not_finite. A NaN or an infinity" in error
    assert checkpoint.read_bytes() == content


def test_file_that_another_process_writes_is_refused(failing, tmp_path):
    with reserved([trajectory.output(tmp_path / "run.h5")]):
        assert "run.h5: another process is at work on it" in failing(TINY)
