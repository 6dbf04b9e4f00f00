"""A study: systems, solvers, comparisons between runs, and figures of comparisons."""

from collections.abc import Collection, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, Field, model_validator

from opentdvp.config.archive import Archive
from opentdvp.config.base import Label, Name, StrictModel, check_name
from opentdvp.config.comparison import Comparison, Run
from opentdvp.config.deck import Deck
from opentdvp.config.derived_figures import CostsFigure, ScanFigure
from opentdvp.config.expansion import named
from opentdvp.config.figure_checks import check_panel_references, check_scan, check_series
from opentdvp.config.figures import AnyFigure, DynamicsFigure
from opentdvp.config.measurement import Measurement
from opentdvp.config.observables import CurveKey
from opentdvp.config.output import Output
from opentdvp.config.panels import curves_of, panels_of
from opentdvp.config.published import Published
from opentdvp.config.scan import Scan, expand
from opentdvp.config.solver import Solver
from opentdvp.config.system import System


class Study(StrictModel):
    """The whole configuration of a pipeline."""

    output: Output = Field(default_factory=Output)
    #: Where some runs come from; without it all are computed.
    archive: Archive | None = None
    systems: dict[Name, System]
    solvers: dict[Name, Solver]
    #: Systems with other observables, of which some runs are made from those of another one.
    measurements: dict[Name, Measurement] = {}
    comparisons: dict[Name, Comparison] = {}
    figures: dict[Name, AnyFigure] = {}
    scans: dict[Name, Scan] = {}
    published: dict[Name, Published] = {}
    #: What is the reference in each panel of the paper, for the table of panels and methods.
    panels: dict[Label, Run] = {}

    @model_validator(mode="before")
    @classmethod
    def _expand_scans(cls, keys: Any) -> Any:
        return expand(keys) if isinstance(keys, dict) and keys.get("scans") else keys

    def deck(self, run: Run) -> Deck:
        """The deck of a run named by its system and solver."""
        system, solver = self.systems[run.system], self.solvers[run.solver]
        evolution = self.evolution(run)
        if evolution is None:
            return Deck(system=system, solver=solver)
        measured = self.measurements[run.system].of_solver(solver)
        origin = self.deck(evolution).run_id
        return Deck(system=system, solver=measured, measured_from=origin)

    def evolution(self, run: Run) -> Run | None:
        """The run whose kept states another one is measured from, if it is."""
        measurement = self.measurements.get(run.system)
        if measurement is None or run.solver not in measurement.solvers:
            return None
        return Run(system=measurement.system, solver=run.solver)

    def curves(self, run: Run) -> set[CurveKey]:
        """What a run has: its observables, with their distances."""
        return curves_of(self.systems[run.system])

    def drawn(self, figure: AnyFigure) -> tuple[Run, ...]:
        """The runs of a figure, each once."""
        demands = figure.demands(self.comparisons, self.scans)
        return tuple(dict.fromkeys(run for run, _ in demands))

    def used(self) -> list[Run]:
        """The runs of all comparisons and figures, each once."""
        return list(self.places())

    def places(self) -> dict[Run, str]:
        """The runs of all comparisons and figures, and the first key that asks for each.

        Those that others are measured from come after them.
        """
        places: dict[Run, str] = {}
        for name, comparison in self.comparisons.items():
            places.setdefault(comparison.candidate, f"comparisons.{name}.candidate")
            places.setdefault(comparison.reference, f"comparisons.{name}.reference")
        for name, figure in self.figures.items():
            for run in self.drawn(figure):
                places.setdefault(run, f"figures.{name}")
        for run in list(places):
            evolution = self.evolution(run)
            if evolution is not None:
                places.setdefault(evolution, f"measurements.{run.system}")
        return places

    @model_validator(mode="after")
    def _add_measured(self) -> Self:
        """The systems of measurements are among the others."""
        for name, measurement in self.measurements.items():
            key = f"measurements.{name}"
            check_name(f"{key}.system", measurement.system, self.systems)
            if name in self.systems:
                raise ValueError(f"`{key}` must not redefine `systems.{name}`, but does")
            for number, solver in enumerate(measurement.solvers):
                check_name(f"{key}.solvers.{number}", solver, self.solvers)
                named(key, measurement.of_solver, self.solvers[solver])
        measured = {
            name: named(f"measurements.{name}", m.of_system, self.systems[m.system])
            for name, m in self.measurements.items()
        }
        object.__setattr__(self, "systems", {**self.systems, **measured})
        return self

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        for key, comparison in self._judged():
            self._check_runs(key, comparison)
            for number, series in enumerate(comparison.published):
                check_name(f"{key}.published.{number}", series, self.published)
        for name, figure in self.figures.items():
            for key, wanted, table in self._references(figure):
                check_name(f"figures.{name}.{key}", wanted, table)
            self._check_runs(f"figures.{name}", figure)
        return self

    def _judged(self) -> Iterator[tuple[str, Comparison]]:
        """Scans and comparisons by key; scans first, since comparisons are made of them."""
        tables: dict[str, Mapping[str, Comparison]]
        tables = {"scans": self.scans, "comparisons": self.comparisons}
        for table, entries in tables.items():
            yield from ((f"{table}.{name}", entry) for name, entry in entries.items())

    def _references(self, figure: AnyFigure) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Key, name and table of everything but runs that a figure names."""
        for name in figure.compared():
            yield "comparisons", name, self.comparisons
        if isinstance(figure, ScanFigure):
            yield "scan", figure.scan, self.scans
        for name, _ in figure.series():
            yield "published", name, self.published

    def _check_runs(self, key: str, value: object) -> None:
        """All runs that stand anywhere in a comparison or figure name what is there."""
        if isinstance(value, Run):
            check_name(f"{key}.system", value.system, self.systems)
            check_name(f"{key}.solver", value.solver, self.solvers)
        elif isinstance(value, BaseModel):
            for name, inside in value:
                self._check_runs(f"{key}.{name}", inside)
        elif isinstance(value, tuple):
            for number, inside in enumerate(value):
                self._check_runs(f"{key}.{number}", inside)

    @model_validator(mode="after")
    def _check_archive(self) -> Self:
        if self.archive is None:
            return self
        for number, solver in enumerate(self.archive.solvers):
            check_name(f"archive.solvers.{number}", solver, self.solvers)
        if Path(self.archive.results).resolve() == Path(self.output.results).resolve():
            raise ValueError(
                "`archive.results` must be another folder than `output.results`, but both are "
                f"{self.output.results}"
            )
        return self

    @model_validator(mode="after")
    def _check_comparisons(self) -> Self:
        for key, comparison in self._judged():
            candidate = self.systems[comparison.candidate.system]
            reference = self.systems[comparison.reference.system]
            if candidate.time.first < reference.time.first:
                raise ValueError(
                    f"`{key}.reference` must begin at the candidate's first time "
                    f"{candidate.time.first:g} or before, but begins at {reference.time.first:g}"
                )
            if candidate.time.last > reference.time.last:
                raise ValueError(
                    f"`{key}.reference` must reach the candidate's last time "
                    f"{candidate.time.last:g}, but stops at {reference.time.last:g}"
                )
            missing = self.curves(comparison.candidate) - self.curves(comparison.reference)
            if missing:
                raise ValueError(
                    f"`{key}.reference` must have every observable of the candidate, "
                    f"but lacks {_names(missing)}"
                )
        return self

    @model_validator(mode="after")
    def _write_out_panels(self) -> Self:
        """Figures of comparisons alone have all that the candidates of these have."""
        for name, figure in self.figures.items():
            if isinstance(figure, DynamicsFigure) and figure.comparisons:
                candidates = ((c, self.comparisons[c].candidate) for c in figure.comparisons)
                panels = (panels_of(c, self.systems[r.system].observables) for c, r in candidates)
                changes = {"comparisons": (), "panels": tuple(chain.from_iterable(panels))}
                if not changes["panels"]:
                    raise ValueError(
                        f"`figures.{name}.comparisons` must have site averages to draw, but have "
                        "none; a figure of the kind profile draws profiles and currents"
                    )
                self.figures[name] = figure.model_copy(update=changes)
        return self

    @model_validator(mode="after")
    def _check_figures(self) -> Self:
        for name, figure in self.figures.items():
            for run, curves in figure.demands(self.comparisons, self.scans):
                system = self.systems[run.system]
                whole = system.observables.labels(system.lattice.geometry)
                missing = curves - self.curves(run) - {(label, 0) for label in whole}
                if missing:
                    raise ValueError(
                        f"`figures.{name}` must draw observables of its systems, but "
                        f"{run.system} lacks {_names(missing)}"
                    )
            if isinstance(figure, ScanFigure):
                check_scan(f"figures.{name}", figure, self.scans[figure.scan])
            if isinstance(figure, DynamicsFigure):
                check_panel_references(f"figures.{name}", figure, self.comparisons)
        return self

    @model_validator(mode="after")
    def _check_published(self) -> Self:
        for key, comparison in self._judged():
            known = self.systems[comparison.candidate.system].observables.magnetization
            for series in comparison.published:
                check_series(key, series, self.published[series].observable, known)
        for name, figure in self.figures.items():
            for series, observable in figure.series():
                found = self.published[series].observable
                check_series(f"figures.{name}", series, found, (observable,))
        return self

    @model_validator(mode="after")
    def _check_panels(self) -> Self:
        judges = {comparison.reference for comparison in self.comparisons.values()}
        tables = {"panels": self.panels} | {
            f"figures.{name}.panels": figure.panels
            for name, figure in self.figures.items()
            if isinstance(figure, CostsFigure)
        }
        for key, panels in tables.items():
            for label, run in panels.items():
                self._check_runs(f"{key}.{label}", run)
                if run not in judges:
                    raise ValueError(
                        f"`{key}.{label}` must be the reference of a comparison, but is "
                        f"{run.system} by {run.solver}, which is that of none"
                    )
        return self


def _names(curves: Collection[CurveKey]) -> str:
    return ", ".join(f"{name} at distance {d}" if d else name for name, d in sorted(curves))
