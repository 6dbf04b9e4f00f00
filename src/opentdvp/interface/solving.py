"""Solving a system: the same decks, checks and files as those of the pipeline."""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from opentdvp.config import Deck, Solver, System, TdvpSolver
from opentdvp.config.base import StrictModel
from opentdvp.config.networks import CustomNetwork
from opentdvp.errors import ConfigError, FileError, NumericalFailure
from opentdvp.interface.own_networks import save_source
from opentdvp.interface.progress import shown
from opentdvp.interface.results import AnyPath, Result, read
from opentdvp.records import timing
from opentdvp.records.files import beside, followed
from opentdvp.records.permissions import reserved
from opentdvp.records.result_code import ResultCode


def solve(
    system: System,
    solver: Solver,
    out: AnyPath | None = None,
    resume: bool = True,
    progress: bool = True,
) -> Result:
    """Solve a system.

    Parameters
    ----------
    system, solver
        What to solve, and how.
    out
        File of the result. While the run goes on, it is saved beside it now and then, and when it
        is interrupted; the same call goes on from there. Without it nothing is kept.
    resume
        Whether to read `out` if it is there, and to go on with a run that was interrupted;
        otherwise all is computed anew, and `out` is replaced.
    progress
        Whether to show how far the run has come.

    Raises
    ------
    ConfigError
        If the solver cannot solve the system.
    FileError
        If `out` is of another run, or cannot be written.
    NumericalFailure
        If the run had to stop; the message says what helps.

    Examples
    --------
    >>> import opentdvp as od
    >>> jumps = [od.Jump("sigma_minus", 1.0)]
    >>> decay = od.System.chain(1, periodic=False, jumps=jumps, start={"Z": 1}, stop=1)
    >>> od.solve(decay, od.Exact(), progress=False).trajectory.result
    <ResultCode.SUCCESS: 'success'>
    """
    deck = _deck(system, solver)
    if out is None:
        return _in_memory(deck, progress)
    return solve_to_path(deck, followed(Path(out)), None, resume, progress)


def solve_to_path(
    deck: Deck,
    out: Path,
    kept: Path | None,
    resume: bool,
    progress: bool,
    sources: Iterable[Path] = (),
) -> Result:
    """Solve a deck and write its files, or read them if they are there; see `solve`.

    Parameters
    ----------
    kept
        Where checkpoints go, unless beside `out`.
    sources
        Files that must not be written.
    """
    from opentdvp.running.keeper import Checkpoints, checkpoint_path, remove
    from opentdvp.running.solve import run_outputs, solve_to_file

    if resume and out.exists():
        return _earlier(deck, out)
    checkpoints = Checkpoints(kept or checkpoint_path(out))
    _check(deck)
    with reserved(run_outputs(out, checkpoints.path), sources):
        if not resume:
            remove(checkpoints.path)
        if isinstance(deck.solver, TdvpSolver):
            _save_network(deck.solver, out)
        with shown(deck.system.time.last, progress) as report:
            solve_to_file(deck, out, checkpoints, report)
    return read(out)


def _deck(system: Any, solver: Any) -> Deck:
    for name, value, kind in (("system", system, System), ("solver", solver, StrictModel)):
        if not isinstance(value, kind):
            raise ConfigError(
                f"Argument `{name}` must be made by od.{name.title()} or the like, but is a "
                f"{type(value).__name__}."
            )
    return Deck(system=system, solver=solver)


def _check(deck: Deck) -> None:
    from opentdvp.running.solvers import check

    check(deck)


def _in_memory(deck: Deck, progress: bool) -> Result:
    """A run of which nothing is kept but the result."""
    from opentdvp.running.solvers import method_of

    method, began = method_of(deck), time.monotonic()
    with shown(deck.system.time.last, progress) as report:
        solved = method(deck, report)
    if solved.result is not ResultCode.SUCCESS:
        reached = f"at time {solved.times[-1]:g}" if solved.times.size else "before its first time"
        raise NumericalFailure(
            f"The run stopped {reached} with the result {solved.result}. {solved.remedy} "
            "With `out`, what there is of it is kept."
        )
    return Result(solved, timing.measured(time.monotonic() - began))


def _earlier(deck: Deck, out: Path) -> Result:
    """The result that is there already."""
    found = read(out)
    if found.run_id != deck.run_id:
        raise FileError(
            f"`out` must be a new file or one of the run {deck.run_id[:12]}, but {out} is of the "
            f"run {found.run_id[:12]}; choose another name, or replace it by `resume=False`."
        )
    return found


def _save_network(solver: TdvpSolver, out: Path) -> None:
    """The code of a network of a notebook goes beside the result, or nobody could run it again."""
    if isinstance(solver.network, CustomNetwork) and solver.network.source:
        save_source(solver.network, beside(out, ".network.py"))
