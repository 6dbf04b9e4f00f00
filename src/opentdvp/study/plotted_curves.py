"""How close every plotted curve is to its reference, figure by figure."""

from collections.abc import Iterator
from string import ascii_lowercase

import numpy as np
import pandas as pd

from opentdvp.config import Comparison, DynamicsFigure, Published, Run, Study
from opentdvp.judging.comparable import read_run
from opentdvp.records.timing import archived_from
from opentdvp.records.trajectory import interpolate
from opentdvp.study.misses import judged

#: Columns of a comparison's verdicts that are taken over, with their titles.
_VERDICT = {
    "max_difference": "largest difference",
    "rms_difference": "RMS difference",
    "max_in_errors": "largest, in errors",
    "rms_in_errors": "RMS, in errors",
    "largest_error": "largest error",
    "tolerance": "tolerance",
    "passed": "passed",
}


def closeness(study: Study) -> pd.DataFrame:
    """One row per curve of every figure of dynamics, from the tables of its comparisons.

    Returns
    -------
    pandas.DataFrame
        Figure and panel; candidate and reference, each as system and solver, with a word if it is
        from the archive; the observable, with its distance; largest and root-mean-square difference
        from the reference over all times, as they are and in combined standard errors; the largest
        combined error; tolerance and verdict.

    Raises
    ------
    FileError
        If a table of the study is missing or damaged.
    """
    figures = study.figures.items()
    shown = ((name, figure) for name, figure in figures if isinstance(figure, DynamicsFigure))
    return pd.DataFrame([row for name, figure in shown for row in _rows(study, name, figure)])


def _rows(study: Study, name: str, figure: DynamicsFigure) -> Iterator[dict[str, object]]:
    for panel, letter in zip(figure.panels, ascii_lowercase, strict=False):
        for comparison in panel.comparisons:
            verdicts = judged(study, comparison)
            for observable, distance in panel.curves:
                same = verdicts["observable"] == observable
                row = verdicts[same & (verdicts["distance"] == distance)].iloc[0]
                yield {
                    "figure": f"{name} ({letter})",
                    **_pair(study, study.comparisons[comparison]),
                    "observable": f"{observable}({distance})" if distance else observable,
                } | {title: row[column] for column, title in _VERDICT.items()}


def _pair(study: Study, comparison: Comparison) -> dict[str, object]:
    runs = {"candidate": comparison.candidate, "reference": comparison.reference}
    return {role: _name(study, run) for role, run in runs.items()}


def _name(study: Study, run: Run) -> str:
    origin = " (archive)" if archived_from(study.output.trajectory(run)) else ""
    return f"{run.system}, {run.solver}{origin}"


def published(study: Study) -> pd.DataFrame:
    """One row per published series: how far it, and our run, are from the same reference.

    At those of the published times that both runs of a comparison reach; runs are interpolated by
    cubic splines. NaN where they reach none.

    Raises
    ------
    FileError
        If a run of the study is missing, damaged, or of another deck.
    """
    return pd.DataFrame(
        [
            _against(study, comparison, study.published[series])
            for comparison in study.comparisons.values()
            for series in comparison.published
        ]
    )


def _against(study: Study, comparison: Comparison, series: Published) -> dict[str, object]:
    times, values = np.array(series.times), np.array(series.values)
    candidate, reference = (
        _at(study, run, series.observable, times)
        for run in (comparison.candidate, comparison.reference)
    )
    reached = np.isfinite(candidate) & np.isfinite(reference)
    theirs, ours = ((run - reference)[reached] for run in (values, candidate))
    return {
        "published": series.label,
        "observable": series.observable,
        **_pair(study, comparison),
        "times": f"{reached.sum()} of {times.size}",
        "uncertainty of reading": series.uncertainty,
        "published, largest difference": _largest(theirs),
        "published, RMS": _rms(theirs),
        "candidate, largest difference": _largest(ours),
        "candidate, RMS": _rms(ours),
    }


def _at(study: Study, run: Run, observable: str, times: np.ndarray) -> np.ndarray:
    found = read_run(study, run, study.output.trajectory(run))
    return interpolate(found.times, found.curves()[observable, 0][0], times)


def _largest(differences: np.ndarray) -> float:
    return float(np.abs(differences).max()) if differences.size else np.nan


def _rms(differences: np.ndarray) -> float:
    return float(np.sqrt((differences**2).mean())) if differences.size else np.nan
