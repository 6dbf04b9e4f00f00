"""What a configuration may leave out, and that it is written out before anything is computed."""

import json

import pytest
import yaml
from jsonschema import Draft202012Validator
from pipeline import TINY

from opentdvp import config
from opentdvp.config.load import json_schema
from opentdvp.errors import ConfigError

RING = yaml.safe_load(TINY.read_text())["systems"]["ring_3"]
OBSERVED = {
    "magnetization": ["Z", "X"],
    "correlators": {"XX": [2, 3], "YZ": [3], "ZZ": [2]},
}


def small(**changes):
    """A system, a network, its reference, one comparison and one figure."""
    system = {key: RING[key] for key in ("lattice", "couplings", "jumps", "start")}
    runs = {"network": {"method": "tdvp", "preset": "quick"}}
    comparison = {
        "candidate": {"system": "mine", "solver": "network"},
        "reference": {"system": "mine", "solver": "exact"},
        "tolerance": 0.02,
    }
    return {
        "systems": {"mine": system | {"time": {"stop": 3}}},
        "solvers": runs | {"exact": {"method": "exact", "preset": "accurate"}},
        "comparisons": {"mine": comparison},
        "figures": {"mine": {"kind": "dynamics", "comparisons": ["mine"]}},
    } | changes


@pytest.fixture
def loaded(tmp_path):
    """Load a small configuration with changes."""

    def load(**changes):
        path = tmp_path / "config.yaml"
        path.write_text(yaml.safe_dump(small(**changes)))
        return config.load(path)

    return load


def test_missing_keys_are_written_out(loaded):
    study = loaded()
    time, observables = study.systems["mine"].time, study.systems["mine"].observables
    assert (time.stop, time.points) == (3, 61)
    assert observables.model_dump() == {"magnetization": ("X", "Y", "Z"), "correlators": {}}
    assert study.output.model_dump() == {"results": "results", "figures": "figures"}
    assert study.comparisons["mine"].tolerance.model_dump() == {
        "magnetization": 0.02,
        "correlators": 0.02,
    }
    written = loaded(
        systems={
            "mine": small()["systems"]["mine"]
            | {"time": {"stop": 3.0, "points": 61}, "observables": {"magnetization": list("XYZ")}}
        }
    )
    run = config.Run(system="mine", solver="exact")
    assert "61" in study.deck(run).canonical()
    assert written.deck(run).run_id == study.deck(run).run_id


def test_a_figure_of_comparisons_has_all_that_they_have(loaded):
    """Magnetisations, and correlators at the shortest distance; written out in its panels."""
    lattice = {"kind": "chain", "size": [6], "periodic": True}
    system = small()["systems"]["mine"] | {"lattice": lattice, "observables": OBSERVED}
    only = system | {"observables": {"magnetization": [], "correlators": {"ZZ": [1]}}}
    comparisons = small()["comparisons"]
    runs = {role: {"system": "only", "solver": "exact"} for role in ("candidate", "reference")}
    comparisons["only"] = runs | {"tolerance": 0.1}
    figure = {"kind": "dynamics", "comparisons": ["mine", "only"]}
    study = loaded(
        systems={"mine": system, "only": only}, comparisons=comparisons, figures={"both": figure}
    )
    drawn = study.figures["both"]
    assert [panel.comparisons for panel in drawn.panels] == [("mine",), ("mine",), ("only",)]
    assert [panel.curves for panel in drawn.panels] == [
        (("Z", 0), ("X", 0)),
        (("C_XX", 2), ("C_ZZ", 2)),
        (("C_ZZ", 1),),
    ]
    assert drawn.compared() == ("mine", "only")
    assert "comparisons" not in drawn.model_dump()
    assert drawn.time_label == "$t$"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"figures": {"mine": {"kind": "dynamics"}}},
            "`figures.mine` is wrong: a figure of dynamics must have either `panels` or `comparis",
        ),
        (
            {"figures": {"mine": {"kind": "dynamics", "comparisons": ["mein"]}}},
            r"`figures.mine.comparisons` must be one of mine, but is mein \(did you mean mine\?\)",
        ),
        (
            {"comparisons": {"mine": small()["comparisons"]["mine"] | {"tolerance": -1}}},
            "`comparisons.mine.tolerance` must be greater than 0, but is -1.$",
        ),
        (
            {"comparisons": {"mine": small()["comparisons"]["mine"] | {"tolerance": True}}},
            "`comparisons.mine.tolerance` must be a mapping .*, but is true",
        ),
        ({"output": {"results": "src"}}, "`output.results` must be a folder of its own"),
    ],
)
def test_what_stays_wrong_is_named(loaded, changes, message):
    with pytest.raises(ConfigError, match=message):
        loaded(**changes)


def test_default_folders_are_checked(loaded, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").write_text("mine")
    with pytest.raises(
        ConfigError, match=r"`output.results` must be a folder, but 'results' is a file"
    ):
        loaded()


@pytest.fixture(scope="module")
def schema():
    found = json.loads(json_schema())
    Draft202012Validator.check_schema(found)
    return Draft202012Validator(found)


TAKE = {"file": "config.yaml", "take": {"solvers": ["exact"], "systems": "all"}}


@pytest.mark.parametrize(
    "tree",
    [
        small(),
        small()
        | {"solvers": {"a": {"method": "tdvp", "preset": "quick", "network": {"range": 4}}}},
        yaml.safe_load(TINY.read_text()),
        {"extends": "config.yaml", "comparisons": {"fig2ab": None}, "figures": None},
        {"extends": TAKE},
        {"extends": ["config.yaml", TAKE]},
    ],
)
def test_the_schema_knows_what_is_valid(schema, tree):
    assert not list(schema.iter_errors(tree))


@pytest.mark.parametrize(
    "tree",
    [
        {},
        small(solvers={"a": {"method": "exact"}}),
        small(solvers={"a": {"method": "exact", "preset": "fast"}}),
        small(solvers={"a": {"method": "exact", "preset": "quick", "seed": 1}}),
        {"extends": {"file": "config.yaml"}},
        {"extends": {"file": "config.yaml", "take": {"output": "all"}}},
        {"extends": 3},
    ],
)
def test_the_schema_knows_what_is_not(schema, tree):
    assert list(schema.iter_errors(tree))
