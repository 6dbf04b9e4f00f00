"""Figures say below themselves which of their runs were not computed here."""

from dataclasses import replace
from pathlib import Path

from figure_settings import DYNAMICS, NET, REF, material
from matplotlib.figure import Figure
from solvers import tdvp
from systems import heisenberg_ring
from trajectories import damped

from opentdvp.config import Run
from opentdvp.figures import draw_to_files, dynamics, style
from opentdvp.figures.copies import note_copies
from opentdvp.figures.sources import Material

MATERIAL = material(damped(error=0.01, seed=1, solver=tdvp()), damped(system=heisenberg_ring(10)))


def note(canvas: Figure) -> str:
    """What is below the figure, but for what the figure itself says there."""
    plain = str(dynamics.draw(DYNAMICS, MATERIAL).get_supxlabel())
    return str(canvas.get_supxlabel()).removeprefix(plain).removeprefix("\n")


def drawn(copies: tuple[Run, ...]) -> Figure:
    canvas = dynamics.draw(DYNAMICS, MATERIAL)
    note_copies(canvas, replace(MATERIAL, copies=copies))
    return canvas


def test_copies_are_named_as_in_the_legend() -> None:
    said = "From the archive, not computed here:"
    assert note(drawn((REF,))) == f"{said} ring $N = 10$, exact"
    assert note(drawn((NET,))) == f"{said} ring $N = 6$, TDVP (recurrent)"
    assert note(drawn((NET, REF))) == f"{said} all runs"


def test_the_note_covers_nothing_and_the_figure_keeps_its_size() -> None:
    plain, canvas = drawn(()), drawn((REF,))
    assert note(plain) == ""
    assert tuple(canvas.get_size_inches()) == tuple(plain.get_size_inches())
    canvas.draw_without_rendering()
    below = canvas._supxlabel.get_window_extent()  # type: ignore[attr-defined]
    assert below.y0 >= 0
    assert below.x1 <= canvas.bbox.x1
    for axes in canvas.axes:
        assert axes.get_tightbbox().y0 > below.y1
    assert max(axes.get_tightbbox().y1 for axes in canvas.axes) < canvas.bbox.y1


def test_of_runs_with_one_name_the_copies_are_counted() -> None:
    names = [Run(system=f"s{k}", solver=f"solver_with_a_long_name_{k}") for k in range(9)]
    sizes = (6, 6, 6, 6, 6, 7, 8, 9, 10)
    runs = {name: damped(system=heisenberg_ring(n)) for name, n in zip(names, sizes, strict=True)}
    canvas = Figure(figsize=(style.FULL_WIDTH, 3.0), layout="constrained")
    canvas.subplots()
    note_copies(canvas, Material(runs, copies=names[1:]))
    solvers = ", ".join(f"solver_with_a_long_name_{k}" for k in (1, 2, 3, 4))
    text = note(canvas).replace("\n", " ")
    assert f"ring $N = 6$, exact (4 of 5: {solvers}); ring $N = 7$, exact;" in text
    assert all(line.count("$") % 2 == 0 for line in note(canvas).split("\n"))
    assert "\n" in note(canvas)
    assert canvas._supxlabel.get_window_extent().x0 >= 0  # type: ignore[attr-defined]


def test_equal_figures_with_a_note_give_equal_bytes(tmp_path: Path) -> None:
    for name, copies in (("first", (REF,)), ("second", (REF,)), ("plain", ())):
        files = [tmp_path / f"{name}{suffix}" for suffix in (".pdf", ".png")]
        draw_to_files(DYNAMICS, replace(MATERIAL, copies=copies), files)
    for suffix in (".pdf", ".png"):
        first, second, plain = (
            (tmp_path / f"{name}{suffix}").read_bytes() for name in ("first", "second", "plain")
        )
        assert first == second != plain
