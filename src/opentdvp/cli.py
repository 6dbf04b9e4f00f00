"""The command line: one command per rule of the pipeline; no physics, imports only when needed."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console

from opentdvp import config
from opentdvp.config.load import json_schema
from opentdvp.errors import ConfigError, Interrupted, OpentdvpError
from opentdvp.stopping import CONTINUE, raise_on_signals

if TYPE_CHECKING:
    from opentdvp.keeping import Checkpoints

# Linear algebra on one thread: results must not depend on the number of cores, and threads of jobs
# beside each other spin against one another (an eigendecomposition took 40 times as long).
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

app = typer.Typer(
    help="Dynamics of open quantum spin systems with neural networks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

ConfigFile = Annotated[Path, typer.Argument(metavar="CONFIG", help="Configuration file (YAML).")]

SystemName = Annotated[str, typer.Argument(metavar="SYSTEM", help="Name of a system.")]
FigureName = Annotated[str, typer.Argument(metavar="FIGURE", help="Name of a figure.")]
SolverName = Annotated[str, typer.Argument(metavar="SOLVER", help="Name of a solver.")]

CheckpointFile = Annotated[
    Path | None, typer.Option(help="Resumed from if it exists; written while running.")
]
CheckpointInterval = Annotated[
    float,
    typer.Option(help="Seconds between checkpoints.", min=0, envvar="OPENTDVP_CHECKPOINT_INTERVAL"),
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
    time_limit: TimeLimit = None,
    distributed: Annotated[
        bool, typer.Option("--distributed", help="One run on all tasks of a step of SLURM.")
    ] = False,
    log: Annotated[Path | None, typer.Option(help="Also write progress lines to a file.")] = None,
) -> None:
    """Solve a system and write its trajectory."""
    from opentdvp.progress import reporting
    from opentdvp.solve import solve_to_file, take_part

    checkpoints = _checkpoints(checkpoint, checkpoint_interval, time_limit)
    deck = _deck(config_file, system, solver)
    if distributed and not _leads(deck):
        return take_part(deck, checkpoints)
    with reporting(deck.system.time.stop, Console(stderr=True), log) as report:
        solve_to_file(deck, out, checkpoints, report)


@app.command()
def batch(
    config_file: ConfigFile,
    system: SystemName,
    solver: SolverName,
    number: Annotated[int, typer.Argument(help="Of the batch, from 0.")],
    out: Annotated[Path, typer.Option(help="Batch file to write (NumPy).")],
    checkpoint: CheckpointFile = None,
    checkpoint_interval: CheckpointInterval = 60.0,
    time_limit: TimeLimit = None,
) -> None:
    """Compute one batch of the independent trajectories of a stochastic solver."""
    from opentdvp.progress import reporting
    from opentdvp.solve import solve_batch_to_file

    checkpoints = _checkpoints(checkpoint, checkpoint_interval, time_limit)
    deck = _deck(config_file, system, solver)
    with reporting(deck.system.time.stop, Console(stderr=True), None) as report:
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
    from opentdvp.solve import gather_to_file

    count = gather_to_file(_deck(config_file, system, solver), batches, out)
    print(f"{out} holds averages of {count} trajectories.")


@app.command()
def compare(
    config_file: ConfigFile,
    comparison: Annotated[str, typer.Argument(help="Name of a comparison.")],
    candidate: Annotated[Path, typer.Argument(help="Trajectory that is judged.")],
    reference: Annotated[Path, typer.Argument(help="Trajectory that it is judged by.")],
    points: Annotated[Path, typer.Option(help="Table with a row per time, to write (TSV).")],
    summary: Annotated[Path, typer.Option(help="Table per observable, to write (TSV).")],
) -> None:
    """Compare a run with its reference, at every time."""
    from opentdvp import compare as comparing
    from opentdvp.show import print_table

    study = config.load(config_file)
    _require_name("COMPARISON", comparison, study.comparisons)
    entry = study.comparisons[comparison]
    judged = comparing.read_run(study, entry.candidate, candidate)
    judge = comparing.read_run(study, entry.reference, reference)
    table = comparing.compare(judged, judge, entry.tolerance)
    verdict = comparing.summarize(table, entry.tolerance, judged, judge)
    comparing.write_table(table, points)
    comparing.write_table(verdict, summary)
    print_table(verdict[["observable", "distance", "max_difference", "tolerance", "passed"]])


@app.command()
def derive(
    config_file: ConfigFile,
    figure: FigureName,
    out: Annotated[Path, typer.Option(help="Table to write (TSV).")],
) -> None:
    """Make the table behind a figure of the kind front or scan, from the files of its runs."""
    from opentdvp import compare as comparing
    from opentdvp import drawing

    study = config.load(config_file)
    _require_name("FIGURE", figure, study.figures)
    if not study.figures[figure].derived:
        kind = study.figures[figure].kind
        raise ConfigError(f"Argument FIGURE must be of the kind front or scan, but is a {kind}.")
    comparing.write_table(drawing.derive(study, figure), out)


@app.command()
def plot(
    config_file: ConfigFile,
    figure: FigureName,
    out: Annotated[list[Path], typer.Option(help="Figure to write (PDF or PNG); may be repeated.")],
) -> None:
    """Draw a figure from the files of its runs and comparisons."""
    from opentdvp import drawing

    study = config.load(config_file)
    _require_name("FIGURE", figure, study.figures)
    drawing.draw(study, figure, out)


@app.command()
def overview(
    config_file: ConfigFile,
    out: Annotated[Path, typer.Option(help="Folder for the tables (Markdown, HTML).")],
) -> None:
    """Gather all comparisons, curves and runs of a configuration, from the files of its results.

    Writes closeness, overview and runs, each as .md and .html.
    """
    from opentdvp import compare as comparing

    study = config.load(config_file)
    runs, comparisons = comparing.costs(study), comparing.overview(study)
    curves, published = comparing.closeness(study), comparing.published(study)
    pages = {
        "closeness": {"Every plotted curve": curves, "Published values": published},
        "overview": {"All comparisons": comparisons},
        "runs": {"All runs": runs},
    }
    for name, tables in pages.items():
        comparing.write_markdown(tables, out / f"{name}.md")
        comparing.write_html(tables, name, out / f"{name}.html")


@app.command()
def validate(config_file: ConfigFile) -> None:
    """Check a configuration, and that the solvers of its comparisons fit their systems."""
    from opentdvp.solve import check

    study = config.load(config_file)
    for name, comparison in study.comparisons.items():
        for role in ("candidate", "reference"):
            deck = study.deck(getattr(comparison, role))
            try:
                check(deck.system, deck.solver)
            except ConfigError as error:
                raise ConfigError(f"{config_file}: `comparisons.{name}.{role}`: {error}") from error
    print(
        f"{config_file} is valid: {len(study.systems)} systems, {len(study.solvers)} solvers, "
        f"{len(study.comparisons)} comparisons, {len(study.figures)} figures."
    )


@app.command()
def verify(config_file: ConfigFile) -> None:
    """Check every run, table and figure of a configuration; computes no run again."""
    from opentdvp.show import print_table
    from opentdvp.verify import VALID, verify

    verdicts = verify(config.load(config_file))
    wrong = verdicts[verdicts["verdict"] != VALID]
    if len(wrong):
        print_table(wrong)
        raise ConfigError(f"{len(wrong)} of {len(verdicts)} must be valid, but are not.")
    print(f"{config_file}: all {len(verdicts)} runs, comparisons, tables and figures are valid.")


@app.command()
def show(
    trajectory_file: Annotated[Path, typer.Argument(metavar="FILE", help="Trajectory file.")],
) -> None:
    """Show what was run, how it ended, and a summary of its observables."""
    from opentdvp.show import show_trajectory

    show_trajectory(trajectory_file)


@app.command()
def schema() -> None:
    """Print the JSON schema of a configuration file, for editors."""
    print(json_schema(), end="")


def main() -> NoReturn:
    """Run a command; an error that a user can act on is one line and a non-zero exit code."""
    raise_on_signals()
    try:
        app()
    except Interrupted as error:
        _fail(error, CONTINUE)
    except OpentdvpError as error:
        _fail(error, 1)
    sys.exit(0)


def _fail(error: OpentdvpError, code: int) -> NoReturn:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(code)


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
    path: Path | None, interval: float, time_limit: float | None
) -> "Checkpoints | None":
    from opentdvp.keeping import Checkpoints

    if path is None and time_limit is not None:
        raise ConfigError("Option --time-limit must come with --checkpoint, but does not.")
    return None if path is None else Checkpoints(path, interval, time_limit)


def _deck(config_file: Path, system: str, solver: str) -> config.Deck:
    study = config.load(config_file)
    for key, name, table in (("SYSTEM", system, study.systems), ("SOLVER", solver, study.solvers)):
        _require_name(key, name, table)
    return study.deck(config.Run(system=system, solver=solver))


def _require_name(argument: str, name: str, table: Mapping[str, object]) -> None:
    if name not in table:
        known = ", ".join(table) or "none"
        raise ConfigError(f"Argument {argument} must be one of {known}, but is {name}.")
