"""Where a result comes from: code revision, package versions, device."""

import platform
import subprocess
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from pathlib import Path

PACKAGES = ("opentdvp", "jax", "flax", "qutip", "physics-tenpy", "numpy", "scipy", "h5py")

# The revision that a wheel was made of.
_BUILT = Path(__file__).parents[1] / "revision.txt"

# Between several revisions; behind one with changes; in place of one that is not known.
_BETWEEN, _CHANGED, _UNKNOWN = ",", "+changes", "unknown"


def provenance(device: str) -> dict[str, str]:
    """Text attributes for a trajectory file, equal for equal code, environment and device."""
    versions = {package: metadata.version(package) for package in PACKAGES}
    return {
        "revision": revision(),
        "device": device,
        "python": platform.python_version(),
        "versions": " ".join(f"{package}={version}" for package, version in versions.items()),
    }


@cache
def revision() -> str:
    """Git revision of this package's source, with `+changes` if it differs; else `unknown`.

    A wheel has that of the source that it was made of.

    That of the first call in a process, which a run makes before it computes: what is committed
    meanwhile is not what computes.
    """
    try:
        # A copy installed inside somebody else's repository must not take that one's revision.
        _git("ls-files", "--error-unmatch", "records/provenance.py")
        head = _git("rev-parse", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no", "--", ".")
    except (OSError, subprocess.CalledProcessError):
        built = _BUILT.read_text(encoding="utf-8").strip() if _BUILT.exists() else ""
        return built or _UNKNOWN
    return f"{head}{_CHANGED}" if changed else head


def joined(revisions: Iterable[str]) -> str:
    """Several revisions that took part in a result as one text, each once, the first one first."""
    return _BETWEEN.join(dict.fromkeys(revisions))


def separate(text: str) -> list[str]:
    """The revisions in what `joined` returned."""
    return text.split(_BETWEEN)


def is_dirty(one: str) -> bool:
    """Whether a revision does not say which code computed."""
    return one.endswith(_CHANGED) or one == _UNKNOWN


def _git(*arguments: str) -> str:
    here = Path(__file__).parents[1]
    command = ["git", "-C", str(here), *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.strip()
