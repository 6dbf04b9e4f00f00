"""Runs judged against reference runs: differences at every time, and one verdict per curve."""

from opentdvp.compare.checks import read_run
from opentdvp.compare.costs import costs
from opentdvp.compare.overview import overview
from opentdvp.compare.points import compare
from opentdvp.compare.summary import summarize
from opentdvp.compare.tables import read_points, read_summary, write_markdown, write_tables

__all__ = [
    "compare",
    "costs",
    "overview",
    "read_points",
    "read_run",
    "read_summary",
    "summarize",
    "write_markdown",
    "write_tables",
]
