"""Comparing a result with a reference: differences at every time, and a verdict per curve."""

from dataclasses import dataclass

import pandas as pd

from opentdvp import judging
from opentdvp.config.comparison import Tolerance
from opentdvp.interface import words
from opentdvp.interface.results import AnyPath, Result, as_result

#: The accuracy that the paper's figures are aimed at.
TOLERANCE = 0.01


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """How far a result is from its reference.

    Attributes
    ----------
    points
        A row for every observable, distance and time.
    summary
        A row for every observable and distance: largest and root-mean-square difference, verdict.
    """

    points: pd.DataFrame
    summary: pd.DataFrame

    @property
    def passed(self) -> bool:
        """Whether all curves are within the tolerance."""
        return bool(self.summary["passed"].all())

    @property
    def largest(self) -> float:
        """The largest difference at any time."""
        return float(self.summary["max_difference"].max())

    def _shown(self) -> pd.DataFrame:
        columns = ["max_difference", "time_of_max", "rms_difference", "tolerance", "passed"]
        keys = zip(self.summary["observable"], self.summary["distance"], strict=True)
        return self.summary[columns].set_axis(list(map(words.curve_name, keys)))

    def __repr__(self) -> str:
        verdict = "within" if self.passed else "beyond"
        return f"opentdvp.Comparison, {verdict} the tolerance\n{self._shown().to_string()}"

    def _repr_html_(self) -> str:
        return str(self._shown().to_html())


def compare(
    result: Result | AnyPath, reference: Result | AnyPath, tolerance: float = TOLERANCE
) -> Comparison:
    """Compare a result with a reference of the same physics that lasts at least as long.

    The reference is interpolated in time by a cubic spline; its lattice may have another size.

    Parameters
    ----------
    result, reference
        Results, or paths of their files.
    tolerance
        The largest difference that passes.

    Raises
    ------
    ConfigError
        If physics, times or observables do not allow the comparison.
    FileError
        If a file cannot be read.

    Examples
    --------
    >>> import opentdvp as od
    >>> jumps = [od.Jump("sigma_minus", 1.0)]
    >>> decay = od.System.chain(3, jumps=jumps, start={"Z": 1}, stop=1)
    >>> exact = od.solve(decay, od.Exact(), progress=False)
    >>> reduced = od.solve(decay, od.ExactReduced(), progress=False)
    >>> od.compare(reduced, exact).largest < 1e-6
    True
    """
    judged, judge = as_result(result, "result"), as_result(reference, "reference")
    allowed = Tolerance(magnetization=tolerance, correlators=tolerance)
    points = judging.compare(judged.trajectory, judge.trajectory, allowed)
    summary = judging.summarize(points, allowed, judged.trajectory, judge.trajectory)
    return Comparison(points, summary)
