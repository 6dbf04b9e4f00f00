"""What was made without Snakemake, which knows no settings of files that it has not made."""

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from opentdvp.config import Study
from opentdvp.errors import ConfigError
from opentdvp.records.files import reading, replacing


def note(study: Study, config: Path, paths: Iterable[Path]) -> None:
    """Remember files that were made without Snakemake, and what the configuration is.

    Those of earlier calls have to be as it is now, too.

    Raises
    ------
    FileError
        If the list of them cannot be read or written.
    """
    noted = _read(study)
    name = _name(study, config)
    files = noted.get(name, {}).get("files", {})
    files |= {str(path): path.stat().st_mtime_ns for path in paths}
    noted[name] = {"configuration": _digest(study), "files": files}
    with replacing(_path(study)) as temporary:
        temporary.write_text(json.dumps(noted, indent=2) + "\n", encoding="utf-8")


def outdated(study: Study, config: Path) -> list[Path]:
    """Files that are still as they were made for what the configuration was before a change.

    Raises
    ------
    FileError
        If the list of them cannot be read.
    """
    noted = _read(study).get(_name(study, config))
    if noted is None or noted["configuration"] == _digest(study):
        return []
    times = {Path(name): time for name, time in noted["files"].items()}
    return [p for p, time in times.items() if p.exists() and p.stat().st_mtime_ns == time]


def refuse_outdated(study: Study, config: Path) -> None:
    """Stop before Snakemake takes such files for those of the configuration.

    Raises
    ------
    ConfigError
        If there are any.
    """
    old = outdated(study, config)
    if old:
        raise ConfigError(
            f"{config} must be what it was when {len(old)} files were made without Snakemake, such "
            f"as {old[0]}, but was changed since; give `opentdvp study {config}` again, which "
            "makes anew what is another now."
        )


def _path(study: Study) -> Path:
    return Path(study.output.results, "made_by_study.json")


def _name(study: Study, config: Path) -> str:
    """A configuration as it is seen from the folder of its results."""
    return os.path.relpath(config, study.output.results)


def _digest(study: Study) -> str:
    return hashlib.sha256(study.model_dump_json().encode()).hexdigest()


def _read(study: Study) -> dict[str, dict[str, Any]]:
    """By configuration, a digest of it and the times of the files."""
    path = _path(study)
    if not path.exists():
        return {}
    with reading(path, "a list of what was made", "; delete it") as stream:
        noted: dict[str, dict[str, Any]] = json.load(stream)
        for entry in noted.values():
            _ = entry["configuration"], entry["files"].items()
        return noted
