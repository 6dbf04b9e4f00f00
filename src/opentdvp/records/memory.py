"""How much memory this process has used at most, and how much the machine has."""

import os
import sys

try:
    import resource

    _HAS_USAGE = True
except ImportError:  # Windows
    _HAS_USAGE = False


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
