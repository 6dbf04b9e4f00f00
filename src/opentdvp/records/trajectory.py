"""The one file format of all solvers: observables against time, and what made them.

This module is the only one that knows HDF5. A file holds no pickles and no paths, and equal runs
give equal bytes; wall times therefore live beside it, see `opentdvp.records.timing`.
"""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import h5py
import numpy as np
from scipy.interpolate import CubicSpline

from opentdvp.config.observables import CurveKey
from opentdvp.errors import FileError
from opentdvp.records.dimensions import (
    TIME,
    put_observables,
    put_scale,
    put_series,
    series_in,
)
from opentdvp.records.files import reading, replacing
from opentdvp.records.observable import (
    Observable,
    grouped_observables,
    numbers,
    stored_observables,
)
from opentdvp.records.permissions import Output
from opentdvp.records.result_code import ResultCode

__all__ = [
    "Curve",
    "Observable",
    "Trajectory",
    "interpolate",
    "output",
    "read",
    "read_run_id",
    "write",
]

#: Raised when the layout of the file changes.
SCHEMA_VERSION = 2
#: That of files whose observables are groups, which are read as well.
_GROUPS = 1

#: What a file is, in errors.
_KIND = "a trajectory file"

#: Beginning of the names of what evolved that is kept at every accepted step.
STEP = "step_"

#: Mean and standard error of a curve, each of shape (T,).
Curve = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class Trajectory:
    """What a solver returns, whichever it is.

    Attributes
    ----------
    times
        Times of the observables, shape (T,); dimensionless.
    observables
        By name: X, Y, Z for magnetisations, C_XX and so on for connected correlators, others as
        `config.Observables.labels` says.
    diagnostics
        By name, one entry per accepted step; empty where a solver has none.
    deck
        Canonical JSON of the run's system and solver.
    provenance
        Revision, versions and device, all text.
    result
        How the run ended.
    states
        What evolved, by name and at every output time, such as the parameters `theta` of a
        network, (T, P); of a name that begins with `step_`, at every accepted step. Empty where a
        solver does not keep it.
    """

    times: np.ndarray
    observables: dict[str, Observable]
    deck: str
    provenance: dict[str, str]
    diagnostics: dict[str, np.ndarray] = field(default_factory=dict)
    result: ResultCode = ResultCode.SUCCESS
    states: dict[str, np.ndarray] = field(default_factory=dict)

    def curves(self) -> dict[CurveKey, Curve]:
        """Mean and standard error by observable and distance, which is 0 but for correlators.

        Those with labels are one curve for each of their entries.
        """
        points = len(self.times)
        return {
            key: (mean, error)
            for name, observable in self.observables.items()
            for key, mean, error in zip(
                observable.keys(name),
                observable.mean.reshape(points, -1).T,
                observable.stderr.reshape(points, -1).T,
                strict=True,
            )
        }

    @property
    def run_id(self) -> str:
        """SHA-256 of the deck: equal for equal physics and settings."""
        return hashlib.sha256(self.deck.encode()).hexdigest()

    @property
    def remedy(self) -> str:
        """What the result means, and what to do about it with this solver."""
        return self.result.remedy(json.loads(self.deck)["solver"]["method"])


def interpolate(times: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Values at other times by the cubic spline through all of them, shape of `wanted`.

    NaN before the first and after the last time: nothing is known there.
    """
    if len(times) == 1:
        return np.where(wanted == times[0], values[0], np.nan)
    return np.asarray(CubicSpline(times, values, extrapolate=False)(wanted))


def write(trajectory: Trajectory, path: Path) -> None:
    """Write a trajectory; `path` holds the complete file or is left as it was.

    Raises
    ------
    FileError
        If the file cannot be written.
    """
    # HDF5 works in memory: on a disk it takes locks, which some file systems do not have.
    memory = {"driver": "core", "backing_store": False}
    with h5py.File("memory", "w", track_order=True, **memory) as file:
        _fill(file, trajectory)
        file.flush()
        content = file.id.get_file_image()
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def output(path: Path) -> Output:
    """A trajectory as the output of a command."""
    return Output(path, _KIND, _is_trajectory)


def _is_trajectory(stream: IO[bytes]) -> bool:
    with h5py.File(stream, "r") as file:
        return {"schema_version", "deck", "run_id"} <= set(file.attrs)


def _fill(file: h5py.File, trajectory: Trajectory) -> None:
    file.attrs["schema_version"] = SCHEMA_VERSION
    file.attrs["deck"] = trajectory.deck
    file.attrs["run_id"] = trajectory.run_id
    file.attrs["result"] = str(trajectory.result)
    for key, value in trajectory.provenance.items():
        file.attrs[f"provenance.{key}"] = value
    put_scale(file, "times", trajectory.times)
    put_observables(
        file.create_group("observables", track_order=True),
        trajectory.times,
        {name: observable.axes for name, observable in trajectory.observables.items()},
        {name: (found.mean, found.stderr) for name, found in trajectory.observables.items()},
    )
    diagnostics = file.create_group("diagnostics", track_order=True)
    for name, values in trajectory.diagnostics.items():
        put_series(diagnostics, name, values, "step entry")
    if trajectory.states:
        states = file.create_group("states", track_order=True)
        put_scale(states, TIME, trajectory.times)
        for name, values in trajectory.states.items():
            rows = "step entry" if name.startswith(STEP) else "time parameter"
            put_series(states, name, values, rows, compression="gzip", shuffle=True)


def read(path: Path) -> Trajectory:
    """Read a trajectory, whole or not at all.

    Raises
    ------
    FileError
        If the file is missing, truncated, damaged, of another kind or of another schema version.
    """
    with reading(path, _KIND) as stream, h5py.File(stream, "r") as file:
        trajectory = _parse(file, path)
        _check(trajectory, path)
    return trajectory


def read_run_id(path: Path) -> str:
    """The run id that a file claims; of what the file holds, nothing is read.

    Raises
    ------
    FileError
        If the file is missing or is not a trajectory file.
    """
    with reading(path, _KIND) as stream, h5py.File(stream, "r") as file:
        return str(file.attrs["run_id"])


def _parse(file: h5py.File, path: Path) -> Trajectory:
    attributes = dict(file.attrs)
    version = attributes["schema_version"]
    if version not in (_GROUPS, SCHEMA_VERSION):
        raise FileError(
            f"Cannot read {path}: its schema version must be {_GROUPS} or {SCHEMA_VERSION}, but is "
            f"{version}."
        )
    if hashlib.sha256(attributes["deck"].encode()).hexdigest() != attributes["run_id"]:
        raise FileError(f"Cannot read {path}: its run id does not belong to its deck.")
    if not isinstance(json.loads(attributes["deck"]), dict):
        raise FileError(f"Cannot read {path}: its deck must be a mapping of keys, but is not.")
    prefix = "provenance."
    return Trajectory(
        times=numbers(file["times"]),
        observables=(grouped_observables if version == _GROUPS else stored_observables)(
            file["observables"]
        ),
        diagnostics={name: values[:] for name, values in series_in(file["diagnostics"])},
        deck=attributes["deck"],
        provenance={
            k.removeprefix(prefix): v for k, v in attributes.items() if k.startswith(prefix)
        },
        result=ResultCode(attributes["result"]),
        states={
            name: numbers(values)
            for name, values in (series_in(file["states"]) if "states" in file else ())
        },
    )


def _check(trajectory: Trajectory, path: Path) -> None:
    """Refuse shapes that do not fit together; a failed run may stop before its last time."""
    if not isinstance(trajectory.provenance.get("revision"), str):
        raise FileError(f"Cannot read {path}: it must name its git revision, but does not.")
    points = trajectory.times.size
    if not points or trajectory.times.ndim != 1:
        raise FileError(f"Cannot read {path}: it must have times, but has none.")
    for name, observable in trajectory.observables.items():
        shape = (points, *observable.shape)
        for values in (observable.mean, observable.stderr):
            if values.shape != shape:
                raise FileError(
                    f"Cannot read {path}: `{name}` must have the shape {shape}, "
                    f"but has {values.shape}."
                )
    for name, values in trajectory.states.items():
        by_step = name.startswith(STEP)
        wanted = len(trajectory.diagnostics.get("time", ())) if by_step else points
        if len(values) != wanted:
            rows = "steps" if by_step else "times"
            raise FileError(
                f"Cannot read {path}: `states.{name}` must have {wanted} {rows}, but has "
                f"{len(values)}."
            )
