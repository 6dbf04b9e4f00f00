"""Which comparisons are beyond their tolerance, told from the tables of their summaries."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from opentdvp.config import Comparison, Study
from opentdvp.errors import FileError
from opentdvp.judging.curves import allowed, describe
from opentdvp.judging.tables import read_summary
from opentdvp.judging.verdicts import HEX_DIGITS
from opentdvp.study.archive import told


def verdicts(study: Study) -> pd.DataFrame:
    """One row per comparison of the study, from nothing but the tables of their summaries.

    Returns
    -------
    pandas.DataFrame
        Columns `comparison`; `passed`; `curves` and `beyond`, how many there are and how many
        exceed their tolerance; `worst`, the curve with the largest excess in units of its
        tolerance; its `excess` and `tolerance`; and `shortfall`: where the miss is explained, if
        it is no larger than the configuration says, or else an empty text.

    Raises
    ------
    FileError
        If a table is missing, damaged, or not of the runs and tolerances of the configuration.
    """
    rows = [verdict(name, entry, judged(study, name)) for name, entry in study.comparisons.items()]
    columns = "comparison passed curves beyond worst excess tolerance shortfall"
    return pd.DataFrame(rows, columns=columns.split())


def verdict(name: str, comparison: Comparison, summary: pd.DataFrame) -> dict[str, Any]:
    """A row of `verdicts`, from what `summarize` returned for a comparison."""
    worst = summary.iloc[int((summary["excess"] / summary["tolerance"]).to_numpy().argmax())]
    failed = summary[~summary["passed"]]
    return {
        "comparison": name,
        "passed": failed.empty,
        "curves": len(summary),
        "beyond": len(failed),
        "worst": describe((worst["observable"], int(worst["distance"]))),
        "excess": worst["excess"],
        "tolerance": worst["tolerance"],
        "shortfall": _explained(comparison, failed),
    }


def _explained(comparison: Comparison, failed: pd.DataFrame) -> str:
    shortfall = comparison.shortfall
    if not shortfall or failed.empty:
        return ""
    limits = [allowed(shortfall, observable) for observable in failed["observable"]]
    return shortfall.explained if (failed["excess"] <= limits).all() else ""


def judged(study: Study, name: str) -> pd.DataFrame:
    """The summary of a comparison, from its table.

    Raises
    ------
    FileError
        If the table is missing, damaged, or not of the runs and tolerances of the configuration.
    """
    comparison, path = study.comparisons[name], study.output.summary(name)
    table = read_summary(path)
    runs = {"candidate": comparison.candidate, "reference": comparison.reference}
    tolerances = [allowed(comparison.tolerance, o) for o in table["observable"]]
    expected = [
        np.isclose(table["tolerance"], tolerances, rtol=1e-5, atol=0),
        table["passed"] == (table["excess"] <= table["tolerance"]),
        *(table[f"{role}_run"] == study.deck(r).run_id[:HEX_DIGITS] for role, r in runs.items()),
    ]
    curves = list(zip(table["observable"], table["distance"], strict=True))
    if sorted(curves) != sorted(study.curves(comparison.candidate)) or not np.all(expected):
        raise FileError(
            f"{path} is not of the runs and tolerances of the configuration; compare them again."
        )
    return table


def sentences(table: pd.DataFrame) -> Iterator[str]:
    """Lines for people: how many comparisons are beyond their tolerance, and which.

    Parameters
    ----------
    table
        What `verdicts` returned.
    """
    if table.empty:
        yield "Nothing has been compared."
        return
    missed = table[~table["passed"]]
    known = (missed["shortfall"] != "").sum()
    if missed.empty:
        yield f"Within tolerance: all {len(table)} comparisons."
        return
    explained = f" ({known} of them known shortfalls)" if known else ""
    yield f"BEYOND TOLERANCE: {len(missed)} of {len(table)} comparisons{explained}."
    yield from (sentence(row) for _, row in missed.iterrows())


def last_words(study: Study) -> list[str]:
    """The sentences on what has been compared so far, what has not, and what was not computed here.

    Raises
    ------
    FileError
        As for `verdicts`, or if the timing of a run is damaged.
    """
    made = {n: c for n, c in study.comparisons.items() if study.output.summary(n).exists()}
    left = len(study.comparisons) - len(made)
    found = sentences(verdicts(study.model_copy(update={"comparisons": made})))
    rest = (f"Not compared yet: {left}." if left else "", told(study))
    return [*found, *filter(None, rest)]


def sentence(row: "Mapping[str, Any] | pd.Series[Any]") -> str:
    """A row of `verdicts` in words."""
    excess, tolerance = _apart(row["excess"], row["tolerance"])
    most = f"{row['worst']} with an excess of {excess}, tolerance {tolerance}"
    if row["passed"]:
        return f"{row['comparison']}: within tolerance, all {row['curves']} curves; most {most}."
    known = f"; known shortfall, see {row['shortfall']}" if row["shortfall"] else ""
    count = f"{row['beyond']} of {row['curves']} curves"
    return f"{row['comparison']}: BEYOND TOLERANCE, {count}; most {most}{known}."


def _apart(excess: float, tolerance: float) -> tuple[str, str]:
    """Both with as few digits as tell them apart."""
    for digits in (3, 6, 17):
        texts = f"{excess:.{digits}g}", f"{tolerance:.{digits}g}"
        if texts[0] != texts[1]:
            break
    return texts
