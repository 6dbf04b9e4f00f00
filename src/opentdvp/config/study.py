"""A study: systems, solvers, comparisons between runs, and figures of comparisons."""

import hashlib
import json
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import model_validator

from opentdvp.config.base import Name, StrictModel
from opentdvp.config.comparison import Comparison, Run
from opentdvp.config.figures import AnyFigure, DynamicsFigure, RunsFigure
from opentdvp.config.scan import Scan, expand
from opentdvp.config.solver import Solver
from opentdvp.config.system import System

#: Part of every run's identity; raised when the meaning of a key changes.
DECK_VERSION: Literal[1] = 1


class Deck(StrictModel):
    """Everything that defines one run."""

    version: Literal[1] = DECK_VERSION
    system: System
    solver: Solver

    def canonical(self) -> str:
        """JSON with sorted keys and no white space, equal for equal decks."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))

    @property
    def run_id(self) -> str:
        """SHA-256 of the canonical deck."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()


class Output(StrictModel):
    """Folders that the pipeline writes to."""

    results: str
    figures: str

    def trajectory(self, run: Run) -> Path:
        """File of a run."""
        return Path(self.results, "runs", run.system, f"{run.solver}.h5")

    def summary(self, comparison: str) -> Path:
        """Table with the verdicts of a comparison."""
        return Path(self.results, "tables", f"{comparison}.summary.tsv")


class Study(StrictModel):
    """The whole configuration of a pipeline."""

    output: Output
    systems: dict[Name, System]
    solvers: dict[Name, Solver]
    comparisons: dict[Name, Comparison] = {}
    figures: dict[Name, AnyFigure] = {}
    scans: dict[Name, Scan] = {}

    @model_validator(mode="before")
    @classmethod
    def _expand_scans(cls, keys: Any) -> Any:
        return expand(keys) if isinstance(keys, dict) and keys.get("scans") else keys

    def deck(self, run: Run) -> Deck:
        """The deck of a run named by its system and solver."""
        return Deck(system=self.systems[run.system], solver=self.solvers[run.solver])

    def drawn(self, figure: AnyFigure) -> tuple[Run, ...]:
        """The runs of a figure; candidate and reference where it shows a comparison."""
        if isinstance(figure, DynamicsFigure):
            comparison = self.comparisons[figure.comparison]
            return (comparison.candidate, comparison.reference)
        return figure.runs

    def used(self) -> list[Run]:
        """The runs of all comparisons and figures, each once."""
        compared = [(c.candidate, c.reference) for c in self.comparisons.values()]
        drawn = [self.drawn(figure) for figure in self.figures.values()]
        return list(
            {(r.system, r.solver): r for runs in (*compared, *drawn) for r in runs}.values()
        )

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        for name, comparison in self.comparisons.items():
            for role in ("candidate", "reference"):
                self._check_run(f"comparisons.{name}.{role}", getattr(comparison, role))
        for name, figure in self.figures.items():
            if isinstance(figure, DynamicsFigure):
                _known(f"figures.{name}.comparison", figure.comparison, self.comparisons)
            for number, run in enumerate(self.drawn(figure)):
                self._check_run(f"figures.{name}.runs.{number}", run)
        return self

    def _check_run(self, key: str, run: Run) -> None:
        _known(f"{key}.system", run.system, self.systems)
        _known(f"{key}.solver", run.solver, self.solvers)

    @model_validator(mode="after")
    def _check_comparisons(self) -> Self:
        for name, comparison in self.comparisons.items():
            candidate = self.systems[comparison.candidate.system]
            reference = self.systems[comparison.reference.system]
            if candidate.time.stop > reference.time.stop:
                raise ValueError(
                    f"`comparisons.{name}.reference` must reach the candidate's last time "
                    f"{candidate.time.stop:g}, but stops at {reference.time.stop:g}"
                )
            missing = _curves(candidate) - _curves(reference)
            if missing:
                raise ValueError(
                    f"`comparisons.{name}.reference` must have every observable of the candidate, "
                    f"but lacks {', '.join(sorted(missing))}"
                )
        return self

    @model_validator(mode="after")
    def _check_figures(self) -> Self:
        for name, figure in self.figures.items():
            wanted = _wanted(figure)
            for run in self.drawn(figure):
                missing = wanted - _curves(self.systems[run.system])
                if missing:
                    raise ValueError(
                        f"`figures.{name}` must draw observables of its systems, but asks for "
                        f"{', '.join(sorted(missing))}"
                    )
        return self


def _known(key: str, name: str, table: dict[str, Any]) -> None:
    if name not in table:
        known = ", ".join(table) or "none"
        raise ValueError(f"`{key}` must be one of {known}, but is {name}")


def _curves(system: System) -> set[str]:
    observables = system.observables
    pairs = observables.correlators.items()
    return set(observables.magnetization) | {
        f"{pair} at distance {distance}" for pair, distances in pairs for distance in distances
    }


def _wanted(figure: AnyFigure) -> set[str]:
    if isinstance(figure, DynamicsFigure):
        distance = figure.correlators.distance
        pairs = (f"{pair} at distance {distance}" for pair in figure.correlators.pairs)
        return {*figure.magnetization, *pairs}
    return {figure.observable} if isinstance(figure, RunsFigure) else set()
