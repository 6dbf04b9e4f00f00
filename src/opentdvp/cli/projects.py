"""Commands for whole studies: a folder to begin with, and all that a configuration asks for."""

from pathlib import Path
from typing import Annotated

import typer

from opentdvp.cli.app import ConfigFile, app


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
