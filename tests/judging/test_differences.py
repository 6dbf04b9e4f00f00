"""Differences at every time: interpolation, and standard errors."""

import numpy as np
from trajectories import LOOSE, damped, flat

from opentdvp.judging import compare
from opentdvp.judging.tables import POINTS


def test_one_row_per_observable_distance_and_time() -> None:
    points = compare(damped(31), damped(61), LOOSE)
    assert list(points.columns) == list(POINTS)
    assert len(points) == (3 + 3 * 2) * 31
    assert not points.duplicated(["observable", "distance", "time"]).any()
    # Rows are numbered through, so that none is taken for one of another curve.
    assert points.index.is_unique
    assert set(points["distance"][points["observable"] == "X"]) == {0}
    assert set(points["distance"][points["observable"] == "C_XX"]) == {1, 2}
    correlators = points["distance"] > 0
    assert set(points["tolerance"][correlators]) == {LOOSE.correlators}
    assert set(points["tolerance"][~correlators]) == {LOOSE.magnetization}


def test_values_belong_to_their_distance() -> None:
    run = damped(31)
    points = compare(run, damped(61), LOOSE)
    for column, distance in enumerate((1, 2)):
        rows = points[(points["observable"] == "C_YY") & (points["distance"] == distance)]
        np.testing.assert_array_equal(rows["candidate"], run.observables["C_YY"].mean[:, column])
        np.testing.assert_allclose(rows["difference"], 0, atol=1e-15)


def test_interpolation_is_of_fourth_order() -> None:
    """Inside, a cubic spline through a sine errs by at most 5h⁴/384; its ends are worse."""
    fine = np.linspace(0, 3, 997)
    candidate = flat(np.sin(fine), 0, fine)
    largest = []
    for points in (31, 61):
        coarse = np.linspace(0, 3, points)
        rows = compare(candidate, flat(np.sin(coarse), 0, coarse), LOOSE)
        largest.append(rows["difference"].abs().max())
        assert largest[-1] < (3 / (points - 1)) ** 4 / 32
    assert largest[0] / largest[1] > 12


def test_equal_times_are_not_interpolated() -> None:
    rng = np.random.default_rng(0)
    values = rng.standard_normal(4)
    rows = compare(flat(0, 0), flat(values, 0), LOOSE)
    np.testing.assert_allclose(rows["reference"], values, rtol=1e-14)


def test_uneven_times_are_compared_where_the_candidate_has_them() -> None:
    """With a reference that has them among others, uneven too, and with one that has them alone."""
    times = np.array([0.2, 0.5, 1.3, 2.9])
    more = np.unique(np.concatenate([times, np.linspace(0.1, 1, 60) ** 2 * 3]))
    candidate = flat(np.sin(times) + 0.01, 0, times)
    for grid in (more, times):
        rows = compare(candidate, flat(np.sin(grid), 0, grid), LOOSE)
        np.testing.assert_array_equal(rows["time"], times)
        np.testing.assert_allclose(rows["difference"], 0.01, rtol=1e-12)
    between = compare(flat(np.sin([0.3, 2.0]), 0, [0.3, 2.0]), flat(np.sin(more), 0, more), LOOSE)
    assert 0 < between["difference"].abs().max() < 1e-4


def test_one_time_alone_is_compared() -> None:
    rows = compare(flat(0.5, 0, [2.0]), flat(0.2, 0.1, [2.0]), LOOSE)
    assert rows[["time", "difference", "combined_error"]].to_numpy().tolist() == [[2.0, 0.3, 0.1]]
    later = compare(flat(0.5, 0, [2.0]), flat([0.2, 0.4, 0.6], 0, [1.0, 2.0, 3.0]), LOOSE)
    np.testing.assert_allclose(later["difference"], 0.1, rtol=1e-12)


def test_errors_of_the_reference_are_interpolated_linearly() -> None:
    reference = flat(0, [0, 1, 2, 3])
    rows = compare(flat(0, 0, [0.0, 0.5, 1.5, 3.0]), reference, LOOSE)
    np.testing.assert_allclose(rows["reference_error"], [0, 0.5, 1.5, 3])


def test_differences_in_errors() -> None:
    rows = compare(flat([0.0, 1, -1, 2], [3, 3, 0, 0]), flat(0, [4, 4, 0.5, 0]), LOOSE)
    np.testing.assert_allclose(rows["difference"], [0, 1, -1, 2], atol=1e-15)
    np.testing.assert_allclose(rows["candidate_error"], [3, 3, 0, 0])
    np.testing.assert_allclose(rows["combined_error"], [5, 5, 0.5, 0])
    np.testing.assert_allclose(rows["in_errors"], [0, 0.2, -2, np.nan], atol=1e-15)
