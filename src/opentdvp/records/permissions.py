"""What a command may write: nothing that it reads, nothing of others, and nothing twice at once."""

import glob
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple

from opentdvp.errors import DamagedFileError, FileError
from opentdvp.records.files import cannot_write, followed, reading, special, temporary_beside
from opentdvp.records.locks import lock as lock_file


class Output(NamedTuple):
    """A file that a command is to write.

    Attributes
    ----------
    path
        Where it goes.
    kind
        What it is, as in "a trajectory file".
    ours
        Whether the bytes of an earlier file are of that kind, so that it may be replaced.
    appended
        Whether lines are added to it, instead.
    """

    path: Path
    kind: str
    ours: Callable[[IO[bytes]], bool]
    appended: bool = False


@contextmanager
def reserved(outputs: Sequence[Output], inputs: Iterable[Path] = ()) -> Iterator[None]:
    """Make sure, before any work, that a command may write its outputs; keep others from them.

    Each file has a lock beside it, until the block or this process ends, which the system gives
    free even if the process is killed; what a killed process left half-written of it is removed.

    Raises
    ------
    FileError
        If an output is an input or another output, would replace a file of another kind or one
        that is read-only, cannot be written, or is reserved by another process.
    """
    others = list(inputs)
    for output in outputs:
        _check_name(output.path)
        _check_apart(output.path, others)
        _check_earlier(output)
        others.append(output.path)
    with ExitStack() as locks:
        for output in outputs:
            if not output.appended:
                check_writable(output.path)
                locks.enter_context(_locked(output.path))
        yield


def check_writable(path: Path) -> None:
    """Raise `FileError` now, before hours of work, if `path` cannot be written."""
    try:
        if path.is_dir():
            raise FileError(f"Cannot write {path}: it is a folder.")
        target = followed(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary_beside(target).unlink()
    except OSError as error:
        raise cannot_write(path, error) from error


def _check_name(path: Path) -> None:
    if not str(path).isprintable():
        raise FileError(f"Cannot write {str(path)!r}: a name must be of printable characters.")
    if str(path).startswith("-"):
        raise FileError(
            f"Cannot write {path}: a name must not begin with a dash, as options do; give it with "
            "its folder if you mean it."
        )


def _check_apart(path: Path, others: Iterable[Path]) -> None:
    for other in others:
        if os.path.realpath(path) == os.path.realpath(other) or _linked(path, other):
            raise FileError(
                f"Cannot write {path}: it is the same file as {other}, which this command reads or "
                "writes too; choose another name."
            )


def _linked(one: Path, other: Path) -> bool:
    with suppress(OSError):
        return one.samefile(other)
    return False


def _check_earlier(output: Output) -> None:
    """Refuse to replace a file that is not ours; an empty one is, since it holds nothing."""
    path = output.path
    try:
        if not path.exists():
            return
        mode, size = path.stat().st_mode, path.stat().st_size
    except OSError as error:
        raise cannot_write(path, error) from error
    if not path.is_file():
        if output.appended and not path.is_dir():  # a terminal, a pipe
            return
        raise FileError(f"Cannot write {path}: {special(path)}.")
    if not (mode & 0o222 and os.access(path, os.W_OK)):
        raise FileError(
            f"Cannot write {path}: it is read-only; allow to write it, or choose another name."
        )
    if size and not _is_ours(output):
        raise FileError(
            f"Cannot write {path}: the file that is there is not {output.kind}; delete it, or "
            "choose another name."
        )


def _is_ours(output: Output) -> bool:
    try:
        with reading(output.path, output.kind) as stream:
            return output.ours(stream)
    except DamagedFileError:
        return False


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    target = followed(path)
    lock = target.with_name(f".{target.name}.opentdvp.lock")
    try:
        stream = lock.open("a")
    except OSError as error:
        raise cannot_write(lock, error) from error
    with stream:
        _take(stream, lock, path)
        pattern = f".{target.name}.opentdvp-"
        for rest in target.parent.glob(f"{glob.escape(pattern)}????????.tmp*"):
            if rest.is_file():
                rest.unlink(missing_ok=True)
        try:
            yield
        finally:
            _remove(lock, stream)


def _remove(lock: Path, stream: IO[str]) -> None:
    """Delete a lock while it is held, or a process that takes it just then would lose it."""
    if os.name != "nt":
        lock.unlink(missing_ok=True)
        return
    # Windows deletes no file that somebody has open; a lock that stays is taken by the next.
    stream.close()
    with suppress(PermissionError):
        lock.unlink(missing_ok=True)


def _take(stream: IO[str], lock: Path, path: Path) -> None:
    """Lock an open file, and make sure that it still is the one of that name."""
    try:
        lock_file(stream)
        taken = lock.exists() and os.path.samestat(os.fstat(stream.fileno()), lock.stat())
    except BlockingIOError:
        taken = False
    except OSError as error:  # a file system without locks
        warnings.warn(
            f"Cannot lock files in {path.parent}: {error.strerror}; do not start a command twice.",
            RuntimeWarning,
            stacklevel=2,
        )
        taken = True
    if not taken:
        raise FileError(f"Cannot write {path}: another process is at work on it.")
