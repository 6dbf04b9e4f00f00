"""A copy of the sources that may be broken, and a process that runs tests on it."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
WORK = ROOT / ".mutants"

#: What the tests need.
COPIED = ("src", "tests", "config", "pyproject.toml")

#: Each run of the tests has one core.
ONE_CORE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class Place:
    """A copy of the sources, and a process that runs tests on it."""

    def __init__(self, number: int, python: Path) -> None:
        self.tree = WORK / f"tree{number}"
        shutil.rmtree(self.tree, ignore_errors=True)
        for name in COPIED:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            self.tree.mkdir(parents=True, exist_ok=True)
            copy(ROOT / name, self.tree / name)
        self.tester = subprocess.Popen(
            [python, Path(__file__).with_name("tester.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=self.tree,
            env=os.environ | ONE_CORE | self._settings(),
        )

    def _settings(self) -> dict[str, str]:
        return {
            "PYTHONPATH": str(self.tree / "src"),
            # Mutants follow each other faster than file times tell them apart.
            "PYTHONDONTWRITEBYTECODE": "1",
            # Compiled functions are found by what they compute: a mutant finds its own only.
            "JAX_COMPILATION_CACHE_DIR": str(WORK / "compiled"),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.05",
        }

    def run(self, tests: list[str], timeout: float, durations: dict[str, float]) -> dict[str, Any]:
        """Outcome of some tests on the sources as they are."""
        request = {"tests": tests, "timeout": timeout, "durations": durations}
        self.tester.stdin.write(json.dumps(request) + "\n")
        self.tester.stdin.flush()
        return json.loads(self.tester.stdout.readline())

    def source(self, file: str) -> Path:
        """Where a file of the package is."""
        return self.tree / "src" / "opentdvp" / file

    def close(self) -> None:
        """End the process."""
        self.tester.stdin.close()
        self.tester.wait()
