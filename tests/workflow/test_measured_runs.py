"""Runs that are measured from others, in the workflow."""

import pytest
import yaml
from pipeline import TINY, copy_workflow, planned, said, snakemake

from opentdvp import config
from opentdvp.config import Run
from opentdvp.judging import read_run

MORE = {"magnetization": ["Z"], "correlators": {"XY": [1]}, "profiles": ["X"], "energy": True}


@pytest.fixture
def folder(tmp_path):
    """A network that is measured, and judged by an exact solution of the same observables."""
    folder = copy_workflow(tmp_path)
    tree = yaml.safe_load(TINY.read_text())
    runs = {"candidate": "tdvp", "reference": "exact"}
    tree["measurements"] = {"more": {"system": "ring_3", "solvers": ["tdvp"], "observables": MORE}}
    tree["comparisons"] = {
        "more": {role: {"system": "more", "solver": solver} for role, solver in runs.items()}
        | {"tolerance": 0.2}
    }
    for key in ("scans", "panels", "published", "figures"):
        del tree[key]
    (folder / "config/config.yaml").write_text(yaml.safe_dump(tree))
    return folder


def test_a_network_is_evolved_and_then_measured(folder):
    jobs = set(planned(folder))
    assert {
        ("evolve", "system=ring_3, solver=tdvp"),
        ("measure", "system=more, solver=tdvp"),
        ("solve", "system=more, solver=exact"),
    } <= jobs
    assert len([rule for rule, _ in jobs if rule in ("evolve", "measure", "solve")]) == 3


@pytest.mark.slow
def test_other_observables_evolve_nothing_again(folder, monkeypatch):
    done = snakemake(folder)
    assert done.returncode == 0, said(done)
    monkeypatch.chdir(folder)
    path = folder / "config/config.yaml"
    study, run = config.load(path), Run(system="more", solver="tdvp")
    found = read_run(study, run, study.output.trajectory(run))
    assert {"Z", "C_XY", "X_i", "energy"} == set(found.observables)
    path.write_text(path.read_text().replace("energy: true", "energy: false"))
    jobs = {rule for rule, _ in planned(folder)}
    assert {"measure", "solve", "compare"} <= jobs
    assert "evolve" not in jobs
