"""Faults of machines and people: the run goes on to the same bytes, and nothing half is left."""

import errno
import os
import random
import signal
import subprocess
import sys
import time

import pytest
from pipeline import TINY

from opentdvp.running.signals import CONTINUE


def command(out, checkpoint=None):
    """The tiny network run, saved after every step if it has a checkpoint."""
    words = [sys.executable, "-m", "opentdvp", "run", TINY, "ring_3", "tdvp", "--out", out]
    if checkpoint is not None:
        words += ["--checkpoint", checkpoint, "--checkpoint-interval", 0]
    return list(map(str, words))


def start(out, checkpoint):
    return subprocess.Popen(command(out, checkpoint), stderr=subprocess.PIPE, text=True)


def finish(out, checkpoint):
    subprocess.run(command(out, checkpoint), check=True, capture_output=True)


def wait_until(condition, process):
    while not condition():
        assert process.poll() is None, "the run ended too early"
        time.sleep(0.01)


def names(folder):
    return {path.name for path in folder.iterdir()}


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory):
    """The file of a run that never stopped."""
    path = tmp_path_factory.mktemp("whole") / "run.h5"
    subprocess.run(command(path), check=True, capture_output=True)
    return path.read_bytes()


@pytest.mark.parametrize(
    "stop",
    [
        signal.SIGKILL,
        *(pytest.param(s, marks=pytest.mark.slow) for s in (signal.SIGTERM, signal.SIGINT)),
    ],
)
def test_a_stopped_run_goes_on(tmp_path, whole_run, stop):
    out, checkpoint = tmp_path / "run.h5", tmp_path / "run.npz"
    process = start(out, checkpoint)
    wait_until(checkpoint.exists, process)
    process.send_signal(stop)
    errors = process.communicate()[1]
    killed = stop == signal.SIGKILL
    assert process.returncode == (-stop if killed else CONTINUE)
    assert ("asked to stop" in errors) == (not killed)
    assert not out.exists()
    assert checkpoint.exists()
    finish(out, checkpoint)
    assert out.read_bytes() == whole_run
    assert names(tmp_path) == {"run.h5", "run.timing.json"}


@pytest.mark.slow
def test_a_run_killed_ten_times_goes_on(tmp_path, whole_run):
    """At random times, from its start to somewhat after its first checkpoint."""
    out, checkpoint = tmp_path / "run.h5", tmp_path / "run.npz"
    began = time.monotonic()
    process = start(out, checkpoint)
    wait_until(checkpoint.exists, process)
    longest = 1.3 * (time.monotonic() - began)
    chance = random.Random(1)
    saved = 0
    for _ in range(10):
        process.kill()
        process.communicate()
        saved += checkpoint.exists()
        assert not out.exists() or out.read_bytes() == whole_run
        process = start(out, checkpoint)
        time.sleep(chance.uniform(0, longest))
    process.kill()
    process.communicate()
    assert saved > 0
    finish(out, checkpoint)
    assert out.read_bytes() == whole_run
    assert names(tmp_path) == {"run.h5", "run.timing.json"}


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 400 kB; it holds a checkpoint, but no more than two."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "opentdvp-test", str(folder)]
    if os.getuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(path):
    """Write until the disk is full."""
    with path.open("wb", buffering=0) as stream:
        try:
            while stream.write(bytes(1024)):
                pass
        except OSError as error:
            assert error.errno == errno.ENOSPC  # noqa: PT017


def test_a_full_disk_stops_the_run_and_it_goes_on(small_disk, whole_run):
    """Earlier files stay whole; with room again the same command finishes the run."""
    out, checkpoint, filling = (small_disk / name for name in ("run.h5", "run.npz", "filling"))
    out.touch()
    process = start(out, checkpoint)
    wait_until(checkpoint.exists, process)
    fill(filling)
    _, errors = process.communicate()
    assert process.returncode == 1
    assert "run.npz: No space left on device" in errors
    assert "Traceback" not in errors
    assert not out.read_bytes()
    assert not [name for name in names(small_disk) if name.startswith(".")]
    filling.unlink()
    finish(out, checkpoint)
    assert out.read_bytes() == whole_run


def test_output_that_is_read_only_is_found_before_the_work(small_disk):
    remount = ["mount", "-o", "remount,ro", str(small_disk)]
    subprocess.run(remount, check=True)
    began = time.monotonic()
    done = subprocess.run(command(small_disk / "run.h5"), capture_output=True, text=True)
    assert done.returncode == 1
    assert "run.h5: Read-only file system" in done.stderr
    assert "Traceback" not in done.stderr
    assert time.monotonic() - began < 60


@pytest.mark.slow
def test_a_second_process_is_refused_and_the_first_goes_on(tmp_path, whole_run):
    out, checkpoint = tmp_path / "run.h5", tmp_path / "run.npz"
    first = start(out, checkpoint)
    wait_until(checkpoint.exists, first)
    os.kill(first.pid, signal.SIGSTOP)
    second = subprocess.run(command(out, checkpoint), capture_output=True, text=True)
    os.kill(first.pid, signal.SIGCONT)
    assert second.returncode == 1
    assert "run.h5: another process is at work on it" in second.stderr
    first.communicate()
    assert first.returncode == 0
    assert out.read_bytes() == whole_run


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_a_damaged_checkpoint_gives_way_to_the_one_before(tmp_path, whole_run, damage):
    out, checkpoint = tmp_path / "run.h5", tmp_path / "run.npz"
    process = start(out, checkpoint)
    wait_until((tmp_path / "run.previous.npz").exists, process)
    process.kill()
    process.communicate()
    content = bytearray(checkpoint.read_bytes())
    # More than the padding between two arrays, which nobody reads.
    for place in range(len(content) // 2, len(content) // 2 + 400):
        content[place] ^= 255
    checkpoint.write_bytes(content[:-100] if damage == "cut" else content)
    done = subprocess.run(command(out, checkpoint), check=True, capture_output=True, text=True)
    assert "run.npz: it is truncated, damaged" in done.stderr
    assert "Going on from" in done.stderr
    assert out.read_bytes() == whole_run
