"""Correlators at the last time of a scan's runs, with their scatter (as paper, S3)."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from opentdvp.config import Run, ScanFigure, Study
from opentdvp.errors import ConfigError
from opentdvp.records.trajectory import Trajectory

SCAN: dict[str, type] = {
    "method": str,
    "label": str,
    "varied": float,
    "observable": str,
    "runs": int,
    "mean": float,
    "scatter": float,
    "sampling_error": float,
}


def scan_table(figure: ScanFigure, study: Study, runs: Mapping[Run, Trajectory]) -> pd.DataFrame:
    """Values at the last time against the varied setting; then those of the references.

    Returns
    -------
    pandas.DataFrame
        A row per line of the figure, value of the varied setting and correlator: `runs`, how many
        there are; `mean`, their average; `scatter`, the standard error of that average from their
        differences, NaN for a single run; and `sampling_error`, what the runs' own standard errors
        of the observable contribute to the average's. Each has the method of its solver. Rows of
        references, one per correlator, have the solver's name as label and NaN in `varied`.

    Raises
    ------
    ConfigError
        If the varied setting is not a number, or the runs do not end at the same time.
    """
    _check_times(runs)
    scan = study.scans[figure.scan]
    method = study.solvers[scan.candidate.solver].method
    rows = [
        _row((method, label), varied, observable, [runs[run] for run in chosen])
        for (label, varied), chosen in _groups(figure, study).items()
        for observable in _observables(figure)
    ]
    rows += [
        _row((study.solvers[run.solver].method, run.solver), np.nan, observable, [runs[run]])
        for run in (scan.reference, *figure.beside)
        for observable in _observables(figure)
    ]
    return pd.DataFrame(rows, columns=list(SCAN))


def _check_times(runs: Mapping[Run, Trajectory]) -> None:
    ends = {float(run.times[-1]) for run in runs.values()}
    if len(ends) > 1:
        raise ConfigError(f"`scan` must have runs with one last time, but has {sorted(ends)}.")


def _observables(figure: ScanFigure) -> Iterator[tuple[str, int]]:
    return ((f"C_{pair}", figure.correlators.distance) for pair in figure.correlators.pairs)


def _groups(figure: ScanFigure, study: Study) -> dict[tuple[str, float], list[Run]]:
    """Runs that differ in neither the line nor the varied setting."""
    groups: dict[tuple[str, float], list[Run]] = {}
    scan = study.scans[figure.scan]
    for name, values in scan.combinations(figure.scan):
        varied = values[figure.varied]
        if isinstance(varied, bool) or not isinstance(varied, int | float):
            raise ConfigError(
                f"`varied` must be a key with numbers, but {figure.varied} has {varied!r}."
            )
        key = figure.lines.rpartition(".")[2] if figure.lines else ""
        label = f"{key} {values[figure.lines]}" if figure.lines else ""
        run = Run(system=scan.candidate.system, solver=name)
        groups.setdefault((label, float(varied)), []).append(run)
    return groups


def _row(
    names: tuple[str, str], varied: float, curve: tuple[str, int], runs: list[Trajectory]
) -> dict[str, object]:
    ends = np.array([[part[-1] for part in run.curves()[curve]] for run in runs])
    values, errors = ends.T
    count = len(runs)
    return {
        "method": names[0],
        "label": names[1],
        "varied": varied,
        "observable": curve[0],
        "runs": count,
        "mean": values.mean(),
        "scatter": values.std(ddof=1) / np.sqrt(count) if count > 1 else np.nan,
        "sampling_error": np.sqrt((errors**2).sum()) / count,
    }
