"""The table behind a figure of a scan: averages over seeds, their scatter and sampling error."""

from typing import Any

import numpy as np
import pytest
from solvers import exact, tdvp
from systems import heisenberg_ring
from trajectories import make

from opentdvp.config import Run, ScanFigure, Study
from opentdvp.errors import ConfigError
from opentdvp.records.trajectory import Observable, Trajectory
from opentdvp.study.scans import SCAN, scan_table

NET, REF = {"system": "ring", "solver": "net"}, {"system": "ring", "solver": "ref"}
FIGURE = ScanFigure.model_validate(
    {
        "kind": "scan",
        "scan": "size",
        "varied": "network.width",
        "lines": "fisher_tolerance",
        "axis_label": "width",
        "correlators": {"pairs": ["ZZ"], "distance": 2},
    }
)


def study(vary: dict[str, Any]) -> Study:
    scan = {"candidate": NET, "reference": REF, "vary": vary}
    tree = {
        "output": {"results": "r", "figures": "f"},
        "systems": {"ring": heisenberg_ring(6).model_dump()},
        "solvers": {"net": tdvp().model_dump(), "ref": exact().model_dump()},
        "scans": {"size": scan | {"tolerance": {"magnetization": 1, "correlators": 1}}},
    }
    return Study.model_validate(tree)


SCANNED = study({"network.width": {"w4": 4, "w8": 8}, "seed": {"s1": 1, "s2": 2, "s3": 3}})
UNLINED = FIGURE.model_copy(update={"lines": None})


def ending(value: float, error: float, stop: float = 3.0) -> Trajectory:
    """C_ZZ(2) ends at a value."""
    mean = np.array([[0.0, 0.0], [9.0, value]])
    return make({"C_ZZ": Observable(mean, np.full_like(mean, error), (1, 2))}, np.array([0, stop]))


def runs(values: dict[str, float], error: float = 0.02) -> dict[Run, Trajectory]:
    found = {Run(system="ring", solver=s): ending(v, error) for s, v in values.items()}
    return found | {Run(system="ring", solver="ref"): ending(0.5, 0.0)}


VALUES = {f"size_w{w}_s{s}": w / 10 + s / 100 for w in (4, 8) for s in (1, 2, 3)}


def test_seeds_are_averaged_with_their_scatter() -> None:
    table = scan_table(UNLINED, SCANNED, runs(VALUES))
    assert list(table.columns) == list(SCAN)
    narrow, wide, reference = (row for _, row in table.iterrows())
    for row, width in ((narrow, 4), (wide, 8)):
        assert (row["varied"], row["runs"], row["observable"]) == (width, 3, "C_ZZ")
        assert row["mean"] == pytest.approx(width / 10 + 0.02)
        # 0.01 between neighbours: their standard deviation is 0.01.
        assert row["scatter"] == pytest.approx(0.01 / np.sqrt(3))
        assert row["sampling_error"] == pytest.approx(0.02 / np.sqrt(3))
    assert table["method"].tolist() == ["tdvp", "tdvp", "exact"]
    assert (reference["label"], reference["mean"]) == ("ref", 0.5)
    assert np.isnan(reference["varied"])
    assert np.isnan(reference["scatter"])


def test_a_second_setting_tells_lines_apart() -> None:
    scanned = study({"network.width": {"w4": 4}, "seed": {"s1": 1, "s2": 2}})
    lined = FIGURE.model_copy(update={"lines": "seed"})
    values = {"size_w4_s1": 0.1, "size_w4_s2": 0.2}
    table = scan_table(lined, scanned, runs(values)).query("varied == 4")
    assert dict(zip(table["label"], table["mean"], strict=True)) == {"seed 1": 0.1, "seed 2": 0.2}
    assert table["scatter"].isna().all()


def test_what_is_no_number_or_ends_elsewhere_is_refused() -> None:
    named = study({"orbit": {"a": "all", "n": "none"}})
    by_orbit = UNLINED.model_copy(update={"varied": "orbit"})
    with pytest.raises(ConfigError, match="`varied` must be a key with numbers, but orbit has"):
        scan_table(by_orbit, named, runs({"size_a": 0, "size_n": 0}))
    early = runs(VALUES) | {Run(system="ring", solver="size_w4_s1"): ending(0.1, 0, stop=2.0)}
    with pytest.raises(ConfigError, match=r"one last time, but has \[2.0, 3.0\]"):
        scan_table(UNLINED, SCANNED, early)
