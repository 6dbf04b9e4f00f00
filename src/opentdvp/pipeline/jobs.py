"""The jobs of a study: the commands of the pipeline's rules, with the same files."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from opentdvp import figures
from opentdvp.config import Deck, Run, StochasticSolver, Study, TdvpSolver
from opentdvp.pipeline.job import Job, Request, are_newer, is_batch, is_run, of_run
from opentdvp.records.timing import timing_path


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
    """Copies first, then networks as they are listed, which take longest, then all others.

    What is measured comes after the run that it is measured from.
    """
    study, solvers = request.study, list(request.study.solvers)
    yield from (_copied(request, run, source) for run, source in request.restored.items())

    def order(run: Run) -> tuple[bool, int, bool]:
        network = isinstance(study.solvers[run.solver], TdvpSolver)
        measured = study.evolution(run) is not None
        return not network, solvers.index(run.solver) if network else 0, measured

    for run in sorted((run for run in study.used() if run not in request.restored), key=order):
        evolution = study.evolution(run)
        if evolution is not None:
            yield _measured(request, run, evolution)
        elif isinstance(study.solvers[run.solver], StochasticSolver):
            yield from _averaged(request, run)
        else:
            yield _solved(request, run)


def _copied(request: Request, run: Run, source: Path) -> Job:
    outputs, inputs = of_run(request, run), (source, timing_path(source))

    def is_done() -> bool:
        return is_run(request, run) and are_newer(outputs, inputs)

    arguments = ("restore", str(request.config), run.system, run.solver, *_out(outputs[0]))
    log = request.study.output.log("restore", run.system, run.solver)
    return Job(f"restore {run.system} {run.solver}", arguments, inputs, outputs, log, is_done)


def _solved(request: Request, run: Run) -> Job:
    deck, output, outputs = request.study.deck(run), request.study.output, of_run(request, run)
    kept = ("--checkpoint", str(output.checkpoint(run, deck.run_id)))
    return Job(
        name=f"solve {run.system} {run.solver}",
        arguments=("run", str(request.config), run.system, run.solver, *_out(outputs[0]), *kept),
        inputs=(),
        outputs=outputs,
        log=output.log("solve", run.system, run.solver),
        is_done=partial(is_run, request, run),
        threads=threads(deck),
    )


def _measured(request: Request, run: Run, evolution: Run) -> Job:
    inputs, outputs = of_run(request, evolution), of_run(request, run)

    def is_done() -> bool:
        return is_run(request, run) and are_newer(outputs, inputs)

    named = ("--config", str(request.config), "--run", run.system, run.solver)
    arguments = ("measure", str(inputs[0]), *named, *_out(outputs[0]))
    log = request.study.output.log("measure", run.system, run.solver)
    return Job(f"measure {run.system} {run.solver}", arguments, inputs, outputs, log, is_done)


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
            is_done=partial(is_batch, request, run, k),
        )
    outputs = of_run(request, run)
    yield Job(
        name=f"gather {run.system} {run.solver}",
        arguments=("gather", *named, *map(str, files), *_out(outputs[0])),
        inputs=files,
        outputs=outputs,
        log=output.log("gather", run.system, run.solver),
        is_done=partial(is_run, request, run),
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
    runs = (file for run in study.used() for file in of_run(request, run))
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
        return fresh and are_newer(outputs, (*inputs, *request.sources))

    rule, *wildcards = name.split()
    log = request.study.output.log(*([rule, *wildcards] if wildcards else ["", rule]))
    return Job(name, arguments, inputs, outputs, log, is_done)


def _drawn(study: Study, figure: str) -> tuple[Path, ...]:
    """Files of the runs of a figure."""
    runs = [study.output.trajectory(run) for run in study.drawn(study.figures[figure])]
    return (*runs, *map(timing_path, runs))


def _out(path: Path) -> tuple[str, str]:
    return "--out", str(path)
