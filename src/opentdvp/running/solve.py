"""Running one deck: choose the solver, resume, keep checkpoints, write the result safely."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from opentdvp.config import (
    Deck,
    StochasticSolver,
)
from opentdvp.errors import ConfigError, NumericalFailure
from opentdvp.protocol import Method, Report
from opentdvp.records import checkpoint, timing, trajectory
from opentdvp.records.files import beside
from opentdvp.records.permissions import Output
from opentdvp.records.provenance import joined, revision
from opentdvp.records.result_code import ResultCode
from opentdvp.records.timing import add_timings, read_timing, write_timing
from opentdvp.records.trajectory import Trajectory
from opentdvp.running.continuation import continuation
from opentdvp.running.keeper import Checkpoints, Keeper, checkpoint_outputs
from opentdvp.running.signals import saving_when_stopped, stop_no_more
from opentdvp.running.solvers import method_of

Result = TypeVar("Result")

logger = logging.getLogger(__name__)


def run_outputs(out: Path, kept: Path) -> list[Output]:
    """All files that `solve_to_file` may write, with its checkpoints at `kept`."""
    runs = [trajectory.output(out), trajectory.output(failed_path(out))]
    return [*runs, timing.output(out), *checkpoint_outputs(kept)]


def batch_outputs(out: Path, kept: Path) -> list[Output]:
    """All files that `solve_batch_to_file` may write, with its checkpoints at `kept`."""
    return [checkpoint.output(out, "a batch file"), timing.output(out), *checkpoint_outputs(kept)]


def gather_outputs(out: Path) -> list[Output]:
    """All files that `gather_to_file` writes."""
    return [trajectory.output(out), timing.output(out)]


def solve_to_file(
    deck: Deck,
    out: Path,
    checkpoints: Checkpoints | None,
    report: Report,
    earlier: Path | None = None,
) -> None:
    """Solve a deck and write its trajectory.

    Parameters
    ----------
    deck, out
        What to solve, and where the trajectory goes; a failed run leaves `out` as it was and goes
        to `failed_path(out)` instead.
    checkpoints
        Resumed from if there are any, written while running, removed after success unless they
        have to stay.
    report
        Shown the progress.
    earlier
        Trajectory of a run of the same deck to an earlier time; without checkpoints of its own the
        run goes on from the end of that one, whose checkpoint has to be beside it.

    Raises
    ------
    ConfigError, FileError
        Before any work, if something does not fit or cannot be resumed from.
    Interrupted
        If the run was asked to stop or reached its time limit; it is saved.
    NumericalFailure
        If the run stopped with a result code; the checkpoint stays.
    """
    begin = None if earlier is None else continuation(deck, earlier)
    write = partial(_write, path=out)
    _run_to_file(deck, method_of(deck), write, out, checkpoints, report, begin=begin)


def take_part(deck: Deck, checkpoints: Checkpoints | None) -> None:
    """Compute with the process that solves the deck to its file; write and show nothing.

    Raises
    ------
    ConfigError, FileError, Interrupted
        As for `solve_to_file`.
    """
    keeper = Keeper(deck.run_id, checkpoints)
    with saving_when_stopped(lambda: None, keeper.time_limit):
        method_of(deck)(deck, resume_from=keeper.resume())


def solve_batch_to_file(
    deck: Deck, batch: int, out: Path, checkpoints: Checkpoints | None, report: Report
) -> None:
    """Compute one batch of trajectories; arguments and errors as for `solve_to_file`.

    Its file stays valid when there are to be more trajectories.
    """
    from opentdvp.references.trajectories import batches

    settings = _stochastic(deck)
    if not 0 <= batch < settings.batches:
        raise ConfigError(f"Argument `batch` must be in 0…{settings.batches - 1}, but is {batch}.")
    method = batches.batch(settings.numbers(batch))

    def write(state: checkpoint.State, revisions: tuple[str, ...]) -> None:
        checkpoint.save(replace(state, revisions=revisions), deck.batch_id, out)

    _run_to_file(deck, method, write, out, checkpoints, report, deck.batch_id)


def gather_to_file(deck: Deck, batches: Sequence[Path], out: Path) -> int:
    """Average the trajectories of some batches, and return how many there are.

    Raises
    ------
    ConfigError, FileError
        If the solver has no batches, or a file cannot be read, written or used.
    """
    from opentdvp.references.trajectories.batches import gather

    _stochastic(deck)
    # Batches of earlier versions have the run id.
    states = [checkpoint.load(deck.batch_id, path, earlier=deck.run_id) for path in batches]
    timings = [read_timing(path) for path in batches]
    result = gather(deck, states)
    revisions = [*(r for state in states for r in state.revisions), revision()]
    trajectory.write(_computed_by(result, revisions), out)
    add_timings(out, timings)
    return len(result.diagnostics["trajectory"])


def _computed_by(result: Trajectory, revisions: Iterable[str]) -> Trajectory:
    """The result with all revisions that took part in it."""
    return replace(result, provenance=result.provenance | {"revision": joined(revisions)})


def _stochastic(deck: Deck) -> StochasticSolver:
    if not isinstance(deck.solver, StochasticSolver):
        raise ConfigError(
            "Argument SOLVER must be one of independent trajectories (mcwf, dephasing_kicks), but "
            f"its method is {deck.solver.method}."
        )
    return deck.solver


def failed_path(out: Path) -> Path:
    """Where a run that failed is kept, out of reach of those that use `out`."""
    return beside(out, ".failed.h5")


def _run_to_file(
    deck: Deck,
    method: Method[Any, Result],
    write: Callable[[Result, tuple[str, ...]], None],
    out: Path,
    checkpoints: Checkpoints | None,
    report: Report,
    identity: str | None = None,
    begin: checkpoint.State | None = None,
) -> None:
    """Run from the checkpoints if there are any, write the result, and what it has cost.

    Their `identity` is the run id, if it is not given; without any, the run goes on from `begin`.
    """
    keeper = Keeper(identity or deck.run_id, checkpoints)
    try:
        with saving_when_stopped(keeper.flush, keeper.time_limit):
            state = keeper.resume()
            if state is None and begin is not None:
                state = keeper.begin(begin)
            if state is not None:
                logger.info("resumed at t = %g", state.time)
            result = method(deck, report, resume_from=state, keep=keeper)
        stop_no_more()
    finally:
        keeper.flush()
    write(result, keeper.revisions)
    write_timing(out, keeper.wall_seconds, keeper.resumed)
    keeper.discard()
    logger.info("The result is in %s.", out)


def _write(result: Trajectory, revisions: tuple[str, ...], path: Path) -> None:
    """Write a run that succeeded; one that failed goes elsewhere and raises `NumericalFailure`."""
    result = _computed_by(result, revisions)
    failed = failed_path(path)
    if not result.times.size:
        raise NumericalFailure(
            f"The run stopped before its first output time with the result {result.result}. "
            f"{result.remedy}"
        )
    if result.result is not ResultCode.SUCCESS:
        trajectory.write(result, failed)
        raise NumericalFailure(
            f"The run stopped at time {result.times[-1]:g} with the result {result.result}. "
            f"{result.remedy} What there is of it is in {failed}."
        )
    trajectory.write(result, path)
    failed.unlink(missing_ok=True)
