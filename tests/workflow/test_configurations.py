"""The workflow before and beside the default run: refusals, other configurations, batches."""

import re

import pytest
import yaml
from pipeline import TINY, copy_workflow, said, snakemake

from opentdvp.records import trajectory


@pytest.fixture(scope="module")
def workflow(tmp_path_factory):
    folder = tmp_path_factory.mktemp("workflow")
    copy_workflow(folder)
    return folder


def test_bad_configuration_fails_before_any_job(workflow):
    tree = yaml.safe_load(TINY.read_text())
    tree["systems"]["ring_3"]["jumps"][0]["rate"] = -1
    bad = workflow / "config" / "bad.yaml"
    bad.write_text(yaml.safe_dump(tree))
    done = snakemake(workflow, "--configfile", str(bad), "--dry-run")
    assert done.returncode != 0
    assert "`systems.ring_3.jumps.0.rate` must be at least 0, but is -1" in said(done)


def test_solver_that_does_not_fit_fails_before_any_job(workflow):
    tree = yaml.safe_load(TINY.read_text())
    tree["solvers"]["tdvp"]["orbit"] = 2
    tree["output"]["results"] = "bad"
    bad = workflow / "config" / "bad.yaml"
    bad.write_text(yaml.safe_dump(tree))
    done = snakemake(workflow, "--configfile", str(bad))
    assert done.returncode != 0
    assert "`comparisons.ring_3.candidate`, ring_3 by tdvp: `orbit` must be symmetries" in said(
        done
    )
    assert not (workflow / "bad" / "runs").exists()


@pytest.mark.parametrize("name", ["accuracy", "study", "paper", "small"])
def test_configurations_stand_beside_the_default_one(workflow, name):
    done = snakemake(workflow, "--configfile", f"config/{name}.yaml", "--dry-run")
    assert done.returncode == 0, said(done)
    assert f"results/{name}/tables/" in done.stdout
    assert not re.search(r"ring_3\b", done.stdout)


@pytest.mark.parametrize(
    "changes",
    [
        ["--config", "output={results: elsewhere, figures: f}"],
        ["--configfile", "config/accuracy.yaml", "config/study.yaml"],
    ],
)
def test_overrides_that_the_commands_would_not_see_are_refused(workflow, changes):
    done = snakemake(workflow, *changes, "--dry-run")
    assert done.returncode != 0
    assert "every command reads that file" in said(done)


def write_stochastic(folder, results, **changes):
    """The tiny configuration with trajectories, four in batches of two unless told otherwise."""
    tree = yaml.safe_load(TINY.read_text())
    tree["output"]["results"] = results
    tree["solvers"]["trajectories"] = {
        "method": "mcwf",
        "seed": 1,
        "trajectories": 4,
        "batch": 2,
        "relative_tolerance": 1e-5,
        "absolute_tolerance": 1e-7,
    } | changes
    (folder / "config" / f"{results}.yaml").write_text(yaml.safe_dump(tree))
    return f"{results}/runs/ring_3/trajectories.h5", "--configfile", f"config/{results}.yaml"


@pytest.mark.slow
def test_lost_batch_is_made_again_alone(workflow):
    """Two batches of trajectories, gathered; the same file after one of them was lost."""
    arguments = write_stochastic(workflow, "stochastic")
    target = arguments[0]
    first = snakemake(workflow, *arguments)
    assert first.returncode == 0, said(first)
    # A part of the whole leaves no report.
    assert "WorkflowError" not in said(first)
    assert not (workflow / "stochastic/report.html").exists()
    content = (workflow / target).read_bytes()
    (workflow / "stochastic/runs/ring_3/trajectories/1.npz").unlink()
    (workflow / target).unlink()
    second = snakemake(workflow, *arguments)
    assert second.returncode == 0, said(second)
    assert len(re.findall(r"rule batch:", said(second))) == 1
    assert (workflow / target).read_bytes() == content


@pytest.mark.slow
def test_more_trajectories_make_only_new_batches(workflow):
    """Two batches, then three; then one more trajectory, which makes a batch that is not full."""
    batch = workflow / "more/runs/ring_3/trajectories"
    arguments = write_stochastic(workflow, "more")
    first = snakemake(workflow, *arguments)
    assert first.returncode == 0, said(first)
    kept = {name: (batch / name).read_bytes() for name in ("0.npz", "1.npz")}
    before = trajectory.read(workflow / arguments[0])
    for count, made in ((6, [2]), (7, [3]), (8, [3])):
        write_stochastic(workflow, "more", trajectories=count)
        again = snakemake(workflow, *arguments)
        assert again.returncode == 0, said(again)
        assert [int(k) for k in re.findall(r"batch=(\d+)", said(again))] == made
        assert len(re.findall(r"rule gather:", said(again))) == 1
        whole = trajectory.read(workflow / arguments[0])
        assert whole.diagnostics["trajectory"].tolist() == list(range(count))
        assert whole.run_id != before.run_id
    assert {name: (batch / name).read_bytes() for name in kept} == kept
    last = snakemake(workflow, *arguments, "--dry-run")
    assert "Nothing to be done" in said(last)
