"""Errors and costs of runs, from files of runs that are made up."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image
from pipeline import TINY
from trajectories import write_archive

from opentdvp import judging
from opentdvp.config import Run, Study
from opentdvp.errors import FileError
from opentdvp.records import trajectory
from opentdvp.records.timing import timing_path, write_timing
from opentdvp.study import drawing
from opentdvp.study.errors_and_costs import COSTS

TDVP, EXACT = Run(system="ring_3", solver="tdvp"), Run(system="ring_3", solver="exact")


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """The tiny study with its figure of costs alone, and its files."""
    monkeypatch.chdir(tmp_path)
    tree: dict[str, Any] = yaml.safe_load(TINY.read_text())
    tree["figures"] = {"costs": tree["figures"]["costs"]}
    made = Study.model_validate(tree)
    write_archive(made)
    write_timing(made.output.trajectory(TDVP), 90.0, resumed=False)
    judging.write_table(drawing.derive(made, "costs"), made.output.derived("costs"))
    return made


def test_rows_are_the_reference_and_all_that_it_judges(study: Study) -> None:
    table = drawing.derive(study, "costs")
    assert list(table.columns) == list(COSTS)
    judged = [name for name, c in study.comparisons.items() if c.reference == EXACT]
    assert table["comparison"].tolist() == ["reference", *judged]
    assert set(table["panel"]) == {"ring of 3"}
    row = table[table["solver"] == "tdvp"].iloc[0]
    points = judging.read_points(study.output.points(row["comparison"]))
    assert row["error"] == pytest.approx(points["difference"].abs().max(), rel=1e-5)
    assert row["error"] > 0
    assert (row["family"], row["minutes"], bool(row["same"])) == ("recurrent", 1.5, True)
    reference = table.iloc[0]
    errors = [e.max() for _, e in trajectory.read(study.output.trajectory(EXACT)).curves().values()]
    assert reference["error"] == pytest.approx(max(errors)) if max(errors) else np.nan
    assert reference["minutes"] == pytest.approx(1 / 60)


def test_runs_without_timing_have_no_cost(study: Study) -> None:
    timing_path(study.output.trajectory(TDVP)).unlink()
    table = drawing.derive(study, "costs").set_index("solver")
    assert np.isnan(table.loc["tdvp", "minutes"])
    assert np.isfinite(table.loc["exact", "minutes"])
    write_timing(study.output.trajectory(TDVP), 0.0, resumed=False)
    assert np.isnan(drawing.derive(study, "costs").set_index("solver").loc["tdvp", "minutes"])


def test_another_last_time_is_told(study: Study) -> None:
    systems = study.systems | {
        "early": study.systems["ring_3"].model_copy(
            update={"time": study.systems["ring_3"].time.model_copy(update={"stop": 0.05})}
        )
    }
    entry = study.comparisons["ring_3"]
    early = entry.model_copy(update={"candidate": Run(system="early", solver="tdvp")})
    shorter = study.model_copy(
        update={"systems": systems, "comparisons": {"ring_3": entry, "early": early}}
    )
    write_archive(shorter)
    table = drawing.derive(shorter, "costs").set_index("comparison")
    assert table["same"].to_dict() == {"reference": True, "ring_3": True, "early": False}


def test_the_figure_is_drawn_from_its_table(study: Study) -> None:
    path = Path("figure.png")
    drawing.draw(study, "costs", [path])
    with Image.open(path) as image:
        keywords = str(image.info["Keywords"])
    assert all(study.deck(run).run_id in keywords for run in study.used())
    # As for every table: one that is not of these runs is refused.
    write_timing(study.output.trajectory(TDVP), 5.0, resumed=False)
    with pytest.raises(FileError, match="is not the table of the runs"):
        drawing.draw(study, "costs", [path])
