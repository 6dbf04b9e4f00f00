"""Figures as data: what they show, of which runs."""

from collections.abc import Iterator
from operator import not_
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from opentdvp.config.base import (
    Name,
    Positive,
    PositiveInt,
    Real,
    Text,
    pattern,
)
from opentdvp.config.comparison import Run
from opentdvp.config.derived_figures import CostsFigure, Front, FrontFigure, ScanFigure
from opentdvp.config.figure_parts import (
    Comparisons,
    Demand,
    FigureModel,
    Labelled,
    Scans,
    SeveralRuns,
)
from opentdvp.config.observables import Axis, AxisPair
from opentdvp.config.panels import Panel


class DynamicsFigure(FigureModel):
    """Observables of compared runs against time, with residual strips (paper, Figs. 2 and 3a)."""

    kind: Literal["dynamics"]
    time_label: Text = "$t$"
    #: Comparisons of which everything is shown; the study writes out their panels.
    comparisons: Annotated[tuple[Name, ...], Field(exclude_if=not_)] = ()
    panels: Annotated[tuple[Panel, ...], Field(min_length=1)] = ()

    @model_validator(mode="after")
    def _check_panels(self) -> Self:
        if bool(self.panels) == bool(self.comparisons):
            raise ValueError("a figure of dynamics must have either `panels` or `comparisons`")
        return self

    def compared(self) -> tuple[str, ...]:
        """Names of the comparisons whose differences are shown, each once."""
        insets = (panel.inset.comparison for panel in self.panels if panel.inset)
        names = (name for panel in self.panels for name in panel.comparisons)
        return tuple(dict.fromkeys((*self.comparisons, *names, *insets)))

    def demands(self, comparisons: Comparisons, scans: Scans) -> Iterator[Demand]:
        """All runs, with the curves that they must have."""
        for panel in self.panels:
            curves = frozenset(panel.curves)
            chosen = [comparisons[name] for name in panel.comparisons]
            for run in (*(r for c in chosen for r in (c.candidate, c.reference)), *panel.beside):
                yield run, curves
            if panel.inset:
                early = comparisons[panel.inset.comparison]
                enlarged = frozenset((axis, 0) for axis in panel.inset.magnetization)
                yield from ((early.candidate, enlarged), (early.reference, enlarged))


class RunsFigure(SeveralRuns):
    """One observable of several runs: as it is, what is left beside the last run, and its error."""

    kind: Literal["runs"]
    observable: Axis
    runs: Annotated[tuple[Run, ...], Field(min_length=2)]
    published: tuple[Name, ...] = ()

    def series(self) -> tuple[tuple[str, str], ...]:
        """Published series of the same observable."""
        return tuple((name, self.observable) for name in self.published)

    def demands(self, comparisons: Comparisons, scans: Scans) -> Iterator[Demand]:
        """All runs, with the curves that they must have."""
        return ((run, frozenset({(self.observable, 0)})) for run in self.runs)


class DiagnosticsFigure(SeveralRuns):
    """Diagnostics of several runs against time, on a logarithmic scale.

    Those that are `linear` are drawn in a panel of their own, on a linear scale.
    """

    kind: Literal["diagnostics"]
    diagnostics: Annotated[tuple[str, ...], Field(min_length=1)]
    linear: tuple[str, ...] = ()

    def demands(self, comparisons: Comparisons, scans: Scans) -> Iterator[Demand]:
        """All runs; no curves."""
        return ((run, frozenset()) for run in self.runs)


class HeatMapFigure(FigureModel):
    """A correlator against time and distance, a row per run (as paper, Fig. 3b).

    The colour is logarithmic between the two ends of `range`, lines are drawn at the distances
    ± `lines`, a light cone d = `cone` · t, and the `front` of each run. With `difference`, a
    comparison, a last row shows its candidate minus its reference.
    """

    kind: Literal["heatmap"]
    time_label: Text = "$t$"
    pair: AxisPair
    largest_distance: PositiveInt
    rows: Annotated[tuple[Labelled, ...], Field(min_length=1)]
    range: tuple[Positive, Positive]
    lines: tuple[Real, ...] = ()
    cone: Positive | None = None
    front: Front | None = None
    difference: Name | None = None

    @model_validator(mode="after")
    def _check_range(self) -> Self:
        if self.range[0] >= self.range[1]:
            raise ValueError(f"`range` must ascend, but is {list(self.range)}")
        return self

    @property
    def derived(self) -> bool:
        """Its fronts are."""
        return self.front is not None

    def compared(self) -> tuple[str, ...]:
        """The comparison of the last row."""
        return (self.difference,) if self.difference else ()

    def demands(self, comparisons: Comparisons, scans: Scans) -> Iterator[Demand]:
        """All runs, with the curves that they must have."""
        distances = range(1, self.largest_distance + 1)
        curves = frozenset((f"C_{self.pair}", distance) for distance in distances)
        for row in self.rows:
            yield row.run, curves
        if self.difference:
            chosen = comparisons[self.difference]
            yield from ((chosen.candidate, curves), (chosen.reference, curves))


class ProfileFigure(FigureModel):
    """A profile, or the current through every bond, against time and site, a row per run.

    The colour is linear between the two ends of `range`; without one, the largest value of all rows
    and its negative are the ends.
    """

    kind: Literal["profile"]
    time_label: Text = "$t$"
    observable: Annotated[str, pattern("^([XYZ]_i|J_[XYZ])$", "a profile or current: Z_i or J_Z")]
    rows: Annotated[tuple[Labelled, ...], Field(min_length=1)]
    range: tuple[Real, Real] | None = None

    @model_validator(mode="after")
    def _check_range(self) -> Self:
        if self.range is not None and self.range[0] >= self.range[1]:
            raise ValueError(f"`range` must ascend, but is {list(self.range)}")
        return self

    def demands(self, comparisons: Comparisons, scans: Scans) -> Iterator[Demand]:
        """All runs, with the observable that they must have."""
        return ((row.run, frozenset({(self.observable, 0)})) for row in self.rows)


class SchemeFigure(FigureModel):
    """The method in one picture (as paper, Fig. 1), with the POVM's own tetrahedron."""

    kind: Literal["scheme"]
    povm: Literal["cubic", "z_aligned"]

    def demands(self, comparisons: Comparisons, scans: Scans) -> Iterator[Demand]:
        """Nothing: it shows no run."""
        return iter(())


AnyFigure = Annotated[
    DynamicsFigure
    | RunsFigure
    | DiagnosticsFigure
    | HeatMapFigure
    | ProfileFigure
    | FrontFigure
    | ScanFigure
    | CostsFigure
    | SchemeFigure,
    Field(discriminator="kind"),
]
