"""Correlators at a late time against a setting, with the scatter of seeds, in the manner of S3."""

from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from opentdvp.config import ScanFigure
from opentdvp.errors import ConfigError
from opentdvp.figures import names, style
from opentdvp.figures.sources import Material

HEIGHT = 2.9  # inches
MARKERS = ("o", "s", "^", "D")
#: Dashes of references' lines, by their order.
DASHES = ("solid", "dashed", "dotted")
LEGEND_COLUMNS = 4
#: More values of the setting have the labels of the axis, not one each.
MOST_LABELS = 8
#: Lines at the same value share this width, as parts of the distance between the outer values and
#: between neighbours.
WIDTHS = (0.06, 0.8)


def draw(figure: ScanFigure, material: Material) -> Figure:
    """Draw a panel per correlator: values against the varied setting, references as levels.

    Values are means over the seeds, with no line from one to the next, since a few seeds do not
    tell what is between them. Error bars are standard errors over the seeds, which for two end at
    both values, or, for a single run, of its observables; the foot says which, and the time.
    Levels with a band of ± one standard error are references.

    Raises
    ------
    ConfigError
        If the table of the scan is not there.
    """
    if material.table is None:
        raise ConfigError("`table` must be that of the scan, but is missing.")
    wanted = [f"C_{pair}" for pair in figure.correlators.pairs]
    with style.context():
        canvas = Figure(figsize=(style.FULL_WIDTH, HEIGHT), layout="constrained")
        panels = canvas.subplots(1, len(wanted), squeeze=False)[0]
        for axes, name in zip(panels, wanted, strict=True):
            rows = material.table[material.table["observable"] == name]
            axes.margins(x=0.08)
            _scale(axes, np.unique(rows["varied"].dropna()))
            _draw_references(axes, rows[rows["varied"].isna()])
            _draw_lines(axes, rows[rows["varied"].notna()])
            axes.set_xlabel(figure.axis_label)
            axes.set_title(f"{style.symbol(name)} at $d = {figure.correlators.distance}$")
        handles, labels = panels[0].get_legend_handles_labels()
        columns = min(len(labels), LEGEND_COLUMNS)
        canvas.legend(handles, labels, loc="outside upper center", ncols=columns)
        style.foot(canvas, _note(figure, material))
        style.settle(canvas)
    return canvas


def _note(figure: ScanFigure, material: Material) -> str:
    """When, and what the bars are, in words."""
    assert material.table is not None
    last = next(iter(material.runs.values())).times[-1]
    counts = sorted(set(material.table.loc[material.table["varied"].notna(), "runs"]))
    if counts == [1]:
        bars = r"one run each; bars: $\pm\sigma$, its sampling error alone"
    else:
        runs = " or ".join(map(str, counts))
        bars = f"means of {runs} runs each; bars: ± standard error from their scatter"
        bars += ", which ends at the two values" if counts == [2] else ""
    bands = "; shaded: ± standard error of a reference" if _has_bands(material.table) else ""
    return f"At {figure.time_label} = {last:g}. Marks: {bars}{bands}."


def _has_bands(table: pd.DataFrame) -> bool:
    return bool((table.loc[table["varied"].isna(), "sampling_error"] > 0).any())


def _scale(axes: Axes, values: np.ndarray) -> None:
    """Logarithmic where the values are spaced so, zeros beside; labels at the values if few."""
    positive = values[values > 0]
    if values.min(initial=0) >= 0 and _is_geometric(positive):
        zeros: dict[str, Any] = {"linthresh": positive[0]} if values[0] == 0 else {}
        axes.set_xscale("symlog" if zeros else "log", **zeros)
    if values.size <= MOST_LABELS:
        axes.set_xticks(values, labels=[_number(value) for value in values])
        axes.xaxis.set_minor_locator(NullLocator())


def _is_geometric(values: np.ndarray) -> bool:
    """Whether ratios differ less than distances; two values have to be a decade apart."""
    if values.size < 3:
        return values.size == 2 and values[1] / values[0] >= 10
    ratios, steps = np.diff(np.log(values)), np.diff(values)
    return bool(ratios.std() / ratios.mean() < steps.std() / steps.mean())


def _number(value: float) -> str:
    """As text, with a power of ten where it is very small or large."""
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:g}"
    mantissa, _, exponent = f"{value:.3e}".partition("e")
    factor = "" if float(mantissa) == 1 else rf"{float(mantissa):g} \times "
    return f"${factor}10^{{{int(exponent)}}}$"


def _draw_references(axes: Axes, rows: pd.DataFrame) -> None:
    methods = rows["method"].map(lambda method: names.METHODS.get(method, method))
    # Solvers are told apart where one method is not enough.
    titles = methods.where(~methods.duplicated(keep=False), methods + ", " + rows["label"])
    columns = (titles, rows["mean"], rows["sampling_error"])
    for name, mean, error, dashes in zip(*columns, cycle(DASHES), strict=False):
        look: dict[str, Any] = {"color": style.INK, "linestyle": dashes, "linewidth": 0.9}
        axes.axhline(mean, label=name, **look)
        if error > 0:
            axes.axhspan(mean - error, mean + error, color=style.INK, alpha=0.15, linewidth=0)


def _draw_lines(axes: Axes, rows: pd.DataFrame) -> None:
    lines = [(label, rows[rows["label"] == label]) for label in rows["label"].unique()]
    looks = zip(cycle(style.CURVES), cycle(MARKERS), strict=False)
    for k, ((label, line), (look, marker)) in enumerate(zip(lines, looks, strict=False)):
        ordered = line.sort_values("varied")
        errors = ordered["scatter"].fillna(ordered["sampling_error"])
        method = names.METHODS.get(ordered["method"].iloc[0], ordered["method"].iloc[0])
        axes.errorbar(
            _beside(axes, ordered["varied"].to_numpy(), (k + 0.5) / len(lines) - 0.5),
            ordered["mean"],
            errors,
            label=f"{method}, {label}" if label else method,
            color=look.color,
            marker=marker,
            linestyle="none",
            elinewidth=1.0,
            capsize=1.5,
        )


def _beside(axes: Axes, values: np.ndarray, share: float) -> np.ndarray:
    """Values moved a little, so that lines with the same ones do not hide each other."""
    scale = axes.xaxis.get_transform()
    places = scale.transform(values)
    steps = np.diff(places)
    width = min(WIDTHS[0] * steps.sum(), WIDTHS[1] * steps.min()) if steps.size else WIDTHS[0]
    return np.asarray(scale.inverted().transform(places + share * width))
