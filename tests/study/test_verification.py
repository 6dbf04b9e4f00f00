"""What verification tells of the code that computed the runs."""

from dataclasses import replace
from pathlib import Path

import pytest
from pipeline import TINY
from trajectories import write_archive

from opentdvp.config import Study, load
from opentdvp.records import trajectory
from opentdvp.records.provenance import joined
from opentdvp.study.verification import VALID, told_of_revisions, verify

OLD, DIRTY = "b" * 40, "c" * 40 + "+changes"


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """The tiny study with runs that are made up; no figures."""
    monkeypatch.chdir(tmp_path)
    study = load(TINY).model_copy(update={"figures": {}})
    write_archive(study)
    return study


def test_revisions_are_told_from_the_one_reading_of_the_runs(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [study.output.trajectory(run) for run in study.used()]
    for path, parts in zip(paths, ((OLD,), (OLD, DIRTY)), strict=False):
        run = trajectory.read(path)
        trajectory.write(replace(run, provenance={"revision": joined(parts)}), path)
    verdicts = verify(study)
    runs = verdicts[verdicts["kind"] == "run"]
    assert set(runs["verdict"]) == {VALID}
    monkeypatch.delattr(trajectory, "read")
    mixed = runs["name"][1]
    assert told_of_revisions(verdicts).splitlines() == [
        f"{len(paths)} runs of 3 revisions of the code.",
        f"With changes that were not committed: {mixed}.",
        f"Of several revisions: {mixed}.",
    ]
