"""Last words of a workflow: which comparisons are beyond their tolerance."""

import pytest
from pipeline import TINY
from trajectories import damped, flat

from opentdvp.compare import compare, summarize, verdicts, write_table
from opentdvp.config import Study, load
from opentdvp.config.comparison import Shortfall, Tolerance

LIMITS = Tolerance(magnetization=0.01, correlators=0.01)


@pytest.fixture
def study(tmp_path, monkeypatch) -> Study:
    """Three comparisons: one misses by 0.03 in X, one passes, the last is not made."""
    study = load(TINY)
    monkeypatch.chdir(tmp_path)
    missed, passed, _ = study.comparisons
    for name, candidate in ((missed, flat(0.03, 0.0)), (passed, flat(0, 0.0))):
        runs = candidate, flat(0, 0.0)
        points = compare(*runs, LIMITS)
        write_table(summarize(points, LIMITS, *runs), study.output.summary(name))
    return study


def test_misses_are_counted_and_named_with_what_is_furthest_off(study):
    count, miss, left = verdicts(study)
    assert count == "BEYOND THEIR TOLERANCE: 1 of 2 comparisons."
    assert miss == "ring_3: X; at worst X, off by 0.03 of 0.01 allowed."
    assert left == "Not compared yet: 1."


@pytest.mark.parametrize(("known", "said"), [(0.04, True), (0.02, False)])
def test_a_known_miss_says_where_it_is_explained(study, known, said):
    limits = {"magnetization": known, "correlators": known}
    missing = {"shortfall": Shortfall(**limits, explained="the README")}
    comparisons = dict(study.comparisons)
    comparisons["ring_3"] = comparisons["ring_3"].model_copy(update=missing)
    line = verdicts(study.model_copy(update={"comparisons": comparisons}))[1]
    assert line.endswith(", as explained in the README.") == said


def test_the_furthest_off_is_measured_by_its_tolerance(study):
    """A correlator that is less off, but allowed less."""
    limits = Tolerance(magnetization=0.02, correlators=1e-6)
    runs = damped(error=0.01, seed=1), damped()
    table = summarize(compare(*runs, limits), limits, *runs)
    write_table(table, study.output.summary("ring_3"))
    assert "; at worst C_" in verdicts(study)[1]


def test_without_a_miss_it_says_so(study):
    study.output.summary("ring_3").unlink()
    assert verdicts(study)[0] == "All comparisons are within their tolerance: 1 of 1."
