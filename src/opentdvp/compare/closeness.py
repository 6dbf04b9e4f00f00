"""How close every plotted curve is to its reference, figure by figure."""

from collections.abc import Iterator
from string import ascii_lowercase

import numpy as np
import pandas as pd
from scipy.interpolate import CubicSpline

from opentdvp.compare.tables import read_points, read_summary
from opentdvp.config import Comparison, DynamicsFigure, Published, Study

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
        Figure and panel; candidate and reference, each as system and solver; the observable, with
        its distance; largest and root-mean-square difference from the reference over all times, as
        they are and in combined standard errors; the largest combined error; tolerance and verdict.

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
            verdicts = read_summary(study.output.summary(comparison))
            for observable, distance in panel.curves:
                same = verdicts["observable"] == observable
                row = verdicts[same & (verdicts["distance"] == distance)].iloc[0]
                yield {
                    "figure": f"{name} ({letter})",
                    **_pair(study.comparisons[comparison]),
                    "observable": f"{observable}({distance})" if distance else observable,
                } | {title: row[column] for column, title in _VERDICT.items()}


def _pair(comparison: Comparison) -> dict[str, object]:
    runs = {"candidate": comparison.candidate, "reference": comparison.reference}
    return {role: f"{run.system}, {run.solver}" for role, run in runs.items()}


def published(study: Study) -> pd.DataFrame:
    """One row per published series: how far it, and our run, are from the same reference.

    At the published times, from the tables of the comparisons that name the series; runs are
    interpolated by cubic splines.

    Raises
    ------
    FileError
        If a table of the study is missing or damaged.
    """
    return pd.DataFrame(
        [
            _against(study, name, comparison, study.published[series])
            for name, comparison in study.comparisons.items()
            for series in comparison.published
        ]
    )


def _against(
    study: Study, name: str, comparison: Comparison, series: Published
) -> dict[str, object]:
    points = read_points(study.output.points(name))
    rows = points[(points["observable"] == series.observable) & (points["distance"] == 0)]
    at = {
        column: CubicSpline(rows["time"], rows[column])(series.times)
        for column in ("candidate", "reference")
    }
    theirs = np.array(series.values) - at["reference"]
    ours = at["candidate"] - at["reference"]
    return {
        "published": series.label,
        "observable": series.observable,
        **_pair(comparison),
        "times": len(series.times),
        "uncertainty of reading": series.uncertainty,
        "published, largest difference": np.abs(theirs).max(),
        "published, RMS": np.sqrt((theirs**2).mean()),
        "candidate, largest difference": np.abs(ours).max(),
        "candidate, RMS": np.sqrt((ours**2).mean()),
    }
