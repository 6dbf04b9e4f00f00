"""What the default preset and the demonstration copy, and what they compute."""

import re
import shutil

import pytest
from pipeline import ROOT, copy_workflow, planned, said, snakemake

from opentdvp.config import load
from opentdvp.config.reading import read_yaml
from opentdvp.study import archive

#: Runs that take hours, and how the recurrent networks of the archive are called here.
COPIED = {
    "heisenberg_ring_40/mpo_heisenberg",
    "heisenberg_torus_4x4_a/recurrent",
    "heisenberg_torus_4x4_a/reduced",
    "heisenberg_torus_4x4_b/recurrent_turned",
    "heisenberg_torus_4x4_b/reduced",
    "heisenberg_torus_4x4_b/trajectories",
    "confinement_ring_16/kicks",
    "confinement_ring_32/mpo_confinement",
    "confinement_ring_32_early/mpo_confinement",
    "unitary_ring_32/mps_ring",
    *(
        f"heisenberg_torus_4x4_b/figS3_n{samples}_w{width}_s{seed}"
        for samples in (512, 1024, 2048)
        for width in (4, 6)
        for seed in (1, 2)
    ),
}


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """The workflow with the configurations and the archive of the repository."""
    folder = copy_workflow(tmp_path_factory.mktemp("clone"))
    shutil.copy(ROOT / "config" / "config.yaml", folder / "config")
    (folder / "results").mkdir()
    (folder / "results" / "paper").symlink_to(ROOT / "results" / "paper")
    return folder


def runs(jobs, rule):
    """System and solver of the jobs of a rule."""
    found = (
        re.fullmatch(r"system=(\w+), solver=(\w+)", words) for name, words in jobs if name == rule
    )
    return {"/".join(match.groups()) for match in found}


def test_default_preset_copies_what_takes_hours_and_computes_the_rest(clone, monkeypatch):
    jobs = planned(clone)
    monkeypatch.chdir(clone)
    study = load(clone / "config" / "config.yaml")
    used = {f"{run.system}/{run.solver}" for run in study.used()}
    assert {name for name, _ in jobs} == {"restore", "solve", "evolve", "compare", "derive", "plot"}
    assert runs(jobs, "restore") == COPIED
    assert runs(jobs, "evolve") | runs(jobs, "solve") == used - COPIED
    networks = {name.partition("/")[2] for name in runs(jobs, "evolve")}
    assert all(re.match("jastrow|recurrent_torus_3x3", name) for name in networks)
    assert archive.plan(study).endswith(f"{len(COPIED)} of {len(used)} runs.")


def test_one_key_of_the_default_preset_computes_everything(clone):
    (clone / "config" / "live.yaml").write_text("extends: config.yaml\narchive: null\n")
    done = snakemake(clone, "--configfile", "config/live.yaml", "--dry-run")
    assert done.returncode == 0, said(done)
    assert "restore" not in done.stdout
    assert re.search(r"^batch +70$", done.stdout, re.MULTILINE)


def test_demonstration_is_one_figure_of_three_runs(clone):
    done = snakemake(clone, "--configfile", "config/demo.yaml", "--dry-run")
    assert done.returncode == 0, said(done)
    counts = re.findall(r"^(\w+) +(\d+)$", done.stdout, re.MULTILINE)
    once = ("all", "evolve", "overview", "plot", "restore", "solve")
    expected = dict.fromkeys(once, "1") | {"compare": "2", "total": "8"}
    assert dict(counts) == expected


#: One system, one solver and one comparison that the default preset has under other names, or none.
OWN = """
comparisons:
  mine:
    candidate: {system: heisenberg_ring_10, solver: jastrow_ring_10}
    reference: {system: heisenberg_ring_10, solver: exact}
    tolerance: 0.02
"""
TAKEN = """
extends:
  file: config.yaml
  take: {systems: [heisenberg_ring_10], solvers: [jastrow_ring_10, exact]}
"""
REMOVED = "extends: config.yaml\nfigures: null\nscans: null\npanels: null\narchive: null\n"


@pytest.mark.parametrize("way", ["taken", "removed"])
def test_own_configuration_plans_its_own_runs(clone, way):
    """By what it takes of the default preset, or by what it removes."""
    inherited = read_yaml(clone / "config" / "config.yaml")["comparisons"]
    removed = "".join(f"  {name}: null\n" for name in inherited)
    text = TAKEN + OWN if way == "taken" else REMOVED + OWN + removed
    (clone / "config" / "own.yaml").write_text(text)
    expected = {
        ("evolve", "system=heisenberg_ring_10, solver=jastrow_ring_10"),
        ("solve", "system=heisenberg_ring_10, solver=exact"),
        ("compare", "comparison=mine"),
    }
    assert planned(clone, "--configfile", "config/own.yaml") == expected
