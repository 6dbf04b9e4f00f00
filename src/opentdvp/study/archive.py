"""Runs of a study that were computed before: found in its archive by their run id, and copied."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from opentdvp.config import Archive, Run, Study
from opentdvp.errors import ConfigError, FileError, NumericalFailure
from opentdvp.judging.comparable import read_run
from opentdvp.records import trajectory
from opentdvp.records.files import replacing
from opentdvp.records.timing import archived_from, copy_timing, read_timing, timing_path

#: Title of a column of tables of costs.
COPIED = "from the archive"


def find(study: Study) -> dict[Run, Path]:
    """The runs of the archive's solvers that the archive has, each with its file there.

    Of each file only the run id is read. Where several have the same, the one whose system and
    solver have the names of the run comes first.

    Raises
    ------
    ConfigError
        If the archive is no folder with runs.
    FileError
        If a file of it is not a trajectory file, or what a run has cost is not beside it.
    """
    if study.archive is None:
        return {}
    files = _files(study.archive)
    runs = (Run(system=s, solver=name) for s in study.systems for name in study.archive.solvers)
    same = {run: files.get(study.deck(run).run_id, []) for run in runs}
    found = {run: _best(run, paths) for run, paths in same.items() if paths}
    for run, path in found.items():
        if not timing_path(path).exists():
            raise FileError(
                f"`archive.results` must have {timing_path(path)} with {path.name}, but has not; "
                f"{_remedy(run.solver)}"
            )
    return found


def _remedy(solver: str) -> str:
    """What helps if a file of the archive cannot be used."""
    return f"get it anew, or compute it here: take {solver} out of `archive.solvers`."


def _files(archive: Archive) -> dict[str, list[Path]]:
    """Files of runs by run id, ordered by their names."""
    folder = Path(archive.results, "runs")
    if not folder.is_dir():
        raise ConfigError(
            f"`archive.results` must be a folder with runs, but there is no {folder}; set "
            "`archive: null` to compute all of them here."
        )
    files: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*/*.h5")):
        # Neither what failed nor what somebody is about to write.
        if not path.name.startswith(".") and not path.name.endswith(".failed.h5"):
            files.setdefault(_run_id(path), []).append(path)
    return files


def _run_id(path: Path) -> str:
    try:
        return trajectory.read_run_id(path)
    except FileError as error:
        raise FileError(
            f"{error} It is in the folder of `archive.results`: get it anew, move it away, or set "
            "`archive: null` to compute all runs here."
        ) from error


def _best(run: Run, paths: list[Path]) -> Path:
    named = (path for path in paths if (path.parent.name, path.stem) == (run.system, run.solver))
    return next(named, paths[0])


def locate(study: Study, run: Run) -> Path:
    """The file of a run in the archive.

    Raises
    ------
    ConfigError
        If there is no archive, if the solver is none of its solvers, or if it has no such run.
    FileError
        As for `find`.
    """
    solvers = study.archive.solvers if study.archive else ()
    if run.solver not in solvers:
        known = ", ".join(solvers) or "none"
        raise ConfigError(
            f"Argument SOLVER must be one of `archive.solvers` ({known}), but is {run.solver}; "
            "use `opentdvp run` to compute it."
        )
    found = find(study)
    if run not in found:
        raise ConfigError(
            f"`archive.results` must have the run {study.deck(run).run_id[:12]} ({run.system} by "
            f"{run.solver}), but has not; use `opentdvp run` to compute it."
        )
    return found[run]


def check(study: Study, run: Run, source: Path) -> None:
    """Refuse a file that is not the whole run.

    Raises
    ------
    FileError
        If `source` is damaged, not whole, of another deck or failed, or if its timing is.
    """
    try:
        read_run(study, run, source)
        read_timing(source)
    except (FileError, NumericalFailure) as error:
        raise FileError(f"{error} It is from the archive: {_remedy(run.solver)}") from error


def restore(study: Study, run: Run, source: Path, out: Path) -> None:
    """Copy a run, byte by byte, and say beside the copy where it is from.

    What it has cost, on which machine and when it was computed stay as they are.

    Raises
    ------
    FileError
        As for `check`, or if a file cannot be written.
    """
    check(study, run, source)
    # First, or a copy whose job is killed in between would pass for a run that was computed here.
    copy_timing(source, out)
    with replacing(out) as temporary:
        temporary.write_bytes(source.read_bytes())


def restored(study: Study) -> dict[Run, str]:
    """The runs of the study whose files are copies, each with the file that it was copied from.

    Raises
    ------
    FileError
        If the timing of a run is damaged.
    """
    origins = {run: archived_from(study.output.trajectory(run)) for run in study.used()}
    return {run: origin for run, origin in origins.items() if origin}


def marked(table: pd.DataFrame, entries: Sequence[object]) -> pd.DataFrame:
    """A table of costs that says, beside the `minutes`, which were spent for the archive.

    There is no such column where none of its entries says anything.
    """
    if any(entries):
        table.insert(list(table.columns).index("minutes") + 1, COPIED, list(entries))
    return table


def plan(study: Study) -> str:
    """One line for people: how many runs are to come from the archive, and which it lacks.

    Every run that is to come from there is read, so that no job starts if one cannot be used. The
    line is empty if the study has no archive.

    Raises
    ------
    ConfigError, FileError
        As for `find` and `check`.
    """
    if study.archive is None:
        return ""
    found, used = find(study), study.used()
    copied = [run for run in used if run in found]
    for run in copied:
        check(study, run, found[run])
    lacking = [run for run in used if run.solver in study.archive.solvers and run not in found]
    said = f"From the archive in {study.archive.results}: {len(copied)} of {len(used)} runs."
    if not lacking:
        return said
    return (
        f"{said} Computed here, because it has no run with their settings: {_names(lacking)}; if "
        "that takes too long, stop and set what the archive has."
    )


def told(study: Study) -> str:
    """One sentence on the runs whose files are copies; empty if there are none.

    It names the copies, or the other runs where these are fewer.
    """
    origins, used = restored(study), study.used()
    if not origins:
        return ""
    others = [run for run in used if run not in origins]
    few = _names(list(origins)) if len(origins) <= len(others) else f"all but {_names(others)}"
    names = few if others else "all"
    return f"From the archive, not computed here: {len(origins)} of {len(used)} runs ({names})."


def _names(runs: list[Run]) -> str:
    return "; ".join(f"{run.system} by {run.solver}" for run in runs)
