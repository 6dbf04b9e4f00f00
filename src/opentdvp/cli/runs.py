"""Commands that solve a system, or copy its solution from an archive."""

import re
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from opentdvp import config
from opentdvp.cli.app import ConfigFile, app, require_name
from opentdvp.config.load import load_with_sources
from opentdvp.config.reading import parse_yaml
from opentdvp.errors import ConfigError
from opentdvp.records.files import followed
from opentdvp.records.permissions import Output, reserved

if TYPE_CHECKING:
    from opentdvp.config.measurement import Measured
    from opentdvp.running.keeper import Checkpoints

SystemName = Annotated[str, typer.Argument(metavar="SYSTEM", help="Name of a system.")]
SolverName = Annotated[str, typer.Argument(metavar="SOLVER", help="Name of a solver.")]
CheckpointFile = Annotated[
    Path | None,
    typer.Option(help="Resumed from if it exists; written while running; else beside --out."),
]
CheckpointInterval = Annotated[
    float,
    typer.Option(help="Seconds between checkpoints.", min=0, envvar="OPENTDVP_CHECKPOINT_INTERVAL"),
]
KeepCheckpoint = Annotated[
    bool,
    typer.Option("--keep-checkpoint", help="Leave it after the run, in case its file gets lost."),
]
TimeLimit = Annotated[
    float | None, typer.Option(help="Seconds after which to save and stop with exit status 75.")
]


@app.command()
def run(
    config_file: ConfigFile,
    system: SystemName,
    solver: SolverName,
    out: Annotated[Path, typer.Option(help="Trajectory file to write (HDF5).")],
    checkpoint: CheckpointFile = None,
    checkpoint_interval: CheckpointInterval = 60.0,
    keep_checkpoint: KeepCheckpoint = False,
    time_limit: TimeLimit = None,
    distributed: Annotated[
        bool, typer.Option("--distributed", help="One run on all tasks of a step of SLURM.")
    ] = False,
    log: Annotated[Path | None, typer.Option(help="Also write progress lines to a file.")] = None,
    earlier: Annotated[
        Path | None,
        typer.Option(
            "--continue",
            metavar="FILE",
            help="Trajectory of the same run to an earlier time, with its checkpoint beside it.",
        ),
    ] = None,
) -> None:
    """Solve a system and write its trajectory."""
    from opentdvp.running.progress import reporting
    from opentdvp.running.solve import run_outputs, solve_to_file, take_part
    from opentdvp.running.solvers import have_process

    checkpoints = _checkpoints(out, checkpoint, checkpoint_interval, time_limit, keep_checkpoint)
    study, sources = load_with_sources(config_file)
    deck = _deck(study, system, solver)
    have_process(deck)
    if distributed and earlier is not None:
        raise ConfigError("Option --continue must be left out with --distributed, but is there.")
    if distributed and not _leads(deck):
        return take_part(deck, checkpoints)
    outputs = run_outputs(out, checkpoints.path)
    if log is not None:
        outputs.append(Output(log, "a log of runs", _is_log, appended=True))
    with (
        reserved(outputs, _inputs(sources, earlier)),
        reporting(deck.system.time.last, Console(stderr=True), log) as report,
    ):
        solve_to_file(deck, out, checkpoints, report, earlier)


def _inputs(sources: list[Path], earlier: Path | None) -> list[Path]:
    """What a run reads: the configuration, and the end of an earlier run."""
    from opentdvp.running.keeper import checkpoint_path

    return sources if earlier is None else [*sources, earlier, checkpoint_path(earlier)]


@app.command()
def batch(
    config_file: ConfigFile,
    system: SystemName,
    solver: SolverName,
    number: Annotated[int, typer.Argument(help="Of the batch, from 0.")],
    out: Annotated[Path, typer.Option(help="Batch file to write (NumPy).")],
    checkpoint: CheckpointFile = None,
    checkpoint_interval: CheckpointInterval = 60.0,
    keep_checkpoint: KeepCheckpoint = False,
    time_limit: TimeLimit = None,
) -> None:
    """Compute one batch of the independent trajectories of a stochastic solver."""
    from opentdvp.running.progress import reporting
    from opentdvp.running.solve import batch_outputs, solve_batch_to_file

    checkpoints = _checkpoints(out, checkpoint, checkpoint_interval, time_limit, keep_checkpoint)
    study, sources = load_with_sources(config_file)
    deck = _deck(study, system, solver)
    with (
        reserved(batch_outputs(out, checkpoints.path), sources),
        reporting(deck.system.time.last, Console(stderr=True), None) as report,
    ):
        solve_batch_to_file(deck, number, out, checkpoints, report)


@app.command()
def gather(
    config_file: ConfigFile,
    system: SystemName,
    solver: SolverName,
    batches: Annotated[list[Path], typer.Argument(help="Batch files, all or some.")],
    out: Annotated[Path, typer.Option(help="Trajectory file to write (HDF5).")],
) -> None:
    """Average the trajectories of batches, and write the result with its standard errors."""
    from opentdvp.running.solve import gather_outputs, gather_to_file

    study, sources = load_with_sources(config_file)
    deck = _deck(study, system, solver)
    with reserved(gather_outputs(out), [*sources, *batches]):
        count = gather_to_file(deck, batches, out)
    print(f"{out} holds averages of {count} trajectories.")


@app.command()
def restore(
    config_file: ConfigFile,
    system: SystemName,
    solver: SolverName,
    out: Annotated[Path, typer.Option(help="Trajectory file to write (HDF5).")],
) -> None:
    """Copy a run from the archive of a configuration, where it is found by its run id."""
    from opentdvp.records import timing, trajectory
    from opentdvp.study import archive

    study, sources = load_with_sources(config_file)
    run = _run(study, system, solver)
    source = archive.locate(study, run)
    outputs = [trajectory.output(out), timing.output(out)]
    with reserved(outputs, [*sources, source, timing.timing_path(source)]):
        archive.restore(study, run, source, out)
    print(f"{out} is a copy of {source}.")


@app.command()
def measure(
    evolution: Annotated[
        Path, typer.Argument(metavar="FILE", help="Trajectory file that has kept its states.")
    ],
    out: Annotated[Path, typer.Option(help="Trajectory file to write (HDF5).")],
    observables: Annotated[
        str | None,
        typer.Option(help="What to measure, as in a configuration: '{profiles: [X, Z]}'."),
    ] = None,
    samples: Annotated[
        int | None, typer.Option(help="How many samples of a network; as the run by default.")
    ] = None,
    times: Annotated[
        str | None,
        typer.Option(help="Those of the run by default; '{times: [0.5, 1]}', any within."),
    ] = None,
    config_file: Annotated[
        Path | None,
        typer.Option("--config", metavar="CONFIG", help="Configuration with `measurements`."),
    ] = None,
    run_name: Annotated[
        tuple[str, str] | None,
        typer.Option("--run", metavar="MEASUREMENT SOLVER", help="What to measure of CONFIG."),
    ] = None,
    log: Annotated[Path | None, typer.Option(help="Also write progress lines to a file.")] = None,
) -> None:
    """Make other observables of a run from the states that its file has kept.

    What to measure is given by --observables, or by a measurement of a configuration.
    """
    from opentdvp.records import trajectory
    from opentdvp.running.measure import measure_outputs, measure_to_file, measured_deck
    from opentdvp.running.progress import reporting

    if (observables is None) == (config_file is None) or (config_file is None) != (
        run_name is None
    ):
        raise ConfigError("Option --observables must be given, or --config with --run.")
    kept, sources = trajectory.read(evolution), [evolution]
    if config_file is None:
        deck = measured_deck(kept, _measured(observables or "", samples, times))
    else:
        study, sources = load_with_sources(config_file)
        deck = _deck(study, *(run_name or ("", "")))
    with (
        reserved(measure_outputs(out), [*sources, evolution]),
        reporting(deck.system.time.last, Console(stderr=True), log) as report,
    ):
        measure_to_file(deck, kept, evolution, out, report)


def _measured(observables: str, samples: int | None, times: str | None) -> "Measured":
    """What options of a command ask for."""
    from pydantic import ValidationError

    from opentdvp.config.measurement import Measured
    from opentdvp.config.messages import explain, sentences

    tree = {
        "observables": parse_yaml(observables, "Option --observables"),
        "samples": samples,
        "time": None if times is None else parse_yaml(times, "Option --times"),
    }
    try:
        return Measured.model_validate(tree)
    except ValidationError as error:
        raise ConfigError(sentences(explain(error, tree))) from error


def _leads(deck: config.Deck) -> bool:
    """Whether this is the first of the tasks that share a run."""
    from opentdvp.engine.devices import join_tasks

    if not isinstance(deck.solver, config.TdvpSolver):
        raise ConfigError(
            "Option --distributed must come with a solver of the method tdvp, but comes with "
            f"{deck.solver.method}."
        )
    return join_tasks()


def _checkpoints(
    out: Path, path: Path | None, interval: float, time_limit: float | None, stay: bool
) -> "Checkpoints":
    from opentdvp.running.keeper import Checkpoints, checkpoint_path

    return Checkpoints(followed(path or checkpoint_path(out)), interval, time_limit, stay)


def _is_log(stream: IO[bytes]) -> bool:
    """Whether a file begins with the date and time of a line of progress."""
    return re.match(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ", stream.read(20)) is not None


def _deck(study: config.Study, system: str, solver: str) -> config.Deck:
    return study.deck(_run(study, system, solver))


def _run(study: config.Study, system: str, solver: str) -> config.Run:
    for key, name, table in (("SYSTEM", system, study.systems), ("SOLVER", solver, study.solvers)):
        require_name(key, name, table)
    return config.Run(system=system, solver=solver)
