"""The finished pipeline: its tables, report and archive, and what a change makes anew."""

import base64
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image
from pipeline import TINY, cells, copy_workflow, planned, said, snakemake, tables
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    StaleElementReferenceException,
)
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from opentdvp import judging
from opentdvp.config import Study, load
from opentdvp.study import comparisons
from opentdvp.study.verification import SHORT, VALID, verify

#: Every figure, and how its caption is to be recognised.
CAPTIONS = {
    "dynamics": "judged by",
    "heatmap": "against time and distance",
    "front": "first reaches",
    "scan": "at the last time",
    "runs": "subtracting the last run",
    "residuals": "Diagnostics of runs",
    "costs": "against the minutes of computing",
    "scheme": "The method",
}
FIGURES = tuple(CAPTIONS)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    copy_workflow(folder)
    done = snakemake(folder)
    assert done.returncode == 0, done.stderr
    (folder / "said.txt").write_text(done.stdout)
    return folder


def test_tables_judge_every_curve(finished):
    summary = pd.read_csv(finished / "results/tables/ring_3.summary.tsv", sep="\t", comment="#")
    assert set(summary["observable"]) == {"X", "Y", "Z", "C_XX", "C_YY", "C_ZZ"}
    assert summary["passed"].all()
    points = pd.read_csv(finished / "results/tables/ring_3.points.tsv", sep="\t", comment="#")
    assert len(points) == 6 * 6


def test_overview_has_settings_cost_and_verdict(finished):
    header, _, *rows = (finished / "figures/overview.md").read_text().splitlines()
    row, *scanned = (dict(zip(cells(header), cells(row), strict=True)) for row in rows)
    assert [other["comparison"] for other in scanned] == ["tolerances_r6", "tolerances_r7"]
    summary = pd.read_csv(finished / "results/tables/ring_3.summary.tsv", sep="\t")
    largest = summary["max_difference"][summary["distance"] > 0].max()
    assert float(row["correlators"]) == pytest.approx(largest, rel=0.01)
    assert (row["comparison"], row["samples"], row["seed"]) == ("ring_3", "1024", "1")
    assert row["network"] == "recurrent vanilla 4"
    assert row["passed"] == "yes"
    assert float(row["minutes"]) > 0


def test_panels_have_the_best_of_each_method(finished):
    """The numbers are those of the overview."""
    compared, panels = (
        [cells(line) for line in (finished / f"figures/{page}.md").read_text().splitlines()]
        for page in ("overview", "panels")
    )
    row, panel = (dict(zip(page[0], page[2], strict=True)) for page in (compared, panels))
    said = f"{row['magnetisations']} / {row['correlators']}, {row['minutes']} min"
    assert (panel["panel"], panel["exact"], panel["recurrent"]) == ("ring of 3", "reference", said)
    assert said in (finished / "figures/panels.html").read_text()


def test_runs_have_settings_and_cost(finished):
    figures, table = tables(finished / "figures/runs.md")
    assert [row["method"] for row in table] == ["tdvp", "exact", "exact", "exact"]
    assert "relative_tolerance 1e-08" in table[1]["settings"]
    assert "network (kind recurrent, cell vanilla, width 4" in table[0]["settings"]
    assert float(table[1]["largest error"]) == 0
    assert float(table[0]["memory_MiB"]) > 0
    assert table[0]["machine"].endswith("processors")
    dynamics, scheme = figures[0], figures[-1]
    assert (dynamics["figure"], dynamics["runs"], scheme["runs"]) == ("dynamics", "2", "0")
    drawn = sum(float(row["minutes"]) for row in table[:2])
    assert float(dynamics["minutes"]) == pytest.approx(drawn, rel=0.02)


def test_plotted_curves_and_published_values_have_their_distance(finished):
    curves, published = tables(finished / "figures/closeness.md")
    assert [row["observable"] for row in curves] == [*"XYZ", "C_XX(1)", "C_YY(1)", "C_ZZ(1)"]
    assert {row["figure"] for row in curves} == {"dynamics (a)", "dynamics (b)"}
    summary = pd.read_csv(finished / "results/tables/ring_3.summary.tsv", sep="\t")
    rms = summary.set_index("observable")["rms_difference"]
    assert float(curves[0]["RMS difference"]) == pytest.approx(rms["X"], rel=0.01)
    points = pd.read_csv(finished / "results/tables/ring_3.points.tsv", sep="\t")
    exact = points[(points["observable"] == "Z") & np.isclose(points["time"], 0.1)]["reference"]
    (row,) = published
    largest = float(row["published, largest difference"])
    assert largest >= abs(-0.1 - exact.item()) * 0.99
    page = (finished / "figures/closeness.html").read_text()
    assert "<h2>Published values</h2>" in page


def test_report_is_self_contained(finished):
    report = (finished / "results/report.html").read_text()
    for figure in FIGURES:
        assert (finished / f"figures/{figure}.pdf").read_bytes().startswith(b"%PDF")
        assert f"figures/{figure}.png" in report
    embedded = re.findall(r"data:image/png;[^\"]*base64,([A-Za-z0-9+/=]+)", report)
    expected = {(finished / f"figures/{figure}.png").read_bytes() for figure in FIGURES}
    assert {base64.b64decode(image) for image in embedded} >= expected
    assert not re.search(r'<(script|link)[^>]+(src|href)="http', report)


def test_report_shows_every_figure_with_its_caption_in_a_browser(finished, browser):
    browser.get((finished / "results/report.html").as_uri())

    # Entries of the menu move into their places.
    moving = (ElementClickInterceptedException, StaleElementReferenceException)
    patience = WebDriverWait(browser, 10, ignored_exceptions=moving)

    def click(path):
        def clicked(browser):
            browser.find_element(By.XPATH, f"//nav//{path}").click()
            return True

        patience.until(clicked)

    click("*[text()='Figures']")
    for figure in FIGURES:
        row = f"tr[td[1]='{figure}']"
        click(f"{row}//a[@iconname='eye']")
        image = browser.find_element(By.XPATH, f"//img[contains(@src, 'filename={figure}.png')]")
        with Image.open(finished / f"figures/{figure}.png") as drawn:
            assert int(image.get_attribute("naturalWidth")) == drawn.width
        click(f"{row}//a[@iconname='information-circle']")
        said_there = f"//*[@id='app']//*[self::p or self::li][contains(., '{CAPTIONS[figure]}')]"
        assert browser.find_element(By.XPATH, said_there).is_displayed()
        click("*[text()='Figures']")
    browser.get((finished / "results/report.html").as_uri())
    click("*[text()='Comparisons']")
    click("tr[td[1]='Every plotted curve']//a[@iconname='eye']")
    browser.switch_to.frame(browser.find_element(By.TAG_NAME, "iframe"))
    assert len(browser.find_elements(By.TAG_NAME, "tr")) == 1 + 6 + 1 + 1
    browser.switch_to.default_content()
    click("tr[td[1]='All comparisons']//a[@iconname='eye']")
    browser.switch_to.frame(browser.find_element(By.TAG_NAME, "iframe"))
    titles = browser.find_elements(By.TAG_NAME, "th")
    assert [title.text for title in titles[:3]] == ["comparison", "passed", "magnetisations"]
    # Its last columns can be reached, and then the names are there still.
    browser.execute_script("scrollTo(1e6, 0)")
    edges = [title.rect["x"] - browser.execute_script("return scrollX") for title in titles]
    assert 0 <= edges[0] < 100
    # Widths are rounded to whole pixels.
    width = browser.execute_script("return innerWidth")
    assert edges[-1] + titles[-1].rect["width"] <= width + 1


def test_start_page_of_the_report_begins_at_its_top(finished, browser):
    """Also where it is higher than the window, in the middle of which Snakemake would put it."""
    before = browser.get_window_size()
    browser.set_window_size(900, 400)
    browser.get((finished / "results/report.html").as_uri())
    path = "//p[contains(., 'Dynamics of open quantum spin systems')]"
    first = WebDriverWait(browser, 10).until(lambda b: b.find_element(By.XPATH, path))
    assert first.rect["y"] >= 0
    browser.set_window_size(before["width"], before["height"])


def test_its_last_words_and_the_report_have_the_verdicts(finished):
    verdict = "Within tolerance: all 3 comparisons."
    *first, last = (finished / "said.txt").read_text().splitlines()
    assert any("tail -n 1 -F results/logs/solve/*/*.log" in line for line in first)
    assert last == verdict
    assert f"<strong>{verdict}</strong>" in (finished / "results/report.html").read_text()
    assert list(finished.glob("results/logs/solve/*/*.log"))


def test_checkpoints_are_gone_once_all_is_done(finished):
    assert not list(finished.glob("results/checkpoints/**/*.npz"))


def test_nothing_is_done_twice(finished):
    done = snakemake(finished, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "Nothing to be done" in said(done)


TOLERANCE = ("comparisons", "ring_3", "tolerance", "correlators")
COMPARED = {("compare", "comparison=ring_3")}
SHOWN = {("plot", "figure=dynamics"), ("plot", "figure=heatmap")}


@pytest.mark.parametrize(
    ("keys", "value", "jobs"),
    [
        (TOLERANCE, 0.3, COMPARED | SHOWN),
        (("figures", "heatmap", "range"), [1e-3, 0.1], {("plot", "figure=heatmap")}),
        (
            ("figures", "front", "threshold"),
            2e-3,
            {("derive", "figure=front"), ("plot", "figure=front")},
        ),
        (("published", "elsewhere", "uncertainty"), 0.02, {("plot", "figure=runs")}),
        (
            ("solvers", "tdvp", "seed"),
            2,
            {("evolve", "system=ring_3, solver=tdvp")}
            | COMPARED
            | SHOWN
            | {("plot", "figure=runs"), ("plot", "figure=residuals")}
            | {("derive", "figure=costs"), ("plot", "figure=costs")},
        ),
    ],
)
def test_one_changed_number_reruns_what_depends_on_it(finished, keys, value, jobs):
    config = finished / "config" / "config.yaml"
    tree = yaml.safe_load(config.read_text())
    branch = tree
    for key in keys[:-1]:
        branch = branch[key]
    branch[keys[-1]] = value
    config.write_text(yaml.safe_dump(tree))
    try:
        assert planned(finished) == jobs
    finally:
        config.write_text(TINY.read_text())


def test_changed_module_redraws_its_figures_only(finished):
    module = finished / "src/opentdvp/figures/front.py"
    source = module.read_text()
    module.write_text(source + "\n# changed\n")
    try:
        assert planned(finished) == {("plot", "figure=front")}
    finally:
        module.write_text(source)


def test_a_deleted_run_is_run_again(finished):
    """Though its tables and figures are there."""
    run = finished / "results/runs/ring_3/exact.h5"
    run.rename(run.with_suffix(".away"))
    try:
        assert ("solve", "system=ring_3, solver=exact") in planned(finished)
    finally:
        run.with_suffix(".away").rename(run)


def test_archive_is_verified(finished, monkeypatch):
    """Valid as it is; a run of another deck, another table and a foreign figure are found."""
    monkeypatch.chdir(finished)
    study = load(finished / "config" / "config.yaml")
    verdicts = verify(study)
    assert set(verdicts["verdict"]) == {VALID}
    assert set(verdicts["kind"]) == {"run", "comparison", "table", "figure"}
    kept = {}
    for path, content in (
        ("results/runs/ring_3/tdvp.h5", "results/runs/ring_3/exact.h5"),
        ("results/tables/front.figure.tsv", "results/tables/scan.figure.tsv"),
        ("figures/scan.png", "figures/runs.png"),
        ("figures/residuals.png", "config/config.yaml"),
    ):
        kept[path] = Path(path).read_bytes()
        Path(path).write_bytes(Path(content).read_bytes())
    try:
        wrong = verify(study).query("verdict != @VALID").set_index(["kind", "name"])["verdict"]
    finally:
        for path, content in kept.items():
            Path(path).write_bytes(content)
    assert "its run id must be" in wrong["run", "ring_3, tdvp"]
    assert "its run id must be" in wrong["comparison", "ring_3"]
    assert "not a table of this kind" in wrong["table", "front"]
    assert "its run id must be" in wrong["table", "costs"]
    assert "does not show the runs" in wrong["figure", "scan"]
    assert "missing or damaged" in wrong["figure", "residuals"]
    assert len(wrong) == 6


def test_tables_of_what_is_finished_can_be_had_before_all_is(finished, monkeypatch):
    """Without the network's run nothing is left that shows it; the other tables are complete."""
    monkeypatch.chdir(finished)
    study = load(finished / "config" / "config.yaml")
    run = Path("results/runs/ring_3/tdvp.h5")
    run.rename(run.with_suffix(".away"))
    try:
        rest = comparisons.finished(study)
    finally:
        run.with_suffix(".away").rename(run)
    assert list(rest.comparisons) == ["tolerances_r6", "tolerances_r7"]
    assert list(rest.figures) == ["front", "scan", "scheme"]
    assert list(comparisons.overview(rest)["comparison"]) == list(rest.comparisons)
    assert comparisons.finished(study) == study


@pytest.mark.parametrize(
    ("tolerance", "shortfall", "verdict"),
    [
        (1.0, None, VALID),
        (1e-9, None, "Beyond the tolerance: X, Y, Z, C_XX, C_YY, C_ZZ."),
        (1e-9, 2e-9, "Beyond the tolerance: X, Y, Z, C_XX, C_YY, C_ZZ."),
        (1e-9, 1.0, f"{SHORT} the README"),
    ],
)
def test_shortfall_is_valid_where_explained(finished, monkeypatch, tolerance, shortfall, verdict):
    monkeypatch.chdir(finished)
    tree = yaml.safe_load(Path("config/config.yaml").read_text())
    entry = tree["comparisons"]["ring_3"]
    entry["tolerance"] = {"magnetization": tolerance, "correlators": tolerance}
    if shortfall:
        limits = {"magnetization": shortfall, "correlators": shortfall}
        entry["shortfall"] = limits | {"explained": "the README"}
    study = Study.model_validate(tree)
    comparison, output = study.comparisons["ring_3"], study.output
    runs = (output.trajectory(run) for run in (comparison.candidate, comparison.reference))
    judged = judging.judge(study, comparison, *runs)
    kept = {path: path.read_bytes() for path in (output.points("ring_3"), output.summary("ring_3"))}
    for table, path in zip(judged, kept, strict=True):
        judging.write_table(table, path)
    try:
        verdicts = verify(study).set_index(["kind", "name"])["verdict"]
    finally:
        for path, content in kept.items():
            path.write_bytes(content)
    assert verdicts["comparison", "ring_3"] == verdict


def test_archive_is_redrawn_without_running_anything(finished):
    """What `make paper-figures` plans; a run that is missing is named, and not computed either."""
    arguments = ["--rerun-triggers", "input", "--forceall", "--allowed-rules"]
    arguments += ["all", "compare", "derive", "overview", "plot"]

    def plan():
        return snakemake(finished, "--dry-run", *arguments)

    done = plan()
    assert done.returncode == 0, said(done)
    everything = {"all": 1, "compare": 3, "derive": 3, "overview": 1, "plot": len(FIGURES)}
    assert Counter(re.findall(r"^rule (\w+):", said(done), flags=re.MULTILINE)) == everything
    run = finished / "results/runs/ring_3/tdvp.h5"
    run.rename(run.with_suffix(".away"))
    stopped = plan()
    run.with_suffix(".away").rename(run)
    assert stopped.returncode == 1
    assert "Missing input files for rule all" in said(stopped)
    assert "results/runs/ring_3/tdvp.h5" in said(stopped)
