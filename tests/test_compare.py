from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from solvers import ENUMERATION, direct, exact, tdvp
from systems import heisenberg_ring
from trajectories import damped, make

from opentdvp.compare import compare, read_points, read_summary, summarize, write_table
from opentdvp.compare.tables import POINTS, SUMMARY
from opentdvp.config import ExactSolver, System, TdvpSolver
from opentdvp.config.comparison import Tolerance
from opentdvp.errors import ConfigError, FileError, NumericalFailure, OpentdvpError
from opentdvp.results import ResultCode
from opentdvp.trajectory import Observable, Trajectory

LOOSE = Tolerance(magnetization=0.05, correlators=0.02)


def flat(
    values: Any, errors: Any, times: Any = (0.0, 1.0, 2.0, 3.0), **settings: Any
) -> Trajectory:
    """A trajectory of <X> alone."""
    grid = np.asarray(times, dtype=float)
    mean = np.broadcast_to(np.asarray(values, dtype=float), grid.shape)
    error = np.broadcast_to(np.asarray(errors, dtype=float), grid.shape)
    return make({"X": Observable(mean, error)}, grid, **settings)


def verdict(candidate: Trajectory, reference: Trajectory, tolerance: float) -> "pd.Series[Any]":
    limits = Tolerance(magnetization=tolerance, correlators=1e-9)
    points = compare(candidate, reference, limits)
    return summarize(points, limits, candidate, reference).iloc[0]


def test_one_row_per_observable_distance_and_time() -> None:
    points = compare(damped(31), damped(61), LOOSE)
    assert list(points.columns) == list(POINTS)
    assert len(points) == (3 + 3 * 2) * 31
    assert not points.duplicated(["observable", "distance", "time"]).any()
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


def test_errors_of_the_reference_are_interpolated_linearly() -> None:
    reference = flat(0, [0, 1, 2, 3])
    rows = compare(flat(0, 0, [0.0, 0.5, 1.5, 3.0]), reference, LOOSE)
    np.testing.assert_allclose(rows["reference_error"], [0, 0.5, 1.5, 3])


def test_differences_in_errors() -> None:
    rows = compare(flat([0.0, 1, -1, 2], [3, 3, 0, 0]), flat(0, [4, 4, 0.5, 0]), LOOSE)
    np.testing.assert_allclose(rows["difference"], [0, 1, -1, 2], atol=1e-15)
    np.testing.assert_allclose(rows["combined_error"], [5, 5, 0.5, 0])
    np.testing.assert_allclose(rows["in_errors"], [0, 0.2, -2, np.nan], atol=1e-15)


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


def test_difference_below_the_error_of_the_reference_is_no_excess() -> None:
    assert verdict(flat(0.03, 0.0), flat(0, 0.04), tolerance=1e-6)["excess"] == 0


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


def test_tables_come_back(tmp_path: Path) -> None:
    candidate, reference = damped(error=0.005, seed=1, solver=tdvp()), damped(error=0.0)
    candidate.observables["X"].stderr[0] = 0  # one value that is not defined
    points = compare(candidate, reference, LOOSE)
    summary = summarize(points, LOOSE, candidate, reference)
    paths = tmp_path / "points.tsv", tmp_path / "summary.tsv"
    for table, path in zip((points, summary), paths, strict=True):
        write_table(table, path)
    for read, path, table in zip(
        (read_points, read_summary), paths, (points, summary), strict=True
    ):
        pd.testing.assert_frame_equal(read(path), table, rtol=1e-5, check_dtype=False)
    assert "0.05\t" in paths[0].read_text()
    assert "0.05000" not in paths[0].read_text()


def test_ids_of_digits_stay_text(tmp_path: Path) -> None:
    run = flat(0, 0)
    points = compare(run, run, LOOSE)
    summary = summarize(points, LOOSE, run, run).assign(candidate_run="001234567890")
    write_table(summary, tmp_path / "summary.tsv")
    assert read_summary(tmp_path / "summary.tsv")["candidate_run"].iloc[0] == "001234567890"


@pytest.mark.parametrize("content", [None, "", "observable\tdistance\nX\t0\n", "\x00\x01"])
def test_broken_tables_are_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "points.tsv"
    if content is not None:
        path.write_text(content)
    with pytest.raises(FileError, match=r"^Cannot read .*points\.tsv: .*\.$"):
        read_points(path)


def test_unwritable_table_is_refused(tmp_path: Path) -> None:
    run = flat(0, 0)
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="Cannot write"):
        write_table(compare(run, run, LOOSE), tmp_path / "file" / "points.tsv")


def without(run: Trajectory, name: str) -> Trajectory:
    return replace(run, observables={k: v for k, v in run.observables.items() if k != name})


def spoiled(run: Trajectory) -> Trajectory:
    run.observables["C_XX"].mean[6, 1] = np.nan
    return run


@pytest.mark.parametrize(
    "system",
    [
        heisenberg_ring(10),
        heisenberg_ring(6, couplings={"ZZ": 1.0, "YY": 0.0, "XX": 2.0}),
        heisenberg_ring(6, fields={"Z": 1.0, "X": 0.0}),
        heisenberg_ring(6, terms=[{"operators": "X", "sites": [0], "strength": 0.0}]),
        heisenberg_ring(
            6, jumps=[{"operator": "Z", "rate": 0.0}, {"operator": "sigma_minus", "rate": 1.0}]
        ),
        heisenberg_ring(6, time={"stop": 4.0, "points": 5}, observables={}),
    ],
)
def test_size_and_zeros_may_differ(system: System) -> None:
    points = compare(damped(), damped(system=system), LOOSE)
    np.testing.assert_allclose(points["difference"], 0, atol=1e-15)


PHYSICS: list[tuple[str, dict[str, Any], str]] = [
    (
        "couplings",
        {"couplings": {"XX": 2.0, "ZZ": 1.1}},
        r'\{"XX": 2.0, "ZZ": 1.0\} as in the candidate, but is \{"XX": 2.0, "ZZ": 1.1\}',
    ),
    ("fields", {"fields": {}}, r'\{"Z": 1.0\} as in the candidate, but is \{\}'),
    ("terms", {"terms": [{"operators": "X", "sites": [0], "strength": 1.0}]}, r"\[\] as in"),
    ("jumps", {"jumps": [{"operator": "sigma_minus", "rate": 0.5}]}, r'.*"rate": 0.5.*'),
    ("start", {"start": {"Y": 1.0}}, r'.*but is .*"Y": 1.0'),
    (
        "lattice.periodic",
        {"lattice": {"kind": "chain", "size": [6], "periodic": False}},
        "true as in the candidate, but is false",
    ),
    (
        "lattice.kind",
        {"lattice": {"kind": "square", "size": [6, 3], "periodic": True}},
        '"chain" as in the candidate, but is "square"',
    ),
]


@pytest.mark.parametrize(("key", "changes", "message"), PHYSICS, ids=[row[0] for row in PHYSICS])
def test_other_physics_is_refused(key: str, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=rf"^`reference\.system\.{key}` must be {message}"):
        compare(damped(), damped(system=heisenberg_ring(6, **changes)), LOOSE)


def cut(run: Trajectory, keep: slice) -> Trajectory:
    observables = {
        name: Observable(entry.mean[keep], entry.stderr[keep], entry.distances)
        for name, entry in run.observables.items()
    }
    return replace(run, times=run.times[keep], observables=observables)


def near(run: Trajectory) -> Trajectory:
    """Correlators at distance 1 only."""
    observables = {
        name: Observable(entry.mean[:, :1], entry.stderr[:, :1], (1,)) if entry.distances else entry
        for name, entry in run.observables.items()
    }
    return replace(run, observables=observables)


REFUSED: list[tuple[Trajectory, Trajectory, type[OpentdvpError], str]] = [
    (
        damped(result=ResultCode.STEP_SIZE_COLLAPSE),
        damped(),
        NumericalFailure,
        "`candidate.result` must be success, but is step_size_collapse: The step fell below "
        "minimal_step",
    ),
    (
        damped(),
        damped(result=ResultCode.NOT_FINITE),
        NumericalFailure,
        "`reference.result` must be success, but is not_finite: A NaN",
    ),
    (
        damped(),
        replace(damped(), deck='{"version":2}'),
        FileError,
        "`reference.deck` must be a deck of this version of opentdvp, but is not.",
    ),
    (
        damped(),
        cut(damped(), slice(41)),
        ConfigError,
        "`reference.times` must reach the candidate's last time 3, but ends at 2.",
    ),
    (
        damped(),
        cut(damped(), slice(10, None)),
        ConfigError,
        "`reference.times` must begin at 0 as in the candidate, but begins at 0.5.",
    ),
    (
        damped(),
        without(damped(), "Y"),
        ConfigError,
        "`reference.observables` must have every observable of the candidate, but lacks Y.",
    ),
    (
        damped(),
        near(without(damped(), "C_XX")),
        ConfigError,
        "but lacks C_XX at distance 1, C_XX at distance 2, C_YY at distance 2, C_ZZ at distance 2.",
    ),
    (
        spoiled(damped()),
        damped(),
        FileError,
        "`candidate.observables` must be finite, but C_XX at distance 2 at time 0.3 is nan ± 0.",
    ),
    (
        damped(),
        spoiled(damped()),
        FileError,
        "`reference.observables` must be finite, but C_XX at distance 2 at time 0.3",
    ),
]


@pytest.mark.parametrize(("candidate", "reference", "kind", "message"), REFUSED)
def test_runs_that_cannot_be_compared_are_refused(
    candidate: Trajectory, reference: Trajectory, kind: type[OpentdvpError], message: str
) -> None:
    with pytest.raises(kind) as caught:
        compare(candidate, reference, LOOSE)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
