"""Keeping a run: its last state is written now and then, and however the run ends."""

import threading
import time
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from opentdvp.errors import DamagedFileError
from opentdvp.records import checkpoint
from opentdvp.records.checkpoint import State
from opentdvp.records.files import beside
from opentdvp.records.permissions import Output
from opentdvp.records.provenance import revision


@dataclass(frozen=True)
class Checkpoints:
    """Where and how often a run is saved.

    Attributes
    ----------
    path
        Where the newest checkpoint goes; the one before is at `previous_path(path)`.
    interval
        Seconds between two checkpoints.
    time_limit
        Seconds after which the run saves itself and stops, or None.
    stay
        Whether the checkpoints outlive the run, for a caller that may yet lose its result.
    """

    path: Path
    interval: float = 60.0
    time_limit: float | None = None
    stay: bool = False


class Keeper:
    """Two generations of checkpoints of one run; those of runs with another identity are refused.

    Without settings nothing is kept, and only the time is told.
    """

    def __init__(self, run_id: str, settings: Checkpoints | None) -> None:
        self._run_id = run_id
        self._settings = settings
        self._state: State | None = None
        self._began = self._written = time.monotonic()
        self._earlier = 0.0
        self._revisions: tuple[str, ...] = (revision(),)
        # A run that is asked to stop is saved by another thread than the one that computes.
        self._lock = threading.Lock()

    def resume(self) -> State | None:
        """The newest state that can be read, or None if the run has not begun.

        Raises
        ------
        FileError
            If a checkpoint is of another run or version, or all that there are are damaged.
        """
        damaged = None
        for path in self._generations():
            if path.exists():
                try:
                    state = checkpoint.load(self._run_id, path)
                except DamagedFileError as error:
                    damaged = damaged or error
                    continue
                if damaged is not None:
                    warnings.warn(f"{damaged} Going on from {path}.", RuntimeWarning, stacklevel=2)
                    # Or the next checkpoint would move the damaged one over this one.
                    self._generations()[0].unlink(missing_ok=True)
                return self.begin(state)
        if damaged is not None:
            raise damaged
        return None

    def begin(self, state: State) -> State:
        """Count a state that another run has reached as a part of this one."""
        self._earlier = state.wall_seconds
        self._revisions = tuple(dict.fromkeys((*state.revisions, *self._revisions)))
        return state

    def __call__(self, state: State) -> None:
        """Keep the state of a run, and write it if it is time."""
        if self._settings is not None:
            self._state = state
            if time.monotonic() - self._written >= self._settings.interval:
                self.flush()

    def flush(self) -> None:
        """Write the last state, unless it has been written.

        Raises
        ------
        FileError
            If it cannot be written.
        """
        with self._lock:
            if self._state is not None:
                state = replace(
                    self._state, wall_seconds=self.wall_seconds, revisions=self._revisions
                )
                checkpoint.save(state, self._run_id, *self._generations())
                self._state = None
            self._written = time.monotonic()

    def discard(self) -> None:
        """Remove the checkpoints of a run that is complete, unless they have to stay."""
        if self._settings is not None and not self._settings.stay:
            remove(self._settings.path)

    def _generations(self) -> tuple[Path, ...]:
        """The newest checkpoint and the one before."""
        path = self._settings.path if self._settings else None
        return (path, previous_path(path)) if path else ()

    @property
    def time_limit(self) -> float | None:
        """Seconds after which the run has to stop."""
        return self._settings.time_limit if self._settings else None

    @property
    def resumed(self) -> bool:
        """Whether the run went on from a checkpoint."""
        return self._earlier > 0

    @property
    def revisions(self) -> tuple[str, ...]:
        """Git revisions of the code of all parts of the run, each once."""
        return self._revisions

    @property
    def wall_seconds(self) -> float:
        """What all parts of the run have taken, up to now."""
        return self._earlier + time.monotonic() - self._began


def remove(path: Path) -> None:
    """Delete both generations of a checkpoint, if there are any."""
    for generation in (path, previous_path(path)):
        generation.unlink(missing_ok=True)


def previous_path(path: Path) -> Path:
    """Where the checkpoint before the newest one is kept."""
    return beside(path, ".previous.npz")


def checkpoint_path(out: Path) -> Path:
    """Where the checkpoint of a run is kept unless another place is named."""
    return beside(out, ".checkpoint.npz")


def checkpoint_outputs(path: Path) -> list[Output]:
    """Both generations of a checkpoint as outputs of a command.

    The newest one may be damaged as a whole if the one before is ours: then that is gone on from.
    """
    previous = previous_path(path)

    def ours(stream: IO[bytes]) -> bool:
        return checkpoint.is_state(stream) or _is_state(previous)

    return [checkpoint.output(path)._replace(ours=ours), checkpoint.output(previous)]


def _is_state(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return checkpoint.is_state(stream)
