"""The command line: one command per rule of the pipeline; no physics, imports only when needed."""

import os

# Linear algebra on one thread: results must not depend on the number of cores, and threads of jobs
# beside each other spin against one another (an eigendecomposition took 40 times as long). NumPy
# reads it when it is loaded, so it comes first.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# The same for XLA, which takes the size of its pool from NPROC. Jobs fill the cores, and one run
# alone is no faster on two of them (docs/benchmarks/energies.md).
os.environ.setdefault("NPROC", "1")

import sys
from typing import NoReturn

# Importing the modules of commands adds them to `app`, in the order of the help.
try:
    from opentdvp.cli import projects as projects
    from opentdvp.cli import runs as runs
    from opentdvp.cli import studies as studies
    from opentdvp.cli.app import app
except ImportError as error:
    sys.exit(f"error: {error}")
from opentdvp.errors import FileError, Interrupted, OpentdvpError
from opentdvp.running.signals import CONTINUE, raise_on_signals


def main() -> NoReturn:
    """Run a command; an error that a user can act on is one line and a non-zero exit code."""
    raise_on_signals()
    try:
        app()
    except Interrupted as error:
        _fail(error, CONTINUE)
    except OpentdvpError as error:
        _fail(error, 1)
    except OSError as error:  # where we write to a terminal or pipe
        _fail(FileError(f"{error.filename or 'Cannot write'}: {error.strerror or error}."), 1)
    sys.exit(0)


def _fail(error: OpentdvpError, code: int) -> NoReturn:
    # One line, whatever the names in it are made of.
    line = "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(error))
    print(f"error: {line}", file=sys.stderr)
    sys.exit(code)
