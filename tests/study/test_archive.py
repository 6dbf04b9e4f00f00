"""Runs from an archive: which are found, what a copy is, and how tables tell of it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from pipeline import TINY
from trajectories import made_up, write_archive

from opentdvp.config import Run, Study, load
from opentdvp.errors import ConfigError, FileError
from opentdvp.figures import Material
from opentdvp.records import trajectory
from opentdvp.records.result_code import ResultCode
from opentdvp.records.timing import archived_from, read_timing, timing_path
from opentdvp.study import (
    archive,
    closeness,
    costs,
    drawing,
    figure_costs,
    last_words,
    overview,
    panels,
)
from opentdvp.study.verification import VALID, verify

EXACT = Run(system="triangle", solver="exact")
SOURCE = Path("results/runs/ring_3/exact.h5")


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Keys of a configuration that has, under other names, the decks of an archive."""
    monkeypatch.chdir(tmp_path)
    write_archive(load(TINY))
    renamed: dict[str, Any] = yaml.safe_load(TINY.read_text().replace("ring_3", "triangle"))
    renamed["output"] = {"results": "mine", "figures": "drawn"}
    solvers = ["exact", "tolerances_r6", "tolerances_r7"]
    return renamed | {"archive": {"results": "results", "solvers": solvers}}


def restored(tree: dict[str, Any]) -> Study:
    """The study with copies of all that the archive has, and the rest made up."""
    study = Study.model_validate(tree)
    write_archive(study)
    for run, source in archive.find(study).items():
        archive.restore(study, run, source, study.output.trajectory(run))
    return study


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
        "From the archive in results: 2 of 4 runs. Computed here, as it lacks them: "
        "triangle by tolerances_r7."
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
    with pytest.raises(FileError, match=f"Cannot read {SOURCE}: it is truncated, damaged or"):
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
    timing_path(SOURCE).unlink()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (failed, "its result must be success, but is not_finite"),
        (cut, "it must have every observable, but lacks"),
        (damaged, "truncated, damaged or not a trajectory file"),
        (foreign, "its run id must be"),
        (untimed, "there is no such file"),
    ],
)
def test_what_is_not_a_whole_run_of_the_deck_is_not_copied(
    tree: dict[str, Any], spoil: Any, message: str
) -> None:
    study, out = Study.model_validate(tree), Path("mine/exact.h5")
    spoil(study)
    with pytest.raises(FileError, match=f"{message}.*Without exact in `archive.solvers` it is"):
        archive.restore(study, EXACT, SOURCE, out)
    assert not out.parent.exists()


def test_tables_say_what_is_from_the_archive(tree: dict[str, Any]) -> None:
    study = restored(tree)
    runs, comparisons, figures = costs(study), overview(study), figure_costs(study)
    assert dict(zip(runs["solver"], runs["from the archive"], strict=True)) == {
        "tdvp": False,
        "exact": True,
        "tolerances_r6": True,
        "tolerances_r7": True,
    }
    assert list(comparisons["from the archive"]) == ["reference"] + 2 * ["candidate, reference"]
    counts = dict(zip(figures["figure"], figures["from the archive"], strict=True))
    assert (counts["dynamics"], counts["residuals"]) == ("1, 0.0167 min", "")
    assert set(closeness(study)["reference"]) == {"triangle, exact (archive)"}
    assert set(closeness(study)["candidate"]) == {"triangle, tdvp"}
    (panel,) = panels(study, comparisons, runs).to_dict("records")
    assert panel["reference"] == "triangle, exact, 0.0167 min (archive)"
    assert panel["recurrent"].endswith(", 0.0167 min")
    assert last_words(study)[-1] == (
        "From the archive, not computed here: 3 of 4 runs (triangle by exact; "
        "triangle by tolerances_r6; triangle by tolerances_r7)."
    )


def test_figures_are_told_what_is_from_the_archive(
    tree: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    study = restored(tree)
    materials: list[Material] = []
    monkeypatch.setattr(
        "opentdvp.figures.draw_to_files", lambda figure, material, paths: materials.append(material)
    )
    for figure in ("dynamics", "residuals"):
        drawing.draw(study, figure, [])
    assert [list(material.copies) for material in materials] == [[EXACT], []]


def test_tables_of_what_was_computed_here_have_no_such_column(tree: dict[str, Any]) -> None:
    study = Study.model_validate(tree)
    write_archive(study)
    tables = (costs(study), overview(study), figure_costs(study))
    assert not any("from the archive" in table for table in tables)
    assert not any("archive" in line for line in last_words(study))


def test_copies_are_verified_as_runs_are(tree: dict[str, Any]) -> None:
    verdicts = verify(restored(tree)).query("kind == 'run'")
    assert set(verdicts["verdict"]) == {VALID}
