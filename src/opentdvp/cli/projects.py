"""Commands for whole studies: a folder to begin with, and all that a configuration asks for."""

from pathlib import Path
from typing import Annotated

import typer

from opentdvp import config
from opentdvp.cli.app import ConfigFile, app, require_name
from opentdvp.records.permissions import reserved


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="New or empty folder.")],
) -> None:
    """Write a project of your own: a configuration of ten lines, a Snakefile, a README."""
    from opentdvp.pipeline import project

    print(*project.create(folder), sep="\n")
    print(f"Next: cd {folder}; opentdvp study {project.CONFIGURATION}")


@app.command()
def study(
    config_file: ConfigFile,
    jobs: Annotated[
        int, typer.Option(min=1, help="Processes at a time; one with threads counts as several.")
    ] = 1,
) -> None:
    """Solve, compare and draw all of a configuration, as the pipeline does, without Snakemake.

    What is there already is not made again; the files are those of the pipeline. A comparison
    beyond its tolerance is said, and is no error: `opentdvp verify` makes it one.
    """
    from opentdvp import study as studying
    from opentdvp.pipeline.whole import make

    made = make(config_file, jobs, lambda line: print(line, flush=True))
    print(*studying.whereabouts(made), sep="\n")
    print("\n  ".join(studying.last_words(made)))


@app.command()
def crate(
    config_file: ConfigFile,
    license_url: Annotated[
        str, typer.Option("--license", metavar="URL", help="Licence of its files, as an address.")
    ],
) -> None:
    """Describe all runs, tables and figures of a configuration as a Workflow Run RO-Crate.

    Writes ro-crate-metadata.json into the folder of the project, from the files that are there.
    """
    from opentdvp.config.load import load_with_sources
    from opentdvp.study import crate as described

    study, sources = load_with_sources(config_file)
    with reserved([described.output()], sources):
        metadata = described.describe(study, sources, license_url)
        described.write(metadata)
    print(f"{described.NAME} describes {len(metadata['@graph'])} entities.")


@app.command()
def estimate(
    config_file: ConfigFile,
    system: Annotated[str | None, typer.Argument(help="Name of a system; all by default.")] = None,
    solver: Annotated[str | None, typer.Argument(help="Name of a solver; all by default.")] = None,
) -> None:
    """Say what runs will take on this machine: steps, minutes, memory, from short timings.

    Of what is running beside, the timings know nothing: ask on a quiet machine. What is copied from
    an archive or measured from other runs is left out. `opentdvp validate` repeats the answer.
    """
    from opentdvp.cli.show import print_table
    from opentdvp.pipeline.validation import validate
    from opentdvp.records import estimates as kept
    from opentdvp.running.forecast import forecasts
    from opentdvp.study import estimates

    study = config.load(config_file)
    for argument, name, names in (
        ("SYSTEM", system, study.systems),
        ("SOLVER", solver, study.solvers),
    ):
        if name is not None:
            require_name(argument, name, names)
    validate(study, config_file)
    runs = estimates.computed(study)
    asked = [run for run in runs if system in (None, run.system) and solver in (None, run.solver)]
    path = study.output.estimates
    with reserved([kept.output(path)], [config_file]):
        for run, found in zip(asked, forecasts(map(study.deck, asked)), strict=True):
            line = estimates.table({run: found}).to_string(header=False, index=False)
            print(line, flush=True)
            every = kept.read_estimates(path) | {study.deck(run).run_id: found}
            kept.write_estimates(path, every)
    if asked:
        known = estimates.known(study)
        print_table(estimates.table(known))
        print(estimates.told(known, len(runs)))
