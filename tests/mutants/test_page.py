"""The table of mutants: that of the results, and enough of them noticed."""

import page
import pytest

FOUND, WHY = page.results(), page.reasons()


def test_the_page_is_that_of_the_results():
    """Otherwise `make mutants-page` writes it."""
    assert page.PAGE.read_text(encoding="utf-8") == page.text(FOUND, WHY)


@pytest.mark.parametrize("file", [file for file in FOUND if file not in page.PLAN["plumbing"]])
def test_enough_mutants_are_noticed_where_physics_or_statistics_is_computed(file):
    _, killed, survived = page.counts(file, FOUND[file], WHY.get(file, []))
    assert killed >= page.LIMIT * (killed + survived)


def test_every_survivor_has_a_reason_and_every_reason_a_survivor():
    def changes(entries):
        return {file: {(one["was"], one["is"]) for one in entries(file)} for file in FOUND}

    survivors = changes(lambda file: FOUND[file]["survivors"])
    assert changes(lambda file: WHY.get(file, [])) == survivors
    assert WHY.keys() <= FOUND.keys()


def test_the_plan_names_files_that_are_there():
    files = set(page.planned())
    assert {*page.PLAN["plumbing"], *page.PLAN["tests"]} <= files
    tests = {test.partition("::")[0] for file in files for test in page.tests_of(file)}
    assert not [test for test in tests if not (page.ROOT / test).exists()]


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    # Newcombe, Statistics in Medicine 17, 857 (1998), table I.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_interval_of_wilson(successes, trials, low, high):
    assert page.wilson(successes, trials) == pytest.approx((low, high), abs=1e-4)
