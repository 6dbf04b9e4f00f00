"""Strips with what is left between compared runs, below their curves."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from opentdvp.figures import style

#: A tolerance beyond this multiple of what there is to see lies outside of the strip.
FAR = 10
#: How far the strip reaches beyond what is in it, as a factor.
MARGIN = 1.15
#: Differences that are no more than rounding.
ROUNDING = 1e-12
#: Shaded: so many combined standard errors.
SHADED = 2


def draw(axes: Axes, parts: Sequence[tuple[style.CurveStyle, pd.DataFrame]]) -> None:
    """Draw the differences of curves as they are, their errors, and what is tolerated.

    In units of the observables, never of the errors: those of some networks are so small that they
    say nothing about how close a curve is, and those of exact runs are zero. Lines are differences,
    shaded is ± 2σ around zero, with the combined error σ, and dashed the tolerance.

    Parameters
    ----------
    parts
        Look of every curve, and its rows in the table of its comparison.
    """
    for look, rows in parts:
        band = SHADED * rows["combined_error"]
        if band.any():
            axes.fill_between(rows["time"], -band, band, **look.band | {"alpha": 0.15})
        thin = look.line | {"linewidth": 0.8} | style.dots(len(rows))
        axes.plot(rows["time"], rows["difference"], **thin)
    axes.axhline(0, **style.GUIDE)
    tolerances = sorted({float(rows["tolerance"].iloc[0]) for _, rows in parts})
    for tolerance in tolerances:
        for level in (-tolerance, tolerance):
            axes.axhline(level, **style.GUIDE | {"linestyle": "dashed", "color": style.INK})
    seen = max(_largest(rows) for _, rows in parts)
    # Of equal runs the tolerance alone gives the scale.
    shown = max(seen, min(tolerances[-1], FAR * seen)) if seen > ROUNDING else tolerances[-1]
    reach = MARGIN * shown
    axes.set_ylim(-reach, reach)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 4, 5, 10]))
    axes.set_ylabel(r"$\Delta$")


def _largest(rows: pd.DataFrame) -> float:
    return float(np.maximum(rows["difference"].abs(), SHADED * rows["combined_error"]).max())


def note(panels: Iterable[tuple[str, Sequence[pd.DataFrame]]], networks: bool) -> str:
    """What the strips show, and what σ is, in words for the foot of the figure.

    Parameters
    ----------
    panels
        Letter of each panel, empty for a single one, and the rows of all its curves.
    networks
        Whether σ is that of networks, whose own error is not in it.
    """
    panels = list(panels)
    errors = any(rows["combined_error"].any() for _, parts in panels for rows in parts)
    said = rf"Strips: $\Delta$ = lines − marks, absolute; dashed: tolerance, {_tolerances(panels)}"
    if not errors:
        return f"{said}. No run has a sampling error."
    shaded = rf"{said}; shaded: $\pm {SHADED}\sigma$ of both runs."
    alone = "the sampling error of the observables alone, without that of the network"
    return f"{shaded}\n$\\sigma$: {alone}." if networks else shaded


def _tolerances(panels: Iterable[tuple[str, Sequence[pd.DataFrame]]]) -> str:
    """Once, if it is the same in all panels."""
    said = dict(_named(panels))
    if len(set(said.values())) == 1:
        return next(iter(said.values()))
    return ", ".join(f"{values} ({letter})" for letter, values in said.items())


def _named(panels: Iterable[tuple[str, Sequence[pd.DataFrame]]]) -> Iterator[tuple[str, str]]:
    for letter, parts in panels:
        values = dict.fromkeys(f"{rows['tolerance'].iloc[0]:g}" for rows in parts)
        yield letter, " / ".join(values)
