"""A configuration from Python: its runs are solved, read and compared as in the pipeline."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from opentdvp import config, judging
from opentdvp.config import Run, StochasticSolver
from opentdvp.config.base import one_of
from opentdvp.config.load import load_with_sources
from opentdvp.errors import ConfigError
from opentdvp.interface.comparing import Comparison
from opentdvp.interface.measuring import measured_result
from opentdvp.interface.progress import shown
from opentdvp.interface.results import AnyPath, Result, read
from opentdvp.interface.solving import solve_to_path
from opentdvp.records.timing import timing_path
from opentdvp.study import made


class Study:
    """A configuration whose runs are named by their system and solver; `load` makes it.

    Attributes
    ----------
    systems, solvers, comparisons, figures
        The tables of the configuration, by name.
    """

    def __init__(self, study: config.Study, path: Path, sources: list[Path]) -> None:
        self._study, self._config, self._sources = study, path, sources
        self.systems, self.solvers = study.systems, study.solvers
        self.comparisons, self.figures = study.comparisons, study.figures

    @property
    def runs(self) -> list[tuple[str, str]]:
        """System and solver of all runs that comparisons and figures need."""
        return [(run.system, run.solver) for run in self._study.used()]

    def path(self, system: str, solver: str) -> Path:
        """The file of a run, which is that of the pipeline."""
        return self._study.output.trajectory(self._run(system, solver))

    def solve(self, system: str, solver: str, resume: bool = True, progress: bool = True) -> Result:
        """Solve a run into its file, or read that if it is there; arguments as of `od.solve`.

        A run that was interrupted goes on, whether the pipeline had begun it or this. The pipeline
        takes the run as its own, as long as the configuration stays as it is.
        """
        out = self.path(system, solver)
        there = out.stat().st_mtime_ns if out.exists() else None
        result = self._solve(self._run(system, solver), resume, progress)
        if out.stat().st_mtime_ns != there:
            made.note(self._study, self._config, [out, timing_path(out)])
        return result

    def _solve(self, run: Run, resume: bool, progress: bool) -> Result:
        deck, out = self._study.deck(run), self._study.output.trajectory(run)
        evolution = self._study.evolution(run)
        if evolution is not None and not (resume and out.exists()):
            kept = self.solve(evolution.system, evolution.solver, progress=progress)
            return measured_result(kept, deck, out, progress)
        if isinstance(deck.solver, StochasticSolver) and not (resume and out.exists()):
            self._solve_batches(deck, run, progress)
            return read(out)
        checkpoint = self._study.output.checkpoint(run, deck.run_id)
        return solve_to_path(deck, out, checkpoint, resume, progress, self._sources)

    def read(self, system: str, solver: str) -> Result:
        """Read a run that is there, by the pipeline or by `solve`.

        Raises
        ------
        FileError
            If it is not, or is of another configuration.
        """
        run = self._run(system, solver)
        path = self._study.output.trajectory(run)
        judging.read_run(self._study, run, path)
        return read(path)

    def compare(self, name: str) -> Comparison:
        """A comparison of the configuration, from the files of its runs."""
        _require("comparisons", name, self.comparisons)
        entry, place = self.comparisons[name], self._study.output.trajectory
        tables = judging.judge(self._study, entry, place(entry.candidate), place(entry.reference))
        return Comparison(tables.points, tables.summary)

    def _run(self, system: str, solver: str) -> Run:
        _require("system", system, self.systems)
        _require("solver", solver, self.solvers)
        return Run(system=system, solver=solver)

    def _solve_batches(self, deck: config.Deck, run: Run, progress: bool) -> None:
        """Compute the batches that are not there yet, as the pipeline does, and average all."""
        from opentdvp.records.permissions import reserved
        from opentdvp.running.keeper import Checkpoints
        from opentdvp.running.solve import (
            batch_outputs,
            gather_outputs,
            gather_to_file,
            solve_batch_to_file,
        )

        assert isinstance(deck.solver, StochasticSolver)
        output = self._study.output
        out, numbers = output.trajectory(run), range(deck.solver.batches)
        files = [output.batch(run, number) for number in numbers]
        for number, file in enumerate(files):
            if not file.exists():
                kept = output.checkpoint(run, deck.batch_id, number)
                with (
                    reserved(batch_outputs(file, kept), self._sources),
                    shown(deck.system.time.last, progress) as report,
                ):
                    solve_batch_to_file(deck, number, file, Checkpoints(kept), report)
        with reserved(gather_outputs(out), [*self._sources, *files]):
            gather_to_file(deck, files, out)

    def _table(self) -> pd.DataFrame:
        rows = [(*run, "yes" if self.path(*run).exists() else "no") for run in self.runs]
        return pd.DataFrame(rows, columns=["system", "solver", "solved"])

    def __repr__(self) -> str:
        return f"opentdvp.Study\n{self._table().to_string(index=False)}"

    def _repr_html_(self) -> str:
        return str(self._table().to_html(index=False))


def load(path: AnyPath) -> Study:
    """Read a configuration, the same as that of the pipeline.

    Raises
    ------
    ConfigError
        If a key is wrong; the message names it.

    Examples
    --------
    >>> import opentdvp as od, pathlib
    >>> text = '''
    ... systems:
    ...   decay: {lattice: {kind: chain, size: [1], periodic: false}, start: {Z: 1},
    ...           jumps: [{operator: sigma_minus, rate: 1}], time: {stop: 1}}
    ... solvers: {exact: {method: exact, preset: accurate}, reduced: {method: exact_reduced,
    ...           preset: accurate}}
    ... comparisons: {decay: {candidate: {system: decay, solver: reduced},
    ...               reference: {system: decay, solver: exact}, tolerance: 1.0e-6}}
    ... '''
    >>> _ = pathlib.Path("mine.yaml").write_text(text)
    >>> study = od.load("mine.yaml")
    >>> for run in study.runs:
    ...     result = study.solve(*run, progress=False)
    >>> study.compare("decay").passed
    True
    >>> study
    opentdvp.Study
    system  solver solved
     decay reduced    yes
     decay   exact    yes
    """
    study, sources = load_with_sources(Path(path))
    return Study(study, Path(path), sources)


def _require(argument: str, name: str, table: Mapping[str, object]) -> None:
    if name not in table:
        raise ConfigError(f"Argument `{argument}` {one_of(name, table)}.")
