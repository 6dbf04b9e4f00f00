"""What figures are drawn from: runs and tables that others have read."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import pandas as pd

from opentdvp.config import Comparison, Published, Run, SeveralRuns
from opentdvp.figures import names
from opentdvp.records.trajectory import Trajectory


@dataclass(frozen=True, eq=False)
class Material:
    """Everything that a figure shows.

    Attributes
    ----------
    runs
        Trajectories by system and solver.
    comparisons, points
        By name: who is compared with whom, and the table with the differences at every time.
    published
        Values from elsewhere, by name.
    copies
        Which of the runs are from an archive.
    table
        What was derived from the runs for this figure, if it needs that.
    """

    runs: Mapping[Run, Trajectory]
    comparisons: Mapping[str, Comparison] = field(default_factory=dict)
    points: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    published: Mapping[str, Published] = field(default_factory=dict)
    copies: Collection[Run] = ()
    table: pd.DataFrame | None = None

    def named(self, figure: SeveralRuns) -> list[tuple[str, Trajectory]]:
        """Runs of a figure by its labels, or by system and method."""
        runs = [self.runs[run] for run in figure.runs]
        labels = figure.labels or [names.name(run) for run in runs]
        return list(zip(labels, runs, strict=True))

    def compared(self, name: str) -> tuple[Trajectory, Trajectory]:
        """Candidate and reference of a comparison."""
        comparison = self.comparisons[name]
        return self.runs[comparison.candidate], self.runs[comparison.reference]
