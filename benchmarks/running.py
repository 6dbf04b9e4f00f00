"""Cases of a benchmark, one process each, and the files that come of them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import typer
from matplotlib.figure import Figure
from rich.progress import track

Case = dict[str, Any]

HERE = Path(__file__).parent


def run(script: str, cases: list[Case]) -> list[dict[str, Any]]:
    """What a script of this folder prints for each case, as JSON, one case after the other.

    Each has a process of its own, so that its threads can be set and its peak memory is known. The
    system is the script's argument, all else options, of which those that are True are flags.
    """
    return [_result(script, case) for case in track(cases, disable=None)]


def _result(script: str, case: Case) -> dict[str, Any]:
    options = [
        f"--{name}" if value is True else f"--{name}={value}"
        for name, value in case.items()
        if name != "system"
    ]
    command = [sys.executable, str(HERE / script), case["system"], *options]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return {**json.loads(done.stdout), "case": case}


def write(
    results: list[dict[str, Any]], table: str, figure: Figure | None, out: Path, docs: Path
) -> None:
    """Write and print the results: JSON; table and any figure beside it, with the same name."""
    out.parent.mkdir(parents=True, exist_ok=True)
    docs.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(results, indent=1) + "\n")
    if figure is not None:
        figure.savefig(docs / f"{out.stem}.png", dpi=150)
    (docs / f"{out.stem}.md").write_text(table)
    typer.echo(table)
