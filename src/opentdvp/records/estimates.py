"""What runs are expected to take, kept by their run ids until they have run."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import IO, NamedTuple

from opentdvp.records.files import reading, replacing
from opentdvp.records.permissions import Output


class Estimate(NamedTuple):
    """What a run is expected to take on a machine, with nothing beside it.

    Attributes
    ----------
    steps
        Of its integrator; None where that is not known before.
    memory
        The largest while the estimate was made, in MiB.
    """

    steps: int | None
    seconds: float
    memory: int
    machine: str


def output(path: Path) -> Output:
    """A file of estimates as the output of a command."""
    return Output(path, "a file of estimates", _is_estimates)


def _is_estimates(stream: IO[bytes]) -> bool:
    return set(Estimate._fields) == set().union(*json.load(stream).values())


def read_estimates(path: Path) -> dict[str, Estimate]:
    """All estimates by run id; none if there is no file.

    Raises
    ------
    FileError
        If the file is damaged.
    """
    if not path.exists():
        return {}
    with reading(path, "a file of estimates", "; delete it") as stream:
        return _parsed(stream.read())


def write_estimates(path: Path, estimates: Mapping[str, Estimate]) -> None:
    """Write estimates by run id; `path` holds all of them or is left as it was.

    Raises
    ------
    FileError
        If the file cannot be written.
    """
    table = {run_id: estimate._asdict() for run_id, estimate in estimates.items()}
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")


def _parsed(content: bytes) -> dict[str, Estimate]:
    return {run_id: Estimate(**entry) for run_id, entry in json.loads(content).items()}
