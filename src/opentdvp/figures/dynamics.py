"""Observables of compared runs against time with residuals, in the layout of Figs. 2 and 3(a)."""

from dataclasses import replace
from functools import partial
from itertools import cycle
from string import ascii_lowercase
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from opentdvp.config import DynamicsFigure, Inset, Panel
from opentdvp.figures import names, strips, style
from opentdvp.figures.curves import Line, alike, draw_candidate, draw_marks, judges, smooth
from opentdvp.figures.sources import Material

HEIGHT = 3.6  # inches
#: Heights of a panel and of the residual strip below it.
HEIGHT_RATIOS = (2.7, 1)
#: Left, bottom, width and height of an inset in its panel.
INSET = (0.42, 0.48, 0.55, 0.40)


def draw(figure: DynamicsFigure, material: Material) -> Figure:
    """Draw the panels (a), (b), … side by side, each above its residuals.

    Lines with a band of ± one standard error are candidates, dashed by their method where there
    are several; open marks with error bars on a thin dark line are their references, crosses what
    is beside. Between recorded times lines are cubic splines, as in the comparisons. The strips
    show candidate − reference, see `strips`.

    Returns
    -------
    matplotlib.figure.Figure
        Its axes in the order (a), (b), …, residuals of (a), of (b), …, then insets.
    """
    count = len(figure.panels)
    letters = list(ascii_lowercase[:count]) if count > 1 else [""]
    with style.context():
        canvas = Figure(figsize=(style.FULL_WIDTH, HEIGHT), layout="constrained")
        grid = canvas.subplots(2, count, sharex="col", height_ratios=HEIGHT_RATIOS, squeeze=False)
        dashes = _dashes(figure, material)
        lines = [_lines(panel, material, dashes) for panel in figure.panels]
        for panel, letter, chosen, places in zip(
            figure.panels, letters, lines, grid.T, strict=True
        ):
            _draw_panel(places[0], panel, chosen, material)
            places[0].set_title(f"({letter})" if letter else "", loc="left")
            strips.draw(places[1], [(line.style, line.rows(material)) for line in chosen])
            places[1].set_xlabel(figure.time_label)
            if panel.inset:
                _draw_inset(places[0], figure.time_label, panel.inset, chosen, material)
        canvas.align_ylabels(grid)
        _draw_header(canvas, figure, material, dashes)
        rows = [[line.rows(material) for line in chosen] for chosen in lines]
        style.foot(
            canvas, strips.note(zip(letters, rows, strict=True), _networks(figure, material))
        )
        style.settle(canvas)
    return canvas


def _dashes(figure: DynamicsFigure, material: Material) -> dict[str, str]:
    """Dashes of the candidates' lines by method, if there are several."""
    methods = dict.fromkeys(
        names.method(material.compared(name)[0])
        for panel in figure.panels
        for name in panel.comparisons
    )
    return dict(zip(methods, cycle(style.DASHES), strict=False)) if len(methods) > 1 else {}


def _networks(figure: DynamicsFigure, material: Material) -> bool:
    """Whether one of the candidates is a network."""
    return any(
        names.method(material.compared(name)[0]).startswith(names.METHODS["tdvp"])
        for panel in figure.panels
        for name in panel.comparisons
    )


def _lines(panel: Panel, material: Material, dashes: dict[str, str]) -> list[Line]:
    """Colours by curve, or, of a single one of several comparisons, by label."""
    looks = dict(zip(dict.fromkeys(panel.labels), cycle(style.CURVES), strict=False))
    lines = []
    for number, name in enumerate(panel.comparisons):
        method = names.method(material.compared(name)[0])
        for observable, distance in panel.curves:
            label = panel.labels[number] if panel.labels else style.symbol(observable)
            look = looks[label] if panel.labels else style.curve_style(observable)
            look = replace(look, dashes=dashes[method]) if dashes else look
            lines.append(Line(name, observable, distance, label, look))
    return lines


def _label(panel: Panel) -> str:
    symbol = style.symbol(panel.curves[0][0])
    if panel.correlators is None:
        return symbol if panel.labels else "magnetisation"
    name = f"correlator at $d = {panel.correlators.distance}$"
    return f"{symbol}, {name}" if panel.labels else name


def _draw_panel(axes: Axes, panel: Panel, lines: list[Line], material: Material) -> None:
    pair = material.compared(panel.inset.comparison) if panel.inset else (None, None)
    for line in lines:
        candidate, _ = material.compared(line.comparison)
        draw_candidate(axes, line, smooth(line, candidate, candidate.times[-1], pair[0]))
    judging = judges(lines, material)
    for number, line in enumerate(judging):
        candidate, reference = material.compared(line.comparison)
        stop = candidate.times[-1]
        axes.plot(*smooth(line, reference, stop, pair[1])[:2], **style.REFERENCE)
        draw_marks(axes, line, reference, stop, number / len(judging), line.style.mark)
        for run, cross in zip(panel.beside, cycle(style.CROSSES), strict=False):
            look = cross | {"color": line.style.color}
            draw_marks(axes, line, material.runs[run], stop, (number + 0.5) / len(judging), look)
    axes.set_ylabel(_label(panel))
    _draw_names(axes, lines)


def _draw_names(axes: Axes, lines: list[Line]) -> None:
    """The legend of a panel; lines that share a label have the look of the first."""
    entries = {line.label: line.style for line in reversed(lines)}
    labels = list(dict.fromkeys(line.label for line in lines))
    handles = [Line2D([], [], **entries[label].mark | entries[label].line) for label in labels]
    axes.legend(handles, labels, loc="lower right", bbox_to_anchor=(1, 1), ncols=len(labels))


def _draw_inset(
    axes: Axes, time_label: str, inset: Inset, lines: list[Line], material: Material
) -> None:
    """Runs that stop early, in the style of the panel."""
    small = axes.inset_axes(INSET)
    candidate, reference = pairs = material.compared(inset.comparison)
    stop = candidate.times[-1]
    for line in lines:
        if line.observable in inset.magnetization:
            draw_candidate(small, line, smooth(line, candidate, stop))
            small.plot(*smooth(line, reference, stop)[:2], **style.REFERENCE)
            draw_marks(small, line, reference, stop, 0, line.style.mark)
    small.set_xlim(0, stop)
    small.set_xlabel(time_label, labelpad=1)
    small.set_ylabel(", ".join(map(style.symbol, inset.magnetization)), labelpad=1)
    said = f"other runs, to {time_label} = {stop:g}"
    if all(
        alike(*pair) for pair in zip(material.compared(lines[0].comparison), pairs, strict=True)
    ):
        said += "; the lines begin with them"
    small.set_title(said, fontsize=style.SMALL)


def _draw_header(
    canvas: Figure, figure: DynamicsFigure, material: Material, dashes: dict[str, str]
) -> None:
    """Which marks are which run."""
    look = style.CurveStyle(style.INK, "o", "solid")
    # By kind of mark and name: two runs may share the name, but not the mark.
    entries: dict[tuple[str, str], Any] = {}
    marked: dict[tuple[str, str], Any] = {}
    for name in dict.fromkeys(name for panel in figure.panels for name in panel.comparisons):
        candidate, reference = material.compared(name)
        line = replace(look, dashes=dashes.get(names.method(candidate), "solid")).line
        title, handle = names.name(candidate), Line2D([], [], **line)
        if any(error.any() for _, error in candidate.curves().values()):
            entries["line", rf"{title} $\pm\sigma$"] = (Patch(**look.band), handle)
        else:
            entries["line", title] = handle
        mark = Line2D([], [], **look.mark), Line2D([], [], **style.REFERENCE)
        marked["mark", names.name(reference)] = mark[::-1]
    entries |= marked
    for panel in figure.panels:
        for run, cross in zip(panel.beside, cycle(style.CROSSES), strict=False):
            entries[cross["marker"], names.name(material.runs[run])] = Line2D([], [], **cross)
    handles, titles = list(entries.values()), [title for _, title in entries]
    place = partial(canvas.legend, handles, titles, loc="outside upper center")
    legend = place(ncols=3 if len(entries) <= 3 else 2)
    # Long names, such as those of open squares, need a second row.
    if legend.get_window_extent().width > canvas.bbox.width:
        legend.remove()
        place(ncols=2)
