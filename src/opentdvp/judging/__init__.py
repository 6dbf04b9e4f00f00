"""Runs judged against reference runs: differences at every time, and one verdict per curve."""

from opentdvp.judging.comparable import read_run
from opentdvp.judging.differences import compare
from opentdvp.judging.judge import judge
from opentdvp.judging.tables import (
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
from opentdvp.judging.verdicts import summarize

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
