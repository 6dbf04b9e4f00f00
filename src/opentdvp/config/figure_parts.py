"""What all figures have, as data: runs and curves that they ask for, labels."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from opentdvp.config.base import StrictModel, Text
from opentdvp.config.comparison import Comparison, Run
from opentdvp.config.observables import CurveKey
from opentdvp.config.scan import Scan

#: A run, and the curves that a figure draws of it.
Demand = tuple[Run, frozenset[CurveKey]]

Comparisons = Mapping[str, Comparison]
Scans = Mapping[str, Scan]


class FigureModel(StrictModel):
    """What all figures have; by default they show neither comparisons nor anything derived."""

    @property
    def derived(self) -> bool:
        """Whether it shows a table that is derived from its runs, rather than the runs alone."""
        return False

    def compared(self) -> tuple[str, ...]:
        """Names of the comparisons whose differences are shown, each once."""
        return ()

    def judged(self, comparisons: Comparisons) -> Iterable[tuple[str, str]]:
        """Label and comparison of what is shown of all there are, not named one by one."""
        return ()

    def series(self) -> tuple[tuple[str, str], ...]:
        """Names of published series that are shown, each with the observable it must be of."""
        return ()


class SeveralRuns(FigureModel):
    """What figures of several runs against time have.

    `labels`, one per run, stand in for system and method where these do not tell runs apart.
    """

    time_label: Text = "$t$"
    runs: Annotated[tuple[Run, ...], Field(min_length=1)]
    labels: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _check_labels(self) -> Self:
        if self.labels and len(self.labels) != len(self.runs):
            raise ValueError(f"`labels` must be {len(self.runs)}, but are {len(self.labels)}")
        return self


class Labelled(StrictModel):
    """A run and its name in a figure."""

    run: Run
    label: Text
