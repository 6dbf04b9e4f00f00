"""A study: systems, solvers, comparisons between runs, and figures of comparisons."""

import hashlib
import json
from collections.abc import Collection, Iterator
from typing import Any, Literal, Self

from pydantic import model_validator

from opentdvp.config.base import Name, StrictModel
from opentdvp.config.comparison import Comparison, Run
from opentdvp.config.figures import AnyFigure, ScanFigure
from opentdvp.config.output import Output
from opentdvp.config.panels import CurveKey
from opentdvp.config.published import Published
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


class Study(StrictModel):
    """The whole configuration of a pipeline."""

    output: Output
    systems: dict[Name, System]
    solvers: dict[Name, Solver]
    comparisons: dict[Name, Comparison] = {}
    figures: dict[Name, AnyFigure] = {}
    scans: dict[Name, Scan] = {}
    published: dict[Name, Published] = {}

    @model_validator(mode="before")
    @classmethod
    def _expand_scans(cls, keys: Any) -> Any:
        return expand(keys) if isinstance(keys, dict) and keys.get("scans") else keys

    def deck(self, run: Run) -> Deck:
        """The deck of a run named by its system and solver."""
        return Deck(system=self.systems[run.system], solver=self.solvers[run.solver])

    def drawn(self, figure: AnyFigure) -> tuple[Run, ...]:
        """The runs of a figure, each once."""
        demands = figure.demands(self.comparisons, self.scans)
        return tuple(dict.fromkeys(run for run, _ in demands))

    def used(self) -> list[Run]:
        """The runs of all comparisons and figures, each once."""
        compared = [(c.candidate, c.reference) for c in self.comparisons.values()]
        drawn = [self.drawn(figure) for figure in self.figures.values()]
        return list(dict.fromkeys(run for runs in (*compared, *drawn) for run in runs))

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        for name, comparison in self.comparisons.items():
            for role in ("candidate", "reference"):
                self._check_run(f"comparisons.{name}.{role}", getattr(comparison, role))
            for number, series in enumerate(comparison.published):
                _known(f"comparisons.{name}.published.{number}", series, self.published)
        for name, figure in self.figures.items():
            for key, wanted, table in self._references(figure):
                _known(f"figures.{name}.{key}", wanted, table)
            for number, run in enumerate(self.drawn(figure)):
                self._check_run(f"figures.{name}.runs.{number}", run)
        return self

    def _references(self, figure: AnyFigure) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Key, name and table of everything but runs that a figure names."""
        for name in figure.compared():
            yield "comparisons", name, self.comparisons
        if isinstance(figure, ScanFigure):
            yield "scan", figure.scan, self.scans
        for name, _ in figure.series():
            yield "published", name, self.published

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
                    f"but lacks {_names(missing)}"
                )
        return self

    @model_validator(mode="after")
    def _check_figures(self) -> Self:
        for name, figure in self.figures.items():
            for run, curves in figure.demands(self.comparisons, self.scans):
                missing = curves - _curves(self.systems[run.system])
                if missing:
                    raise ValueError(
                        f"`figures.{name}` must draw observables of its systems, but "
                        f"{run.system} lacks {_names(missing)}"
                    )
            if isinstance(figure, ScanFigure):
                self._check_scan(f"figures.{name}", figure)
        return self

    @model_validator(mode="after")
    def _check_published(self) -> Self:
        for name, comparison in self.comparisons.items():
            known = self.systems[comparison.candidate.system].observables.magnetization
            for series in comparison.published:
                self._check_series(f"comparisons.{name}", series, known)
        for name, figure in self.figures.items():
            for series, observable in figure.series():
                self._check_series(f"figures.{name}", series, (observable,))
        return self

    def _check_series(self, key: str, name: str, wanted: tuple[str, ...]) -> None:
        observable = self.published[name].observable
        if observable not in wanted:
            raise ValueError(
                f"`{key}.published` must be series of {', '.join(wanted)}, but {name} is one of "
                f"{observable}"
            )

    def _check_scan(self, key: str, figure: ScanFigure) -> None:
        vary = self.scans[figure.scan].vary
        for field in ("varied", "lines"):
            chosen = getattr(figure, field)
            if chosen is not None:
                _known(f"{key}.{field}", chosen, vary)


def _known(key: str, name: str, table: dict[str, Any]) -> None:
    if name not in table:
        known = ", ".join(table) or "none"
        raise ValueError(f"`{key}` must be one of {known}, but is {name}")


def _curves(system: System) -> set[CurveKey]:
    observables = system.observables
    pairs = observables.correlators.items()
    return {(axis, 0) for axis in observables.magnetization} | {
        (f"C_{pair}", distance) for pair, distances in pairs for distance in distances
    }


def _names(curves: Collection[CurveKey]) -> str:
    return ", ".join(f"{name} at distance {d}" if d else name for name, d in sorted(curves))
