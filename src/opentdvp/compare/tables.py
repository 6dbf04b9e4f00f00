"""The tables as files: tab-separated text."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from opentdvp.files import reading, replacing
from opentdvp.outputs import Output

#: Digits enough for the figures, few enough for the eye.
FLOAT_FORMAT = "%.6g"

POINTS = {
    "observable": str,
    "distance": int,
    "time": float,
    "candidate": float,
    "candidate_error": float,
    "reference": float,
    "reference_error": float,
    "difference": float,
    "combined_error": float,
    "in_errors": float,
    "tolerance": float,
}

SUMMARY = {
    "observable": str,
    "distance": int,
    "max_difference": float,
    "time_of_max": float,
    "rms_difference": float,
    "max_in_errors": float,
    "rms_in_errors": float,
    "beyond_4_errors": float,
    "largest_error": float,
    "excess": float,
    "tolerance": float,
    "passed": bool,
    "candidate_size": str,
    "candidate_method": str,
    # As text: an id of digits only is no number, and samples may be "enumeration".
    "candidate_run": str,
    "candidate_revision": str,
    "solve_samples": str,
    "observable_samples": str,
    "reference_size": str,
    "reference_method": str,
    "reference_run": str,
    "reference_revision": str,
    "mixed_revisions": bool,
}


def table_output(path: Path, columns: Mapping[str, type]) -> Output:
    """A table with these columns as the output of a command."""
    head = "\t".join(columns).encode()
    return Output(path, "a table of this kind", lambda stream: stream.readline().strip() == head)


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table; the path holds a complete file or is left as it was.

    Raises
    ------
    FileError
        If the file cannot be written.
    """
    with replacing(path) as temporary:
        table.to_csv(
            temporary,
            sep="\t",
            index=False,
            float_format=FLOAT_FORMAT,
            na_rep="nan",
            lineterminator="\n",
        )


def read_points(path: Path) -> pd.DataFrame:
    """Read the table of points.

    Raises
    ------
    FileError
        If the file is missing or is not such a table.
    """
    return read_table(path, POINTS)


def read_summary(path: Path) -> pd.DataFrame:
    """Read the table of verdicts.

    Raises
    ------
    FileError
        If the file is missing or is not such a table.
    """
    return read_table(path, SUMMARY)


def read_table(path: Path, columns: Mapping[str, type]) -> pd.DataFrame:
    """Read a table that has these columns, of these types.

    Raises
    ------
    FileError
        If the file is missing or is not such a table.
    """
    with reading(path, "a table of this kind") as stream:
        return pd.read_csv(
            stream,
            sep="\t",
            usecols=list(columns),
            dtype=dict(columns),
            keep_default_na=False,
            na_values=["nan"],
        )


def write_markdown(tables: Mapping[str, pd.DataFrame], path: Path) -> None:
    """Write tables as Markdown, numbers with three digits; several have their headings.

    Of several, empty ones are left out.
    """
    several = len(tables) > 1
    parts = [
        (f"## {heading}\n\n" if several else "") + _markdown(table)
        for heading, table in tables.items()
        if not (several and table.empty)
    ]
    with replacing(path) as temporary:
        temporary.write_text("\n".join(parts), encoding="utf-8")


def _markdown(table: pd.DataFrame) -> str:
    cells = table.map(_text)
    lines = [list(table.columns), ["---"] * len(table.columns), *cells.to_numpy().tolist()]
    return "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines)


_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 14px sans-serif; margin: 1em }}
table {{ border-collapse: collapse }}
td, th {{ padding: .25em .6em; border-bottom: 1px solid #ccc; text-align: left }}
</style></head><body>
{tables}</body></html>
"""


def write_html(tables: Mapping[str, pd.DataFrame], title: str, path: Path) -> None:
    """Write tables with their headings as a page of its own; empty ones are left out."""
    parts = [
        f"<h2>{heading}</h2>\n{table.map(_text).to_html(index=False, border=0)}\n"
        for heading, table in tables.items()
        if not table.empty
    ]
    with replacing(path) as temporary:
        temporary.write_text(_PAGE.format(title=title, tables="".join(parts)), encoding="utf-8")


def page_output(path: Path, headings: Iterable[str]) -> Output:
    """A page of tables with these headings as the output of a command, Markdown or HTML."""
    html = f"{_PAGE.partition('{')[0]}{path.stem}<"
    starts = tuple(start.encode() for start in ("| ", *(f"## {h}\n" for h in headings), html))
    return Output(path, "a page of these tables", lambda page: page.read(200).startswith(starts))


def _text(value: object) -> str:
    """Three digits; whole numbers whole; nothing for what is not defined."""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if not isinstance(value, float):
        return str(value)
    if np.isnan(value):
        return ""
    # A column of counts is one of floats where some rows have none.
    return f"{value:.0f}" if value.is_integer() and abs(value) < 1e6 else f"{value:.3g}"
