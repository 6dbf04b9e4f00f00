"""Progress of a run: a bar in a terminal, a line per interval in a log."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from opentdvp.errors import FileError

#: Seconds between two lines of a log.
LOG_INTERVAL = 10.0


class Reporter:
    """Told of a run's simulated time; shows it."""

    def __init__(self, stop: float, bar: Progress, task: TaskID, log: IO[str] | None) -> None:
        self._stop = stop
        self._bar = bar
        self._task = task
        self._log = log
        self._began = time.monotonic()
        self._first: float | None = None
        self._next_line = 0.0

    def __call__(self, time: float, **values: float) -> None:
        """Show simulated time, and whatever else the solver tells: step size, residual."""
        details = "".join(f"  {name} {value:.3g}" for name, value in values.items())
        self._bar.update(self._task, completed=time, details=details)
        self._write_line(time, details)

    def _write_line(self, simulated: float, details: str) -> None:
        elapsed = time.monotonic() - self._began
        if self._first is None:
            self._first = simulated
        finished = simulated >= self._stop
        if self._log is None or (elapsed < self._next_line and not finished):
            return
        self._next_line = elapsed + LOG_INTERVAL
        left = _left(elapsed, simulated - self._first, self._stop - simulated)
        _add_line(self._log, f"time {simulated:.4f} of {self._stop:g}{details}  left {left}")


class _Messages(logging.Handler):
    """Shows what the package logs: above the bar of a terminal, and as lines of a log."""

    def __init__(self, bar: Progress, log: IO[str] | None) -> None:
        super().__init__(logging.INFO)
        self._bar = bar
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Show one message."""
        message = self.format(record)
        if not self._bar.disable:
            self._bar.console.print(message, markup=False, highlight=False, soft_wrap=True)
        if self._log is not None:
            _add_line(self._log, message)


def _add_line(log: IO[str], text: str) -> None:
    stamp = datetime.now().isoformat(sep=" ", timespec="seconds")
    # A full disk or a closed pipe costs the lines, not the run.
    with suppress(OSError):
        log.write(f"{stamp}  {text}\n")
        log.flush()


@contextmanager
def reporting(stop: float, console: Console, log_path: Path | None) -> Iterator[Reporter]:
    """A reporter for a run that ends at the simulated time `stop`.

    In a terminal it draws a bar. Without one, or with a `log_path`, it writes lines. Either way it
    shows what the package logs meanwhile.
    """
    logger = logging.getLogger("opentdvp")
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.3f}/{task.total:g}{task.fields[details]}"),
        TimeRemainingColumn(),
    )
    lines = None if console.is_terminal else console.file
    with (
        _appending(log_path) as log,
        Progress(*columns, console=console, disable=not console.is_terminal) as bar,
    ):
        task = bar.add_task("time", total=stop, details="")
        messages = _Messages(bar, log or lines)
        level = logger.level
        logger.setLevel(logging.INFO)
        logger.addHandler(messages)
        try:
            yield Reporter(stop, bar, task, log or lines)
        finally:
            logger.removeHandler(messages)
            logger.setLevel(level)


@contextmanager
def _appending(path: Path | None) -> Iterator[IO[str] | None]:
    if path is None:
        yield None
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("a", encoding="utf-8")
    except OSError as error:
        raise FileError(f"Cannot write {path}: {error.strerror}.") from error
    try:
        yield stream
    finally:
        with suppress(OSError):
            stream.close()


def _left(elapsed: float, done: float, remaining: float) -> str:
    if done <= 0:
        return "unknown"
    return str(timedelta(seconds=round(elapsed * remaining / done)))
