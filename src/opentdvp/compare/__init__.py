"""Runs judged against reference runs: differences at every time, and one verdict per curve."""

from opentdvp.compare.checks import read_run
from opentdvp.compare.closeness import closeness, published
from opentdvp.compare.costs import costs, figure_costs
from opentdvp.compare.judgement import judge
from opentdvp.compare.overview import finished, overview
from opentdvp.compare.points import compare
from opentdvp.compare.summary import summarize
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
from opentdvp.compare.verdicts import last_words, sentence, sentences, verdict, verdicts

__all__ = [
    "POINTS",
    "SUMMARY",
    "check_table",
    "closeness",
    "compare",
    "costs",
    "figure_costs",
    "finished",
    "judge",
    "last_words",
    "overview",
    "page_output",
    "published",
    "read_points",
    "read_run",
    "read_summary",
    "read_table",
    "sentence",
    "sentences",
    "summarize",
    "table_output",
    "verdict",
    "verdicts",
    "write_html",
    "write_markdown",
    "write_table",
]
