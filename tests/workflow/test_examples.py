"""The example systems, as they stand in config/examples: runs, comparisons, figures."""

from pathlib import Path

import pytest

from opentdvp.config import load
from opentdvp.judging import read_summary

EXAMPLES = sorted((Path(__file__).parents[2] / "config" / "examples").glob("*.yaml"))


def test_there_are_examples():
    assert len(EXAMPLES) >= 6


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_within_its_tolerance(path, tmp_path, monkeypatch, call):
    monkeypatch.chdir(tmp_path)
    study = load(path)
    for run in study.used():
        out = study.output.trajectory(run)
        out.parent.mkdir(parents=True, exist_ok=True)
        code, _, said = call("run", path, run.system, run.solver, "--out", out)
        assert code == 0, said
    for name, comparison in study.comparisons.items():
        points, summary = study.output.points(name), study.output.summary(name)
        points.parent.mkdir(parents=True, exist_ok=True)
        files = [study.output.trajectory(r) for r in (comparison.candidate, comparison.reference)]
        tables = ["--points", points, "--summary", summary]
        assert call("compare", path, name, *files, *tables)[0] == 0
        found = read_summary(summary)
        assert found.passed.all(), found[["observable", "distance", "max_difference"]]
    for name in study.figures:
        assert call("plot", path, name, "--out", tmp_path / f"{name}.png")[0] == 0
        assert (tmp_path / f"{name}.png").stat().st_size > 10_000
