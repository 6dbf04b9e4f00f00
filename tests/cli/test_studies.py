"""Commands that judge and show, on files of made-up runs: damage, stale tables, misses."""

import os
import random
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from pipeline import TINY
from trajectories import write_archive

from opentdvp import config
from opentdvp.records import trajectory
from opentdvp.records.result_code import ResultCode
from opentdvp.study import last_words, published, sentences, verdicts
from opentdvp.study.verification import verify

RUN = "results/runs/ring_3/tdvp.h5"
POINTS, SUMMARY = "results/tables/ring_3.points.tsv", "results/tables/ring_3.summary.tsv"
COMPARE = ("compare", "tiny.yaml", "ring_3", RUN, "results/runs/ring_3/exact.h5")
COMPARE += ("--points", "points.tsv", "--summary", "summary.tsv")
OVERVIEW = ("overview", "tiny.yaml", "--out", "tables")


def plot(figure):
    return ("plot", "tiny.yaml", figure, "--out", f"{figure}.png")


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    folder = tmp_path_factory.mktemp("archive")
    shutil.copy(TINY, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_archive(config.load(Path("tiny.yaml")))
    return folder


@pytest.fixture
def folder(archive, tmp_path, monkeypatch):
    """A copy of the archive, to work in."""
    shutil.copytree(archive, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def refused(call):
    """Run a command that must end with one clear line; return it."""

    def run(*arguments):
        code, _, errors = call(*arguments)
        assert (code, len(errors)) == (1, 1), errors
        assert errors[0].startswith("error: ")
        return errors[0]

    return run


def edit(change):
    """Change the configuration that the commands read."""
    path = Path("tiny.yaml")
    tree = yaml.safe_load(path.read_text())
    change(tree)
    path.write_text(yaml.safe_dump(tree, sort_keys=False, allow_unicode=True))


#: Files, and commands that read them.
READERS = [
    (RUN, [COMPARE, plot("dynamics"), OVERVIEW]),
    ("results/runs/ring_3/exact.h5", [COMPARE, ("derive", "tiny.yaml", "front", "--out", "t.tsv")]),
    ("results/runs/ring_3/tdvp.timing.json", [OVERVIEW]),
    (POINTS, [plot("dynamics"), plot("heatmap")]),
    (SUMMARY, [OVERVIEW]),
    ("results/tables/front.figure.tsv", [plot("front")]),
    ("results/tables/scan.figure.tsv", [plot("scan")]),
]


def damages(content):
    """What may stand in a file in place of its content."""
    first = content.partition(b"\n")[0]
    yield from (b"", b"\n", b"\x00\xff" * 20, b"[" * 100_000, b"[]", b"{}", b"observable\n1\n")
    yield from (content[: len(content) // 2], first, first + b"\n")
    if b"\0" in content:  # HDF5, which may have anything behind its end
        return
    yield content + content
    for old in (b"0.1", b"0.05", b"\t0\t", b"True", b"1.0"):
        for new in (b"nan", b"inf", b"1e999", b"-7", b"text", b""):
            if old in content:
                yield content.replace(old, old[:1] + new + b"\t" if old[:1] == b"\t" else new)


@pytest.mark.parametrize(("name", "commands"), READERS, ids=[name for name, _ in READERS])
def test_damaged_files_are_named_in_one_line(folder, refused, name, commands):
    path = Path(name)
    content = path.read_bytes()
    for damaged in damages(content):
        if damaged == content:
            continue
        path.write_bytes(damaged)
        for command in commands:
            assert name in refused(*command), damaged[:200]
    path.unlink()
    for command in commands:
        assert name in refused(*command)
    path.mkdir()
    for command in commands:
        assert name in refused(*command)
    assert not [*folder.glob("*.tsv"), *folder.glob("*.png"), *folder.glob("tables/*")]


def test_overview_needs_what_the_timing_says(folder, refused):
    path = Path("results/runs/ring_3/tdvp.timing.json")
    for damaged in (
        '{"wall_seconds": 1}',
        '{"wall_seconds": "1", "peak_memory_MiB": 2}',
        "3",
        "NaN",
    ):
        path.write_text(damaged)
        assert f"Cannot read {path}" in refused(*OVERVIEW)


def cut(run):
    """The run without its last time."""
    observables = {
        name: replace(entry, mean=entry.mean[:-1], stderr=entry.stderr[:-1])
        for name, entry in run.observables.items()
    }
    return replace(run, times=run.times[:-1], observables=observables)


def spoil(run):
    run.observables["Z"].stderr[2] = np.nan
    return run


INCOMPLETE = {
    "its result must be success, but is not_finite": lambda run: replace(
        run, result=ResultCode.NOT_FINITE
    ),
    "its times must be 6 from 0 to 0.1, but are 5 from 0 to 0.08": cut,
    "it must have every observable, but lacks Z": lambda run: replace(
        run, observables={k: v for k, v in run.observables.items() if k != "Z"}
    ),
    "its observables must be finite, but Z at time 0.04 is": spoil,
}


@pytest.mark.parametrize("message", INCOMPLETE)
def test_runs_that_are_not_whole_are_neither_judged_nor_drawn(folder, refused, message):
    """Whatever a figure shows of them would look like a result."""
    trajectory.write(INCOMPLETE[message](trajectory.read(Path(RUN))), Path(RUN))
    for command in (COMPARE, plot("runs"), plot("residuals"), OVERVIEW):
        assert f"{RUN}: {message}" in refused(*command)


def test_tables_of_another_run_or_tolerance_are_not_shown(folder, refused):
    """As after a change of the configuration, or a new run, without new tables."""
    run = trajectory.read(Path(RUN))
    run.observables["Z"].mean[3] += 1e-3
    trajectory.write(run, Path(RUN))
    assert f"{POINTS} is not the table of the runs; make it again" in refused(*plot("dynamics"))
    edit(lambda tree: tree["comparisons"]["ring_3"]["tolerance"].update(magnetization=0.2))
    assert f"{SUMMARY} is not of the runs and tolerances" in refused(*OVERVIEW)
    edit(lambda tree: tree["figures"]["front"].update(threshold=2e-3))
    assert "front.figure.tsv is not the table of the runs" in refused(*plot("front"))


def test_overview_of_what_is_finished_keeps_the_figure_of_a_scan(folder, call):
    """Its runs are there, and only its tables are not."""
    for path in Path("results/tables").glob("tolerances_*"):
        path.unlink()
    code, output, errors = call(*OVERVIEW, "--finished")
    assert (code, errors) == (0, [])
    assert "Within tolerance: all 1 comparisons." in output
    assert "| scan | 3 |" in Path("tables/runs.md").read_text()
    assert "tolerances" not in Path("tables/overview.md").read_text()
    for path in Path("results/runs").rglob("tdvp.h5"):
        path.unlink()
    code, output, errors = call(*OVERVIEW, "--finished")
    assert (code, errors, output) == (0, [], "Nothing has been compared.\n")


def test_overview_has_the_panels_that_are_left(folder, call):
    """A panel is there as long as anything is judged by its reference; its page, if any is."""
    page = Path("tables/panels.md")
    Path("results/runs/ring_3/tdvp.h5").unlink()
    assert call(*OVERVIEW, "--finished")[0] == 0
    assert page.read_text().splitlines()[2] == (
        "| ring of 3 | ring_3, exact, 0.0167 min | reference |  |  |  |  |  |"
    )
    shutil.rmtree("tables")
    Path("results/runs/ring_3/exact.h5").unlink()
    assert call(*OVERVIEW, "--finished")[0] == 0
    assert Path("tables/overview.md").exists()
    assert not page.exists()


def test_overview_has_no_page_of_panels_unless_they_are_configured(folder, call):
    edit(lambda tree: tree.pop("panels"))
    assert call(*OVERVIEW)[0] == 0
    assert sorted(path.stem for path in Path("tables").glob("*.md")) == [
        *("closeness", "overview", "runs")
    ]


def test_published_values_are_not_compared_beyond_the_last_time(folder, call):
    """A cubic spline, extrapolated, would be anything there."""
    series = {"times": [0.1, 0.11, 0.7], "values": [-0.1, 5.0, 5.0]}
    edit(lambda tree: tree["published"]["elsewhere"].update(series))
    assert call(*OVERVIEW)[0] == 0
    row = published(config.load(Path("tiny.yaml"))).iloc[0]
    exact = trajectory.read(Path("results/runs/ring_3/exact.h5")).observables["Z"].mean
    assert row["times"] == "1 of 3"
    assert row["published, largest difference"] == pytest.approx(abs(-0.1 - exact[-1]))
    assert row["candidate, largest difference"] == pytest.approx(0.0075)
    edit(lambda tree: tree["published"]["elsewhere"].update(times=[1.0, 2.0, 3.0]))
    row = published(config.load(Path("tiny.yaml"))).iloc[0]
    assert row["times"] == "0 of 3"
    assert np.isnan(row["published, largest difference"])


def tighten(tree, magnetization=1e-9, **changes):
    limits = {"magnetization": magnetization, "correlators": 0.2}
    tree["comparisons"]["ring_3"].update(tolerance=limits, **changes)


def test_a_miss_is_told(folder, call):
    """By the comparison, and by the overview of all; neither stops the pipeline."""
    code, output, _ = call(*COMPARE)
    assert code == 0
    assert "ring_3: within tolerance, all 6 curves; most " in output
    edit(tighten)
    code, output, _ = call(*COMPARE)
    told = (
        "ring_3: BEYOND TOLERANCE, 3 of 6 curves; most Z with an excess of 0.0075, tolerance 1e-09"
    )
    assert code == 0
    assert f"{told}.\n" in output
    for name in ("points.tsv", "summary.tsv"):
        shutil.copy(name, f"results/tables/ring_3.{name}")
    code, output, _ = call(*OVERVIEW)
    assert code == 0
    assert output == f"BEYOND TOLERANCE: 1 of 3 comparisons.\n{told}.\n"
    known = {"magnetization": 0.01, "correlators": 0.2, "explained": "NOTES.md"}
    edit(lambda tree: tighten(tree, shortfall=known))
    first, second = call(*OVERVIEW)[1].splitlines()
    assert first == "BEYOND TOLERANCE: 1 of 3 comparisons (1 of them known shortfalls)."
    assert second == f"{told}; known shortfall, see NOTES.md."
    edit(lambda tree: tighten(tree, shortfall=known | {"magnetization": 0.007}))
    assert call(*OVERVIEW)[1].splitlines()[1] == f"{told}."


def test_verdicts_are_those_of_the_tables(folder):
    table = verdicts(config.load(Path("tiny.yaml")))
    assert table["comparison"].tolist() == ["ring_3", "tolerances_r6", "tolerances_r7"]
    assert table["passed"].all()
    assert table["excess"][0] == pytest.approx(0.0075)
    assert (table["worst"][0], table["curves"][0], table["beyond"][0]) == ("Z", 6, 0)
    assert "Within tolerance: all 3 comparisons." in list(sentences(table))
    Path("results/tables/tolerances_r6.summary.tsv").unlink()
    words = ["Within tolerance: all 2 comparisons.", "Not compared yet: 1."]
    assert last_words(config.load(Path("tiny.yaml"))) == words


LABELS = [
    (("front", "time_label"), r"$\frac{1$", "TeX that matplotlib cannot read"),
    (("front", "rows", 0, "label"), "$x^$", "TeX that matplotlib cannot read"),
    (("heatmap", "time_label"), "時", "'時', which the fonts of figures lack"),
]


@pytest.mark.parametrize(("keys", "label", "reason"), LABELS)
def test_labels_that_cannot_be_drawn_are_named(folder, refused, keys, label, reason):
    def change(tree):
        branch = tree["figures"]
        for key in keys[:-1]:
            branch = branch[key]
        branch[keys[-1]] = label

    edit(change)
    error = refused(*plot(keys[0]))
    assert f"`figures.{'.'.join(map(str, keys))}` must be text with TeX" in error
    assert error.endswith(f"{label!r} has {reason}.")
    assert not Path(f"{keys[0]}.png").exists()


def test_labels_of_published_series_are_named_too(folder, refused):
    edit(lambda tree: tree["published"]["elsewhere"].update(label="$x^$"))
    assert "`published.elsewhere.label` must be text" in refused(*plot("runs"))


ODD = r"_100% of a_b, \$5, 2₂ é $\mathrm{a\_b}$ <b> & 'q' \"p\""


def test_odd_but_good_labels_are_drawn(folder, call):
    def change(tree):
        tree["published"]["elsewhere"]["label"] = ODD
        tree["figures"]["front"]["rows"][0]["label"] = ODD
        tree["figures"]["runs"]["labels"] = [ODD, "nan"]
        tree["figures"]["scan"]["axis_label"] = ODD

    edit(change)
    for figure in ("front", "scan"):
        table = f"results/tables/{figure}.figure.tsv"
        assert call("derive", "tiny.yaml", figure, "--out", table)[0] == 0
    for figure in ("front", "runs", "scan"):
        code, _, errors = call(*plot(figure))
        assert (code, errors) == (0, [])


def test_damaged_pictures_are_found(folder, call):
    """Any byte that is changed, as long as it is not in what says which runs are shown."""
    edit(lambda tree: tree["output"].update(figures="drawn"))
    assert call(*plot("scheme"))[0] == 0
    study, path = config.load(Path("tiny.yaml")), Path("drawn/scheme.png")
    path.parent.mkdir()
    Path("scheme.png").rename(path)
    only = {"comparisons": {}, "figures": {"scheme": study.figures["scheme"]}}
    study = study.model_copy(update=only)
    content, chance = path.read_bytes(), random.Random(1)
    for _ in range(300):
        damaged = bytearray(content)
        if chance.random() < 0.5:
            damaged[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        else:
            del damaged[chance.randrange(len(content)) :]
        path.write_bytes(damaged)
        (verdict,) = verify(study)["verdict"]
        assert verdict == "Cannot read drawn/scheme.png: it is missing or damaged."


def test_where_names_figures_and_report(folder, call):
    figures = [f"figures/{name}.png" for name in config.load(Path("tiny.yaml")).figures]
    for path in map(Path, figures[:2]):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    os.utime(figures[0], (1000, 1000))
    Path(figures[-1]).unlink(missing_ok=True)
    code, output, _ = call("where", "tiny.yaml", "--since", "2000")
    lines = [line.strip() for line in output.splitlines()]
    assert code == 0
    assert lines[1:3] == [f"{figures[0]} (was there already)", figures[1]]
    assert lines[len(figures)] == f"{figures[-1]} (not made yet)"
    assert lines[-1].startswith("Report: results/report.html")
    assert figures[0] in call("where", "tiny.yaml")[1].split()
