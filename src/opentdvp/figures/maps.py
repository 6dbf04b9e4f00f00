"""Observables with a value for every site, bond and the like, against time, as colours."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from opentdvp.figures import names, style
from opentdvp.records.trajectory import Trajectory

HEIGHT = 2.3  # inches, of a row


def draw(runs: Sequence[Trajectory], observables: Sequence[str], time_label: str = "$t$") -> Figure:
    """Draw a row for each observable and a column for each run; of two runs, the difference too.

    Observables have one axis besides the time, and all runs the same times.
    """
    titles = [names.name(run) for run in runs] + ["difference"] * (len(runs) == 2)
    with style.context():
        size = (style.FULL_WIDTH, HEIGHT * len(observables))
        canvas = Figure(figsize=size, layout="constrained")
        grid = canvas.subplots(len(observables), len(titles), sharex=True, squeeze=False)
        for row, name in zip(grid, observables, strict=True):
            means = [run.observables[name].mean for run in runs]
            means += [means[0] - means[1]] * (len(runs) == 2)
            (axis,) = runs[0].observables[name].labels
            labels = runs[0].observables[name].labels[axis]
            for number, (axes, values) in enumerate(zip(row, means, strict=True)):
                shared = means[: len(runs)] if number < len(runs) else [values]
                reach = max(float(np.abs(each).max()) for each in shared) or 1.0
                image = axes.pcolormesh(
                    runs[0].times, range(len(labels)), values.T, cmap="RdBu_r",
                    vmin=-reach, vmax=reach, shading="nearest",
                )  # fmt: skip
                canvas.colorbar(image, ax=axes)
                _name_entries(axes, labels)
            row[0].set_ylabel(f"{style.symbol(name)}, {axis}")
        for axes, title in zip(grid[0], titles, strict=True):
            axes.set_title(title, fontsize=style.SMALL)
        for axes in grid[-1]:
            axes.set_xlabel(time_label)
        style.settle(canvas)
    return canvas


def _name_entries(axes: Axes, labels: Sequence[int | str]) -> None:
    stride = max(1, len(labels) // 8)
    axes.set_yticks(range(0, len(labels), stride), list(map(str, labels[::stride])))
    axes.minorticks_off()
