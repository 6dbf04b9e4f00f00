"""A study: systems, solvers, comparisons between runs, and figures of comparisons."""

import hashlib
import json
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import model_validator

from opentdvp.config.base import Name, PositiveInt, StrictModel
from opentdvp.config.comparison import Comparison, Run
from opentdvp.config.scan import Scan, expand
from opentdvp.config.solver import Solver
from opentdvp.config.system import Axis, AxisPair, System

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


class PlottedCorrelators(StrictModel):
    """Connected correlators to draw, all at one distance."""

    pairs: tuple[AxisPair, ...]
    distance: PositiveInt


class DynamicsFigure(StrictModel):
    """Magnetisations and correlators against time, with residual strips (as paper, Fig. 2a, b)."""

    kind: Literal["dynamics"]
    comparison: Name
    time_label: str
    magnetization: tuple[Axis, ...]
    correlators: PlottedCorrelators


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
    figures: dict[Name, DynamicsFigure] = {}
    scans: dict[Name, Scan] = {}

    @model_validator(mode="before")
    @classmethod
    def _expand_scans(cls, keys: Any) -> Any:
        return expand(keys) if isinstance(keys, dict) and keys.get("scans") else keys

    def deck(self, run: Run) -> Deck:
        """The deck of a run named by its system and solver."""
        return Deck(system=self.systems[run.system], solver=self.solvers[run.solver])

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        for name, comparison in self.comparisons.items():
            for role in ("candidate", "reference"):
                run = getattr(comparison, role)
                _known(f"comparisons.{name}.{role}.system", run.system, self.systems)
                _known(f"comparisons.{name}.{role}.solver", run.solver, self.solvers)
        for name, figure in self.figures.items():
            _known(f"figures.{name}.comparison", figure.comparison, self.comparisons)
        return self

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
            system = self.systems[self.comparisons[figure.comparison].candidate.system]
            wanted = set(figure.magnetization) | {
                f"{pair} at distance {figure.correlators.distance}"
                for pair in figure.correlators.pairs
            }
            missing = wanted - _curves(system)
            if missing:
                raise ValueError(
                    f"`figures.{name}` must draw observables of its system, "
                    f"but asks for {', '.join(sorted(missing))}"
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
