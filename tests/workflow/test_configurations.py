"""The workflow before and beside the default run: refusals, other configurations, batches."""

import re

import pytest
import yaml
from pipeline import TINY, copy_workflow, said, snakemake


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


@pytest.mark.slow
def test_lost_batch_is_made_again_alone(workflow):
    """Two batches of trajectories, gathered; the same file after one of them was lost."""
    tree = yaml.safe_load(TINY.read_text())
    tree["output"]["results"] = "stochastic"
    tree["solvers"]["trajectories"] = {
        "method": "mcwf",
        "seed": 1,
        "trajectories": 4,
        "batch": 2,
        "relative_tolerance": 1e-5,
        "absolute_tolerance": 1e-7,
    }
    (workflow / "config" / "stochastic.yaml").write_text(yaml.safe_dump(tree))
    target = "stochastic/runs/ring_3/trajectories.h5"
    arguments = (target, "--configfile", "config/stochastic.yaml")
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
