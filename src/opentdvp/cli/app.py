"""What all commands share."""

from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from opentdvp.config.base import one_of
from opentdvp.errors import ConfigError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"opentdvp {metadata.version('opentdvp')}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Say it and exit."),
    ] = False,
) -> None:
    """Dynamics of open quantum spin systems with neural networks."""


#: First argument of nearly every command.
ConfigFile = Annotated[Path, typer.Argument(metavar="CONFIG", help="Configuration file (YAML).")]


def require_name(argument: str, name: str, table: Mapping[str, object]) -> None:
    """Raise `ConfigError` if a configuration has nothing of this name."""
    if name not in table:
        raise ConfigError(f"Argument {argument} {one_of(name, table)}.")
