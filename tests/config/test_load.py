import sys
from pathlib import Path

import pytest
import yaml
from pipeline import TINY

from opentdvp.config import Run, load
from opentdvp.config.load import json_schema, load_with_sources
from opentdvp.config.reading import read_yaml
from opentdvp.errors import ConfigError

ROOT = Path(__file__).parents[2]
SMALL = ROOT / "config" / "small.yaml"
SYSTEM = ["systems", "heisenberg_ring_6"]
PANEL = ["figures", "fig2ab", "panels", 0]


@pytest.fixture
def written(tmp_path):
    """The small preset with one entry changed, as a file; `...` as the value removes the key."""

    def write(keys, value):
        tree = yaml.safe_load(SMALL.read_text())
        branch = tree
        for key in keys[:-1]:
            branch = branch[key]
        if value is ...:
            del branch[keys[-1]]
        else:
            branch[keys[-1]] = value
        path = tmp_path / "config.yaml"
        path.write_text(yaml.safe_dump(tree))
        return path

    return write


@pytest.mark.parametrize(
    "preset",
    ["config.yaml", "demo.yaml", "small.yaml", "paper.yaml", "accuracy.yaml", "study.yaml"],
)
def test_presets_are_valid(preset):
    assert load(ROOT / "config" / preset).comparisons


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        ([*SYSTEM, "colour"], "red", "`systems.heisenberg_ring_6.colour` is not a known key"),
        ([*SYSTEM, "start"], ..., "`systems.heisenberg_ring_6.start` is required"),
        (
            [*SYSTEM, "jumps"],
            [{"operator": "sigma_minus", "rate": -0.1}],
            "`systems.heisenberg_ring_6.jumps.0.rate` must be at least 0, but is -0.1.",
        ),
        (
            [*SYSTEM, "jumps"],
            [{"operator": [[1, 0, 0], [0, 1, 0]], "rate": 1}],
            r"jumps.0.operator` must be a name, an expression or a 2×2 or 4×4 matrix, but has",
        ),
        ([*SYSTEM, "jumps"], [{"operator": "sigma", "rate": 1}], "must be one of sigma_minus"),
        (
            [*SYSTEM, "lattice", "size"],
            [1],
            r"ring_6.lattice` is wrong: a periodic `size` must be at least 3",
        ),
        ([*SYSTEM, "lattice", "size"], [2], r"a periodic `size` must be at least 3 .* is \[2\]"),
        (
            [*SYSTEM, "lattice", "size"],
            [4, 4],
            "ring_6.lattice.size` of a chain must have 1 entries",
        ),
        ([*SYSTEM, "start"], {"X": 0.8, "Y": -0.8}, "Bloch sphere, but its length is 1.13137"),
        (
            [*SYSTEM, "observables", "correlators", "XX"],
            [4],
            r"correlators.XX` must have distances in 1…3 on this lattice, but has 4",
        ),
        ([*SYSTEM, "couplings"], {"XQ": 1.0}, "couplings.XQ"),
        ([*SYSTEM, "couplings"], {"XX": float("nan")}, "couplings.XX` must be a finite number"),
        (
            [*SYSTEM, "terms"],
            [{"operators": "XX", "sites": [0, 6], "strength": 1.0}],
            r"`systems.heisenberg_ring_6.terms.0.sites` must be in 0…5, but is \[0, 6\]",
        ),
        (
            [*SYSTEM, "terms"],
            [{"operators": "XX", "sites": [1, 1], "strength": 1.0}],
            "must name one different site per letter",
        ),
        (
            ["solvers", "tdvp", "orbit"],
            "some",
            "`solvers.tdvp.orbit` must be one of none, all, .*, a step of at least 1, but is some",
        ),
        (["solvers", "tdvp", "seed"], ..., "seed` is required, but is missing"),
        (
            ["solvers", "tdvp", "method"],
            "exakt",
            r"`solvers.tdvp.method` must be one of exact, .*, but is exakt \(did you mean exact",
        ),
        (
            ["comparisons", "fig2ab", "reference", "solver"],
            "nobody",
            "`comparisons.fig2ab.reference.solver` must be one of exact, .*, but is nobody",
        ),
        (
            [*PANEL, "comparisons"],
            ["none"],
            "`figures.fig2ab.comparisons` must be one of .*fig2ab, .*, but is none",
        ),
        (
            [*PANEL, "correlators"],
            {"pairs": ["XX"], "distance": 3},
            "must have either `magnetization` or `correlators`",
        ),
        ([*PANEL, "labels"], ["a", "b"], "`figures.fig2ab.panels.0.labels` must be 0, but are 2"),
        (
            [*PANEL, "comparisons"],
            ["fig2ab", "figS1"],
            "must have one reference, since each draws 3 curves, but have 2",
        ),
        (
            ["figures", "fig3a", "panels", 0, "magnetization"],
            ["Y", "Z"],
            r"`figures.fig3a.panels.0.inset.magnetization` must be in .*, but \['X'\] is not",
        ),
        (
            ["figures", "fig2ab", "panels", 1, "correlators", "distance"],
            3,
            "must draw observables of its systems, but heisenberg_ring_6 lacks C_XX at distance 3",
        ),
        (["figures", "figS3", "scan"], "none", "`figures.figS3.scan` must be one of figS3"),
        (
            ["figures", "figS3", "varied"],
            "width",
            "`figures.figS3.varied` must be one of sampling.solve, seed, but is width",
        ),
        (
            ["figures", "finite_size", "published"],
            ["paper"],
            "`figures.finite_size.published` must be one of none, but is paper",
        ),
        (
            ["panels"],
            {"2a, b": {"system": "nowhere", "solver": "exact"}},
            "`panels.2a, b.system` must be one of .*heisenberg_ring_6.*, but is nowhere",
        ),
        (
            ["panels"],
            {"2a, b": {"system": "heisenberg_ring_6", "solver": "tdvp"}},
            "`panels.2a, b` must be the reference of a comparison, but is .*ring_6 by tdvp, which",
        ),
        (["panels"], {"2a": "exact"}, "`panels.2a` must be a mapping .*, but is 'exact'"),
        (["panels"], {"a | b": {}}, r"`panels.a \| b` must be words with .* without \|, but is"),
        (
            ["comparisons", "fig3", "published"],
            ["paper"],
            "`comparisons.fig3.published.0` must be one of none, but is paper",
        ),
        (
            ["comparisons", "fig3", "shortfall"],
            {"magnetization": 0.1, "correlators": 0.01, "explained": "somewhere"},
            "`comparisons.fig3.shortfall.correlators` must be at least .* 0.05, but is 0.01",
        ),
        (
            ["archive"],
            {"results": "results/paper", "solvers": ["exact", "exakt"]},
            r"`archive.solvers.1` must be one of exact, .*, but is exakt \(did you mean exact",
        ),
        (
            ["archive"],
            {"results": "./results/small/", "solvers": ["exact"]},
            "must be another folder than `output.results`, but both are results/small",
        ),
        (["archive"], {"results": "old", "solvers": []}, "`archive.solvers` must have at least 1"),
        (["archive"], {"solvers": ["exact"]}, "`archive.results` is required, but is missing"),
    ],
)
def test_invalid_configuration_names_its_key_in_one_line(written, keys, value, message):
    path = written(keys, value)
    with pytest.raises(ConfigError, match=message) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("time", "message"),
    [
        ({"stop": 2.0, "points": 3}, "must reach the candidate's last time 3, but stops at 2"),
        ({"times": [0.5, 2.0]}, "must begin at the candidate's first time 0 or before, but begins"),
    ],
)
def test_reference_that_begins_late_or_ends_early_is_refused(written, time, message):
    tree = yaml.safe_load(SMALL.read_text())
    short = tree["systems"]["heisenberg_ring_6"] | {"time": time}
    path = written(["systems", "short"], short)
    changed = yaml.safe_load(path.read_text())
    changed["comparisons"]["fig2ab"]["reference"]["system"] = "short"
    path.write_text(yaml.safe_dump(changed))
    with pytest.raises(ConfigError, match=message):
        load(path)


@pytest.mark.parametrize("entry", [("comparisons", "fig3"), ("figures", "finite_size")])
def test_published_series_of_another_observable_are_refused(tmp_path, entry):
    table, name = entry
    series = {"label": "a", "source": "b", "observable": "front", "uncertainty": 0.5}
    changes = {
        "extends": str(SMALL),
        "published": {"front": series | {"times": [1.0], "values": [2.0]}},
        table: {name: {"published": ["front"]}},
    }
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(changes))
    expected = rf"`{table}.{name}.published` must be series of .*Z, but front is one of front"
    with pytest.raises(ConfigError, match=expected):
        load(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "Cannot read .*: No such file"),
        (b"systems: [", "it is not valid YAML"),
        (b"- 1\n- 2\n", "it must be a mapping of keys, but is list"),
        (b"\xff\xfe\x00", "it is not a text file"),
        (b"extends: config.yaml\n", "must not lead back to the file itself"),
    ],
)
def test_unreadable_file_is_one_clear_line(tmp_path, content, message):
    path = tmp_path / "config.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=message) as caught:
        load(path)
    assert "\n" not in str(caught.value)


def test_extending_file_changes_only_what_it_names(tmp_path):
    path = tmp_path / "mine.yaml"
    changes = {"extends": str(SMALL), "solvers": {"tdvp": {"seed": 7}}}
    path.write_text(yaml.safe_dump(changes))
    run = Run(system="heisenberg_ring_6", solver="tdvp")
    base, changed = load(SMALL).deck(run), load(path).deck(run)
    assert changed.solver.seed == 7
    assert changed.system == base.system
    assert changed.run_id != base.run_id
    assert base.run_id == load(SMALL).deck(run).run_id


def test_exported_schema_is_up_to_date():
    exported = (ROOT / "workflow" / "schemas" / "config.schema.json").read_text()
    assert exported == json_schema(), "run: opentdvp schema > workflow/schemas/config.schema.json"


def test_run_id_is_that_of_the_physics_not_of_names_or_spelling():
    tree = yaml.safe_load(SMALL.read_text())
    study = load(SMALL)
    deck = study.deck(Run(system="heisenberg_ring_6", solver="exact"))
    tree["systems"]["heisenberg_ring_6"]["couplings"] = {"ZZ": 1, "XX": 2}
    respelt = type(deck.system).model_validate(tree["systems"]["heisenberg_ring_6"])
    assert deck.model_copy(update={"system": respelt}).run_id == deck.run_id


CUSTOM = {"network": {"kind": "custom", "file": "mine/net.py", "name": "Net"}}


@pytest.fixture
def layers(tmp_path, monkeypatch):
    """Write a base in one folder and a changed one in another, and be in a third."""

    def write(base, changes):
        for folder in ("base", "changed", "elsewhere"):
            (tmp_path / folder / "mine").mkdir(parents=True)
            (tmp_path / folder / "mine" / "net.py").write_text(f"# {folder}")
        monkeypatch.chdir(tmp_path / "elsewhere")
        tree = yaml.safe_load(TINY.read_text())
        tree["solvers"]["tdvp"] |= base
        (tmp_path / "base" / "base.yaml").write_text(yaml.safe_dump(tree))
        path = Path("..") / "changed" / "config.yaml"
        path.write_text(yaml.safe_dump({"extends": "../base/base.yaml"} | changes))
        return load(path)

    return write


def text_of(solver):
    return Path(solver.network.file).read_text()


def test_file_of_a_network_is_relative_to_the_file_that_names_it(layers):
    assert text_of(layers(CUSTOM, {}).solvers["tdvp"]) == "# base"


def test_layer_names_its_own_file(layers):
    changes = {"solvers": {"tdvp": {"network": {"file": "mine/net.py"}}}}
    assert text_of(layers(CUSTOM, changes).solvers["tdvp"]) == "# changed"


def test_each_file_is_read_once_and_is_one_of_the_sources(layers, monkeypatch):
    layers(CUSTOM, {})
    read = []

    def counted(path):
        read.append(path)
        return read_yaml(path)

    monkeypatch.setattr(sys.modules["opentdvp.config.extends"], "read_yaml", counted)
    path = Path("..") / "changed" / "config.yaml"
    study, sources = load_with_sources(path)
    files = [path, path.parent / "../base/base.yaml"]
    assert read == files
    assert sources == [*files, Path(study.solvers["tdvp"].network.file)]


@pytest.mark.parametrize(
    "vary",
    [
        {"network.file": {"a": "mine/net.py"}},
        {"network": {"a": CUSTOM["network"]}},
    ],
)
def test_scan_names_its_own_file(layers, vary):
    run = {"system": "ring_3", "solver": "tdvp"}
    scan = {"candidate": run, "reference": run, "vary": vary}
    scan["tolerance"] = {"magnetization": 1, "correlators": 1}
    solvers = layers(CUSTOM, {"scans": {"files": scan}}).solvers
    assert text_of(solvers["tdvp"]) == "# base"
    assert text_of(solvers["files_a"]) == "# changed"


@pytest.mark.parametrize("file", ["none.py", "mine", "a\0b", ""])
def test_file_of_a_network_that_is_no_file_is_refused(layers, file):
    changes = {"solvers": {"tdvp": {"network": {"file": file}}}}
    with pytest.raises(ConfigError, match=r"`solvers.tdvp.network.file` must be readable, but is"):
        layers(CUSTOM, changes)
