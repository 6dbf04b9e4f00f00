"""Figures of results, in the look of the pipeline's."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from opentdvp.config import Comparison as ConfiguredComparison
from opentdvp.config import DynamicsFigure, Panel, ProfileFigure, Run
from opentdvp.config.observables import CurveKey
from opentdvp.config.panels import PlottedCorrelators
from opentdvp.errors import ConfigError
from opentdvp.interface import words
from opentdvp.interface.comparing import TOLERANCE, compare
from opentdvp.interface.results import AnyPath, Result, as_result

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Names that stand in the figure's own comparison.
_NAME = "comparison"
_CANDIDATE, _REFERENCE = (Run(system=role, solver=role) for role in ("candidate", "reference"))


def plot(
    result: Result | AnyPath,
    reference: Result | AnyPath | None = None,
    observables: Sequence[str] | str | None = None,
    tolerance: float = TOLERANCE,
) -> "Figure":
    """Draw observables against time, and with a reference what is left between the two.

    Parameters
    ----------
    result, reference
        Results, or paths of their files.
    observables
        Names such as X, C_XX(2) at a distance, and Z_i of a profile, which is drawn as a map over
        sites and time. Without it, magnetisations and the shortest distances.
    tolerance
        Dashed in the strips below the curves.

    Returns
    -------
    matplotlib.figure.Figure
        Notebooks show it; `savefig` saves it.

    Raises
    ------
    ConfigError
        If an observable is not there, or the results do not belong together.

    Examples
    --------
    >>> import opentdvp as od
    >>> jumps = [od.Jump("sigma_minus", 1.0)]
    >>> decay = od.System.chain(3, jumps=jumps, start={"Z": 1}, stop=1)
    >>> exact = od.solve(decay, od.Exact(), progress=False)
    >>> od.plot(exact, observables=["Z"]).axes[0].get_ylabel()
    'magnetisation'
    """
    _show_in_notebooks()
    drawn = as_result(result, "result")
    beside = None if reference is None else as_result(reference, "reference")
    names = [observables] if isinstance(observables, str) else observables
    mapped = [name for name in names or () if _axes(drawn, name) == 1]
    if mapped:
        return _maps(drawn, beside, list(names or ()), mapped)
    keys = _keys(drawn, names)
    if beside is None:
        from opentdvp.figures import single

        return single.draw(drawn.trajectory, keys)
    return _beside(drawn, beside, keys, tolerance)


def _show_in_notebooks() -> None:
    """Let IPython show figures as images; it would only once pyplot is used, which ours do not."""
    if "IPython" not in sys.modules:
        return
    from IPython import get_ipython
    from IPython.core.pylabtools import select_figure_formats
    from matplotlib.figure import Figure

    shell = get_ipython()
    if shell is None or any(
        Figure in known for known in shell.display_formatter.formatters.values()
    ):
        return
    select_figure_formats(shell, {"png"})


def _axes(result: Result, name: str) -> int:
    """How many axes with labels an observable has."""
    found = result.trajectory.observables.get(name)
    return len(found.labels) if found else 0


def _maps(
    result: Result, reference: Result | None, names: list[str], mapped: list[str]
) -> "Figure":
    """Values of every site or bond as a map over time, that of the reference below."""
    from opentdvp.figures import KINDS, Material
    from opentdvp.figures import names as legends

    if len(names) > 1:
        raise ConfigError(
            f"`observables` must be {mapped[0]} alone, since that has a value for every site or "
            f"bond, but are {', '.join(names)}; draw the others in figures of their own."
        )
    runs = {_CANDIDATE: result} | ({_REFERENCE: reference} if reference else {})
    for found in runs.values():
        words.curve_key(names[0], ((name, 0) for name in found.trajectory.observables))
    rows = [{"run": run, "label": legends.method(found.trajectory)} for run, found in runs.items()]
    figure = ProfileFigure.model_validate({"kind": "profile", "observable": names[0], "rows": rows})
    material = Material(runs={run: found.trajectory for run, found in runs.items()})
    return KINDS["profile"](figure, material)


def _keys(result: Result, names: Sequence[str] | None) -> list[CurveKey]:
    """The curves of names; without any, magnetisations and correlators at the least distance."""
    known = list(result.curves)
    if names is None:
        least = min((distance for _, distance in known if distance), default=0)
        return [key for key in known if key[1] in (0, least) and key[0][-1] != "]"]
    if not names:
        raise ConfigError("`observables` must have at least one name, but is empty.")
    return [words.curve_key(name, known) for name in names]


def _panels(keys: Sequence[CurveKey]) -> list[Panel]:
    """One for all magnetisations, and one for each distance of correlators."""
    panels = []
    for distance in dict.fromkeys(distance for _, distance in keys):
        chosen = [name for name, far in keys if far == distance]
        if distance:
            pairs = tuple(name.removeprefix("C_") for name in chosen)
            shown = PlottedCorrelators(pairs=pairs, distance=distance)
            panels.append(Panel(comparisons=(_NAME,), correlators=shown))
        else:
            panels.append(Panel.model_validate({"comparisons": (_NAME,), "magnetization": chosen}))
    return panels


def _beside(
    result: Result, reference: Result, keys: Sequence[CurveKey], tolerance: float
) -> "Figure":
    from opentdvp.figures import KINDS, Material

    points = compare(result, reference, tolerance).points
    comparison = ConfiguredComparison.model_validate(
        {"candidate": _CANDIDATE, "reference": _REFERENCE, "tolerance": tolerance}
    )
    material = Material(
        runs={_CANDIDATE: result.trajectory, _REFERENCE: reference.trajectory},
        comparisons={_NAME: comparison},
        points={_NAME: points},
    )
    return KINDS["dynamics"](DynamicsFigure(kind="dynamics", panels=tuple(_panels(keys))), material)
