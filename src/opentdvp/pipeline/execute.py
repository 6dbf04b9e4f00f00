"""Running jobs as processes, several at a time, each when what it reads has been made."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from opentdvp.errors import Interrupted, JobFailure
from opentdvp.pipeline.job import Job
from opentdvp.records.files import cannot_write
from opentdvp.running.signals import CONTINUE, MESSAGE

#: Seconds between two looks at the processes.
_PAUSE = 0.1

Say = Callable[[str], None]


@dataclass
class _Jobs:
    """Those that have not begun, and those that are running, with their processes."""

    waiting: list[Job]
    limit: int
    say: Say
    running: dict[str, tuple[Job, "subprocess.Popen[bytes]", float]] = field(default_factory=dict)
    made: list[Path] = field(default_factory=list)
    failed: list[Job] = field(default_factory=list)
    done: int = 0


def execute(jobs: Sequence[Job], limit: int, say: Say, made: list[Path]) -> int:
    """Run the jobs that are not done, and return how many these were.

    Parameters
    ----------
    jobs
        Jobs, none before those whose outputs it reads.
    limit
        Threads that all running jobs have together; a job that wants more has all of them.
    say
        Told what begins and ends.
    made
        Files that were written are added to it, also if a job fails.

    Raises
    ------
    Interrupted
        If this process or a job was asked to stop; the jobs are saved.
    JobFailure
        If a job fails; those that are running then have ended first, and no other has begun.
    """
    state = _Jobs(list(jobs), limit, say, made=made)
    try:
        while state.running or (state.waiting and not state.failed):
            _end(state)
            if not state.failed:
                _begin(state)
            if state.running:
                time.sleep(_PAUSE)
    finally:
        _stop(state)
    if state.failed:
        raise JobFailure(" ".join(_told(job) for job in state.failed))
    return state.done


def _begin(state: _Jobs) -> None:
    """Start what is ready, in order, as far as there are threads left."""
    coming = {output for job, _, _ in state.running.values() for output in job.outputs}
    for job in list(state.waiting):
        used = sum(_share(other, state.limit) for other, _, _ in state.running.values())
        if coming.isdisjoint(job.inputs) and used + _share(job, state.limit) <= state.limit:
            state.waiting.remove(job)
            if job.is_done():
                continue
            state.running[job.name] = (job, _start(job, state.limit), time.monotonic())
            state.say(f"{job.name}: begins")
        coming |= set(job.outputs)


def _share(job: Job, limit: int) -> int:
    return min(job.threads, limit)


def _start(job: Job, limit: int) -> "subprocess.Popen[bytes]":
    # No file in the working directory takes the place of a module, such as a yaml.py.
    environment = os.environ | {"OMP_NUM_THREADS": str(_share(job, limit)), "PYTHONSAFEPATH": "1"}
    command = [sys.executable, "-m", "opentdvp", *job.arguments]
    try:
        job.log.parent.mkdir(parents=True, exist_ok=True)
        with job.log.open("wb") as log:
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
            )
    except OSError as error:
        raise cannot_write(job.log, error) from error


def _end(state: _Jobs) -> None:
    """Take note of the processes that have ended."""
    for name, (job, process, began) in list(state.running.items()):
        status = process.poll()
        if status is None:
            continue
        del state.running[name]
        if status == CONTINUE:
            raise Interrupted(MESSAGE)
        if status:
            state.failed.append(job)
            state.say(f"{name}: FAILED")
        else:
            state.done += 1
            state.made.extend(job.outputs)
            state.say(f"{name}: done in {time.monotonic() - began:.0f} s")


def _stop(state: _Jobs) -> None:
    """Ask all processes to end, which they do saved, and wait for them."""
    processes = [process for _, process, _ in state.running.values()]
    for process in processes:
        with suppress(OSError):
            process.terminate()
    for process in processes:
        process.wait()


def _told(job: Job) -> str:
    """What a job that failed has said last."""
    lines = job.log.read_text(encoding="utf-8", errors="replace").splitlines()
    last = lines[-1].removeprefix("error: ") if lines else "It said nothing."
    return f"{job.name}: {last} (All of it: {job.log})"
