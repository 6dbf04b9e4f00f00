"""A profile, or currents, against time and place as a heat map, a row per run."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from opentdvp.config import ProfileFigure
from opentdvp.figures import maps, style
from opentdvp.figures.sources import Material
from opentdvp.records.trajectory import Observable

#: Scale of what is zero everywhere.
SMALLEST_REACH = 1e-12


def draw(figure: ProfileFigure, material: Material) -> Figure:
    """Draw the value of every site, or bond, a row per run, all with the same colours.

    Returns
    -------
    matplotlib.figure.Figure
        Its axes in the order of the rows, then the colour bar.
    """
    runs = [material.runs[row.run] for row in figure.rows]
    shown = [run.observables[figure.observable] for run in runs]
    norm = _norm(figure, shown)
    with style.context():
        size = (style.FULL_WIDTH, maps.ROW_HEIGHT * len(runs) + maps.FRAME_HEIGHT)
        canvas = Figure(figsize=size, layout="constrained")
        grid = canvas.add_gridspec(len(runs), 2, width_ratios=maps.WIDTH_RATIOS)
        panels = maps.add_panels(canvas, grid)
        for axes, run, observable, row in zip(panels, runs, shown, figure.rows, strict=True):
            places = np.arange(observable.mean.shape[1])
            mesh = axes.pcolormesh(
                maps.edges(run.times),
                maps.edges(places),
                observable.mean.T,
                cmap=maps.DIVERGING,
                norm=norm,
                rasterized=True,
            )
            _name_places(axes, observable)
            maps.write_label(axes, row.label)
        label = style.symbol(figure.observable)
        extend = "neither" if figure.range is None else "both"
        canvas.colorbar(mesh, cax=canvas.add_subplot(grid[:, 1]), label=label, extend=extend)
        panels[-1].set_xlabel(figure.time_label)
        style.settle(canvas)
    return canvas


def _norm(figure: ProfileFigure, shown: list[Observable]) -> Normalize:
    if figure.range is not None:
        return Normalize(*figure.range)
    reach = max(SMALLEST_REACH, *(float(np.abs(o.mean).max()) for o in shown))
    return Normalize(-reach, reach)


def _name_places(axes: Axes, observable: Observable) -> None:
    """Sites by their number, bonds by those of both ends."""
    ((name, labels),) = observable.labels.items()
    axes.set_ylabel(name)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=7, steps=[1, 2, 5, 10], integer=True))
    axes.yaxis.set_major_formatter(lambda place, _: _label(labels, place))


def _label(labels: tuple[int | str, ...], place: float) -> str:
    """Nothing beyond the ends of the axis."""
    return str(labels[int(place)]) if 0 <= place < len(labels) else ""
