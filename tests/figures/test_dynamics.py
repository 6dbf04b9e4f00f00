"""Figures of dynamics as a whole: panels, legends, names, files."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawn_figures import (
    CANDIDATE,
    PANELS,
    POINTS,
    REFERENCE,
    dark_lines,
    foot,
    lines,
    recorded,
    rows,
    texts,
    values,
)
from figure_settings import DYNAMICS, SAMPLED, TOLERANCE, material
from matplotlib.figure import Figure
from PIL import Image
from solvers import moments, tdvp, wave_functions
from systems import heisenberg_ring
from trajectories import damped

from opentdvp.config import Panel, Run
from opentdvp.figures import draw_to_files, dynamics, style
from opentdvp.judging import compare


def test_layout(drawn: Figure) -> None:
    upper, lower = drawn.axes[:2], drawn.axes[2:]
    assert [axes.get_title(loc="left") for axes in upper] == ["(a)", "(b)"]
    assert [axes.get_xlabel() for axes in drawn.axes] == ["", "", "γt", "γt"]
    assert "d = 2" in upper[1].get_ylabel()
    for panel, strip in zip(upper, lower, strict=True):
        assert panel.get_xlim() == strip.get_xlim()
        assert panel.get_shared_x_axes().joined(panel, strip)


def test_legends_name_runs_sizes_and_tolerances(drawn: Figure) -> None:
    assert texts(drawn.legends[0]) == [
        r"ring $N = 6$, TDVP (recurrent) $\pm\sigma$",
        "ring $N = 10$, exact",
    ]
    left, right = (axes.get_legend() for axes in drawn.axes[:2])
    assert texts(left) == [rf"$\langle {axis} \rangle$" for axis in "XYZ"]
    assert texts(right) == ["$C_{XX}$", "$C_{YY}$", "$C_{ZZ}$"]


def test_nothing_leaves_the_page(drawn: Figure) -> None:
    assert_within_page(drawn)


def test_long_names_do_not_leave_the_page_either() -> None:
    """Those of a square lattice; they need two rows."""
    lattice = {"kind": "square", "size": (5, 5), "periodic": False}
    run = damped(61, error=0.005, system=heisenberg_ring(25, lattice=lattice), solver=moments(3, 4))
    drawn = dynamics.draw(DYNAMICS, material(run, run, POINTS))
    assert "open square" in texts(drawn.legends[0])[0]
    assert_within_page(drawn)


def assert_within_page(drawn: Figure) -> None:
    with style.context():
        drawn.draw_without_rendering()
        extent = drawn.get_tightbbox()
    width, height = drawn.get_size_inches()
    assert width == pytest.approx(7)
    assert extent.x0 >= 0
    assert extent.y0 >= 0
    assert extent.x1 <= width
    assert extent.y1 <= height


def test_files_carry_their_runs(tmp_path: Path) -> None:
    paths = [tmp_path / "figure.pdf", tmp_path / "figure.png"]
    draw_to_files(DYNAMICS, material(CANDIDATE, REFERENCE, POINTS), paths)
    with Image.open(paths[1]) as image:
        keywords = image.text["Keywords"]  # type: ignore[attr-defined]
        assert image.size == (2100, 1080)
    for run in (CANDIDATE, REFERENCE):
        assert run.run_id in keywords
        assert run.run_id.encode() in paths[0].read_bytes()


ROUGH = Run(system="ten", solver="rough")


def test_runs_beside_are_crosses() -> None:
    panel = DYNAMICS.panels[0].model_copy(update={"beside": (ROUGH,)})
    figure = DYNAMICS.model_copy(update={"panels": (panel,)})
    shown = material(CANDIDATE, REFERENCE, POINTS)
    rough = damped(61, error=0.02, seed=5, system=heisenberg_ring(8))
    shown = replace(shown, runs={**shown.runs, ROUGH: rough})
    drawn = dynamics.draw(figure, shown)
    crosses = [line for line in drawn.axes[0].lines if line.get_marker() == "x"]
    assert len(crosses) == 3
    for line, axis in zip(crosses, "XYZ", strict=True):
        at = np.searchsorted(rough.times, line.get_xdata())
        np.testing.assert_array_equal(line.get_ydata(), rough.observables[axis].mean[at])
    assert "ring $N = 8$, exact" in texts(drawn.legends[0])
    # Residuals are those of the comparison alone.
    assert len(drawn.axes[1].lines) == 3 + 3
    assert drawn.axes[0].get_title(loc="left") == ""


def test_runs_of_one_name_keep_their_marks() -> None:
    """Two exact solutions of the same ring: one is the reference, the other is beside."""
    panel = DYNAMICS.panels[0].model_copy(update={"beside": (ROUGH,)})
    shown = material(CANDIDATE, REFERENCE, POINTS)
    shown = replace(shown, runs={**shown.runs, ROUGH: REFERENCE})
    drawn = dynamics.draw(DYNAMICS.model_copy(update={"panels": (panel,)}), shown)
    assert texts(drawn.legends[0]).count("ring $N = 10$, exact") == 2


def test_all_tolerances_of_a_panel_are_named() -> None:
    panel = Panel(comparisons=("ring", "wide"), labels=("one", "two"), magnetization=("Z",))
    shown = material(CANDIDATE, REFERENCE, POINTS)
    shown = replace(
        shown,
        comparisons=dict.fromkeys(("ring", "wide"), shown.comparisons["ring"]),
        points={"ring": POINTS, "wide": POINTS.assign(tolerance=0.3)},
    )
    drawn = dynamics.draw(DYNAMICS.model_copy(update={"panels": (panel,)}), shown)
    assert "tolerance, 0.05 / 0.3;" in foot(drawn)
    assert {0.05, 0.3} <= {line.get_ydata()[0] for line in drawn.axes[1].lines}


def test_several_systems_share_a_panel_under_their_labels() -> None:
    other = (Run(system="other", solver="net"), Run(system="other", solver="ref"))
    panel = Panel(comparisons=("ring", "second"), labels=("one", "two"), magnetization=("Z",))
    figure = DYNAMICS.model_copy(update={"panels": (panel,)})
    shown = material(CANDIDATE, REFERENCE, POINTS)
    second = damped(61, error=0.005, seed=7, solver=SAMPLED)
    comparison = shown.comparisons["ring"].model_copy(
        update={"candidate": other[0], "reference": other[1]}
    )
    shown = replace(
        shown,
        runs={**shown.runs, other[0]: second, other[1]: REFERENCE},
        comparisons={**shown.comparisons, "second": comparison},
        points={**shown.points, "second": compare(second, REFERENCE, TOLERANCE)},
    )
    upper, strip = dynamics.draw(figure, shown).axes
    assert texts(upper.get_legend()) == ["one", "two"]
    assert r"\langle Z \rangle" in upper.get_ylabel()
    solid = lines(upper, "-")
    assert len({line.get_color() for line in solid}) == 2
    for line, run in zip(solid, (CANDIDATE, second), strict=True):
        np.testing.assert_array_equal(recorded(line)[1], run.observables["Z"].mean)
    table = rows(shown.points["second"], "Z", 0)
    np.testing.assert_array_equal(strip.lines[1].get_ydata(), table["difference"])


def test_more_systems_than_styles_are_all_drawn() -> None:
    shown = material(CANDIDATE, REFERENCE, POINTS)
    names = tuple("abcd")
    panel = Panel(comparisons=names, labels=names, magnetization=("Z",))
    shown = replace(
        shown,
        comparisons=dict.fromkeys(names, shown.comparisons["ring"]),
        points=dict.fromkeys(names, POINTS),
    )
    figure = DYNAMICS.model_copy(update={"panels": (panel,)})
    upper = dynamics.draw(figure, shown).axes[0]
    assert texts(upper.get_legend()) == list(names)
    solid, dashed = lines(upper, "-"), lines(upper, "--")
    assert (len(solid), len(dashed)) == (3, 1)
    assert len({(line.get_color(), line.get_linestyle()) for line in solid + dashed}) == 4


def test_several_runs_beside_have_marks_of_their_own() -> None:
    network = {"kind": "jastrow", "weight": 2, "range": 3, "pair_range": 3}
    other = Run(system="six", solver="strings")
    run = damped(61, solver=tdvp(network=network, orbit=None, forgetting_bound=None))
    shown = material(CANDIDATE, REFERENCE, POINTS)
    shown = replace(shown, runs={**shown.runs, ROUGH: damped(solver=wave_functions()), other: run})
    panel = DYNAMICS.panels[0].model_copy(update={"beside": (ROUGH, other)})
    figure = dynamics.draw(DYNAMICS.model_copy(update={"panels": (panel,)}), shown)
    marks = [line.get_marker() for line in figure.axes[0].lines]
    assert (marks.count("x"), marks.count("+")) == (3, 3)
    header = figure.legends[0]
    assert "ring $N = 6$, TDVP (Jastrow)" in texts(header)


STRINGS = {"kind": "jastrow", "weight": 2, "range": 3, "pair_range": 3}


@pytest.mark.parametrize("panel", [0, 1])
def test_two_networks_share_colours_and_differ_in_dashes(panel: int) -> None:
    """Several comparisons may draw several curves each, beside one reference."""
    other = Run(system="six", solver="strings")
    run = damped(
        61, error=0.005, seed=3, solver=tdvp(network=STRINGS, orbit=None, forgetting_bound=None)
    )
    shown = material(CANDIDATE, REFERENCE, POINTS)
    second = shown.comparisons["ring"].model_copy(update={"candidate": other})
    shown = replace(
        shown,
        runs={**shown.runs, other: run},
        comparisons={**shown.comparisons, "second": second},
        points={**shown.points, "second": compare(run, REFERENCE, TOLERANCE)},
    )
    both = DYNAMICS.panels[panel].model_copy(update={"comparisons": ("ring", "second")})
    drawn = dynamics.draw(DYNAMICS.model_copy(update={"panels": (both,)}), shown)
    solid, dashed = lines(drawn.axes[0], "-"), lines(drawn.axes[0], "--")
    assert len(solid) == len(dashed) == 3
    _, names, distance = PANELS[panel]
    for name, first, second_line in zip(names, solid, dashed, strict=True):
        assert first.get_color() == second_line.get_color()
        mean = values(run, name, distance)[0]
        np.testing.assert_array_equal(recorded(second_line)[1], mean)
    # The reference is there once, and so is every name.
    assert len(dark_lines(drawn.axes[0])) == len(lines(drawn.axes[0], "None")) == 3
    assert len(texts(drawn.axes[0].get_legend())) == 3
    assert texts(drawn.legends[0]) == [
        r"ring $N = 6$, TDVP (recurrent) $\pm\sigma$",
        r"ring $N = 6$, TDVP (Jastrow) $\pm\sigma$",
        "ring $N = 10$, exact",
    ]
    assert len(drawn.axes[1].lines) == 6 + 3


def test_comparisons_with_one_label_have_one_colour() -> None:
    names = ("ring", "again")
    panel = Panel(comparisons=names, labels=("one", "one"), magnetization=("Z",))
    shown = material(CANDIDATE, REFERENCE, POINTS)
    shown = replace(
        shown,
        comparisons=dict.fromkeys(names, shown.comparisons["ring"]),
        points=dict.fromkeys(names, POINTS),
    )
    upper = dynamics.draw(DYNAMICS.model_copy(update={"panels": (panel,)}), shown).axes[0]
    assert texts(upper.get_legend()) == ["one"]
    assert len({line.get_color() for line in lines(upper, "-")}) == 1
