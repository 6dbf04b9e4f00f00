"""Where a result comes from: code revision, package versions, device."""

import platform
import subprocess
from importlib import metadata
from pathlib import Path

PACKAGES = ("opentdvp", "jax", "flax", "qutip", "physics-tenpy", "numpy", "scipy", "h5py")


def provenance(device: str) -> dict[str, str]:
    """Text attributes for a trajectory file, equal for equal code, environment and device."""
    versions = {package: metadata.version(package) for package in PACKAGES}
    return {
        "revision": revision(),
        "device": device,
        "python": platform.python_version(),
        "versions": " ".join(f"{package}={version}" for package, version in versions.items()),
    }


def revision() -> str:
    """Git revision of this package's source, with `+changes` if it differs; else `unknown`."""
    try:
        # A copy installed inside somebody else's repository must not take that one's revision.
        _git("ls-files", "--error-unmatch", "records/provenance.py")
        head = _git("rev-parse", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no", "--", ".")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{head}+changes" if changed else head


def _git(*arguments: str) -> str:
    here = Path(__file__).parents[1]
    command = ["git", "-C", str(here), *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.strip()
