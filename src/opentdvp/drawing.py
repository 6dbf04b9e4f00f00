"""From a study's files to its figures: reads what a figure needs, and refuses what is not its."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from opentdvp import compare, figures
from opentdvp.compare.fronts import FRONT, fronts
from opentdvp.compare.scans import SCAN, scan_table
from opentdvp.config import AnyFigure, FrontFigure, Run, ScanFigure, Study
from opentdvp.figures.material import Material
from opentdvp.trajectory import Trajectory


def draw(study: Study, name: str, paths: Sequence[Path]) -> None:
    """Draw a figure of the study from the study's files.

    Raises
    ------
    FileError
        If a file is missing, damaged or not of the study's deck, or a figure cannot be written.
    """
    figure = study.figures[name]
    material = Material(
        runs=_runs(study, figure),
        comparisons=study.comparisons,
        points={c: compare.read_points(study.output.points(c)) for c in figure.compared()},
        published=study.published,
        table=read_derived(study, name) if figure.derived else None,
    )
    figures.draw_to_files(figure, material, paths)


def derive(study: Study, name: str) -> pd.DataFrame:
    """The table behind a figure of the kind `front` or `scan`, from its runs.

    Raises
    ------
    FileError
        If a file is missing, damaged or not of the study's deck.
    """
    figure = study.figures[name]
    runs = _runs(study, figure)
    if isinstance(figure, FrontFigure):
        published = {series: study.published[series] for series in figure.published}
        return fronts(figure, runs, published)
    assert isinstance(figure, ScanFigure)
    return scan_table(figure, study, runs)


def read_derived(study: Study, name: str) -> pd.DataFrame:
    """The table of `derive`, from its file.

    Raises
    ------
    FileError
        If the file is missing or is not such a table.
    """
    return compare.read_table(study.output.derived(name), derived_columns(study, name))


def derived_columns(study: Study, name: str) -> dict[str, type]:
    """Columns of that table, with their types."""
    return FRONT if isinstance(study.figures[name], FrontFigure) else SCAN


def inputs(study: Study, name: str) -> list[Path]:
    """The study's files that a figure and its table are made from."""
    output, figure = study.output, study.figures[name]
    return [*map(output.trajectory, study.drawn(figure)), *map(output.points, figure.compared())]


def _runs(study: Study, figure: AnyFigure) -> dict[Run, Trajectory]:
    return {
        run: compare.read_run(study, run, study.output.trajectory(run))
        for run in study.drawn(figure)
    }
