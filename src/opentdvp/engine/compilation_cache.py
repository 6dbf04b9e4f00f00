"""What JAX has compiled is kept, so that a run that starts again need not wait for it."""

import os
import platform
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import jax
from jax.experimental.compilation_cache.compilation_cache import reset_cache

#: JAX's own variable; whoever sets it chooses the folder.
VARIABLE = "JAX_COMPILATION_CACHE_DIR"

#: Seconds of compilation that are worth a file.
_SHORTEST = 0.1

#: What is set for the time of a run.
_SETTINGS = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")


@contextmanager
def keeping_compiled() -> Iterator[None]:
    """Within the block, `keep_compiled`; afterwards JAX is set as it was, for others who use it."""
    earlier = {name: getattr(jax.config, name) for name in _SETTINGS}
    keep_compiled()
    # JAX looks at the folder once only, when it first compiles something.
    reset_cache()
    try:
        yield
    finally:
        for name, value in earlier.items():
            jax.config.update(name, value)
        reset_cache()


def keep_compiled() -> None:
    """Let JAX keep what it compiles in the user's folder for caches.

    A folder that cannot be written costs a warning, and time.
    """
    if VARIABLE not in os.environ:
        folder = _folder()
        try:
            # What is compiled is trusted, so nobody else may write it.
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not os.access(folder, os.W_OK):
                raise PermissionError
        except OSError:
            warnings.warn(
                f"Cannot write {folder}, so every run compiles anew; set {VARIABLE} to a folder "
                "that can be written.",
                RuntimeWarning,
                stacklevel=2,
            )
            return
        jax.config.update("jax_compilation_cache_dir", str(folder))
    if "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS" not in os.environ:
        jax.config.update("jax_persistent_cache_min_compile_time_secs", _SHORTEST)


def _folder() -> Path:
    """One for every kind of processor, because nodes of a cluster may share their caches."""
    described = Path("/proc/cpuinfo")
    lines = described.read_text(encoding="utf-8").splitlines() if described.exists() else []
    features = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    kind = sha256(f"{platform.machine()} {features}".encode()).hexdigest()[:12]
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(caches, "opentdvp", "jax", kind)
