"""Jobs as processes: their order, how many at a time, and how they end."""

import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from opentdvp.errors import Interrupted, JobFailure
from opentdvp.pipeline import execute as executing
from opentdvp.pipeline.execute import execute
from opentdvp.pipeline.job import Job

#: Writes when it began and ended.
WORK = (
    "import sys, time; began = time.time(); time.sleep(0.2);"
    "open(sys.argv[1], 'w').write(f'{began} {time.time()}')"
)


@pytest.fixture(autouse=True)
def programs(monkeypatch):
    """The arguments of a job are those of Python, not of our command."""

    def start(command, **settings):
        return subprocess.Popen([sys.executable, *command[3:]], **settings)

    fake = SimpleNamespace(Popen=start, DEVNULL=subprocess.DEVNULL)
    monkeypatch.setattr(executing, "subprocess", fake)


def job(folder, name, reads=(), program=WORK, **settings):
    out = folder / name
    return Job(
        name=name,
        arguments=("-c", program, str(out)),
        inputs=tuple(folder / other for other in reads),
        outputs=(out,),
        log=folder / "logs" / f"{name}.log",
        is_done=out.exists,
        **settings,
    )


def times(folder, *names):
    return [tuple(map(float, (folder / name).read_text().split())) for name in names]


def test_a_job_begins_when_what_it_reads_is_complete(tmp_path):
    jobs = [job(tmp_path, "a"), job(tmp_path, "b", ["a"]), job(tmp_path, "c")]
    made = []
    assert execute(jobs, 2, print, made) == 3
    a, b, c = times(tmp_path, "a", "b", "c")
    assert b[0] >= a[1]
    assert c[0] < a[1]
    assert set(made) == {tmp_path / name for name in "abc"}


def test_what_is_done_is_not_done_again(tmp_path):
    jobs = [job(tmp_path, "a"), job(tmp_path, "b", ["a"])]
    (tmp_path / "a").write_text("0 0")
    said, made = [], []
    assert execute(jobs, 1, said.append, made) == 1
    assert said[0] == "b: begins"
    assert made == [tmp_path / "b"]
    assert execute(jobs, 1, said.append, made) == 0


@pytest.mark.parametrize(("limit", "threads"), [(1, 1), (2, 4)])
def test_no_more_threads_than_allowed(tmp_path, limit, threads):
    """A job that wants more than there are has all of them."""
    jobs = [job(tmp_path, name, threads=threads) for name in "ab"]
    execute(jobs, limit, print, [])
    a, b = times(tmp_path, "a", "b")
    assert b[0] >= a[1]


def test_after_a_failure_nothing_begins_and_what_runs_ends(tmp_path):
    fails = "import sys; print('begins'); sys.exit('error: `x` must be y, but is z.')"
    jobs = [job(tmp_path, "a"), job(tmp_path, "bad", program=fails), job(tmp_path, "c")]
    made = []
    words = r"^bad: `x` must be y, but is z\. \(All of it: .*bad\.log\)$"
    with pytest.raises(JobFailure, match=words):
        execute(jobs, 2, print, made)
    assert made == [tmp_path / "a"]
    assert not (tmp_path / "c").exists()


def test_a_job_that_was_asked_to_stop_stops_the_others(tmp_path):
    stopped = "import sys; sys.exit(75)"
    endless = "import time; time.sleep(600)"
    jobs = [job(tmp_path, "a", program=endless), job(tmp_path, "b", program=stopped)]
    began = time.monotonic()
    with pytest.raises(Interrupted):
        execute(jobs, 2, print, [])
    assert time.monotonic() - began < 300


def test_the_command_is_ours_with_its_threads(tmp_path, monkeypatch):
    calls = []

    class Ended:
        def __init__(self, command, **settings):
            calls.append((command, settings["env"]))

        def poll(self):
            return 0

    monkeypatch.setattr(executing.subprocess, "Popen", Ended)
    execute([job(tmp_path, "a", threads=4)], 3, print, [])
    ((command, environment),) = calls
    assert command[:3] == [sys.executable, "-m", "opentdvp"]
    assert environment["OMP_NUM_THREADS"] == "3"
    assert Path(command[-1]) == tmp_path / "a"
