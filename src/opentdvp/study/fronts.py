"""How far a correlator has spread at which time, and the power law of that (paper, S4)."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from opentdvp.config import Front, FrontFigure, HeatMapFigure, Published, Run
from opentdvp.errors import ConfigError
from opentdvp.records.trajectory import Trajectory

#: Columns of the table; published distances need not be whole.
FRONT: dict[str, type] = {
    "label": str,
    "distance": float,
    "time": float,
    "time_error": float,
    "a": float,
    "b": float,
    "b_error": float,
}

#: Fewer points have no scatter around a line through them.
FEWEST_POINTS = 3
#: Scatter of ln t that counts as none, since the weights are its inverse.
SMALLEST_SCATTER = 1e-9

#: The same for errors of which others are larger, as a share of the largest.
SMALLEST_SHARE = 1e-3
#: Below, or negative, b says nothing: a front that is everywhere at once, or comes back.
SMALLEST_EXPONENT = 0.01
#: Of a power law.
UNKNOWN = (np.nan, np.nan, np.nan)

#: Distance, time and error of time.
Point = tuple[float, float, float]


def fronts(
    figure: FrontFigure | HeatMapFigure,
    runs: Mapping[Run, Trajectory],
    published: Mapping[str, Published] = MappingProxyType({}),
) -> pd.DataFrame:
    """When the correlator C(d, t) first rises above the threshold, and the fit d = a·t^(1/b).

    See `crossing` for the times and their errors, and `fit` for a and b: b = 1 is ballistic, b = 2
    diffusive spreading. Distances at which a run never rises above the threshold are left out.

    Parameters
    ----------
    figure
        Correlator, threshold, first distance, runs and published fronts, if there are any.
    runs, published
        What the figure names, at least.

    Returns
    -------
    pandas.DataFrame
        Columns of `FRONT`, one row per run and distance: first runs, then published fronts, whose
        `time_error` is NaN, since their uncertainty is that of the distance.

    Raises
    ------
    ConfigError
        If two fronts have the same label, or if what is published is no front, or not positive.
    """
    front = figure if isinstance(figure, FrontFigure) else figure.front
    if front is None:
        raise ConfigError("`front` must be there for fronts of a heat map, but is not.")
    named = [(row.label, list(_points(front, figure.pair, runs[row.run]))) for row in figure.rows]
    for name, _ in figure.series():
        named.append((published[name].label, _read_off(published[name])))
    labels = [label for label, _ in named]
    if len(set(labels)) < len(labels):
        raise ConfigError(f"Labels of fronts must differ, but are {', '.join(labels)}.")
    rows = [
        (label, *point, *line)
        for label, points, line in ((label, points, fit(points)) for label, points in named)
        for point in points
    ]
    return pd.DataFrame(rows, columns=list(FRONT)).astype(FRONT)


def _points(front: Front, pair: str, run: Trajectory) -> Iterator[Point]:
    for (observable, distance), (mean, error) in run.curves().items():
        if observable == f"C_{pair}" and distance >= front.first_distance:
            found = crossing(run.times, mean, error, front.threshold)
            if found:
                yield (float(distance), *found)


def _read_off(front: Published) -> list[Point]:
    if front.observable != "front":
        raise ConfigError(
            f"`observable` of a published front must be front, but is {front.observable}."
        )
    points = [(d, t, np.nan) for d, t in zip(front.values, front.times, strict=True)]
    for distance, time, _ in points:
        if min(distance, time) <= 0:
            raise ConfigError(
                f"Times and distances of {front.label} must be positive, but are {time} and "
                f"{distance}."
            )
    return points


def crossing(
    times: np.ndarray, mean: np.ndarray, error: np.ndarray, threshold: float
) -> tuple[float, float] | None:
    """When a curve C(t) ± σ(t) first rises above the threshold, and the error of this time.

    A fluctuation at a single time is no crossing: the curve is above from k on, the first point
    that, like the one after it, exceeds the threshold by more than its σ; and it is below until i,
    the last point before k that, like the one before it, stays below by at least its σ. The time
    is that of the straight line from i to k at the threshold, and its error is δt = σ/|dC/dt| with
    the slope of this line.

    Without noise i and k are neighbours. With noise the slope between neighbours would be that of
    the noise, and δt too small; treating both sides alike keeps the time without bias.

    Returns
    -------
    tuple of float, or None
        Time and its error; nothing if the curve is never above, or from the start.
    """
    above, below = mean - error > threshold, mean + error <= threshold
    (risen,) = np.nonzero(above[:-1] & above[1:])
    if not risen.size:
        return None
    k = risen[0]
    before = np.concatenate([[True], below[:-1]])
    (low,) = np.nonzero((below & before)[:k])
    if not low.size:
        return None
    ends = [low[-1], k]
    (slope,) = np.diff(mean[ends]) / np.diff(times[ends])
    time, sigma = (np.interp(threshold, mean[ends], values[ends]) for values in (times, error))
    return float(time), float(sigma / slope)


def fit(points: list[Point]) -> tuple[float, float, float]:
    """The power law d = a·t^(1/b) through points of a front: a, b and the error of b.

    The distance is exact and the time has the error, so the fit is that of the time, and linear:
    ln t = b·(ln d − ln a), with variances (δt/t)² + s². No front follows a power law exactly, and
    that of a precise run would hang on its earliest points alone, whose δt is tiny. Therefore s,
    the scatter that the δt do not explain, is the smallest with χ² ≤ n − 2 (Paule and Mandel,
    J. Res. Natl. Bur. Stand. 87, 377 (1982)). Without any δt, as for exact runs and published
    fronts, this is the fit with equal weights and the error of b from the scatter.

    Returns
    -------
    tuple of float
        NaN where there are fewer than three points, or where they do not spread: at one distance,
        or not later the further they are.
    """
    distance, time, error = np.array(points).reshape(-1, 3).T
    if len(points) < FEWEST_POINTS or np.ptp(distance) == 0:
        return UNKNOWN
    x, y = np.log(distance), np.log(time)
    known = np.nan_to_num(error / time)
    # An error of zero among others would make all weights but one vanish.
    known = np.maximum(known, SMALLEST_SHARE * known.max())

    def excess(scatter: float) -> float:
        """χ² − (n − 2)."""
        total = np.hypot(known, scatter)
        slope, offset, _ = _line(x, y, total)
        return float(np.sum(((y - slope * x - offset) / total) ** 2)) - (len(points) - 2)

    scatter = SMALLEST_SCATTER
    if excess(scatter) > 0:
        # The upper end is more than the scatter around the mean, where χ² is certainly smaller.
        scatter = brentq(excess, scatter, len(points) * np.std(y))
    slope, offset, slope_error = _line(x, y, np.hypot(known, scatter))
    if slope < SMALLEST_EXPONENT:
        return UNKNOWN
    return float(np.exp(-offset / slope)), slope, slope_error


def _line(x: np.ndarray, y: np.ndarray, error: np.ndarray) -> tuple[float, float, float]:
    """Slope, offset and error of the slope, by weighted least squares."""
    (slope, offset), covariance = np.polyfit(x, y, 1, w=1 / error, cov="unscaled")
    return float(slope), float(offset), float(np.sqrt(covariance[0, 0]))
