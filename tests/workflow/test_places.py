"""The workflow from other folders, under names with spaces, without an activated environment."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from pipeline import TINY, copy_workflow, environment, said

pytestmark = pytest.mark.slow

#: A file name that a shell would take apart.
NAME = 'my "own" study; it\'s $5.yaml'


def snakemake(project, folder, *arguments):
    """Started by its path in another folder, as the commands beside it are not on the PATH."""
    program = Path(sys.executable).parent / "snakemake"
    words = [program, "--snakefile", project / "Snakefile", "--cores", "2", *arguments]
    settings = {"cwd": folder, "env": environment(project) | {"PATH": os.defpath}}
    return subprocess.run(list(map(str, words)), capture_output=True, text=True, **settings)


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """A project, and a folder with a configuration of two exact runs; one comparison misses."""
    top = tmp_path_factory.mktemp("all my work")
    project, folder = top / "the project", top / "some studies"
    for made in (project, folder):
        made.mkdir()
    copy_workflow(project)
    tree = yaml.safe_load(TINY.read_text())
    del tree["solvers"]["tdvp"], tree["comparisons"], tree["published"]
    tree["scans"]["tolerances"] |= {
        "vary": {"relative_tolerance": {"r4": 1e-4}},
        "tolerance": {"magnetization": 1e-14, "correlators": 1.0},
    }
    tree["figures"] = {"scan": tree["figures"]["scan"]}
    tree["output"] = {"results": "my results", "figures": "my figures (first)"}
    (folder / NAME).write_text(yaml.safe_dump(tree))
    return project, folder


@pytest.fixture(scope="module")
def done(places):
    project, folder = places
    # Snakemake's report and jobs are modules that Python starts, and must not find this one.
    (folder / "yaml.py").write_text("import nothing_of_this_name\n")
    (folder / "my").write_text("precious")
    return snakemake(project, folder, "--configfile", NAME)


def test_everything_is_made_where_the_configuration_says(places, done):
    assert done.returncode == 0, said(done)
    _, folder = places
    names = {path.name for path in folder.iterdir()} - {".snakemake", "__pycache__"}
    assert names == {NAME, "yaml.py", "my", "my results", "my figures (first)"}
    assert (folder / "my").read_text() == "precious"
    assert (folder / "my figures (first)/scan.pdf").exists()
    report = (folder / "my results/report.html").read_text()
    assert "my figures (first)/scan.png" in report


def test_a_miss_is_loud_at_the_end_and_in_the_report(places, done):
    words = "BEYOND TOLERANCE: 1 of 1 comparisons."
    miss = "tolerances_r4: BEYOND TOLERANCE, 3 of 6 curves; most "
    assert f"{words}\n  {miss}" in said(done)
    report = (places[1] / "my results/report.html").read_text()
    assert f"<strong>{words}</strong>" in report
    assert f"<li>{miss}" in report


def test_nothing_is_left_to_do_in_another_working_directory(places, done):
    project, folder = places
    again = snakemake(
        *(project, project, "--directory", folder, "--configfile", folder / NAME, "--dry-run")
    )
    assert again.returncode == 0, said(again)
    assert "Nothing to be done" in said(again)


@pytest.mark.parametrize(("tolerance", "refused"), [(1e-4, False), (5e-5, True)])
def test_a_run_of_another_configuration_is_not_replaced(places, done, tolerance, refused):
    """Two configurations may share a folder while their runs of one name are the same."""
    project, folder = places
    tree = yaml.safe_load((folder / NAME).read_text())
    tree["scans"]["tolerances"]["vary"]["relative_tolerance"]["r4"] = tolerance
    tree["scans"]["tolerances"]["tolerance"]["magnetization"] = 1e-13
    other = folder / "other.yaml"
    other.write_text(yaml.safe_dump(tree))
    try:
        plan = snakemake(project, folder, "--configfile", other.name, "--dry-run")
    finally:
        other.unlink()
    assert (plan.returncode != 0) == refused
    assert ("runs/ring_3/tolerances_r4.h5 would be replaced" in said(plan)) == refused


def test_checkpoints_of_equal_solvers_are_not_shared(places, tmp_path):
    tree = yaml.safe_load(TINY.read_text())
    tree["solvers"]["twin"] = tree["solvers"]["tdvp"]
    tree["solvers"] |= {
        name: {"method": "mcwf", "seed": 1, "trajectories": 2, "batch": 1}
        | {"relative_tolerance": 1e-5, "absolute_tolerance": 1e-7}
        for name in ("mcwf", "mcwf_twin")
    }
    (tmp_path / "twins.yaml").write_text(yaml.safe_dump(tree))
    targets = [f"results/runs/ring_3/{s}.h5" for s in ("tdvp", "twin", "mcwf", "mcwf_twin")]
    arguments = ("--configfile", "twins.yaml", "--dry-run", "--printshellcmds", *targets)
    plan = snakemake(places[0], tmp_path, *arguments)
    assert plan.returncode == 0, said(plan)
    found = re.findall(r"--checkpoint (\S+)", said(plan))
    assert len(found) == len(set(found)) == 2 + 4


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("output: {results: [", "config/config.yaml: it is not valid YAML"),
        ("- a\n- b\n", "config/config.yaml: it must be a mapping of keys"),
        (None, "Cannot read config/config.yaml: No such file"),
    ],
)
def test_a_broken_default_configuration_is_named(places, tmp_path, content, words):
    (tmp_path / "config").mkdir()
    if content:
        (tmp_path / "config" / "config.yaml").write_text(content)
    refused = snakemake(places[0], tmp_path, "--dry-run")
    assert refused.returncode == 1
    assert words in said(refused)
    assert "Traceback" not in said(refused)


@pytest.mark.parametrize("folder", ["r; touch INJECTED", "~/x", "src"])
def test_a_folder_that_cannot_be_meant_is_refused(places, tmp_path, folder):
    tree = yaml.safe_load(TINY.read_text())
    tree["output"]["results"] = folder
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(tree))
    refused = snakemake(places[0], tmp_path, "--configfile", "config.yaml")
    assert refused.returncode == 1
    assert "output.results" in said(refused)
    assert {path.name for path in tmp_path.iterdir()} <= {"config.yaml", ".snakemake"}
