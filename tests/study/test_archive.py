"""Runs from an archive: which are found, what is refused, and what a copy is."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from trajectories import made_up

from opentdvp.config import Run, Study
from opentdvp.errors import ConfigError, FileError
from opentdvp.records import trajectory
from opentdvp.records.result_code import ResultCode
from opentdvp.records.timing import archived_from, read_timing, timing_path
from opentdvp.study import archive

EXACT = Run(system="triangle", solver="exact")
SOURCE = Path("results/runs/ring_3/exact.h5")


def test_runs_are_found_by_their_deck_under_any_name(tree: dict[str, Any]) -> None:
    tree["solvers"]["twin"] = tree["solvers"]["exact"]
    tree["archive"]["solvers"].append("twin")
    found = archive.find(Study.model_validate(tree))
    assert found == {
        Run(system="triangle", solver=solver): Path(f"results/runs/ring_3/{name}.h5")
        for solver, name in (
            *((name, name) for name in ("exact", "tolerances_r6", "tolerances_r7")),
            ("twin", "exact"),
        )
    }


def test_only_listed_solvers_and_equal_decks_are_found(tree: dict[str, Any]) -> None:
    """The archive has the network too; another duration or tolerance is another deck."""
    tree["scans"]["tolerances"]["vary"]["relative_tolerance"]["r7"] = 2e-7
    study = Study.model_validate(tree)
    assert {run.solver for run in archive.find(study)} == {"exact", "tolerances_r6"}
    assert archive.plan(study) == (
        "From the archive in results: 2 of 4 runs. Computed here, because it has no run with "
        "their settings: triangle by tolerances_r7; if that takes too long, stop and set what the "
        "archive has."
    )
    tree["systems"]["triangle"]["time"]["points"] = 7
    assert archive.find(Study.model_validate(tree)) == {}


def test_nothing_is_found_without_an_archive(tree: dict[str, Any]) -> None:
    study = Study.model_validate(tree | {"archive": None})
    assert (archive.find(study), archive.plan(study)) == ({}, "")
    with pytest.raises(ConfigError, match=r"one of `archive.solvers` \(none\), but is exact"):
        archive.locate(study, EXACT)


def test_of_equal_decks_the_one_of_the_same_name_is_taken(tree: dict[str, Any]) -> None:
    for name in ("a", "triangle", "z"):
        shutil.copytree("results/runs/ring_3", f"results/runs/{name}")
    assert archive.find(Study.model_validate(tree))[EXACT] == Path("results/runs/triangle/exact.h5")


def test_failed_and_unfinished_files_are_passed_over(tree: dict[str, Any]) -> None:
    study = Study.model_validate(tree)
    SOURCE.rename(SOURCE.with_name("exact.failed.h5"))
    SOURCE.with_name(".exact.h5.opentdvp-abcdefgh.tmp.h5").write_bytes(b"half")
    assert EXACT not in archive.find(study)
    with pytest.raises(ConfigError, match=r"must have the run [0-9a-f]{12} \(triangle by exact\)"):
        archive.locate(study, EXACT)


def test_a_file_that_is_none_is_named(tree: dict[str, Any]) -> None:
    SOURCE.write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    message = (
        f"Cannot read {SOURCE}: it is truncated, damaged or not a trajectory file. It is in the "
        "folder of `archive.results`: get it anew, move it away, or set `archive: null`"
    )
    with pytest.raises(FileError, match=message):
        archive.find(Study.model_validate(tree))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_truncated_file_is_named(tree: dict[str, Any], share: float) -> None:
    content = SOURCE.read_bytes()
    SOURCE.write_bytes(content[: int(share * len(content))])
    with pytest.raises(FileError, match=f"Cannot read {SOURCE}: it is truncated"):
        archive.find(Study.model_validate(tree))


def test_a_run_without_what_it_has_cost_is_named(tree: dict[str, Any]) -> None:
    timing_path(SOURCE).unlink()
    message = (
        f"must have {timing_path(SOURCE)} with exact.h5, but has not; get it anew, or compute it "
        "here: take exact out of `archive.solvers`"
    )
    with pytest.raises(FileError, match=message):
        archive.find(Study.model_validate(tree))


def test_a_folder_without_runs_is_refused(tree: dict[str, Any]) -> None:
    tree["archive"]["results"] = "nowhere"
    with pytest.raises(ConfigError, match=r"no nowhere/runs; set `archive: null` to compute all"):
        archive.find(Study.model_validate(tree))


def test_a_copy_has_the_bytes_and_the_costs_and_says_where_it_is_from(tree: dict[str, Any]) -> None:
    record = json.loads(timing_path(SOURCE).read_text())
    record |= {"wall_seconds": 5e4, "machine": "another", "finished": "2020-01-01T00:00:00+00:00"}
    timing_path(SOURCE).write_text(json.dumps(record))
    study, out = Study.model_validate(tree), Path("mine/runs/triangle/exact.h5")
    archive.restore(study, EXACT, SOURCE, out)
    assert out.read_bytes() == SOURCE.read_bytes()
    assert read_timing(out) == record | {"archive": str(SOURCE)}
    assert (archived_from(out), archived_from(SOURCE)) == (str(SOURCE), "")


def failed(study: Study) -> None:
    run = made_up(study, EXACT)
    changes = {"result": ResultCode.NOT_FINITE}
    trajectory.write(type(run)(**{**vars(run), **changes}), SOURCE)


def cut(study: Study) -> None:
    run = made_up(study, EXACT)
    changes = {"observables": {"X": run.observables["X"]}}
    trajectory.write(type(run)(**{**vars(run), **changes}), SOURCE)


def damaged(study: Study) -> None:
    content = bytearray(SOURCE.read_bytes())
    at = content.find(made_up(study, EXACT).observables["Z"].mean.tobytes())
    content[at + 3] ^= 1
    SOURCE.write_bytes(content)


def foreign(study: Study) -> None:
    shutil.copy(SOURCE.with_name("tdvp.h5"), SOURCE)


def untimed(study: Study) -> None:
    timing_path(SOURCE).write_text("{}")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (failed, "its result must be success, but is not_finite"),
        (cut, "it must have every observable, but lacks"),
        (damaged, "truncated, damaged or not a trajectory file"),
        (foreign, "its run id must be"),
        (untimed, "truncated, damaged or not a timing file"),
    ],
)
def test_what_is_not_a_whole_run_of_the_deck_is_not_copied(
    tree: dict[str, Any], spoil: Any, message: str
) -> None:
    study, out = Study.model_validate(tree), Path("mine/exact.h5")
    spoil(study)
    with pytest.raises(FileError, match=f"{message}.*from the archive: get it anew, or compute"):
        archive.restore(study, EXACT, SOURCE, out)
    assert not out.parent.exists()
    # Nor does any job start.
    if spoil is not foreign:  # of which another deck is found, or none
        with pytest.raises(FileError, match=message):
            archive.plan(study)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_copy_that_is_stopped_leaves_no_run(
    tree: dict[str, Any], monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """Neither half of one, nor one that would pass for computed here."""
    study, out = Study.model_validate(tree), Path("mine/exact.h5")

    def half(path: Path, content: bytes) -> int:
        with path.open("wb") as stream:
            stream.write(content[: len(content) // 2])
        raise error

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises((FileError, KeyboardInterrupt)):
        archive.restore(study, EXACT, SOURCE, out)
    assert {path.name for path in out.parent.iterdir()} == {"exact.timing.json"}
    assert archived_from(out) == str(SOURCE)
