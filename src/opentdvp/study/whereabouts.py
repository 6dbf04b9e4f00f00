"""Where the figures, tables and report of a study are, in words."""

from pathlib import Path

from opentdvp.config import Study

#: Said of a figure that is older than asked for.
OLD = "was there already"
#: Said of what does not exist.
MISSING = "not made yet"


def whereabouts(study: Study, since: float | None = None) -> list[str]:
    """Lines for people: every figure, the folder of the tables, and the report.

    Parameters
    ----------
    since
        Seconds since 1970 (UTC): of figures from before, it is said that they were there already.
    """
    folder = Path(study.output.figures)
    figures = [folder / f"{name}.png" for name in study.figures]
    return [
        "Figures (each also as PDF):",
        *(f"  {_said(path, since)}" for path in figures),
        f"Tables: {folder / 'overview.md'} and others beside it",
        f"Report: {_said(Path(study.output.results, 'report.html'))}",
    ]


def _said(path: Path, since: float | None = None) -> str:
    if not path.exists():
        return f"{path} ({MISSING})"
    old = since is not None and path.stat().st_mtime < since
    return f"{path} ({OLD})" if old else str(path)
