"""Runs of a configuration from Python are those of the pipeline, and the other way round."""

from pathlib import Path

import pytest
from pipeline import copy_workflow, planned

import opentdvp as od
from opentdvp.config.load import load
from opentdvp.errors import ConfigError, FileError
from opentdvp.study import made

MINE = """
systems:
  ring: {lattice: {kind: chain, size: [3], periodic: true}, fields: {X: 0.5}, start: {Z: 1},
         jumps: [{operator: Z, rate: 1}], time: {stop: 1, points: 3}}
solvers:
  exact: {method: exact, preset: quick}
  reduced: {method: exact_reduced, preset: quick}
  waves: {method: mcwf, preset: quick, trajectories: 4, batch: 2}
comparisons:
  reduced: {candidate: {system: ring, solver: reduced}, reference: {system: ring, solver: exact},
            tolerance: 0.01}
  waves: {candidate: {system: ring, solver: waves}, reference: {system: ring, solver: exact},
          tolerance: 1}
"""


@pytest.fixture
def study(tmp_path, monkeypatch):
    folder = copy_workflow(tmp_path)
    (folder / "mine.yaml").write_text(MINE)
    monkeypatch.chdir(folder)
    return od.load("mine.yaml")


def test_the_pipeline_finds_runs_of_python_and_python_those_of_the_pipeline(study, call, tmp_path):
    everything = planned(tmp_path, "--configfile", "mine.yaml")
    assert ("solve", "system=ring, solver=exact") in everything
    for solver in ("exact", "waves"):
        study.solve("ring", solver, progress=False)
    planned_now = planned(tmp_path, "--configfile", "mine.yaml")
    assert planned_now == {
        ("solve", "system=ring, solver=reduced"),
        ("compare", "comparison=reduced"),
        ("compare", "comparison=waves"),
    }
    out = study.path("ring", "reduced")
    assert call("run", "mine.yaml", "ring", "reduced", "--out", out)[0] == 0
    before = out.stat().st_mtime_ns
    assert (
        study.solve("ring", "reduced", progress=False).run_id
        == study.read("ring", "reduced").run_id
    )
    assert out.stat().st_mtime_ns == before
    assert study.compare("reduced").passed
    assert "ring" in repr(study)
    assert "<table" in study._repr_html_()


def test_files_of_python_and_of_the_pipeline_have_equal_bytes(study, call, tmp_path):
    system, solver = study.systems["ring"], study.solvers["exact"]
    od.solve(system, solver, out="alone.h5", progress=False)
    made = od.System.chain(
        3, fields={"X": 0.5}, start={"Z": 1}, jumps=[od.Jump("Z", 1)], stop=1, points=3,
        observables={},
    )  # fmt: skip
    od.solve(made, od.Exact.preset("quick"), out="made.h5", progress=False)
    assert call("run", "mine.yaml", "ring", "exact", "--out", "pipeline.h5")[0] == 0
    contents = {(tmp_path / f"{n}.h5").read_bytes() for n in ("alone", "made", "pipeline")}
    assert len(contents) == 1


def test_what_is_missing_or_of_another_configuration_is_named(study, tmp_path):
    with pytest.raises(ConfigError, match="Argument `solver` must be one of exact, reduced, waves"):
        study.solve("ring", "mpo")
    with pytest.raises(FileError, match="no such file"):
        study.read("ring", "exact")
    study.solve("ring", "exact", progress=False)
    (tmp_path / "mine.yaml").write_text(MINE.replace("X: 0.5", "X: 0.6"))
    with pytest.raises(FileError, match="its run id must be"):
        od.load(tmp_path / "mine.yaml").read("ring", "exact")
    # Snakemake does not know with which settings it was made, so it is told.
    with pytest.raises(ConfigError, match=r"mine\.yaml must be what it was when 2 files"):
        made.refuse_outdated(load(Path("mine.yaml")), Path("mine.yaml"))
