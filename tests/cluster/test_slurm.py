"""The workflow on a real SLURM of one node: `make test-cluster`, as root on Debian or Ubuntu."""

import json
import os
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import yaml
from pipeline import (
    TINY,
    assert_same,
    copy_workflow,
    lines_without_minutes,
    said,
    snakemake,
    start,
    submit,
)

from opentdvp.records import trajectory
from opentdvp.running.signals import MESSAGE

SHORT = "results/runs/ring_3/tdvp.h5"
LONG = "results/runs/long/tdvp.h5"

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("control")]
#: One after the other, and the other tests beside them: a job that starts without its node fails.
one_by_one = pytest.mark.xdist_group("one by one")


def configure(folder):
    """The tiny configuration, with two batches of trajectories and a network that takes a while."""
    tree = yaml.safe_load(TINY.read_text())
    tree["systems"]["long"] = tree["systems"]["ring_3"] | {"time": {"stop": 1.0, "points": 6}}
    tree["solvers"]["tdvp"]["sampling"]["observables"] = 200000
    tolerances = {"relative_tolerance": 1e-5, "absolute_tolerance": 1e-7}
    counts = {"seed": 1, "trajectories": 40, "batch": 20}
    tree["solvers"]["trajectories"] = {"method": "mcwf", **counts, **tolerances}
    (folder / "config" / "config.yaml").write_text(yaml.safe_dump(tree))


@pytest.fixture(scope="session")
def local(tmp_path_factory):
    """Makes files that the cluster has to reproduce, and gives their folder."""
    folder = copy_workflow(tmp_path_factory.mktemp("local"))
    configure(folder)

    def make(*targets):
        done = snakemake(folder, *targets)
        assert done.returncode == 0, said(done)
        return folder

    return make


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder in which nothing has run; runs in it are saved after every step."""
    monkeypatch.setenv("OPENTDVP_CHECKPOINT_INTERVAL", "0")
    copy_workflow(tmp_path)
    configure(tmp_path)
    return tmp_path


@contextmanager
def submitting(folder, *arguments):
    """Snakemake in the background; leaving the block waits for its end."""
    with (folder / "snakemake.log").open("w") as stream:
        process = start(folder, *arguments, stdout=stream, stderr=stream)
        try:
            yield process
            process.wait(timeout=400)
        finally:
            process.kill()
            process.wait()


def wait_until(condition, seconds=300):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.2)
    return found


def network_at_work(folder, other_than=None):
    """Process of the network once it has checkpoints, or None."""
    saved = list(folder.glob("results/checkpoints/**/*.previous.npz"))
    found = subprocess.run(["pgrep", "-f", "bin/opentdvp run"], capture_output=True, text=True)
    numbers = {int(word) for word in found.stdout.split()} - {other_than}
    inside = [number for number in numbers if is_in(folder, number)]
    return max(inside) if saved and inside else None


def is_in(folder, number):
    try:
        return Path(f"/proc/{number}/cwd").resolve(strict=True) == folder
    except OSError:
        return False


def jobs_in(folder):
    """Jobs that wait or run, of those submitted from the folder."""
    command = ["squeue", "--noheader", "--states", "running,pending", "--format", "%i %Z"]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [line for line in found.splitlines() if line.endswith(f" {folder}")]


@one_by_one
def test_runs_go_on_after_their_walltime(folder, local):
    """The first job stops itself before its walltime; the second hangs, and is killed at it."""
    walltime = "evolve:runtime=2 if attempt < 3 else 10"
    early = "evolve:stop_early=80 if attempt < 2 else 5"
    with submitting(folder, LONG, "--set-resources", walltime, early):
        first = wait_until(lambda: network_at_work(folder))
        os.kill(first, signal.SIGSTOP)
        age = time.time() - Path(f"/proc/{first}").stat().st_ctime
        time.sleep(max(0, 50 - age))
        os.kill(first, signal.SIGCONT)
        second = wait_until(lambda: network_at_work(folder, other_than=first))
        os.kill(second, signal.SIGSTOP)
        expected = local(LONG)
    log = (folder / "snakemake.log").read_text()
    assert MESSAGE in log
    assert log.count("SLURM status is: 'FAILED'") == 1
    assert log.count("SLURM status is: 'TIMEOUT'") == 1
    assert_same(folder, expected, LONG)


@one_by_one
def test_a_node_daemon_that_dies_loses_nothing(control, folder, local):
    with submitting(folder, LONG):
        wait_until(lambda: network_at_work(folder))
        control("kill-node")
        time.sleep(2)
        control("start-node")
    assert_same(folder, local(LONG), LONG)


def test_ctrl_c_leaves_no_job_behind_and_nothing_is_lost(folder, local):
    with submitting(folder, LONG) as process:
        run = wait_until(lambda: network_at_work(folder))
        # So that it does not end first; SLURM wakes what it cancels.
        os.kill(run, signal.SIGSTOP)
        process.send_signal(signal.SIGINT)
    wait_until(lambda: not is_in(folder, run))
    assert not jobs_in(folder)
    done = submit(folder, LONG)
    assert done.returncode == 0, said(done)
    assert_same(folder, local(LONG), LONG)
    record = json.loads((folder / LONG).with_suffix(".timing.json").read_text())
    assert record["resumed"]


def test_the_tasks_of_a_job_share_a_run(folder, local):
    """Sums of two processes differ in the last digits only, but over a run that adds up."""
    done = submit(folder, SHORT, "--set-resources", "evolve:mpi=srun", "evolve:tasks=2")
    assert done.returncode == 0, said(done)
    shared, alone = (trajectory.read(where / SHORT) for where in (folder, local(SHORT)))
    assert shared.provenance["device"] == "cpu × 2"
    for name, observable in alone.observables.items():
        np.testing.assert_allclose(shared.observables[name].mean, observable.mean, atol=1e-3)


def test_the_whole_workflow_gives_the_local_files(folder, local):
    """Fan-out, an array of batches, and networks that need more memory than they get at first."""
    targets = ("all", "results/runs/ring_3/trajectories.h5")
    done = submit(folder, *targets, "--set-resources", "evolve:mem_mb=400*attempt")
    expected = local(*targets)
    assert done.returncode == 0, said(done)
    assert "Error in rule evolve" in said(done)
    assert "Submitted array job" in said(done)
    assert_same(folder, expected, "results/runs/ring_3/*.h5")
    assert_same(folder, expected, "results/tables/*.tsv", lines_without_minutes)
    assert (folder / "results/report.html").exists()
