"""Runs judged against reference runs: differences at every time, and one verdict per curve."""

from opentdvp.compare.checks import read_run
from opentdvp.compare.overview import overview, write_overview
from opentdvp.compare.points import compare
from opentdvp.compare.summary import summarize
from opentdvp.compare.tables import read_points, read_summary, write_tables

__all__ = [
    "compare",
    "overview",
    "read_points",
    "read_run",
    "read_summary",
    "summarize",
    "write_overview",
    "write_tables",
]
