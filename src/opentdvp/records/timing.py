"""What a run has cost, and on which machine; beside its file, so that equal runs are equal."""

import json
import math
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from opentdvp.records.files import beside, reading, replacing
from opentdvp.records.memory import peak_memory
from opentdvp.records.permissions import Output

_SUFFIX = ".timing.json"

#: Key of what a copy was copied from.
_ARCHIVE = "archive"


def timing_path(trajectory: Path) -> Path:
    """File with the timing of a trajectory."""
    return beside(trajectory, _SUFFIX)


def output(trajectory: Path) -> Output:
    """The timing of a trajectory as the output of a command.

    `run`, `run.h5` and `run.npz` would have the same; that of one is not replaced by another's.
    """
    path = timing_path(trajectory)
    stem = path.name.removesuffix(_SUFFIX)
    owners = [path.with_name(stem + suffix) for suffix in ("", ".h5", ".npz")]

    def ours(stream: IO[bytes]) -> bool:
        foreign = not trajectory.exists() and any(owner.is_file() for owner in owners)
        return _is_timing(stream) and not foreign

    return Output(path, f"a timing file of {trajectory.name}", ours)


def _is_timing(stream: IO[bytes]) -> bool:
    return {"wall_seconds", "peak_memory_MiB"} <= set(json.load(stream))


def write_timing(trajectory: Path, wall_seconds: float, resumed: bool) -> None:
    """Record what the run has cost, all its parts together if it was resumed.

    Raises
    ------
    FileError
        If the file cannot be written.
    """
    write_record(trajectory, measured(wall_seconds, resumed))


def measured(wall_seconds: float, resumed: bool = False) -> dict[str, Any]:
    """What a run of this process has cost, as it is recorded."""
    memory = round(peak_memory() / 2**20)
    return _record(round(wall_seconds, 1), resumed, memory, processors())


def processors() -> str:
    """The processors of this machine: their name, as far as it is known, and their number."""
    described = Path("/proc/cpuinfo")
    lines = described.read_text(encoding="utf-8").splitlines() if described.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} processors"


def add_timings(trajectory: Path, records: Sequence[dict[str, Any]]) -> None:
    """Record what the batches of a trajectory have cost: all their time, the largest memory.

    Their machines are all listed.

    Raises
    ------
    FileError
        If the file cannot be written.
    """
    record = _record(
        round(sum(record["wall_seconds"] for record in records), 1),
        any(record["resumed"] for record in records),
        max(record["peak_memory_MiB"] for record in records),
        "; ".join(dict.fromkeys(record["machine"] for record in records)),
    )
    write_record(trajectory, record)


def _record(wall_seconds: float, resumed: bool, memory: int, machine: str) -> dict[str, Any]:
    return {
        "wall_seconds": wall_seconds,
        "resumed": resumed,
        "peak_memory_MiB": memory,
        "machine": machine,
        "finished": datetime.now().astimezone().isoformat(timespec="seconds"),
    }


def copy_timing(source: Path, trajectory: Path) -> None:
    """Record that a trajectory is a copy of `source`, and what that one has cost, where and when.

    Raises
    ------
    FileError
        If the timing of `source` is missing or damaged, or the file cannot be written.
    """
    write_record(trajectory, read_timing(source) | {_ARCHIVE: str(source)})


def write_record(trajectory: Path, record: Mapping[str, Any]) -> None:
    """Write the timing of a trajectory, as it was measured or read.

    Raises
    ------
    FileError
        If the file cannot be written.
    """
    with replacing(timing_path(trajectory)) as temporary:
        temporary.write_text(json.dumps(dict(record), indent=2) + "\n", encoding="utf-8")


def is_copy(record: Mapping[str, Any]) -> bool:
    """Whether what `read_timing` returned is of a copy."""
    return bool(record.get(_ARCHIVE))


def archived_from(trajectory: Path) -> str:
    """The file in an archive that a trajectory is a copy of; empty if it was computed here.

    Raises
    ------
    FileError
        If there is a timing file, but a damaged one.
    """
    if not timing_path(trajectory).exists():
        return ""
    return str(read_timing(trajectory).get(_ARCHIVE, ""))


def read_timing(trajectory: Path) -> dict[str, Any]:
    """What the run of a trajectory has cost; the machine is empty where it was not recorded.

    Raises
    ------
    FileError
        If the file is missing or damaged.
    """
    path = timing_path(trajectory)
    with reading(path, "a timing file", "; run it again") as stream:
        record = {"machine": "", "resumed": False} | json.load(stream)
        if not isinstance(record.get(_ARCHIVE, ""), str):
            raise TypeError(f"comes from {record[_ARCHIVE]}")
        numbers = [record["wall_seconds"], record["peak_memory_MiB"]]
        if not all(math.isfinite(number) and number >= 0 for number in numbers):
            raise ValueError(f"costs {numbers}")
        return record
