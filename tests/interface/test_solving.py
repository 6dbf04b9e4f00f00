"""Solving from Python: results, files that equal those of the pipeline, and going on."""

import hashlib

import numpy as np
import pytest
import xarray

import opentdvp as od
from opentdvp.config import Deck
from opentdvp.errors import ConfigError, FileError, NumericalFailure
from opentdvp.records import timing
from opentdvp.records.result_code import ResultCode

SYSTEM = od.System.chain(
    3, couplings={"ZZ": 1}, fields={"X": 0.5}, jumps=[od.Jump("sigma_minus", 1.0)],
    start={"Z": 1}, stop=1, points=5,
)  # fmt: skip


@pytest.fixture(scope="module")
def exact():
    return od.solve(SYSTEM, od.Exact(), progress=False)


def test_a_result_says_what_how_well_and_how_long(exact):
    text = repr(exact)
    assert "exact of ring N = 3" in text
    assert "5 times from 0 to 1" in text
    assert "X, Y, Z, C_XX (1), C_YY (1), C_ZZ (1)" in text
    assert "succeeded; no standard errors" in text
    assert f"{exact.wall_seconds:.1f} s" in text
    assert "<table>" in exact._repr_html_()
    assert exact.system == SYSTEM
    assert exact.solver == od.Exact()
    assert exact.run_id == Deck(system=SYSTEM, solver=od.Exact()).run_id


def test_curves_are_found_by_their_names(exact):
    mean, error = exact["C_ZZ(1)"]
    np.testing.assert_array_equal(mean, exact.curves["C_ZZ", 1][0])
    assert not error.any()
    with pytest.raises(ConfigError, match=r"must be one of X, .*but is C_ZZ\(2\)"):
        exact["C_ZZ(2)"]


def test_tables_have_the_numbers_of_the_curves_and_those_of_the_file(exact, tmp_path):
    saved = exact.save(tmp_path / "run.h5")
    dataset, frame = exact.to_xarray(), exact.to_pandas()
    with xarray.open_dataset(saved.path, group="observables") as shown:
        xarray.testing.assert_identical(shown.load(), dataset)
    for (name, distance), (mean, _) in exact.curves.items():
        chosen = dataset[name].sel(distance=distance) if distance else dataset[name]
        np.testing.assert_array_equal(chosen, mean)
        np.testing.assert_array_equal(frame.loc[name, distance]["mean"], mean)
    assert od.read(str(saved.path)).timing == exact.timing


def test_a_file_that_is_there_is_read_and_not_computed_again(tmp_path, monkeypatch):
    out = tmp_path / "run.h5"
    first = od.solve(SYSTEM, od.ExactReduced(), out=out, progress=False)
    content = hashlib.sha256(out.read_bytes()).digest()
    monkeypatch.setattr("opentdvp.running.solve.method_of", None)
    again = od.solve(SYSTEM, od.ExactReduced(), out=str(out), progress=False)
    assert again.run_id == first.run_id
    assert again.path == out
    assert hashlib.sha256(out.read_bytes()).digest() == content
    assert (
        list(tmp_path.glob("*")) == [out, timing.timing_path(out)]
        or len(list(tmp_path.glob("*"))) == 2
    )


def test_a_file_of_another_run_is_replaced_only_if_told(tmp_path):
    out = tmp_path / "run.h5"
    od.solve(SYSTEM, od.ExactReduced(), out=out, progress=False)
    with pytest.raises(FileError, match="`out` must be a new file or one of the run"):
        od.solve(SYSTEM, od.Exact(), out=out, progress=False)
    replaced = od.solve(SYSTEM, od.Exact(), out=out, resume=False, progress=False)
    assert replaced.solver == od.Exact()


def test_an_interrupted_run_goes_on_to_the_same_bytes(tmp_path, monkeypatch):
    """Stopped by the keyboard, as by the button of a notebook."""
    whole, parts = tmp_path / "whole.h5", tmp_path / "parts.h5"
    od.solve(SYSTEM, od.ExactReduced(), out=whole, progress=False)
    told = []

    def stop(time, **values):
        told.append(time)
        if len(told) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr("opentdvp.interface.progress.show_nothing", stop)
    with pytest.raises(KeyboardInterrupt):
        od.solve(SYSTEM, od.ExactReduced(), out=parts, progress=False)
    assert not parts.exists()
    resumed = od.solve(SYSTEM, od.ExactReduced(), out=parts, progress=False)
    assert resumed.timing["resumed"]
    assert parts.read_bytes() == whole.read_bytes()
    assert not list(tmp_path.glob("*.npz"))


def test_what_cannot_be_solved_is_refused_before_any_work():
    closed = od.System.chain(3, start={"Z": 1}, stop=1, jumps=[od.Jump("X", 1)])
    with pytest.raises(ConfigError, match="jumps"):
        od.solve(closed, od.Mps.preset("quick"), progress=False)
    with pytest.raises(ConfigError, match=r"Argument `system` must be made by od\.System"):
        od.solve({"lattice": 3}, od.Exact())


def test_a_run_that_fails_says_what_helps(monkeypatch):
    def failing(deck, report):
        from dataclasses import replace

        solved = od.solve(SYSTEM, od.ExactReduced(), progress=False).trajectory
        return replace(solved, result=ResultCode.NOT_FINITE)

    earlier = __import__("opentdvp.running.solvers", fromlist=["x"]).method_of
    calls = iter([lambda deck: failing, earlier])
    monkeypatch.setattr("opentdvp.running.solvers.method_of", lambda deck: next(calls)(deck))
    with pytest.raises(NumericalFailure, match=r"not_finite.*use smaller rates"):
        od.solve(SYSTEM, od.ExactReduced(), progress=False)


def test_comparisons_say_whether_a_result_is_within_its_tolerance(exact):
    reduced = od.solve(SYSTEM, od.ExactReduced.preset("quick"), progress=False)
    near = od.compare(reduced, exact, tolerance=1e-4)
    assert near.passed
    assert 0 < near.largest < 1e-4
    assert "within the tolerance" in repr(near)
    assert not od.compare(reduced, exact, tolerance=near.largest / 2).passed
    assert "C_ZZ(1)" in near._repr_html_()


def test_figures_show_what_is_asked_for(exact):
    reduced = od.solve(SYSTEM, od.ExactReduced(), progress=False)
    beside = od.plot(reduced, reference=exact, observables=["X", "Y", "C_XX(1)"])
    labels = [axes.get_ylabel() for axes in beside.axes]
    assert labels[:2] == ["magnetisation", "correlator at $d = 1$"]
    x, y = beside.axes[0].lines[:2]
    np.testing.assert_allclose(x.get_ydata()[::8], reduced["X"][0])
    np.testing.assert_allclose(y.get_ydata()[::8], reduced["Y"][0])
    alone = od.plot(exact)
    assert [axes.get_ylabel() for axes in alone.axes] == ["magnetisation", "correlator at $d = 1$"]
    with pytest.raises(ConfigError, match="`observables` must be one of X"):
        od.plot(exact, observables=["W"])
