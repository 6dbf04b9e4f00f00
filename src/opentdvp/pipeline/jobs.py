"""The jobs of a study: the commands of the pipeline's rules, with the same files."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from opentdvp import figures
from opentdvp.config import Deck, Run, StochasticSolver, Study, TdvpSolver
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


def jobs_of(request: Request) -> list[Job]:
    """All jobs, those before others first: runs, comparisons, derived tables, figures, overview."""
    study = request.study
    return [
        *_runs(request),
        *(_comparison(request, name) for name in study.comparisons),
        *(_derived(request, name) for name, figure in study.figures.items() if figure.derived),
        *(_figure(request, name) for name in study.figures),
        _overview(request),
    ]


def threads(deck: Deck) -> int:
    """Threads of a run: the exact evolution of many spins shares its vectors between them.

    The command is told by OMP_NUM_THREADS; the results are the same for any number.
    """
    exact = deck.solver.method == "exact_reduced"
    return 4 if exact and deck.system.lattice.n_sites > 12 else 1


def _runs(request: Request) -> Iterator[Job]:
    """Copies first, then networks as they are listed, which take longest, then all others."""
    study, solvers = request.study, list(request.study.solvers)
    yield from (_copied(request, run, source) for run, source in request.restored.items())

    def order(run: Run) -> tuple[bool, int]:
        network = isinstance(study.solvers[run.solver], TdvpSolver)
        return not network, solvers.index(run.solver) if network else 0

    for run in sorted((run for run in study.used() if run not in request.restored), key=order):
        stochastic = isinstance(study.solvers[run.solver], StochasticSolver)
        yield from (_averaged if stochastic else _solved)(request, run)


def _copied(request: Request, run: Run, source: Path) -> Job:
    outputs, inputs = _of_run(request, run), (source, timing_path(source))

    def is_done() -> bool:
        return _is_run(request, run) and _are_newer(outputs, inputs)

    arguments = ("restore", str(request.config), run.system, run.solver, *_out(outputs[0]))
    log = request.study.output.log("restore", run.system, run.solver)
    return Job(f"restore {run.system} {run.solver}", arguments, inputs, outputs, log, is_done)


def _solved(request: Request, run: Run) -> Iterator[Job]:
    deck, output, outputs = request.study.deck(run), request.study.output, _of_run(request, run)
    kept = ("--checkpoint", str(output.checkpoint(run, deck.run_id)))
    yield Job(
        name=f"solve {run.system} {run.solver}",
        arguments=("run", str(request.config), run.system, run.solver, *_out(outputs[0]), *kept),
        inputs=(),
        outputs=outputs,
        log=output.log("solve", run.system, run.solver),
        is_done=partial(_is_run, request, run),
        threads=threads(deck),
    )


def _averaged(request: Request, run: Run) -> Iterator[Job]:
    """The batches of a run, and their averages."""
    deck, output = request.study.deck(run), request.study.output
    assert isinstance(deck.solver, StochasticSolver)
    named = (str(request.config), run.system, run.solver)
    files = tuple(output.batch(run, k) for k in range(deck.solver.batches))
    for k, file in enumerate(files):
        kept = ("--checkpoint", str(output.checkpoint(run, deck.batch_id, k)))
        yield Job(
            name=f"batch {run.system} {run.solver} {k}",
            arguments=("batch", *named, str(k), *_out(file), *kept),
            inputs=(),
            outputs=(file, timing_path(file)),
            log=output.log("batch", run.system, run.solver, str(k)),
            is_done=partial(_is_batch, request, run, k),
        )
    outputs = _of_run(request, run)
    yield Job(
        name=f"gather {run.system} {run.solver}",
        arguments=("gather", *named, *map(str, files), *_out(outputs[0])),
        inputs=files,
        outputs=outputs,
        log=output.log("gather", run.system, run.solver),
        is_done=partial(_is_run, request, run),
    )


def _comparison(request: Request, name: str) -> Job:
    output, comparison = request.study.output, request.study.comparisons[name]
    runs = tuple(map(output.trajectory, (comparison.candidate, comparison.reference)))
    points, summary = output.points(name), output.summary(name)
    tables = ("--points", str(points), "--summary", str(summary))
    arguments = ("compare", str(request.config), name, *map(str, runs), *tables)
    return _quick(request, f"compare {name}", arguments, runs, (points, summary))


def _derived(request: Request, name: str) -> Job:
    out = request.study.output.derived(name)
    arguments = ("derive", str(request.config), name, *_out(out))
    return _quick(request, f"derive {name}", arguments, _drawn(request.study, name), (out,))


def _figure(request: Request, name: str) -> Job:
    study = request.study
    figure, folder = study.figures[name], Path(study.output.figures)
    outputs = tuple(folder / f"{name}.{suffix}" for suffix in ("pdf", "png"))
    arguments = ("plot", str(request.config), name, *(word for o in outputs for word in _out(o)))
    tables = [*map(study.output.points, figure.compared())]
    tables += [study.output.derived(name)] if figure.derived else []
    inputs = (*_drawn(study, name), *tables, *figures.drawing(figure.kind))
    return _quick(request, f"plot {name}", arguments, inputs, outputs)


def _overview(request: Request) -> Job:
    study, output = request.study, request.study.output
    tables = (t(name) for name in study.comparisons for t in (output.summary, output.points))
    runs = (file for run in study.used() for file in _of_run(request, run))
    pages = ["closeness", "overview", "runs", *(["panels"] if study.panels else [])]
    folder = Path(output.figures)
    outputs = tuple(folder / f"{page}.{kind}" for page in pages for kind in ("html", "md"))
    arguments = ("overview", str(request.config), *_out(folder))
    return _quick(request, "overview", arguments, (*tables, *runs), outputs)


def _quick(
    request: Request,
    name: str,
    arguments: tuple[str, ...],
    inputs: tuple[Path, ...],
    outputs: tuple[Path, ...],
) -> Job:
    """A job of seconds, done again after any change of its inputs or of the configuration."""

    def is_done() -> bool:
        fresh = request.outdated.isdisjoint(outputs)
        return fresh and _are_newer(outputs, (*inputs, *request.sources))

    rule, *wildcards = name.split()
    log = request.study.output.log(*([rule, *wildcards] if wildcards else ["", rule]))
    return Job(name, arguments, inputs, outputs, log, is_done)


def _of_run(request: Request, run: Run) -> tuple[Path, Path]:
    out = request.study.output.trajectory(run)
    return out, timing_path(out)


def _drawn(study: Study, figure: str) -> tuple[Path, ...]:
    """Files of the runs of a figure."""
    runs = [study.output.trajectory(run) for run in study.drawn(study.figures[figure])]
    return (*runs, *map(timing_path, runs))


def _out(path: Path) -> tuple[str, str]:
    return "--out", str(path)


def _is_run(request: Request, run: Run) -> bool:
    """Whether a run of this deck is there, computed here or copied, as it is to be."""
    path, timing = _of_run(request, run)
    if not (path.exists() and timing.exists()):
        return False
    origin = str(request.restored.get(run, ""))
    try:
        same = trajectory.read_run_id(path) == request.study.deck(run).run_id
        return same and archived_from(path) == origin
    except FileError:  # the command itself says what is wrong
        return False


def _is_batch(request: Request, run: Run, number: int) -> bool:
    """Whether the run is there, for which it was made, or the whole batch."""
    deck, path = request.study.deck(run), request.study.output.batch(run, number)
    assert isinstance(deck.solver, StochasticSolver)
    if _is_run(request, run):
        return True
    if not (path.exists() and timing_path(path).exists()):
        return False
    try:
        state = checkpoint.load(deck.batch_id, path, earlier=deck.run_id)
    except FileError:
        return False
    return state.arrays["numbers"].tolist() == list(deck.solver.numbers(number))


def _are_newer(outputs: Iterable[Path], inputs: Iterable[Path]) -> bool:
    """Whether all outputs are there, none older than an input."""
    if not all(path.exists() for path in outputs):
        return False
    oldest = min(path.stat().st_mtime_ns for path in outputs)
    return all(path.stat().st_mtime_ns <= oldest for path in inputs)
