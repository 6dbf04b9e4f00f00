"""Which comparisons of a study are beyond their tolerance, said in a few lines."""

from functools import partial

import pandas as pd

from opentdvp.compare.curves import allowed, describe
from opentdvp.compare.tables import read_summary
from opentdvp.config import Comparison, Study


def verdicts(study: Study) -> list[str]:
    """A line that counts the comparisons beyond their tolerance, and a line for each of them.

    Comparisons without a table are counted in a last line.

    Raises
    ------
    FileError
        If a file is not a table of verdicts.
    """
    paths = {name: study.output.summary(name) for name in study.comparisons}
    tables = {name: read_summary(path) for name, path in paths.items() if path.exists()}
    missed = {name: table for name, table in tables.items() if not table["passed"].all()}
    left = len(paths) - len(tables)
    return [
        _count(len(missed), len(tables)),
        *(_line(name, study.comparisons[name], table) for name, table in missed.items()),
        *([f"Not compared yet: {left}."] if left else []),
    ]


def explained(comparison: Comparison, table: pd.DataFrame) -> str | None:
    """Where a miss is explained, if no curve is further off than the comparison's shortfall."""
    shortfall = comparison.shortfall
    failed = table[~table["passed"]]
    if shortfall is None:
        return None
    within = failed["excess"] <= failed["distance"].map(partial(allowed, shortfall))
    return shortfall.explained if within.all() else None


def _count(missed: int, compared: int) -> str:
    if not missed:
        return f"All comparisons are within their tolerance: {compared} of {compared}."
    return f"BEYOND THEIR TOLERANCE: {missed} of {compared} comparisons."


def _line(name: str, comparison: Comparison, table: pd.DataFrame) -> str:
    """The curves beyond the tolerance, and the one that is furthest off."""
    failed = table[~table["passed"]]
    curves = [describe(key) for key in zip(failed["observable"], failed["distance"], strict=True)]
    worst = (failed["excess"] / failed["tolerance"]).argmax()
    row = failed.iloc[worst]
    known = explained(comparison, table)
    return (
        f"{name}: {', '.join(curves)}; at worst {curves[worst]}, off by {row['excess']:.3g} of "
        f"{row['tolerance']:g} allowed" + (f", as explained in {known}." if known else ".")
    )
