"""Correlators at a late time against a setting, with the scatter of seeds, in the manner of S3."""

from itertools import cycle
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from opentdvp.config import ScanFigure
from opentdvp.errors import ConfigError
from opentdvp.figures import style
from opentdvp.figures.material import Material

HEIGHT = 2.9  # inches
MARKERS = ("o", "s", "^", "D")
#: Dashes of references' lines, by their order.
DASHES = ("solid", "dashed", "dotted")


def draw(figure: ScanFigure, material: Material) -> Figure:
    """Draw a panel per correlator: values against the varied setting, references as levels.

    Error bars are standard errors over the seeds, or, for a single run, of its observables.
    Levels with a band of ± one standard error are references.

    Raises
    ------
    ConfigError
        If the table of the scan is not there.
    """
    if material.table is None:
        raise ConfigError("`table` must be that of the scan, but is missing.")
    names = [f"C_{pair}" for pair in figure.correlators.pairs]
    with style.context():
        canvas = Figure(figsize=(style.FULL_WIDTH, HEIGHT), layout="constrained")
        panels = canvas.subplots(1, len(names), squeeze=False)[0]
        for axes, name in zip(panels, names, strict=True):
            rows = material.table[material.table["observable"] == name]
            _draw_references(axes, rows[rows["varied"].isna()])
            _draw_lines(axes, rows[rows["varied"].notna()])
            axes.set_xscale("log", base=2)
            axes.margins(x=0.08)
            axes.set_xlabel(figure.axis_label)
            axes.set_title(f"{style.symbol(name)} at $d = {figure.correlators.distance}$")
        handles, labels = panels[0].get_legend_handles_labels()
        canvas.legend(handles, labels, loc="outside upper center", ncols=len(labels))
        style.settle(canvas)
    return canvas


def _draw_references(axes: Axes, rows: pd.DataFrame) -> None:
    columns = (rows["label"], rows["mean"], rows["sampling_error"])
    for label, mean, error, dashes in zip(*columns, cycle(DASHES), strict=False):
        look: dict[str, Any] = {"color": style.INK, "linestyle": dashes, "linewidth": 0.9}
        axes.axhline(mean, label=style.METHODS.get(label, label), **look)
        if error > 0:
            axes.axhspan(mean - error, mean + error, color=style.INK, alpha=0.15, linewidth=0)


def _draw_lines(axes: Axes, rows: pd.DataFrame) -> None:
    lines = [(label, rows[rows["label"] == label]) for label in rows["label"].unique()]
    # Side by side where lines share a value of the setting.
    factors = [1.06 ** (k - (len(lines) - 1) / 2) for k in range(len(lines))]
    looks = zip(cycle(style.CURVES), cycle(MARKERS), strict=False)
    for (label, line), factor, (look, marker) in zip(lines, factors, looks, strict=False):
        ordered = line.sort_values("varied")
        errors = ordered["scatter"].fillna(ordered["sampling_error"])
        axes.errorbar(
            ordered["varied"] * factor,
            ordered["mean"],
            errors,
            label=f"TDVP, {label}" if label else "TDVP",
            color=look.color,
            marker=marker,
            linestyle=look.dashes,
            linewidth=0.8,
            elinewidth=1.0,
        )
