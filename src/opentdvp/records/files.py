"""Reading and writing files so that a killed job or a full disk never leaves half a file behind."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from opentdvp.errors import DamagedFileError, FileError, OpentdvpError

#: Suffixes of our own files; what goes with such a file has another one in its place.
_SUFFIXES = (".h5", ".npz")


def beside(path: Path, suffix: str) -> Path:
    """Name of a file that goes with another one: `run.timing.json` with `run.h5`.

    The suffix comes after the whole name unless that ends in `.h5` or `.npz`: files named `rate0.1`
    and `rate0.5` must not share what goes with them.
    """
    if not path.name:
        raise FileError(f"Cannot write {path}: it is a folder.")
    return path.with_name((path.stem if path.suffix in _SUFFIXES else path.name) + suffix)


def followed(path: Path) -> Path:
    """The file that a symbolic link leads to; a path that is none stays as it is."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


@contextmanager
def reading(path: Path, kind: str, remedy: str = "") -> Iterator[IO[bytes]]:
    """Yield the bytes of a file; whatever goes wrong with them in the block is one line.

    Raises
    ------
    DamagedFileError
        If the block raises anything else than an error of ours: the parsers of foreign bytes have
        errors of every kind. `remedy` says what to do then.
    FileError
        If the file is missing, is a folder, or cannot be read.
    """
    try:
        if path.exists() and not path.is_file():
            raise FileError(f"Cannot read {path}: {special(path)}.")
        with path.open("rb") as stream:
            yield stream
    except OpentdvpError:
        raise
    except FileNotFoundError as error:
        raise FileError(f"Cannot read {path}: there is no such file.") from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno:
            raise FileError(f"Cannot read {path}: {os.strerror(error.errno)}.") from error
        raise DamagedFileError(
            f"Cannot read {path}: it is truncated, damaged or not {kind}{remedy}."
        ) from error


@contextmanager
def replacing(path: Path, previous: Path | None = None) -> Iterator[Path]:
    """Yield a temporary path beside `path`; move it over `path` once the block has succeeded.

    The temporary file is flushed to disk before it is renamed, and removed if anything fails, so
    that `path` holds either its old content or the complete new one. The old content goes to
    `previous` if that is given; a process killed in that moment leaves `previous` alone. Where
    `path` is a symbolic link, the file that it leads to is replaced.

    Raises
    ------
    FileError
        If the folder cannot be made, or the file cannot be written.
    """
    temporary = None
    try:
        target = followed(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = temporary_beside(target)
        yield temporary
        _flush(temporary)
        temporary.chmod(0o666 & ~_umask())
        if previous is not None and target.exists():
            target.replace(previous)
        temporary.replace(target)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def special(path: Path) -> str:
    """What a path is that is no file."""
    return "it is a folder" if path.is_dir() else "it is a device or a pipe"


def temporary_beside(path: Path) -> Path:
    """An empty file beside `path`, by a name that nobody else has."""
    # The suffix stays, because writers such as matplotlib choose the format by it.
    handle, name = tempfile.mkstemp(
        dir=path.parent, prefix=f".{path.name}.opentdvp-", suffix=f".tmp{path.suffix}"
    )
    os.close(handle)
    return Path(name)


def cannot_write(path: Path, error: OSError) -> FileError:
    """The error of a file that the system does not let us write."""
    in_the_way = isinstance(error, FileExistsError)  # a file where a folder has to be
    reason = "Not a directory" if in_the_way else error.strerror or error
    return FileError(f"Cannot write {path}: {reason}.")


def _flush(path: Path) -> None:
    # Windows flushes only what is open for writing.
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
