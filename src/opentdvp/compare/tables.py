"""The tables as files: tab-separated text."""

from pathlib import Path

import pandas as pd

from opentdvp.errors import FileError
from opentdvp.files import replacing

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


def write_tables(
    points: pd.DataFrame, summary: pd.DataFrame, points_path: Path, summary_path: Path
) -> None:
    """Write both tables; each path holds a complete file or is left as it was.

    Raises
    ------
    FileError
        If a file cannot be written.
    """
    for table, path in ((points, points_path), (summary, summary_path)):
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
    return _read(path, POINTS)


def read_summary(path: Path) -> pd.DataFrame:
    """Read the table of verdicts.

    Raises
    ------
    FileError
        If the file is missing or is not such a table.
    """
    return _read(path, SUMMARY)


def _read(path: Path, columns: dict[str, type]) -> pd.DataFrame:
    try:
        return pd.read_csv(
            path,
            sep="\t",
            usecols=list(columns),
            dtype=columns,
            keep_default_na=False,
            na_values=["nan"],
        )
    except OSError as error:
        raise FileError(f"Cannot read {path}: {error.strerror or error}.") from error
    except ValueError as error:  # pandas: empty, a column missing, or text in place of a number
        raise FileError(f"Cannot read {path}: it is not a table of this kind.") from error


def write_markdown(table: pd.DataFrame, path: Path) -> None:
    """Write a table as Markdown, numbers with three digits."""
    cells = table.map(_text)
    lines = [list(table.columns), ["---"] * len(table.columns), *cells.to_numpy().tolist()]
    text = "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines)
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
