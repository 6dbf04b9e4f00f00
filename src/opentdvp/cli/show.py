"""What a trajectory file holds, for people at a terminal."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from opentdvp.records import trajectory
from opentdvp.records.provenance import is_dirty, separate
from opentdvp.records.timing import read_timing, timing_path
from opentdvp.records.trajectory import Trajectory


def show_trajectory(path: Path) -> None:
    """Print what was run, how it ended, and a summary of observables and diagnostics.

    Raises
    ------
    FileError
        If the file cannot be read.
    """
    loaded = trajectory.read(path)
    console = Console()
    deck = json.loads(loaded.deck)
    console.print_json(data=deck, indent=None)
    timing = read_timing(path) if timing_path(path).exists() else {}
    if "archive" in timing:
        timing["origin"] = f"from the archive, a copy of {timing.pop('archive')}"
    facts = {
        "run id": loaded.run_id,
        "result": f"{loaded.result} ({loaded.remedy})",
        "times": f"{len(loaded.times)} from {loaded.times[0]:g} to {loaded.times[-1]:g}",
        **loaded.provenance,
        **timing,
    }
    revisions = separate(loaded.provenance["revision"])
    if len(revisions) > 1 or any(map(is_dirty, revisions)):
        facts["revision"] += " (code that changed while it ran, or that was never committed)"
    for name, value in facts.items():
        console.print(f"[bold]{name}[/bold]: {escape(str(value))}", highlight=False)
    print_table(observable_summary(loaded), console)
    if loaded.diagnostics:
        print_table(diagnostic_summary(loaded), console)


def observable_summary(loaded: Trajectory) -> pd.DataFrame:
    """First, smallest, largest and last value and largest standard error of every curve."""
    rows = [
        (
            f"{name}({distance})" if distance else name,
            *(mean[0], mean.min(), mean.max(), mean[-1], error.max()),
        )
        for (name, distance), (mean, error) in loaded.curves().items()
    ]
    return pd.DataFrame(
        rows, columns=["observable", "first", "smallest", "largest", "last", "standard error"]
    )


def diagnostic_summary(loaded: Trajectory) -> pd.DataFrame:
    """Smallest, median and largest value of every diagnostic."""
    rows = [
        (name, np.min(values), np.median(values), np.max(values))
        for name, values in loaded.diagnostics.items()
    ]
    return pd.DataFrame(rows, columns=["diagnostic", "smallest", "median", "largest"])


def print_table(frame: pd.DataFrame, console: Console | None = None) -> None:
    """Print a table of numbers."""
    table = Table(*map(str, frame.columns))
    for row in frame.itertuples(index=False):
        cells = (f"{cell:.4g}" if isinstance(cell, float) else str(cell) for cell in row)
        table.add_row(*map(escape, cells))
    (console or Console()).print(table)
