"""Figures of numbers that are derived from runs: fronts, scans, costs."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from opentdvp.config.base import (
    Label,
    Name,
    Positive,
    PositiveInt,
    StrictModel,
    Text,
)
from opentdvp.config.comparison import Run
from opentdvp.config.figure_parts import (
    Comparisons,
    Demand,
    FigureModel,
    Labelled,
    Scans,
)
from opentdvp.config.observables import AxisPair
from opentdvp.config.panels import PlottedCorrelators


class Front(StrictModel):
    """Where a correlator first reaches `threshold`, from `first_distance` on."""

    first_distance: PositiveInt
    threshold: Positive


class FrontFigure(Front, FigureModel):
    """How far a correlator has spread: d where it first reaches `threshold`, and d = a·t^(1/b).

    As the supplement of the paper, S4, where b = 1 is ballistic, and b = 2 diffusive spreading.
    Distances from `first_distance` to the last that each run has.
    """

    kind: Literal["front"]
    time_label: Text = "$t$"
    pair: AxisPair
    rows: Annotated[tuple[Labelled, ...], Field(min_length=1)]
    published: tuple[Name, ...] = ()

    @property
    def derived(self) -> bool:
        """The times of crossing are."""
        return True

    def series(self) -> tuple[tuple[str, str], ...]:
        """Published fronts."""
        return tuple((name, "front") for name in self.published)

    def demands(self, comparisons: Comparisons, scans: Scans) -> Iterator[Demand]:
        """All runs, with the curves that they must have."""
        curves = frozenset({(f"C_{self.pair}", self.first_distance)})
        return ((row.run, curves) for row in self.rows)


class ScanFigure(FigureModel):
    """Correlators at the last time against a varied setting of a scan (as paper, S3).

    `varied` is the scan's key on the horizontal axis, `lines` the one that tells lines apart; runs
    that differ otherwise, as by their seed, are averaged. `beside` are further references.
    """

    kind: Literal["scan"]
    time_label: Text = "$t$"
    scan: Name
    varied: str
    lines: str | None = None
    axis_label: Text
    correlators: PlottedCorrelators
    beside: tuple[Run, ...] = ()

    @property
    def derived(self) -> bool:
        """The averages are."""
        return True

    def demands(self, comparisons: Comparisons, scans: Scans) -> Iterator[Demand]:
        """All runs, with the curves that they must have."""
        distance = self.correlators.distance
        curves = frozenset((f"C_{pair}", distance) for pair in self.correlators.pairs)
        scan = scans[self.scan]
        for name, _ in scan.combinations(self.scan):
            # As the scan is written out; its comparisons need not have been made.
            yield Run(system=scan.candidate.system, solver=name), curves
        yield from ((run, curves) for run in (scan.reference, *self.beside))


class CostsFigure(FigureModel):
    """Error against cost of every run, one plot for each of `panels`, which are judged by its run.

    All comparisons with this reference are shown, and what the reference itself has cost.
    """

    kind: Literal["costs"]
    panels: Annotated[dict[Label, Run], Field(min_length=1)]

    @property
    def derived(self) -> bool:
        """Errors and costs are."""
        return True

    def judged(self, comparisons: Comparisons) -> Iterator[tuple[str, str]]:
        """Label of the panel and name of the comparison, for all that are shown."""
        for label, run in self.panels.items():
            yield from ((label, name) for name, c in comparisons.items() if c.reference == run)

    def demands(self, comparisons: Comparisons, scans: Scans) -> Iterator[Demand]:
        """All candidates and references; no curves but those that they are compared by."""
        for run in self.panels.values():
            yield run, frozenset()
        for _, name in self.judged(comparisons):
            yield comparisons[name].candidate, frozenset()
