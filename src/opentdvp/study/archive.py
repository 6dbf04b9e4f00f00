"""Runs of a study that were computed before: found in its archive by their run id, and copied."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from opentdvp.compare.comparable import read_run
from opentdvp.config import Archive, Run, Study
from opentdvp.errors import ConfigError, FileError, NumericalFailure
from opentdvp.records import trajectory
from opentdvp.records.files import replacing
from opentdvp.records.timing import archived_from, copy_timing, read_timing

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
        If a file of it is not a trajectory file.
    """
    if study.archive is None:
        return {}
    files = _files(study.archive)
    runs = (Run(system=s, solver=name) for s in study.systems for name in study.archive.solvers)
    same = {run: files.get(study.deck(run).run_id, []) for run in runs}
    return {run: _best(run, paths) for run, paths in same.items() if paths}


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
            files.setdefault(trajectory.read_run_id(path), []).append(path)
    return files


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


def restore(study: Study, run: Run, source: Path, out: Path) -> None:
    """Copy a run, byte by byte, and say beside the copy where it is from.

    What it has cost, on which machine and when it was computed stay as they are.

    Raises
    ------
    FileError
        If `source` is damaged, not whole, of another deck or failed, if its timing is missing, or
        if a file cannot be written.
    """
    try:
        read_run(study, run, source)
        read_timing(source)
    except (FileError, NumericalFailure) as error:
        raise FileError(
            f"{error} Without {run.solver} in `archive.solvers` it is computed here."
        ) from error
    with replacing(out) as temporary:
        temporary.write_bytes(source.read_bytes())
    copy_timing(source, out)


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

    Empty if the study has no archive.

    Raises
    ------
    ConfigError, FileError
        As for `find`.
    """
    if study.archive is None:
        return ""
    found, used = find(study), study.used()
    lacking = [run for run in used if run.solver in study.archive.solvers and run not in found]
    count = sum(run in found for run in used)
    said = f"From the archive in {study.archive.results}: {count} of {len(used)} runs."
    return f"{said} Computed here, as it lacks them: {_names(lacking)}." if lacking else said


def told(study: Study) -> str:
    """One sentence on the runs whose files are copies; empty if there are none."""
    origins = restored(study)
    if not origins:
        return ""
    return (
        f"From the archive, not computed here: {len(origins)} of {len(study.used())} runs "
        f"({_names(list(origins))})."
    )


def _names(runs: list[Run]) -> str:
    return "; ".join(f"{run.system} by {run.solver}" for run in runs)
