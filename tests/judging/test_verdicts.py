"""Verdicts: largest differences against tolerances."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from solvers import ENUMERATION, direct, exact, tdvp
from systems import heisenberg_ring
from trajectories import LOOSE, damped, flat

from opentdvp.config import ExactSolver, TdvpSolver
from opentdvp.config.comparison import Tolerance
from opentdvp.judging import compare, summarize
from opentdvp.judging.tables import SUMMARY
from opentdvp.records.trajectory import Trajectory


def verdict(candidate: Trajectory, reference: Trajectory, tolerance: float) -> "pd.Series[Any]":
    limits = Tolerance(magnetization=tolerance, correlators=1e-9)
    points = compare(candidate, reference, limits)
    return summarize(points, limits, candidate, reference).iloc[0]


def test_summary_by_hand() -> None:
    row = verdict(flat([0.0, 3, -4, 0], 0.5), flat(0, [0, 0, 3.2, 0]), tolerance=10)
    assert (row["observable"], row["distance"]) == ("X", 0)
    assert row["max_difference"] == 4
    assert row["time_of_max"] == 2
    assert row["rms_difference"] == pytest.approx(np.sqrt((9 + 16) / 4))
    # 3 is six errors of 0.5, 4 is little more than one of 3.24.
    assert row["beyond_4_errors"] == 1 / 4
    third = 4 / np.hypot(0.5, 3.2)
    assert row["max_in_errors"] == pytest.approx(6)
    assert row["rms_in_errors"] == pytest.approx(np.sqrt((36 + third**2) / 4))
    assert row["largest_error"] == pytest.approx(np.hypot(0.5, 3.2))
    # Without its own error the largest difference is √(16 − 3.2²) = 2.4, so that of time 1 counts.
    assert row["excess"] == pytest.approx(3)


@pytest.mark.parametrize(("tolerance", "passed"), [(0.0301, True), (0.0299, False)])
def test_verdict_on_both_sides_of_the_tolerance(tolerance: float, passed: bool) -> None:
    """The reference's error is subtracted in quadrature, 0.05² − 0.04² = 0.03²."""
    row = verdict(flat(0.05, 1.0), flat(0, 0.04), tolerance)
    assert row["passed"] == passed
    assert row["excess"] == pytest.approx(0.03)


def test_a_difference_as_large_as_the_tolerance_passes() -> None:
    """With numbers that need no rounding."""
    row = verdict(flat(0.25, 0.0), flat(0, 0), tolerance=0.25)
    assert row["excess"] == 0.25
    assert row["passed"]


@pytest.mark.parametrize(("errors", "share"), [(3.5, 0), (4, 0), (4.5, 0.5)])
def test_far_is_more_than_four_errors(errors: float, share: float) -> None:
    row = verdict(flat([0, errors, 0, -errors], 1.0), flat(0, 0), tolerance=10)
    assert row["beyond_4_errors"] == share


def test_difference_below_the_error_of_the_reference_is_no_excess() -> None:
    assert verdict(flat(0.03, 0.0), flat(0, 0.04), tolerance=1e-6)["excess"] == 0


def test_curve_with_a_value_that_is_not_finite_never_passes() -> None:
    run, limits = flat(0, 0.1), Tolerance(magnetization=1, correlators=1)
    points = compare(run, run, limits)
    points.loc[2, "difference"] = np.nan
    assert not summarize(points, limits, run, run)["passed"].any()


def test_nothing_is_said_in_errors_where_there_are_none() -> None:
    """Neither of two exact runs has an error: no share of the times is within four of them."""
    row = verdict(flat(1, 0), flat(0, 0), tolerance=2)
    assert np.isnan(row["beyond_4_errors"])
    assert np.isnan(row["max_in_errors"])
    assert verdict(flat(1, [0, 0, 0, 0.1]), flat(0, 0), tolerance=2)["beyond_4_errors"] == 1


def test_correlators_have_their_own_tolerance() -> None:
    limits = Tolerance(magnetization=1e-9, correlators=1)
    candidate, reference = damped(error=0.01, seed=1), damped()
    summary = summarize(compare(candidate, reference, limits), limits, candidate, reference)
    np.testing.assert_array_equal(summary["passed"], summary["distance"] > 0)


def test_summary_names_the_runs() -> None:
    candidate = damped(
        solver=tdvp(sampling=direct(4096, 512, 20000)), revision="b" * 40 + "+changes"
    )
    reference = damped(system=heisenberg_ring(10), revision="a" * 40)
    table = summarize(compare(candidate, reference, LOOSE), LOOSE, candidate, reference)
    assert list(table.columns) == list(SUMMARY)
    expected = {
        "candidate_size": "6",
        "candidate_method": "tdvp",
        "candidate_run": candidate.run_id[:12],
        "candidate_revision": "b" * 12 + "+changes",
        "solve_samples": "4096",
        "observable_samples": "20000",
        "reference_size": "10",
        "reference_method": "exact",
        "reference_run": reference.run_id[:12],
        "reference_revision": "a" * 12,
        "mixed_revisions": True,
    }
    for _, row in table.iterrows():
        assert {key: row[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("solver", "samples"),
    [(tdvp(sampling=ENUMERATION), "enumeration"), (exact(), "none")],
)
def test_summary_of_runs_without_samples(solver: ExactSolver | TdvpSolver, samples: str) -> None:
    row = verdict(flat(0, 0, solver=solver), flat(0, 0), tolerance=1)
    assert (row["solve_samples"], row["observable_samples"]) == (samples, samples)
    assert not row["mixed_revisions"]
