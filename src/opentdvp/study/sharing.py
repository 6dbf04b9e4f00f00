"""Configurations that have their results in one folder: none may replace runs of another."""

import os
from collections.abc import Mapping
from pathlib import Path

from opentdvp.config import Run, Study, load
from opentdvp.errors import ConfigError, OpentdvpError
from opentdvp.records.files import cannot_write
from opentdvp.study import archive


def _users_path(study: Study) -> Path:
    """The configurations that have written to the folder of the results, seen from there."""
    return Path(study.output.results, "configurations.txt")


def _users(study: Study, config: Path) -> list[Path]:
    """The other configurations that share the folder, as far as they still exist."""
    path = _users_path(study)
    names = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    found = {Path(os.path.normpath(Path(study.output.results, name))) for name in names}
    return sorted(path for path in found - {config} if path.exists())


def refuse_runs_of_others(study: Study, config: Path, restored: Mapping[Run, Path]) -> None:
    """Stop where a run of another configuration would be replaced by one that differs.

    Or by the same from elsewhere: each would undo what the other did, hours of computing maybe.

    Parameters
    ----------
    study, config
        The configuration, and its file.
    restored
        Its runs that are from an archive, each with its file there.

    Raises
    ------
    ConfigError
        If there is such a run.
    """
    for other in _users(study, config):
        try:
            theirs = load(other)
            copies = archive.find(theirs)
        except OpentdvpError:
            continue
        for run in theirs.used():
            path = theirs.output.trajectory(run)
            ours = run in study.used() and path == study.output.trajectory(run)
            if not (ours and path.exists()):
                continue
            differs = theirs.deck(run).run_id != study.deck(run).run_id
            if differs or copies.get(run) != restored.get(run):
                reason = f"{run.system} or {run.solver} differs" if differs else "`archive` differs"
                raise ConfigError(
                    f"{config}: `output.results` must be another folder than that of {other}, "
                    f"whose {path} would be replaced, because {reason}."
                )


def note_use(study: Study, config: Path) -> None:
    """Remember that a configuration has written to the folder of its results.

    Raises
    ------
    FileError
        If that cannot be written.
    """
    paths = (*_users(study, config), config)
    lines = dict.fromkeys(os.path.relpath(path, study.output.results) for path in paths)
    path = _users_path(study)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    except OSError as error:
        raise cannot_write(path, error) from error
