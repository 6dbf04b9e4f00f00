"""Checkpoints of any solver: all that a run needs to go on as if it had never stopped."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from opentdvp.errors import FileError
from opentdvp.records.files import reading, replacing
from opentdvp.records.permissions import Output

#: Raised when the meaning of a stored entry changes.
CHECKPOINT_VERSION = 3

Records = tuple[dict[str, np.ndarray], ...]


@dataclass(frozen=True, eq=False)
class State:
    """A run after an accepted step; random numbers follow from the two counters.

    Attributes
    ----------
    time, step_size
        Simulated time, and the size of the next step to try.
    arrays
        What evolves, by name: network parameters, expectation values, tensors.
    outputs
        Observables at the output times reached: `X` and `X.stderr` and so on.
    diagnostics
        One record per accepted step.
    wall_seconds
        What the run has taken so far, all its parts together; not a part of the result.
    revisions
        Git revisions of the code of all its parts, each once.
    """

    time: float
    step_size: float
    arrays: Mapping[str, np.ndarray]
    outputs: Records = field(default=())
    diagnostics: Records = field(default=())
    wall_seconds: float = 0.0
    revisions: tuple[str, ...] = ()


def save(state: State, run_id: str, path: Path, previous: Path | None = None) -> None:
    """Write a checkpoint; `path` holds the complete new one or is left as it was.

    The one before goes to `previous`, if that is given.

    Raises
    ------
    FileError
        If the file cannot be written.
    """
    entries: dict[str, Any] = {
        "version": CHECKPOINT_VERSION,
        "run_id": run_id,
        "time": state.time,
        "step_size": state.step_size,
        "wall_seconds": state.wall_seconds,
        "revisions": np.array(state.revisions, dtype=str),
        **{f"arrays/{name}": values for name, values in state.arrays.items()},
        **{f"outputs/{name}": column for name, column in columns(state.outputs).items()},
        **{f"diagnostics/{name}": column for name, column in columns(state.diagnostics).items()},
    }
    with replacing(path, previous) as temporary, temporary.open("wb") as stream:
        np.savez(stream, checksum=_checksum(entries), **entries)


def load(run_id: str, path: Path, earlier: str | None = None) -> State:
    """Read a checkpoint of the run with this identity, or the one that it had `earlier`.

    Raises
    ------
    DamagedFileError
        If the file is truncated or damaged.
    FileError
        If the file cannot be read, is of another version, or of a run with another deck.
    """
    with reading(path, "a checkpoint", "; delete it to start the run anew") as stream:
        entries = _entries(stream)
        found = str(entries["run_id"])
        for name, must, value in (
            ("version", CHECKPOINT_VERSION, int(entries["version"])),
            ("run id", run_id[:12], run_id[:12] if found == earlier else found[:12]),
        ):
            if value != must:
                raise FileError(
                    f"Cannot resume from {path}: its {name} must be {must}, but is {value}; delete "
                    "it to start the run anew."
                )
        return State(
            time=float(entries["time"]),
            step_size=float(entries["step_size"]),
            arrays=_named(entries, "arrays/"),
            outputs=_records(entries, "outputs/"),
            diagnostics=_records(entries, "diagnostics/"),
            wall_seconds=float(entries["wall_seconds"]),
            # Files of earlier versions have none.
            revisions=tuple(map(str, entries.get("revisions", ()))),
        )


def output(path: Path, kind: str = "a checkpoint") -> Output:
    """A state as the output of a command."""
    return Output(path, kind, is_state)


def is_state(stream: IO[bytes]) -> bool:
    """Whether a file was written as a state: its first entry says so, even if it is damaged."""
    head = stream.read(64)
    return head.startswith(b"PK") and head[30:].startswith((b"checksum.npy", b"version.npy"))


def _entries(stream: IO[bytes]) -> dict[str, np.ndarray]:
    """All arrays of a file whose checksum is right, or that is of another version."""
    with np.load(stream, allow_pickle=False) as file:
        entries = {name: file[name] for name in file.files}
    ours = int(entries["version"]) == CHECKPOINT_VERSION
    if ours and str(entries.pop("checksum")) != _checksum(entries):
        raise ValueError("The checksum must be that of the content, but is another.")
    return entries


def _checksum(entries: Mapping[str, Any]) -> str:
    """SHA-256 of names, types, shapes and numbers."""
    digest = hashlib.sha256()
    for name, values in sorted(entries.items()):
        array = np.ascontiguousarray(values)
        digest.update(f"{name} {array.dtype.str} {np.shape(values)} ".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def columns(records: Records) -> dict[str, np.ndarray]:
    """Records with the same keys as one array per key, records along the first axis."""
    if not records:
        return {}
    return {name: np.stack([record[name] for record in records]) for name in records[0]}


def _named(entries: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {k.removeprefix(prefix): v for k, v in entries.items() if k.startswith(prefix)}


def _records(entries: dict[str, np.ndarray], prefix: str) -> Records:
    table = _named(entries, prefix)
    length = len(next(iter(table.values()))) if table else 0
    return tuple(
        {name: np.asarray(values[k]) for name, values in table.items()} for k in range(length)
    )
