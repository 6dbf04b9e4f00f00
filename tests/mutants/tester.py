"""Run chosen tests as often as asked, each time in a fork of a process that has the libraries.

Loading JAX, QuTiP and the like takes longer than most tests. Nothing of opentdvp is loaded before
the fork and no function is compiled, so that every run sees the sources as they are then.

Requests are lines of JSON on standard input, {"tests": …, "timeout": …, "durations": …}; so are the
answers on standard output, {"outcome": "passed" | "failed" | "timeout", "by": …, "durations": …}.
"""

import gc
import importlib
import json
import os
import resource
import select
import signal
import sys

import pytest

#: Everything slow that the tests import, besides opentdvp.
LIBRARIES = (
    *("numpy", "scipy.interpolate", "scipy.linalg", "scipy.sparse.linalg", "pandas", "h5py"),
    *("jax", "jax.numpy", "jax.scipy.special", "flax.linen", "qutip", "tenpy", "pydantic", "yaml"),
    *("typer", "rich.progress", "beartype", "hypothesis"),
)

#: A mutant may ask for all memory.
MEMORY = 12 * 2**30


class Quickest:
    """Plugin of pytest: quick tests first; notes what failed and how long each test took."""

    def __init__(self, durations: dict[str, float]) -> None:
        self.known, self.durations = durations, {}
        self.by = ""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=lambda item: self.known.get(item.nodeid, 0.0))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self.by = self.by or (report.nodeid if report.failed else "")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.durations[report.nodeid] = self.durations.get(report.nodeid, 0.0) + report.duration
        self.by = self.by or (report.nodeid if report.failed else "")


def run_tests(tests: list[str], durations: dict[str, float]) -> dict:
    """Outcome of the tests in this process, up to the first that fails."""
    quickest = Quickest(durations)
    # Plugins that the libraries have loaded are not rewritten, which nothing depends on.
    early = ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    # A folder of its own, so that no other session of pytest on this machine gets in the way.
    own = ["-p", "no:cacheprovider", "--basetemp", ".temporary"]
    code = pytest.main(["-x", "-n", "0", "-q", *own, *early, *tests], plugins=[quickest])
    outcome = "passed" if code == 0 else "failed"
    by = quickest.by or f"exit code {int(code)}"
    return {"outcome": outcome, "by": by, "durations": quickest.durations}


def in_child(tests: list[str], durations: dict[str, float], answers: int) -> None:
    """Run the tests, answer, and end the process."""
    os.setsid()
    # Without a mutant, what is compiled of the sources is kept: it is known by their old times.
    sys.dont_write_bytecode = bool(durations)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    with os.fdopen(answers, "w") as stream:
        json.dump(run_tests(tests, durations), stream)
    os._exit(0)


def answer(tests: list[str], timeout: float, durations: dict[str, float]) -> dict:
    """Outcome of the tests in a fork; one that crashes or lasts too long has not passed."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            in_child(tests, durations, writing)
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading) as stream:
        ready = select.select([stream], [], [], timeout)[0]
        text = stream.read() if ready else ""
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    if not ready:
        return {"outcome": "timeout", "by": "", "durations": {}}
    return json.loads(text) if text else {"outcome": "failed", "by": "a crash", "durations": {}}


def main() -> None:
    """Answer until the input ends."""
    for name in LIBRARIES:
        importlib.import_module(name)
    # Nothing of these is ever garbage.
    gc.freeze()
    for line in sys.stdin:
        print(json.dumps(answer(**json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
