"""A comparison of the configuration, from the files of its two runs."""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from opentdvp.config import Comparison, Study
from opentdvp.judging.comparable import read_run
from opentdvp.judging.differences import compare
from opentdvp.judging.verdicts import summarize


class Judgement(NamedTuple):
    """The tables of a comparison: differences at every time, and one verdict per curve."""

    points: pd.DataFrame
    summary: pd.DataFrame


def judge(study: Study, comparison: Comparison, candidate: Path, reference: Path) -> Judgement:
    """Judge the candidate's trajectory by the reference's.

    Raises
    ------
    FileError, NumericalFailure
        If a file cannot be used, is not of the study's deck, or its run failed.
    """
    judged = read_run(study, comparison.candidate, candidate)
    judge = read_run(study, comparison.reference, reference)
    points = compare(judged, judge, comparison.tolerance)
    return Judgement(points, summarize(points, comparison.tolerance, judged, judge))
