"""Tables, figures and sentences tell which runs are from an archive."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from trajectories import write_archive

from opentdvp.config import Run, Study
from opentdvp.figures import Material
from opentdvp.records.timing import copy_timing, timing_path
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


def restored(tree: dict[str, Any]) -> Study:
    """The study with copies of all that the archive has, and the rest made up."""
    study = Study.model_validate(tree)
    write_archive(study)
    for run, source in archive.find(study).items():
        archive.restore(study, run, source, study.output.trajectory(run))
    return study


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
        "From the archive, not computed here: 3 of 4 runs (all but triangle by tdvp)."
    )


def test_where_most_are_copies_the_others_are_named(tree: dict[str, Any]) -> None:
    said = "From the archive, not computed here:"
    study = restored(tree)
    assert archive.told(study) == f"{said} 3 of 4 runs (all but triangle by tdvp)."
    network = Run(system="triangle", solver="tdvp")
    copy_timing(SOURCE, study.output.trajectory(network))
    assert archive.told(study) == f"{said} 4 of 4 runs (all)."
    for solver in ("exact", "tolerances_r6", "tdvp"):
        run = Run(system="triangle", solver=solver)
        shutil.copy(timing_path(SOURCE), timing_path(study.output.trajectory(run)))
    assert archive.told(study) == f"{said} 1 of 4 runs (triangle by tolerances_r7)."


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
