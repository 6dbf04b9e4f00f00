"""The table of panels and methods, from small tables of comparisons and runs."""

from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
import yaml
from pipeline import TINY

from opentdvp.config import Solver, Study
from opentdvp.config.networks import Network
from opentdvp.study.methods import FAMILIES, panels

RING, SMALL, EARLY = "ring_3", "ring_4", "early"


def run(system: str, solver: str) -> dict[str, str]:
    return {"system": system, "solver": solver}


@pytest.fixture
def tree() -> dict[str, Any]:
    """The tiny study without figures, with a second method, size and last time, and one panel."""
    tree: dict[str, Any] = yaml.safe_load(TINY.read_text())
    del tree["figures"], tree["scans"], tree["published"]
    ring, tdvp = tree["systems"][RING], tree["solvers"]["tdvp"]
    tree["systems"] |= {
        SMALL: ring | {"lattice": {"kind": "chain", "size": [4], "periodic": True}},
        EARLY: ring | {"time": {"stop": 0.05, "points": 3}},
    }
    tree["solvers"] |= {
        "again": tdvp | {"seed": 2},
        "own": tdvp | {"network": {"kind": "custom", "file": str(TINY), "name": "Own"}},
        "moments": {
            "method": "moments",
            **{"weight": 3, "range": 3, "relative_tolerance": 1e-6, "absolute_tolerance": 1e-7},
        },
    }
    tree["comparisons"] = {}
    tree["panels"] = {"2a, b": run(RING, "exact")}
    return tree


def table(tree: dict[str, Any], *judged: tuple[dict[str, str], float, float]) -> pd.DataFrame:
    """The table of runs with these differences, of magnetisations and of correlators.

    All are judged by the panel's reference, and took 2, 3, … minutes; itself it took one.
    """
    limits = {"magnetization": 1.0, "correlators": 1.0}
    reference = run(RING, "exact")
    tree["comparisons"] = {
        f"c{number}": {"candidate": candidate, "reference": reference, "tolerance": limits}
        for number, (candidate, _, _) in enumerate(judged)
    }
    study = Study.model_validate(tree)
    comparisons = pd.DataFrame(
        [
            {"comparison": f"c{n}", "magnetisations": m, "correlators": c, "minutes": 2.0 + n}
            for n, (_, m, c) in enumerate(judged)
        ]
    )
    return panels(study, comparisons, pd.DataFrame([reference | {"minutes": 1.0}]))


def test_a_cell_has_both_differences_and_the_minutes(tree: dict[str, Any]) -> None:
    (row,) = table(tree, (run(RING, "tdvp"), 0.00654321, 0.011)).to_dict("records")
    assert row["panel"] == "2a, b"
    assert row["reference"] == "ring_3, exact, 1 min"
    assert row["exact"] == "reference"
    assert row["recurrent"] == "0.00654 / 0.011, 2 min"


def test_methods_without_runs_are_empty(tree: dict[str, Any]) -> None:
    found = table(tree, (run(RING, "tdvp"), 0.1, 0.2))
    empty = ["MCWF", "MPS/MPO", "moments", "Jastrow"]
    assert set(found) == {"panel", "reference", "exact", "recurrent", *empty}
    assert not found[empty].any(axis=None)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_best_is_that_whose_larger_difference_is_smallest(
    tree: dict[str, Any], order: tuple[int, int]
) -> None:
    """Neither the one with the smaller magnetisations nor the one that comes first."""
    runs = [(run(RING, "tdvp"), 0.01, 0.3), (run(RING, "again"), 0.2, 0.1)]
    found = table(tree, *(runs[number] for number in order))
    assert found["recurrent"][0] == f"0.2 / 0.1, {2 + order.index(1)} min"


def test_another_size_and_an_earlier_end_are_told(tree: dict[str, Any]) -> None:
    found = table(tree, (run(SMALL, "moments"), 0.1, 0.2), (run(EARLY, "tdvp"), 0.01, np.nan)).iloc[
        0
    ]
    assert found["moments"] == "N = 4: 0.1 / 0.2, 2 min"
    assert found["recurrent"] == "t ≤ 0.05: 0.01 / –, 3 min"


def test_what_stops_early_is_not_better(tree: dict[str, Any]) -> None:
    found = table(tree, (run(EARLY, "tdvp"), 0.01, 0.01), (run(RING, "again"), 0.2, 0.1))
    assert found["recurrent"][0] == "0.2 / 0.1, 3 min"


def test_runs_judged_by_another_reference_are_not_in_the_row(tree: dict[str, Any]) -> None:
    """Of two panels, each has its own; here the other one is that of the network."""
    tree["solvers"]["other"] = tree["solvers"]["exact"] | {"relative_tolerance": 1e-7}
    tree["panels"] = {"a": run(RING, "exact"), "b": run(RING, "other")}
    limits = {"magnetization": 1.0, "correlators": 1.0}
    tree["comparisons"] = {
        name: {"candidate": run(RING, name), "reference": run(RING, judge), "tolerance": limits}
        for name, judge in (("tdvp", "other"), ("moments", "exact"))
    }
    differences = {"magnetisations": 0.1, "correlators": 0.1, "minutes": 1.0}
    comparisons = pd.DataFrame([{"comparison": c} | differences for c in tree["comparisons"]])
    runs = pd.DataFrame([run(RING, solver) | {"minutes": 1.0} for solver in ("exact", "other")])
    found = panels(Study.model_validate(tree), comparisons, runs).set_index("panel")
    assert found["recurrent"].tolist() == ["", "0.1 / 0.1, 1 min"]
    assert found["moments"].tolist() == ["0.1 / 0.1, 1 min", ""]


def test_networks_of_users_have_a_column_where_there_are_any(tree: dict[str, Any]) -> None:
    found = table(tree, (run(RING, "own"), 0.1, 0.2))
    assert found["own network"][0] == "0.1 / 0.2, 2 min"
    assert not found["recurrent"][0]


def test_every_method_has_one_column() -> None:
    methods = [method for column in FAMILIES.values() for method in column]
    expected = [
        name
        for union, key in ((Solver, "method"), (Network, "kind"))
        for model in get_args(get_args(union)[0])
        for name in get_args(model.model_fields[key].annotation)
    ]
    assert sorted(methods) == sorted(set(expected) - {"tdvp"})
