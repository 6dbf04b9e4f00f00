"""Runs judged against reference runs: differences at every time, and one verdict per curve."""

from opentdvp.compare.comparable import read_run
from opentdvp.compare.differences import compare
from opentdvp.compare.judge import judge
from opentdvp.compare.tables import (
    POINTS,
    SUMMARY,
    check_table,
    page_output,
    read_points,
    read_summary,
    read_table,
    table_output,
    write_html,
    write_markdown,
    write_table,
)
from opentdvp.compare.verdicts import summarize

__all__ = [
    "POINTS",
    "SUMMARY",
    "check_table",
    "compare",
    "judge",
    "page_output",
    "read_points",
    "read_run",
    "read_summary",
    "read_table",
    "summarize",
    "table_output",
    "write_html",
    "write_markdown",
    "write_table",
]
