"""Runs that are asked to stop, wherever they are."""

import signal
import subprocess
import sys
import time

import pytest

from opentdvp.running.signals import CONTINUE, MESSAGE, saving_when_stopped

#: Works in Python, or in a compiled function that lets go of Python but does not return for long.
PROGRAM = """
import hashlib, sys, time
from pathlib import Path
from opentdvp.errors import Interrupted
from opentdvp.running import signals

signals.GRACE = 0.2
signals.raise_on_signals()
saved, work, limit = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
try:
    with signals.saving_when_stopped(lambda: saved.write_text("saved"), limit):
        print("at work", flush=True)
        if work == "written":
            signals.stop_no_more()
            time.sleep(1)
        if work == "compiled":
            hashlib.pbkdf2_hmac("sha256", b"", b"", 10**9)
        while work == "python":
            time.sleep(0.01)
except Interrupted:
    if work == "python":
        time.sleep(0.5)
    print("unwound")
    sys.exit(signals.CONTINUE)
print("done")
"""


def start(path, work, limit):
    command = [sys.executable, "-c", PROGRAM, str(path), work, str(limit)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("work", ["python", "compiled"])
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT, "time limit"])
def test_a_run_is_saved_and_ends_with_the_status_to_continue(tmp_path, work, stop):
    """Python code is unwound; a compiled function is not waited for."""
    saved = tmp_path / "saved"
    process = start(saved, work, 0.5 if stop == "time limit" else 100)
    assert process.stdout.readline() == "at work\n"
    time.sleep(0.3)  # until it is in that function
    began = time.monotonic()
    if stop != "time limit":
        process.send_signal(stop)
    said, errors = process.communicate()
    assert time.monotonic() - began < 5
    assert process.returncode == CONTINUE
    assert saved.read_text() == "saved"
    assert said == ("unwound\n" if work == "python" else "")
    assert (MESSAGE in errors) == (work == "compiled")


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_does_not_disturb_the_saving(tmp_path, stop):
    process = start(tmp_path / "saved", "python", 100)
    assert process.stdout.readline() == "at work\n"
    for _ in range(2):
        process.send_signal(stop)
        time.sleep(0.2)
    assert process.communicate() == ("unwound\n", "")
    assert process.returncode == CONTINUE


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_being_written_does_not_stop(tmp_path, stop):
    process = start(tmp_path / "saved", "written", 100)
    assert process.stdout.readline() == "at work\n"
    time.sleep(0.2)
    process.send_signal(stop)
    assert process.communicate() == ("done\n", "")
    assert process.returncode == 0


def test_a_run_that_ends_by_itself_is_left_alone(tmp_path):
    process = start(tmp_path / "saved", "nothing", 100)
    assert process.communicate() == ("at work\ndone\n", "")
    assert process.returncode == 0
    assert not (tmp_path / "saved").exists()


def test_without_handlers_only_the_block_happens():
    """As in a notebook, whose signals are not ours."""
    with saving_when_stopped(pytest.fail, time_limit=0.0):
        time.sleep(0.05)
