"""What figures of values in a plane have in common: rows of maps beside their colour bars."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec

from opentdvp.figures import style

ROW_HEIGHT = 1.45  # inches
#: Widths of the maps and of a colour bar.
WIDTH_RATIOS = (60, 1)
FRAME_HEIGHT = 0.45  # inches, of what is below the last row
#: Of values on both sides of 0.
DIVERGING = "PuOr"


def add_panels(canvas: Figure, grid: GridSpec) -> list[Axes]:
    """One per row of the grid; a map hides what is inside, so that ticks point outwards."""
    panels: list[Axes] = []
    for row in range(grid.nrows):
        shared = panels[0] if panels else None
        axes = canvas.add_subplot(grid[row, 0], sharex=shared, sharey=shared)
        axes.tick_params(which="both", direction="out", top=False, right=False)
        axes.tick_params(labelbottom=row == grid.nrows - 1)
        panels.append(axes)
    return panels


def edges(centres: np.ndarray) -> np.ndarray:
    """Halfway between the centres; the outer cells are as wide as if the next one were.

    One alone is of width 1.
    """
    if centres.size == 1:
        return centres[0] + np.array([-0.5, 0.5])
    middles = (centres[1:] + centres[:-1]) / 2
    first, last = 2 * centres[0] - middles[0], 2 * centres[-1] - middles[-1]
    return np.concatenate([[first], middles, [last]])


def write_label(axes: Axes, label: str) -> None:
    """Name a map, in a box in its upper right corner."""
    box = {"facecolor": "white", "edgecolor": style.INK, "linewidth": 0.4, "boxstyle": "square"}
    axes.annotate(
        label, (1, 1), (-6, -6), "axes fraction", "offset points", ha="right", va="top", bbox=box
    )
