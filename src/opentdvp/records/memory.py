"""How much memory this process has used at most, and how much the machine has."""

import ctypes
import os
import sys

try:
    import resource

    _HAS_USAGE = True
except ImportError:  # Windows
    _HAS_USAGE = False

# Parameters of mallopt of the GNU C library (malloc.h), and what they are set to: memory that is
# freed is never given back, large pieces come from the heap too, and all threads share one heap.
_KEEP = {-1: 2**31 - 1, -4: 0, -8: 1}  # M_TRIM_THRESHOLD, M_MMAP_MAX, M_ARENA_MAX
# Pieces of more than 32 MiB (the most that it allows) do not come from the heap.
_GIVE_BACK = {-3: 2**25, -4: 65536}  # M_MMAP_THRESHOLD, M_MMAP_MAX


def keep_freed_memory() -> bool:
    """Let this process keep the memory that it frees, for the next use; return whether it does.

    A right-hand side takes and frees the same large arrays again and again. Each time the system
    has to give fresh pages full of zeros, an eighth of the time of a run (docs/speed.md). Only the
    GNU C library is told; nothing changes elsewhere.
    """
    return _tell(_KEEP)


def give_back_large_pieces() -> bool:
    """Let this process give back large pieces of memory after all; return whether it does.

    Kept ones leave holes in the heap, that fit none of the next ones: up to 5 GiB in a run of 3.
    """
    return _tell(_GIVE_BACK)


def _tell(settings: dict[int, int]) -> bool:
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, TypeError, AttributeError):  # Windows, macOS
        return False
    return all(mallopt(parameter, value) == 1 for parameter, value in settings.items())


def peak_memory() -> int:
    """Bytes that this process has used at most; 0 where the system does not tell (Windows)."""
    if not _HAS_USAGE:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024)


def machine_memory() -> int:
    """Bytes that this machine has; 0 where the system does not tell (Windows)."""
    if not hasattr(os, "sysconf"):
        return 0
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
