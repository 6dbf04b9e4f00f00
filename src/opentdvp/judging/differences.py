"""Differences between a run and its reference, one row per observable, distance and time."""

import numpy as np
import pandas as pd

from opentdvp.config.comparison import Tolerance
from opentdvp.judging.comparable import check_comparable
from opentdvp.judging.curves import allowed
from opentdvp.records.trajectory import Curve, Trajectory, interpolate


def compare(candidate: Trajectory, reference: Trajectory, tolerance: Tolerance) -> pd.DataFrame:
    """Differences at the candidate's times, for all of the candidate's observables.

    With the candidate's value c ± σ_c and the reference's r ± σ_r, the difference is c − r, the
    combined error σ = √(σ_c² + σ_r²), and the difference in errors (c − r)/σ.

    The reference is interpolated in time: its values by a cubic spline, which passes through
    them, and its errors linearly.

    Parameters
    ----------
    candidate
        The run that is judged.
    reference
        A run of the same physics that lasts at least as long; its lattice may have another size.
    tolerance
        Largest differences allowed; copied into the rows, for the figures.

    Returns
    -------
    pandas.DataFrame
        Columns `observable`, `distance` (0 for magnetisations), `time`, `candidate`,
        `candidate_error`, `reference`, `reference_error`, `difference`, `combined_error`,
        `in_errors` (NaN where the combined error is 0), `tolerance`.

    Raises
    ------
    NumericalFailure
        If one of the runs did not succeed.
    ConfigError
        If physics, times or observables do not allow the comparison.
    FileError
        If a deck cannot be read, or a value is not finite.
    """
    check_comparable(candidate, reference)
    known = reference.curves()
    return pd.concat(
        [
            _rows(key, candidate.times, curve, _interpolate(known[key], reference, candidate))
            for key, curve in candidate.curves().items()
        ],
        ignore_index=True,
    ).assign(tolerance=lambda rows: [allowed(tolerance, o) for o in rows["observable"]])


def _interpolate(curve: Curve, reference: Trajectory, candidate: Trajectory) -> Curve:
    mean, error = curve
    values = interpolate(reference.times, mean, candidate.times)
    return values, np.interp(candidate.times, reference.times, error)


def _rows(
    key: tuple[str, int], times: np.ndarray, candidate: Curve, reference: Curve
) -> pd.DataFrame:
    difference = candidate[0] - reference[0]
    combined = np.hypot(candidate[1], reference[1])
    undefined = np.full_like(difference, np.nan)
    return pd.DataFrame(
        {
            "observable": key[0],
            "distance": key[1],
            "time": times,
            "candidate": candidate[0],
            "candidate_error": candidate[1],
            "reference": reference[0],
            "reference_error": reference[1],
            "difference": difference,
            "combined_error": combined,
            "in_errors": np.divide(difference, combined, out=undefined, where=combined > 0),
        }
    )
