"""Saying what runs will take, from the command line."""

import json
import shutil

import pytest
from pipeline import TINY

from opentdvp.records import estimates
from opentdvp.records.estimates import Estimate


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The tiny configuration in a folder to work in."""
    shutil.copy(TINY, tmp_path / "config.yaml")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_estimates_are_kept_and_repeated(call, folder):
    code, said, errors = call("estimate", "config.yaml", "ring_3", "exact")
    assert code == 0, errors
    assert "runs are estimated on this machine" in said
    assert "ring_3 by exact" in said
    code, repeated, _ = call("validate", "config.yaml")
    assert code == 0
    assert repeated.splitlines()[-1] == said.splitlines()[-1]
    (kept,) = json.loads((folder / "results" / "estimates.json").read_text()).values()
    assert kept["seconds"] > 0


def test_estimates_of_another_machine_say_nothing(call, folder):
    path = folder / "results" / "estimates.json"
    assert call("estimate", "config.yaml", "ring_3", "exact")[0] == 0
    here = estimates.read_estimates(path)
    elsewhere = {run_id: entry._replace(machine="another") for run_id, entry in here.items()}
    estimates.write_estimates(path, elsewhere)
    assert "estimated" not in call("validate", "config.yaml")[1]
    estimates.write_estimates(path, {"a": Estimate(None, 1.0, 1, "another")})
    path.write_text(path.read_text()[:-9])
    code, _, said = call("validate", "config.yaml")
    assert code == 1
    assert "a file of estimates" in said[-1]
    assert "delete it" in said[-1]


def test_names_that_are_not_there_are_refused(call, folder):
    assert folder.exists()
    code, _, said = call("estimate", "config.yaml", "ring_9")
    assert code == 1
    assert "Argument SYSTEM must be one of" in said[-1]
    code, _, said = call("estimate", "config.yaml", "ring_3", "net")
    assert code == 1
    assert "Argument SOLVER must be one of" in said[-1]
