"""Locks on open files, which the system gives free when a process ends; on Windows too."""

from typing import IO

try:
    import fcntl

    _HAS_FLOCK = True
except ImportError:  # Windows
    import msvcrt

    _HAS_FLOCK = False


def lock(stream: IO[str]) -> None:
    """Lock an open file for this process, without waiting.

    Raises
    ------
    BlockingIOError
        If another process, or another stream of this one, has locked it.
    OSError
        If the file system has no locks.
    """
    if _HAS_FLOCK:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return
    try:
        # Of one byte, which need not be there: bytes of different files are different locks.
        msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    except PermissionError as error:  # what Windows calls a file that is locked
        raise BlockingIOError(error.errno, error.strerror) from error
