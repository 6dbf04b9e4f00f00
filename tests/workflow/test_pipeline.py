"""The whole pipeline on a tiny configuration, in a copy of the workflow."""

import base64
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

ROOT = Path(__file__).parents[2]
TINY = ROOT / "tests" / "config" / "tiny.yaml"


def snakemake(folder, *arguments):
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
    # The rules call `opentdvp` by name, as in an activated environment.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env=os.environ | {"PATH": path}
    )


def said(done):
    """Everything printed: a dry run reports errors on standard output."""
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def workflow(tmp_path_factory):
    """A folder with the workflow and the tiny configuration, not run yet."""
    folder = tmp_path_factory.mktemp("workflow")
    for name in ("workflow", "profiles", "config"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("Snakefile", "environment.yml"):
        shutil.copy(ROOT / name, folder)
    shutil.copy(TINY, folder / "config" / "config.yaml")
    return folder


@pytest.fixture(scope="module")
def finished(workflow):
    done = snakemake(workflow)
    assert done.returncode == 0, done.stderr
    return workflow


def test_bad_configuration_fails_before_any_job(workflow):
    tree = yaml.safe_load(TINY.read_text())
    tree["systems"]["ring_3"]["jumps"][0]["rate"] = -1
    bad = workflow / "config" / "bad.yaml"
    bad.write_text(yaml.safe_dump(tree))
    done = snakemake(workflow, "--configfile", str(bad), "--dry-run")
    assert done.returncode != 0
    assert "`systems.ring_3.jumps.0.rate` should be greater than or equal to 0" in said(done)


def test_solver_that_does_not_fit_fails_before_any_job(workflow):
    tree = yaml.safe_load(TINY.read_text())
    tree["solvers"]["tdvp"]["orbit"] = 2
    tree["output"]["results"] = "bad"
    bad = workflow / "config" / "bad.yaml"
    bad.write_text(yaml.safe_dump(tree))
    done = snakemake(workflow, "--configfile", str(bad))
    assert done.returncode != 0
    assert "`comparisons.ring_3.candidate`: `orbit` must be symmetries" in said(done)
    assert not (workflow / "bad" / "runs").exists()


@pytest.mark.parametrize("name", ["accuracy", "study", "references"])
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


def test_tables_judge_every_curve(finished):
    summary = pd.read_csv(finished / "results/tables/ring_3.summary.tsv", sep="\t", comment="#")
    assert set(summary["observable"]) == {"X", "Y", "Z", "C_XX", "C_YY", "C_ZZ"}
    assert summary["passed"].all()
    points = pd.read_csv(finished / "results/tables/ring_3.points.tsv", sep="\t", comment="#")
    assert len(points) == 6 * 6


def test_overview_has_settings_cost_and_verdict(finished):
    header, _, *rows = (finished / "figures/overview.md").read_text().splitlines()
    (row,) = (dict(zip(_cells(header), _cells(row), strict=True)) for row in rows)
    summary = pd.read_csv(finished / "results/tables/ring_3.summary.tsv", sep="\t")
    largest = summary["max_difference"][summary["distance"] > 0].max()
    assert float(row["correlators"]) == pytest.approx(largest, rel=0.01)
    assert (row["comparison"], row["samples"], row["seed"]) == ("ring_3", "1024", "1")
    assert row["passed"] == "yes"
    assert float(row["minutes"]) > 0


def test_runs_have_settings_and_cost(finished):
    header, _, *rows = (finished / "figures/runs.md").read_text().splitlines()
    table = [dict(zip(_cells(header), _cells(row), strict=True)) for row in rows]
    assert [row["method"] for row in table] == ["tdvp", "exact"]
    assert "relative_tolerance 1e-08" in table[1]["settings"]
    assert "network (kind recurrent, cell vanilla, width 4" in table[0]["settings"]
    assert float(table[1]["largest error"]) == 0
    assert float(table[0]["memory_MiB"]) > 0


def _cells(line):
    return [cell.strip() for cell in line.strip("| ").split("|")]


def test_report_is_self_contained(finished):
    assert (finished / "figures/dynamics.pdf").read_bytes().startswith(b"%PDF")
    assert (finished / "figures/dynamics.png").read_bytes().startswith(b"\x89PNG")
    report = (finished / "results/report.html").read_text()
    assert "figures/dynamics.png" in report
    embedded = re.search(r"data:image/png;[^\"]*base64,([A-Za-z0-9+/=]+)", report)
    assert base64.b64decode(embedded[1]) == (finished / "figures/dynamics.png").read_bytes()
    assert not re.search(r'<(script|link)[^>]+(src|href)="http', report)


def test_nothing_is_done_twice(finished):
    done = snakemake(finished, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "Nothing to be done" in said(done)


def test_changed_tolerance_compares_anew_but_solves_nothing(finished):
    config = finished / "config" / "config.yaml"
    tree = yaml.safe_load(config.read_text())
    tree["comparisons"]["ring_3"]["tolerance"]["correlators"] = 0.3
    config.write_text(yaml.safe_dump(tree))
    done = snakemake(finished, "--dry-run")
    config.write_text(TINY.read_text())
    jobs = re.findall(r"^rule (\w+):", said(done), flags=re.MULTILINE)
    assert "compare" in jobs
    assert "solve" not in jobs


def test_report_shows_a_scan(workflow):
    """Its comparisons are not in the file, but made of it."""
    tree = yaml.safe_load(TINY.read_text())
    exact = {"system": "ring_3", "solver": "exact"}
    vary = {"relative_tolerance": {"r7": 1e-7}}
    scan = tree["comparisons"]["ring_3"] | {"candidate": exact, "vary": vary}
    output = {"results": "scan", "figures": "scan/figures"}
    tree |= {"output": output, "comparisons": {}, "figures": {}, "scans": {"size": scan}}
    (workflow / "config" / "scan.yaml").write_text(yaml.safe_dump(tree))
    done = snakemake(workflow, "--configfile", "config/scan.yaml")
    assert done.returncode == 0, said(done)
    assert "size_r7" in (workflow / "scan/report.html").read_text()


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
