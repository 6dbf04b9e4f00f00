"""A correlator against time and distance as a heat map, in the layout of Fig. 3(b)."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from opentdvp.config import HeatMapFigure
from opentdvp.errors import ConfigError
from opentdvp.figures import maps, names, style
from opentdvp.figures.sources import Material
from opentdvp.records.trajectory import Trajectory

#: Monotonic in grey, and perceptually uniform also for colour-blind readers.
COLORS = "cividis"
#: Of d = 0, which no run stores; hatched, since both maps hold greys too.
MASKED: dict[str, Any] = {
    "facecolor": "#a0a0a0",
    "edgecolor": "white",
    "linewidth": 0,
    "hatch": "//////////",
    "hatch_linewidth": 0.4,
}
#: Marks of a front, light on the dark parts of a map and dark on its light parts.
FRONT: dict[str, Any] = {
    "color": "#d62728",
    "marker": "o",
    "markersize": 2.6,
    "markeredgecolor": "white",
    "markeredgewidth": 0.4,
    "linestyle": "none",
    "elinewidth": 0.6,
}
#: Scale of a difference that is zero everywhere.
SMALLEST_REACH = 1e-12


def draw(figure: HeatMapFigure, material: Material) -> Figure:
    """Draw C(d, t) for d from −D to D, a row per run, and then the difference if there is one.

    C(−d, t) = C(d, t), so the stored distances are mirrored. Values below the colour range, also
    those that noise has made negative, have its lowest colour. Marks are the front of each run.

    Returns
    -------
    matplotlib.figure.Figure
        Its axes in the order of the rows, difference, colour bar, colour bar of the difference.

    Raises
    ------
    ConfigError
        If fronts are to be drawn, but their table is not there.
    """
    count = len(figure.rows) + bool(figure.difference)
    with style.context():
        size = (style.FULL_WIDTH, maps.ROW_HEIGHT * count + maps.FRAME_HEIGHT)
        canvas = Figure(figsize=size, layout="constrained")
        grid = canvas.add_gridspec(count, 2, width_ratios=maps.WIDTH_RATIOS)
        panels = maps.add_panels(canvas, grid)
        runs = len(figure.rows)
        mesh = _draw_runs(panels[:runs], figure, material)
        bar = canvas.add_subplot(grid[:runs, 1])
        symbol = style.symbol(f"C_{figure.pair}")
        canvas.colorbar(mesh, cax=bar, label=f"{symbol}$(d, t)$", extend="both")
        if figure.difference:
            mesh = _draw_difference(panels[-1], figure, material)
            bar = canvas.add_subplot(grid[-1, 1])
            canvas.colorbar(mesh, cax=bar, label=r"$\Delta$")
        for number, axes in enumerate(panels):
            _draw_lines(axes, figure, "white" if number < runs else style.INK)
        if figure.front:
            _draw_fronts(canvas, panels[:runs], figure, material)
        panels[-1].set_xlabel(figure.time_label)
        style.settle(canvas)
    return canvas


def _draw_runs(panels: list[Axes], figure: HeatMapFigure, material: Material) -> QuadMesh:
    # Clipped before the logarithm, which would leave zero and negative values without a colour.
    norm = LogNorm(*figure.range, clip=True)
    for axes, row in zip(panels, figure.rows, strict=True):
        run = material.runs[row.run]
        mesh = _draw_mesh(axes, run.times, _values(run, figure), COLORS, norm)
        maps.write_label(axes, row.label)
    return mesh


def _values(run: Trajectory, figure: HeatMapFigure) -> np.ndarray:
    """Means at d = 1 … D, one row per distance."""
    curves = run.curves()
    distances = range(1, figure.largest_distance + 1)
    return np.array([curves[f"C_{figure.pair}", distance][0] for distance in distances])


def _draw_difference(axes: Axes, figure: HeatMapFigure, material: Material) -> QuadMesh:
    """Candidate − reference, from the table of the comparison."""
    assert figure.difference is not None
    points = material.points[figure.difference]
    shown = points["distance"].between(1, figure.largest_distance)
    rows = points[shown & (points["observable"] == f"C_{figure.pair}")]
    table = rows.pivot(index="distance", columns="time", values="difference")
    values = table.to_numpy()
    reach = max(np.abs(values).max(), SMALLEST_REACH)
    candidate, reference = material.compared(figure.difference)
    maps.write_label(axes, f"{names.name(candidate)} − {names.name(reference)}")
    norm = Normalize(-reach, reach)
    return _draw_mesh(axes, table.columns.to_numpy(), values, maps.DIVERGING, norm)


def _draw_mesh(
    axes: Axes, times: np.ndarray, values: np.ndarray, colors: str, norm: Normalize
) -> QuadMesh:
    """The values, mirrored, in cells centred on their times and distances."""
    distances = np.arange(-len(values), len(values) + 1)
    missing = np.ma.masked_all((1, len(times)))
    mirrored = np.ma.concatenate([values[::-1], missing, values])
    axes.axhspan(-0.5, 0.5, **MASKED)
    # Pixels inside the vector file: as vectors, each cell would be a path of its own.
    return axes.pcolormesh(
        maps.edges(times), maps.edges(distances), mirrored, cmap=colors, norm=norm, rasterized=True
    )


def _draw_lines(axes: Axes, figure: HeatMapFigure, color: str) -> None:
    reach = figure.largest_distance + 0.5
    for line in figure.lines:
        for distance in (-line, line):
            axes.axhline(distance, color=color, linewidth=0.7, linestyle=(0, (2, 3)))
    if figure.cone:
        for side in (-reach, reach):
            ends = [0, reach / figure.cone], [0, side]
            axes.plot(*ends, color=color, linewidth=0.9, linestyle=(0, (5, 3)))
    axes.set_ylim(-reach, reach)
    axes.set_ylabel("$d$")
    axes.yaxis.set_major_locator(MaxNLocator(nbins=7, steps=[1, 2, 5, 10], integer=True))


def _draw_fronts(
    canvas: Figure, panels: list[Axes], figure: HeatMapFigure, material: Material
) -> None:
    """Where the correlator first reaches the threshold, on both sides, with the error of time."""
    assert figure.front is not None
    if material.table is None:
        raise ConfigError("`table` must be that of the fronts, but is missing.")
    for axes, row in zip(panels, figure.rows, strict=True):
        points = material.table[material.table["label"] == row.label]
        for side in (-1, 1):
            errors = points["time_error"].fillna(0)
            axes.errorbar(points["time"], side * points["distance"], xerr=errors, **FRONT)
    symbol = style.symbol(f"C_{figure.pair}")
    said = f"front, where {symbol} first reaches {figure.front.threshold:g}"
    mark = Line2D([], [], **{key: FRONT[key] for key in ("color", "marker", "linestyle")})
    canvas.legend([mark], [said], loc="outside upper center")
