"""The workflow with an archive: what is copied, what is computed, and what a change does."""

import json
import re

import h5py
import pytest
import yaml
from pipeline import TINY, copy_workflow, planned, said, snakemake, tables
from trajectories import write_archive

from opentdvp.config import Study
from opentdvp.records.timing import timing_path

#: Names of the archive, and those that the same decks have in the configuration that copies them.
OLD = {"system": "ring_3", "exact": "exact", "mcwf": "trajectories"}
NEW = {"system": "triangle", "exact": "precise", "mcwf": "few"}
COPIES = {"precise": "exact", "few": "trajectories", "tolerances_r6": "tolerances_r6"}


def configuration(names, results):
    """References alone, one of them of independent trajectories."""
    tree = yaml.safe_load(TINY.read_text().replace("ring_3", names["system"]))
    exact, mcwf = ({"system": names["system"], "solver": names[key]} for key in ("exact", "mcwf"))
    counts = {"method": "mcwf", "seed": 1, "trajectories": 4, "batch": 2}
    rough = {"relative_tolerance": 1e-5, "absolute_tolerance": 1e-7}
    tree["output"] = {"results": results, "figures": f"{results}/figures"}
    tree["solvers"] = {exact["solver"]: tree["solvers"]["exact"], mcwf["solver"]: counts | rough}
    tolerance = {"magnetization": 10.0, "correlators": 10.0}
    tree["comparisons"] = {"pair": {"candidate": mcwf, "reference": exact, "tolerance": tolerance}}
    tree["scans"]["tolerances"] |= {"candidate": exact, "reference": exact}
    tree["panels"] = {"triangle": exact}
    tree["figures"] = {name: tree["figures"][name] for name in ("runs", "scan")}
    tree["figures"]["runs"]["runs"] = [mcwf, exact]
    return tree


@pytest.fixture(scope="module")
def restored(tmp_path_factory):
    """An archive of made-up runs, and a workflow that has taken from it what it has."""
    folder = copy_workflow(tmp_path_factory.mktemp("restored"))
    old, new = configuration(OLD, "old"), configuration(NEW, "results")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_archive(Study.model_validate(old))
    for path in folder.glob("old/runs/*/*.timing.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | {"wall_seconds": 6000}))
    new["archive"] = {"results": "old", "solvers": [*COPIES, "tolerances_r7"]}
    # The archive lacks this one.
    new["scans"]["tolerances"]["vary"]["relative_tolerance"]["r7"] = 2e-7
    (folder / "config/config.yaml").write_text(yaml.safe_dump(new))
    done = snakemake(folder)
    assert done.returncode == 0, said(done)
    (folder / "said.txt").write_text(said(done))
    return folder


@pytest.fixture
def edit(restored):
    """Change the configuration, for one test."""
    config = restored / "config" / "config.yaml"
    text = config.read_text()

    def edit(change):
        tree = yaml.safe_load(text)
        change(tree)
        config.write_text(yaml.safe_dump(tree))

    yield edit
    config.write_text(text)


def job(rule, solver):
    return rule, f"system=triangle, solver={solver}"


def test_what_the_archive_has_is_copied_and_the_rest_computed(restored):
    words = (restored / "said.txt").read_text()
    jobs = re.findall(r"^(?:local)?rule (restore|solve|evolve|batch|gather):", words, re.MULTILINE)
    assert sorted(jobs) == 3 * ["restore"] + ["solve"]
    for name, source in COPIES.items():
        copy, original = (
            restored / f"results/runs/triangle/{name}.h5",
            restored / f"old/runs/ring_3/{source}.h5",
        )
        assert copy.read_bytes() == original.read_bytes()
        record = json.loads(timing_path(copy).read_text())
        assert record.pop("archive") == f"old/runs/ring_3/{source}.h5"
        assert record == json.loads(timing_path(original).read_text())
    computed = restored / "results/runs/triangle/tolerances_r7.timing.json"
    assert "archive" not in json.loads(computed.read_text())


def test_the_workflow_says_at_its_start_and_end_what_is_from_where(restored):
    words = (restored / "said.txt").read_text()
    assert (
        "From the archive in old: 3 of 4 runs. Computed here, because it has no run with their "
        "settings: triangle by tolerances_r7;"
    ) in words
    assert "From the archive, not computed here: 3 of 4 runs (" in words


def test_tables_and_report_say_it(restored):
    figures, runs = tables(restored / "results/figures/runs.md")
    marks = {row["solver"]: row["from the archive"] for row in runs}
    assert marks == dict.fromkeys(COPIES, "yes") | {"tolerances_r7": "no"}
    assert {row["minutes"] for row in runs if row["from the archive"] == "yes"} == {"100"}
    assert [row["from the archive"] for row in figures] == ["2, 200 min", "2, 200 min"]
    report = (restored / "results/report.html").read_text()
    assert "<li>From the archive, not computed here: 3 of 4 runs (" in report
    for name in COPIES:
        assert re.search(
            rf"solver <tt[^>]*>{name}</tt>, from the archive, not computed here "
            rf"\(a copy of <tt[^>]*>old/runs/ring_3/{COPIES[name]}.h5</tt>\)",
            report,
        ), name
    assert "The reference is from the archive, not computed here" in report


def test_nothing_is_done_twice_and_all_is_valid(restored, monkeypatch, call):
    assert planned(restored) == set()
    monkeypatch.chdir(restored)
    code, output, errors = call("verify", "config/config.yaml")
    # Made-up trajectories are not an exact solution, which the computed one is.
    assert (code, errors[0].partition(" of ")[0]) == (1, "error: 1")
    assert [line for line in output.splitlines() if "tolerances_r7" in line]


def test_one_key_computes_everything_here(restored, edit):
    edit(lambda tree: tree.update(archive=None))
    jobs = {name for name in planned(restored) if name[0] in ("restore", "solve", "batch")}
    batches = {("batch", f"system=triangle, solver=few, batch={k}") for k in (0, 1)}
    assert jobs == {job("solve", "precise"), job("solve", "tolerances_r6")} | batches


def test_a_changed_deck_is_computed_unless_the_archive_has_it(restored, edit):
    def looser(tree):
        tree["solvers"]["precise"]["absolute_tolerance"] = 1e-9

    edit(looser)
    jobs = planned(restored)
    assert {job("solve", name) for name in ("precise", "tolerances_r6", "tolerances_r7")} <= jobs
    assert job("gather", "few") not in jobs

    def as_another(tree):
        """The deck that has another name in the archive."""
        tree["solvers"]["precise"]["relative_tolerance"] = 1e-6

    edit(as_another)
    assert job("restore", "precise") in planned(restored)


@pytest.mark.parametrize("suffix", [".h5", ".timing.json"])
def test_what_changes_in_the_archive_is_copied_again(restored, suffix):
    source = restored / f"old/runs/ring_3/exact{suffix}"
    content = source.read_bytes()
    # HDF5 and JSON both bear that.
    source.write_bytes(content + b"\n")
    try:
        assert {
            job("restore", "precise"),
            ("compare", "comparison=pair"),
            ("plot", "figure=runs"),
        } <= planned(restored)
    finally:
        source.write_bytes(content)


def test_a_damaged_archive_is_named_before_any_job(restored):
    """Whose run is found, and which is not whole."""
    source, copy = (restored / f"{place}.h5" for place in ("old/runs/ring_3/exact", "kept"))
    source.rename(copy)
    content = bytearray(copy.read_bytes())
    with h5py.File(copy) as file:
        at = content.find(file["observables/Z"][()].tobytes())
    content[at + 3] ^= 1
    source.write_bytes(content)
    try:
        done = snakemake(restored)
    finally:
        copy.replace(source)
    assert done.returncode != 0
    assert "exact.h5: it is truncated, damaged or not a trajectory file. It is from" in said(done)
    assert not re.search("^(local)?rule ", said(done), re.MULTILINE)


def test_a_deleted_copy_is_made_again(restored):
    run = restored / "results/runs/triangle/few.h5"
    run.rename(run.with_suffix(".away"))
    try:
        assert job("restore", "few") in planned(restored)
    finally:
        run.with_suffix(".away").rename(run)


def test_an_archive_that_is_gone_is_named_before_any_job(restored):
    (restored / "old").rename(restored / "away")
    try:
        done = snakemake(restored, "--dry-run")
    finally:
        (restored / "away").rename(restored / "old")
    assert done.returncode != 0
    assert "config/config.yaml: `archive.results` must be a folder with runs, but there" in said(
        done
    )


def test_configurations_that_share_results_must_agree_on_the_archive(restored):
    """Or each would compute, or copy, what the other one has made."""
    other = restored / "config" / "other.yaml"
    other.write_text("extends: config.yaml\narchive: null\n")
    done = snakemake(restored, "--configfile", "config/other.yaml", "--dry-run")
    other.unlink()
    assert done.returncode != 0
    assert "would be replaced, because `archive` differs" in said(done)
