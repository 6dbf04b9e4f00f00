"""Tables on disk."""

from pathlib import Path

import pandas as pd
import pytest
from solvers import tdvp
from trajectories import LOOSE, damped, flat

from opentdvp.config import Comparison, Run
from opentdvp.config.comparison import Tolerance
from opentdvp.errors import FileError
from opentdvp.judging import (
    compare,
    read_points,
    read_summary,
    summarize,
    write_table,
)
from opentdvp.study import sentence, verdict

RUN = Run(system="ring", solver="exact")


def test_tables_come_back(tmp_path: Path) -> None:
    candidate, reference = damped(error=0.005, seed=1, solver=tdvp()), damped(error=0.0)
    candidate.observables["X"].stderr[0] = 0  # one value that is not defined
    points = compare(candidate, reference, LOOSE)
    summary = summarize(points, LOOSE, candidate, reference)
    paths = tmp_path / "points.tsv", tmp_path / "summary.tsv"
    for table, path in zip((points, summary), paths, strict=True):
        write_table(table, path)
    for read, path, table in zip(
        (read_points, read_summary), paths, (points, summary), strict=True
    ):
        pd.testing.assert_frame_equal(read(path), table, rtol=1e-5, check_dtype=False)
    assert "0.05\t" in paths[0].read_text()
    assert "0.05000" not in paths[0].read_text()


def test_tables_tell_on_which_side_of_the_tolerance_a_curve_is(tmp_path: Path) -> None:
    """By seven digits and more, where six are those of the tolerance."""
    limits = Tolerance(magnetization=0.01, correlators=1)
    run, reference = flat(0.01 + 1e-9, 0), flat(0, 0)
    summary = summarize(compare(run, reference, limits), limits, run, reference)
    write_table(summary, tmp_path / "summary.tsv")
    row = read_summary(tmp_path / "summary.tsv").iloc[0]
    assert not row["passed"]
    assert row["excess"] > row["tolerance"] == 0.01
    entry = Comparison(candidate=RUN, reference=RUN, tolerance=limits)
    told = sentence(verdict("close", entry, summary))
    assert "excess of 0.010000001" in told
    assert "tolerance 0.01" in told


def test_ids_of_digits_stay_text(tmp_path: Path) -> None:
    run = flat(0, 0)
    points = compare(run, run, LOOSE)
    summary = summarize(points, LOOSE, run, run).assign(candidate_run="001234567890")
    write_table(summary, tmp_path / "summary.tsv")
    assert read_summary(tmp_path / "summary.tsv")["candidate_run"].iloc[0] == "001234567890"


@pytest.mark.parametrize(("column", "value"), [("candidate", "nan"), ("difference", "inf")])
def test_values_that_are_not_finite_are_refused(tmp_path: Path, column: str, value: str) -> None:
    run, path = flat(0, 0), tmp_path / "points.tsv"
    write_table(compare(run, run, LOOSE).assign(**{column: float(value)}), path)
    with pytest.raises(FileError, match=rf"`{column}` must be finite everywhere, but is not"):
        read_points(path)


@pytest.mark.parametrize("content", [None, "", "observable\tdistance\nX\t0\n", "\x00\x01"])
def test_broken_tables_are_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "points.tsv"
    if content is not None:
        path.write_text(content)
    with pytest.raises(FileError, match=r"^Cannot read .*points\.tsv: .*\.$"):
        read_points(path)


def test_unwritable_table_is_refused(tmp_path: Path) -> None:
    run = flat(0, 0)
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="Cannot write"):
        write_table(compare(run, run, LOOSE), tmp_path / "file" / "points.tsv")
