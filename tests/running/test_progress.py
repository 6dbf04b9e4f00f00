"""What a run says while it runs, in a terminal and in a log."""

import io
import logging

import pytest
from rich.console import Console

from opentdvp.running.progress import reporting


@pytest.mark.parametrize("terminal", [True, False])
def test_messages_are_shown_in_a_terminal_and_in_a_log(tmp_path, terminal):
    screen, log = io.StringIO(), tmp_path / "run.log"
    logger = logging.getLogger("opentdvp.engine")
    console = Console(file=screen, force_terminal=terminal, width=80)
    with reporting(1.0, console, log) as report:
        logger.info("compiling [red] %s", "path/" * 30)
        report(0.5, step=0.1)
    logger.info("nobody listens")
    # On a screen only what is drawn at once is shown; a log has every line, each once.
    assert ("compiling [red]" in screen.getvalue()) == terminal
    assert log.read_text().count("compiling [red] " + "path/" * 30) == 1
    assert "nobody" not in screen.getvalue() + log.read_text()


def test_messages_without_a_log_are_lines(tmp_path):
    stream = io.StringIO()
    with reporting(1.0, Console(file=stream, force_terminal=False, width=40), None):
        logging.getLogger("opentdvp.engine").warning("more than there is %s", "x" * 60)
    (line,) = stream.getvalue().splitlines()
    assert line.endswith("x" * 60)
