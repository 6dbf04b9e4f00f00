"""Figures from trajectories and tables. Nothing here computes physics or statistics."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO

from matplotlib.figure import Figure

from opentdvp.config import AnyFigure
from opentdvp.errors import ConfigError
from opentdvp.figures import (
    costs,
    diagnostics,
    dynamics,
    front,
    heatmap,
    profile,
    runs,
    scan,
    scheme,
    style,
)
from opentdvp.figures.copies import note_copies
from opentdvp.figures.labels import check_labels
from opentdvp.figures.sources import Material
from opentdvp.figures.style import run_ids
from opentdvp.records.permissions import Output

__all__ = [
    "KINDS",
    "Material",
    "check_labels",
    "draw_to_files",
    "drawing",
    "output",
    "run_ids",
]

#: What draws each kind of figure.
KINDS: dict[str, Callable[..., Figure]] = {
    "dynamics": dynamics.draw,
    "runs": runs.draw,
    "diagnostics": diagnostics.draw,
    "heatmap": heatmap.draw,
    "profile": profile.draw,
    "front": front.draw,
    "scan": scan.draw,
    "costs": costs.draw,
    "scheme": scheme.draw,
}

#: Modules that all figures share; a change of one draws all of them anew.
SHARED = ("style", "names", "sources", "labels", "copies", "curves", "strips", "maps")


def drawing(kind: str) -> list[Path]:
    """The code that draws a kind of figure: its module, and what all share."""
    return [Path(__file__).with_name(f"{module}.py") for module in (kind, *SHARED)]


def output(path: Path) -> Output:
    """A figure as the output of a command.

    Raises
    ------
    ConfigError
        If its suffix is none of those that we draw.
    """
    if path.suffix not in style.UNDATED:
        known = ", ".join(style.UNDATED)
        raise ConfigError(f"Option --out must end in {known}, but is {path}.")
    return Output(path, "a figure of this package", _is_figure)


def _is_figure(stream: IO[bytes]) -> bool:
    content = stream.read()
    return content.startswith((b"%PDF", b"\x89PNG", b"<?xml")) and b"matplotlib" in content.lower()


def draw_to_files(figure: AnyFigure, material: Material, paths: Iterable[Path]) -> None:
    """Draw a configured figure and save it under every path, with the origin of its runs.

    Parameters
    ----------
    figure
        What to draw; its kind chooses the module that does it.
    material
        The runs and tables that it shows.
    paths
        Files to write, as PDF, PNG or SVG by their suffix.

    Raises
    ------
    ConfigError
        If a suffix is another one.
    FileError
        If a file cannot be written.
    """
    canvas = KINDS[figure.kind](figure, material)
    note_copies(canvas, material)
    for path in paths:
        style.save(canvas, path, style.origins(list(material.runs.values())))
