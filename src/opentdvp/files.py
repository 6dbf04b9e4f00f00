"""Writing files so that a killed job or a full disk never leaves half a file behind."""

import fcntl
import glob
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from opentdvp.errors import FileError


@contextmanager
def replacing(path: Path, previous: Path | None = None) -> Iterator[Path]:
    """Yield a temporary path beside `path`; move it over `path` once the block has succeeded.

    The temporary file is flushed to disk before it is renamed, and removed if anything fails, so
    that `path` holds either its old content or the complete new one. The old content goes to
    `previous` if that is given; a process killed in that moment leaves `previous` alone.

    Raises
    ------
    FileError
        If the folder cannot be made, or the file cannot be written.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # The suffix stays, because writers such as matplotlib choose the format by it.
        handle, name = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix
        )
        temporary = Path(name)
        os.close(handle)
        yield temporary
        _flush(temporary)
        temporary.chmod(0o666 & ~_umask())
        if previous is not None and path.exists():
            path.replace(previous)
        temporary.replace(path)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


@contextmanager
def reserved(*paths: Path) -> Iterator[None]:
    """Keep every other process from writing these files, until the block or this process ends.

    Each path has a lock beside it, which the system gives free even if the process is killed; what
    a killed process left half-written of a file, or of files named after it, is removed.

    Raises
    ------
    FileError
        If another process has reserved one of the files, or one cannot be written.
    """
    with ExitStack() as locks:
        for path in paths:
            check_writable(path)
            locks.enter_context(_locked(path))
        yield


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    lock = path.with_name(f".{path.name}.lock")
    with lock.open("w") as stream:
        _take(stream, lock, path)
        for rest in path.parent.glob(f".{glob.escape(path.stem)}.*"):
            if rest.suffix != ".lock":
                rest.unlink(missing_ok=True)
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)


def _take(stream: IO[str], lock: Path, path: Path) -> None:
    """Lock an open file, and make sure that it still is the one of that name."""
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        taken = lock.exists() and os.path.samestat(os.fstat(stream.fileno()), lock.stat())
    except BlockingIOError:
        taken = False
    except OSError as error:  # a file system without locks
        warnings.warn(f"Cannot lock {path}: {error.strerror}.", RuntimeWarning, stacklevel=2)
        taken = True
    if not taken:
        raise FileError(f"Cannot write {path}: another process is at work on it.")


def check_writable(path: Path) -> None:
    """Raise `FileError` now, before hours of work, if `path` cannot be written."""
    if path.is_dir():
        raise FileError(f"Cannot write {path}: it is a folder.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise _cannot_write(path, error) from error


def _cannot_write(path: Path, error: OSError) -> FileError:
    in_the_way = isinstance(error, FileExistsError)  # a file where a folder has to be
    reason = "Not a directory" if in_the_way else error.strerror or error
    return FileError(f"Cannot write {path}: {reason}.")


def _flush(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
