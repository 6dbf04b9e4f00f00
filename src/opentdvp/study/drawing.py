"""From a study's files to its figures: reads what a figure needs, and refuses what is not its."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from opentdvp import figures, judging
from opentdvp.config import (
    AnyFigure,
    CostsFigure,
    FrontFigure,
    HeatMapFigure,
    Run,
    ScanFigure,
    Study,
)
from opentdvp.figures.sources import Material
from opentdvp.records.timing import archived_from, timing_path
from opentdvp.records.trajectory import Trajectory
from opentdvp.study.errors_and_costs import COSTS, errors_and_costs
from opentdvp.study.fronts import FRONT, fronts
from opentdvp.study.scans import SCAN, scan_table


def draw(study: Study, name: str, paths: Sequence[Path]) -> None:
    """Draw a figure of the study from the study's files.

    Raises
    ------
    ConfigError
        If a label cannot be drawn.
    FileError
        If a file is missing, damaged or not of the study's deck, a table is not that of its runs,
        or a figure cannot be written.
    """
    figure = study.figures[name]
    figures.check_labels(f"figures.{name}", figure)
    for series, _ in figure.series():
        figures.check_labels(f"published.{series}", study.published[series])
    runs = _runs(study, figure)
    material = Material(
        runs=runs,
        comparisons=study.comparisons,
        points={c: _points(study, c, runs) for c in figure.compared()},
        published=study.published,
        copies=[run for run in runs if archived_from(study.output.trajectory(run))],
        table=_derived(study, name, runs) if figure.derived else None,
    )
    figures.draw_to_files(figure, material, paths)


def _points(study: Study, name: str, runs: Mapping[Run, Trajectory]) -> pd.DataFrame:
    """The table of a comparison, refused unless it is that of the runs."""
    entry, path = study.comparisons[name], study.output.points(name)
    found = judging.read_points(path)
    points = judging.compare(runs[entry.candidate], runs[entry.reference], entry.tolerance)
    judging.check_table(points, path, found)
    return found


def _derived(study: Study, name: str, runs: Mapping[Run, Trajectory]) -> pd.DataFrame:
    """The same of the table of `derive`."""
    found = read_derived(study, name)
    judging.check_table(_derive(study, name, runs), study.output.derived(name), found)
    return found


def derive(study: Study, name: str) -> pd.DataFrame:
    """The table behind a figure that shows what is derived from its runs.

    Raises
    ------
    FileError
        If a file is missing, damaged or not of the study's deck.
    """
    return _derive(study, name, _runs(study, study.figures[name]))


def _derive(study: Study, name: str, runs: Mapping[Run, Trajectory]) -> pd.DataFrame:
    figure = study.figures[name]
    if isinstance(figure, ScanFigure):
        return scan_table(figure, study, runs)
    if isinstance(figure, CostsFigure):
        return errors_and_costs(figure, study, runs)
    assert isinstance(figure, FrontFigure | HeatMapFigure)
    published = {series: study.published[series] for series, _ in figure.series()}
    return fronts(figure, runs, published)


def read_derived(study: Study, name: str) -> pd.DataFrame:
    """The table of `derive`, from its file.

    Raises
    ------
    FileError
        If the file is missing or is not such a table.
    """
    return judging.read_table(study.output.derived(name), derived_columns(study, name))


def derived_columns(study: Study, name: str) -> dict[str, type]:
    """Columns of that table, with their types."""
    columns = {"scan": SCAN, "costs": COSTS}
    return columns.get(study.figures[name].kind, FRONT)


def inputs(study: Study, name: str) -> list[Path]:
    """The study's files that a figure and its table are made from."""
    output, figure = study.output, study.figures[name]
    runs = [output.trajectory(run) for run in study.drawn(figure)]
    return [*runs, *map(timing_path, runs), *map(output.points, figure.compared())]


def _runs(study: Study, figure: AnyFigure) -> dict[Run, Trajectory]:
    return {
        run: judging.read_run(study, run, study.output.trajectory(run))
        for run in study.drawn(figure)
    }
