"""Settings of the test session, and the command line within it."""

import os
import signal
import sys
import tempfile

import pytest

QUICKLY_COMPILED = "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"


def pytest_configure(config):
    """The default tests compile for longer than they compute; the others run as users do."""
    if config.option.markexpr.startswith("not slow"):
        os.environ.setdefault("XLA_FLAGS", QUICKLY_COMPILED)
    # As on the command line: threads of two workers only wait for one another.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("NPROC", "1")
    # Not the user's: what tests compile is kept for the session only.
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        folder = tempfile.TemporaryDirectory(prefix="opentdvp-compiled-")
        config.add_cleanup(folder.cleanup)
        os.environ["JAX_COMPILATION_CACHE_DIR"] = folder.name
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.1")


@pytest.fixture
def call(monkeypatch, capsys):
    """Run a command in this process; return its exit code, its output and its error lines."""
    # Imported when the types of arrays are already checked.
    from opentdvp import cli

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["opentdvp", *map(str, arguments)])
        handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        for number, handler in handlers.items():
            signal.signal(number, handler)
        captured = capsys.readouterr()
        return stopped.value.code, captured.out, captured.err.splitlines()

    return run
