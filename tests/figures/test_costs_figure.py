"""Error against cost: what is drawn of the rows of its table, and what is said of the others."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from opentdvp.config import CostsFigure
from opentdvp.errors import ConfigError
from opentdvp.figures import costs
from opentdvp.figures.sources import Material
from opentdvp.study.errors_and_costs import COSTS
from opentdvp.study.methods import FAMILIES

RUN = {"system": "ring", "solver": "mpo"}
FIGURE = CostsFigure.model_validate(
    {"kind": "costs", "panels": {"2a, b": RUN, "S1": RUN | {"solver": "exact"}}}
)
TABLE = pd.DataFrame(
    [
        ("2a, b", "reference", "ring", "mpo", "MPS/MPO", True, 35.0, 5e-4),
        ("2a, b", "near", "ring", "strings", "Jastrow", True, 4.0, 0.01),
        ("2a, b", "small", "ring_8", "exact", "exact", False, 0.02, 0.02),
        ("2a, b", "lost", "ring", "lost", "recurrent", True, np.nan, 0.03),
        ("S1", "reference", "ring", "exact", "exact", True, 1.5, np.nan),
        ("S1", "own", "ring", "net", "recurrent", True, 50.0, 0.005),
        ("S1", "twin", "ring", "twin", "exact", True, 2.0, np.nan),
    ],
    columns=list(COSTS),
)


@pytest.fixture(scope="module")
def drawn() -> Figure:
    return costs.draw(FIGURE, Material({}, table=TABLE))


def marks(axes: Axes) -> list[Any]:
    return [line for line in axes.lines if line.get_marker() != "None"]


def test_every_run_with_a_cost_is_a_mark_of_its_panel(drawn: Figure) -> None:
    first, second = drawn.axes
    places = [np.ravel(line.get_xydata()).tolist() for line in marks(first)]
    assert places == [[35.0, 5e-4], [4.0, 0.01], [0.02, 0.02]]
    assert [np.ravel(line.get_xydata()).tolist() for line in marks(second)] == [[50.0, 0.005]]
    for axes, label in zip(drawn.axes, FIGURE.panels, strict=True):
        assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
        assert axes.get_title(loc="left") == label
        assert axes.get_xlabel() == "minutes"
        for line in marks(axes):
            (minutes,), (error,) = line.get_data()
            assert axes.get_xlim()[0] < minutes < axes.get_xlim()[1]
            assert axes.get_ylim()[0] < error < axes.get_ylim()[1]


def test_methods_have_marks_of_their_own_and_other_sizes_hollow_ones(drawn: Figure) -> None:
    first = marks(drawn.axes[0])
    assert len({line.get_marker() for line in first}) == 3
    assert len({line.get_color() for line in first}) == 3
    assert [line.get_markerfacecolor() == "white" for line in first] == [False, False, True]
    assert list(costs.LOOKS) == list(FAMILIES)
    assert len(set(costs.LOOKS.values())) == len(FAMILIES)


def test_a_dotted_line_is_what_the_reference_took(drawn: Figure) -> None:
    for axes, minutes in zip(drawn.axes, (35.0, 1.5), strict=True):
        (line,) = [line for line in axes.lines if line.get_linestyle() == ":"]
        assert set(line.get_xdata()) == {minutes}


def test_the_legend_names_the_methods_that_are_there(drawn: Figure) -> None:
    names = [text.get_text() for text in drawn.legends[0].get_texts()]
    assert names == [
        *("exact", "MPS/MPO", "recurrent", "Jastrow"),
        *("hollow: another size, or shorter", "what the reference took"),
    ]


def test_the_foot_names_what_is_left_out(drawn: Figure) -> None:
    _, *said = str(drawn.get_supxlabel()).split("\n")
    assert said == [
        "Left out, because their cost is not known: ring by lost.",
        "Left out, because they do not differ from the reference: ring by twin.",
    ]
    whole = TABLE[~TABLE["comparison"].isin(["lost", "twin"])]
    canvas = costs.draw(FIGURE, Material({}, table=whole))
    assert "Left out" not in str(canvas.get_supxlabel())


def test_missing_table_is_refused() -> None:
    with pytest.raises(ConfigError, match="`table` must be that of errors and costs"):
        costs.draw(FIGURE, Material({}))


def test_without_any_cost_the_foot_says_so_of_all() -> None:
    canvas = costs.draw(FIGURE, Material({}, table=TABLE.assign(minutes=np.nan)))
    assert not any(marks(axes) for axes in canvas.axes)
    said = str(canvas.get_supxlabel())
    runs = "ring by mpo, ring by strings, ring_8 by exact, ring by lost, ring by exact, ring by net"
    assert f"their cost is not known: {runs}, ring by twin." in said
