"""What a file has from others: whole files, named entries, and what null removes."""

from pathlib import Path

import pytest
import yaml
from pipeline import TINY

from opentdvp.config import Run, load
from opentdvp.config.extends import merge
from opentdvp.config.load import load_with_sources
from opentdvp.errors import ConfigError

ROOT = Path(__file__).parents[2]
DEFAULT = ROOT / "config" / "config.yaml"


@pytest.fixture
def loaded(tmp_path):
    """Load a file with these keys."""

    def write(**keys):
        path = tmp_path / "mine.yaml"
        path.write_text(yaml.safe_dump(keys))
        return load(path)

    return write


def taking(file=TINY, **take):
    return {"file": str(file), "take": take}


def test_merge_keeps_the_base_as_it_was():
    base = {"a": {"b": 1, "c": [1, 2]}, "e": 5}
    changes = {"a": {"c": [3]}, "d": 4, "e": None}
    assert merge(base, changes) == {"a": {"b": 1, "c": [3]}, "d": 4}
    assert base == {"a": {"b": 1, "c": [1, 2]}, "e": 5}


def test_only_named_entries_are_taken(loaded):
    take = taking(DEFAULT, systems=["heisenberg_ring_10"], solvers=["jastrow_ring_10", "exact"])
    study, whole = loaded(extends=take), load(DEFAULT)
    assert list(study.systems) == ["heisenberg_ring_10"]
    assert list(study.solvers) == ["jastrow_ring_10", "exact"]
    assert not study.comparisons | study.figures | study.scans | study.published | study.panels
    assert study.archive is None
    for solver in study.solvers:
        run = Run(system="heisenberg_ring_10", solver=solver)
        assert study.deck(run).run_id == whole.deck(run).run_id


def test_entries_that_are_taken_may_be_changed(loaded):
    study = loaded(
        extends=taking(systems="all", solvers="all"), solvers={"tdvp": {"seed": 7}, "exact": None}
    )
    assert study.solvers["tdvp"].seed == 7
    assert study.solvers["tdvp"].chunk == load(TINY).solvers["tdvp"].chunk
    assert list(study.solvers) == ["tdvp"]


def test_a_whole_table_is_taken_without_its_scans(loaded):
    """What a scan writes out is of the scan, not of the table of solvers."""
    tables = {"systems": "all", "solvers": "all"}
    assert list(loaded(extends=taking(**tables)).solvers) == ["exact", "tdvp"]
    scanned = loaded(extends=taking(**tables, scans=["tolerances"]))
    assert {"tolerances_r6", "tolerances_r7"} < set(scanned.solvers)
    assert set(scanned.comparisons) == {"tolerances_r6", "tolerances_r7"}


def test_later_ones_of_several_files_change_earlier_ones(loaded, tmp_path):
    tree = {"solvers": {"exact": {"absolute_tolerance": 1e-6}}, "published": {"x": 1}}
    (tmp_path / "looser.yaml").write_text(yaml.safe_dump(tree))
    looser = taking("looser.yaml", solvers=["exact"])
    study = loaded(extends=[str(TINY), looser])
    assert study.solvers["exact"].absolute_tolerance == 1e-6
    assert study.solvers["exact"].relative_tolerance == 1e-8
    assert study.figures
    _, sources = load_with_sources(tmp_path / "mine.yaml")
    assert sources == [tmp_path / "mine.yaml", TINY, tmp_path / "looser.yaml"]


@pytest.mark.parametrize(
    ("extends", "message"),
    [
        ({"file": "x.yaml"}, "`extends.take` is required, but is missing"),
        ({"take": {"solvers": "all"}}, "`extends.file` is required, but is missing"),
        ({"file": "x.yaml", "take": {}}, "`extends.take` must have at least 1 entry"),
        ({"file": 5, "take": {"solvers": "all"}}, "`extends.file` must be text"),
        (
            taking(solver=["exact"]),
            r"`extends.take.solver` must be one of .*, but is solver \(did you mean solvers\?\)",
        ),
        (taking(output="all"), "`extends.take.output` must be one of systems, .*, but is output"),
        (taking(solvers="exact"), "`extends.take.solvers` must be all, or a list of names, but is"),
        (
            taking(solvers=[]),
            r"`extends.take.solvers` must be all, or a list of names, but is \[\]",
        ),
        (
            taking(solvers=["tdvp", "exakt"]),
            r"`extends.take.solvers.1` must be one of exact, tdvp, but .* \(did you mean exact\?\)",
        ),
        (
            [str(TINY), taking(systems=["ring_4"])],
            r"`extends.1.take.systems.0` must be one of ring_3, but .* \(did you mean ring_3\?\)",
        ),
        (taking(takes=1) | {"takes": 1}, r"`extends.takes` is not a known key \(did you mean take"),
        (
            [str(TINY), 3],
            "`extends.1` must be a path, or a mapping with `file` and `take`, but is 3",
        ),
        ([], "`extends` must name at least one file, but is empty"),
        (True, "`extends` must be a path, .*, but is true"),
    ],
)
def test_what_cannot_be_taken_is_named(loaded, extends, message):
    with pytest.raises(ConfigError, match=message) as caught:
        loaded(extends=extends)
    assert "\n" not in str(caught.value)


def test_tables_that_a_file_has_not_are_named(loaded, tmp_path):
    (tmp_path / "solvers.yaml").write_text(yaml.safe_dump({"solvers": {"exact": {}}}))
    message = "`extends.take.systems` must be one of solvers, but is systems"
    with pytest.raises(ConfigError, match=message):
        loaded(extends=taking("solvers.yaml", systems=["ring_3"]))


def test_files_that_branch_without_end_are_refused(tmp_path):
    """Each of 30 files extends the next one twice: a billion readings."""
    for number in range(30):
        twice = yaml.safe_dump({"extends": [f"{number + 1}.yaml"] * 2})
        (tmp_path / f"{number}.yaml").write_text(twice)
    (tmp_path / "30.yaml").write_text("systems: {}\n")
    with pytest.raises(ConfigError, match=r"`extends.*` must not lead over more than 20 files"):
        load(tmp_path / "0.yaml")


def test_null_removes_what_is_inherited(loaded):
    figures = {name: None for name in load(TINY).figures if name != "scheme"}
    removed = {"comparisons": {"ring_3": None}, "panels": None, "scans": None, "published": None}
    study = loaded(extends=str(TINY), figures=figures, **removed)
    assert list(study.figures) == ["scheme"]
    assert not study.comparisons | study.scans | study.published | study.panels
    assert list(study.solvers) == ["exact", "tdvp"]


def test_keys_that_may_be_missing_may_be_null(loaded, tmp_path):
    """As before: whether something is inherited or not."""
    archive = {"archive": {"results": "old", "solvers": ["exact"]}}
    (tmp_path / "archived.yaml").write_text(yaml.safe_dump({"extends": str(TINY)} | archive))
    assert load(tmp_path / "archived.yaml").archive is not None
    assert loaded(extends="archived.yaml", archive=None) == load(TINY)
    shortfall = {"comparisons": {"ring_3": {"shortfall": None}}}
    assert loaded(extends=str(TINY), archive=None, **shortfall) == load(TINY)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"comparisons": {"ring3": None}},
            r"`comparisons.ring3` must be inherited .*, but is not there \(did you mean ring_3\?\)",
        ),
        ({"figures": {"none": None}}, "`figures.none` must be inherited to be removed by null"),
        ({"solvers": {"exact": None}}, "`scans.tolerances.candidate.solver` must be one of tdvp"),
        ({"systems": None}, "`systems` is required, but is missing"),
        ({"solvers": {"tdvp": {"seed": None}}}, "`solvers.tdvp.seed` is required, but is missing"),
        (
            {"systems": {"ring_3": {"fields": {"X": None}}}},
            "`systems.ring_3.fields.X` must be a number .*, but is empty",
        ),
    ],
)
def test_null_that_removes_nothing_or_too_much_is_named(loaded, changes, message):
    with pytest.raises(ConfigError, match=message):
        loaded(extends=str(TINY), **changes)


def test_a_table_that_is_not_there_is_not_removed(loaded):
    extends = taking(systems="all", solvers="all")
    with pytest.raises(ConfigError, match="`figures` must be inherited to be removed by null"):
        loaded(extends=extends, figures=None)


def test_null_is_a_value_among_the_options_of_an_own_network(loaded, tmp_path):
    (tmp_path / "net.py").write_text("# mine")
    options = {"width": 3, "deep": {"gate": 1, "other": 2}}
    network = {"kind": "custom", "file": str(tmp_path / "net.py"), "name": "Net"}
    tree = yaml.safe_load(TINY.read_text())
    tree["solvers"]["tdvp"]["network"] = network | {"options": options}
    (tmp_path / "base.yaml").write_text(yaml.safe_dump(tree))
    changes = {"network": {"options": {"width": None, "deep": {"gate": None}}}}
    study = loaded(extends="base.yaml", solvers={"tdvp": changes})
    expected = {"width": None, "deep": {"gate": None, "other": 2}}
    assert study.solvers["tdvp"].network.options == expected
