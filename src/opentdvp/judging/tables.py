"""The tables as files: tab-separated text."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from opentdvp.errors import FileError
from opentdvp.records.files import reading, replacing
from opentdvp.records.permissions import Output

#: Digits enough for the figures, few enough for the eye.
FLOAT_FORMAT = "%.6g"

#: Columns of floats that need not have a value everywhere; an error of zero is no unit.
UNDEFINED = frozenset(
    {
        *("in_errors", "max_in_errors", "rms_in_errors", "beyond_4_errors"),
        *("varied", "scatter", "time_error", "a", "b", "b_error"),
        *("minutes", "error"),
    }
)

#: Columns with all their digits: six may hide on which side of the tolerance a curve is.
EXACT = ("excess", "tolerance")

#: Tables are written with six digits.
_DIGITS = 2e-5

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
    exact = {name: table[name].map(repr) for name in EXACT if name in table}
    with replacing(path) as temporary:
        table.assign(**exact).to_csv(
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
    """Read a table that has these columns, of these types; values are finite but for `UNDEFINED`.

    Raises
    ------
    FileError
        If the file is missing or is not such a table.
    """
    with reading(path, "a table of this kind") as stream:
        text = pd.read_csv(stream, sep="\t", usecols=list(columns), dtype=str, na_filter=False)
        table = pd.DataFrame({name: _parsed(text[name], kind) for name, kind in columns.items()})
    for name, kind in columns.items():
        if kind is float and name not in UNDEFINED and not np.isfinite(table[name]).all():
            raise FileError(f"Cannot read {path}: `{name}` must be finite everywhere, but is not.")
    return table


def _parsed(column: pd.Series, kind: type) -> pd.Series:
    """A column of text as one of its type."""
    if kind is bool and not column.isin(["True", "False"]).all():
        raise ValueError("neither True nor False")
    return column == "True" if kind is bool else column.astype(kind)


def check_table(expected: pd.DataFrame, path: Path, found: pd.DataFrame) -> None:
    """Raise `FileError` unless what was read from `path` is this table, up to its digits."""
    try:
        pd.testing.assert_frame_equal(
            found, expected, check_dtype=False, check_index_type=False, rtol=_DIGITS, atol=1e-12
        )
    except AssertionError as error:
        raise FileError(f"{path} is not the table of the runs; make it again.") from error


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
    cells = table.map(cell)
    lines = [list(table.columns), ["---"] * len(table.columns), *cells.to_numpy().tolist()]
    return "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines)


_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 12px sans-serif; margin: 1em }}
table {{ border-collapse: collapse }}
td, th {{ padding: .25em .4em; border-bottom: 1px solid #ccc; text-align: left; max-width: 16em }}
th {{ vertical-align: bottom; position: sticky; top: 0; background: #fff; z-index: 1 }}
td:first-child, th:first-child {{ position: sticky; left: 0; background: #fff; z-index: 1 }}
th:first-child {{ z-index: 2 }}
</style></head><body>
{tables}</body></html>
"""


def write_html(tables: Mapping[str, pd.DataFrame], title: str, path: Path) -> None:
    """Write tables with their headings as a page of its own; empty ones are left out."""
    parts = [
        f"<h2>{heading}</h2>\n{table.map(cell).to_html(index=False, border=0)}\n"
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


def cell(value: object) -> str:
    """A value as text: three digits; whole numbers whole; nothing for what is not defined."""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if not isinstance(value, float):
        return str(value)
    if np.isnan(value):
        return ""
    # A column of counts is one of floats where some rows have none.
    return f"{value:.0f}" if value.is_integer() and abs(value) < 1e6 else f"{value:.3g}"
