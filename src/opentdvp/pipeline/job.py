"""What a job of a study is, and when it is done."""

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from opentdvp.config import Run, StochasticSolver, Study
from opentdvp.errors import FileError
from opentdvp.records import checkpoint, trajectory
from opentdvp.records.timing import archived_from, timing_path


@dataclass(frozen=True)
class Job:
    """A command that makes files from others.

    Attributes
    ----------
    name
        What it is for people: a rule of the pipeline, and its wildcards.
    arguments
        Those of `opentdvp`.
    inputs, outputs
        Files that it reads, of other jobs or not, and files that it writes.
    log
        Where everything goes that it says.
    is_done
        Whether its outputs are those that it would write; asked when its inputs are there.
    threads
        How many it may use.
    """

    name: str
    arguments: tuple[str, ...]
    inputs: tuple[Path, ...]
    outputs: tuple[Path, ...]
    log: Path
    is_done: Callable[[], bool]
    threads: int = 1


@dataclass(frozen=True)
class Request:
    """What is to be made.

    Attributes
    ----------
    study, config
        The configuration, and its file.
    sources
        All files that it was read from.
    restored
        Runs that are copied from an archive, each with its file there.
    outdated
        Files that were made for what the configuration was before.
    """

    study: Study
    config: Path
    sources: tuple[Path, ...]
    restored: Mapping[Run, Path]
    outdated: AbstractSet[Path]


def of_run(request: Request, run: Run) -> tuple[Path, Path]:
    """File of a run, and what it has cost."""
    out = request.study.output.trajectory(run)
    return out, timing_path(out)


def is_run(request: Request, run: Run) -> bool:
    """Whether a run of this deck is there, computed here or copied, as it is to be."""
    path, timing = of_run(request, run)
    if not (path.exists() and timing.exists()):
        return False
    origin = str(request.restored.get(run, ""))
    try:
        same = trajectory.read_run_id(path) == request.study.deck(run).run_id
        return same and archived_from(path) == origin
    except FileError:  # the command itself says what is wrong
        return False


def is_batch(request: Request, run: Run, number: int) -> bool:
    """Whether the run is there, for which it was made, or the whole batch."""
    deck, path = request.study.deck(run), request.study.output.batch(run, number)
    assert isinstance(deck.solver, StochasticSolver)
    if is_run(request, run):
        return True
    if not (path.exists() and timing_path(path).exists()):
        return False
    try:
        state = checkpoint.load(deck.batch_id, path, earlier=deck.run_id)
    except FileError:
        return False
    return state.arrays["numbers"].tolist() == list(deck.solver.numbers(number))


def are_newer(outputs: Iterable[Path], inputs: Iterable[Path]) -> bool:
    """Whether all outputs are there, none older than an input."""
    if not all(path.exists() for path in outputs):
        return False
    oldest = min(path.stat().st_mtime_ns for path in outputs)
    return all(path.stat().st_mtime_ns <= oldest for path in inputs)
