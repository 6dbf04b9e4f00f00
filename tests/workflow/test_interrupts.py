"""Fifty interrupts of a network's run under Snakemake: it ends with the bytes of a whole run."""

import os
import random
import shutil
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
import yaml
from pipeline import TINY, command, copy_workflow, environment

TARGET = "results/runs/ring_3/tdvp.h5"

#: Ctrl-C at any time, in the two seconds after the file is written, and the end of the job alone.
KINDS = ("any time", "at the end", "any time", "at the end", "the job")


class Workflow:
    """A folder in which Snakemake makes the run of a small network, saved after every step."""

    def __init__(self, folder, cache):
        self.folder = copy_workflow(folder)
        tree = yaml.safe_load(TINY.read_text())
        tree["solvers"]["tdvp"]["sampling"] = {"kind": "enumeration"}
        (folder / "config" / "config.yaml").write_text(yaml.safe_dump(tree))
        self.environment = environment(folder) | {
            "OPENTDVP_CHECKPOINT_INTERVAL": "0",
            "JAX_COMPILATION_CACHE_DIR": str(cache),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        }

    def start(self):
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        settings = {"cwd": self.folder, "env": self.environment, **pipes}
        return subprocess.Popen(command(TARGET), start_new_session=True, **settings)

    def finish(self):
        """Bytes of the run, and seconds until it is complete."""
        began = time.monotonic()
        process = self.start()
        said = process.communicate()[0]
        assert process.returncode == 0, said
        return (self.folder / TARGET).read_bytes(), time.monotonic() - began

    def forget(self):
        shutil.rmtree(self.folder / "results")

    def written(self):
        """When the run's file was written, or None."""
        file = self.folder / TARGET
        return file.stat().st_mtime_ns if file.exists() else None

    def saved(self):
        return list(self.folder.glob("results/checkpoints/**/*.npz"))

    def counted(self):
        """Whether Snakemake will not make the file again."""
        marks = self.folder / ".snakemake" / "incomplete"
        return self.written() is not None and not (marks.exists() and any(marks.iterdir()))


def job_of(process):
    """The run that Snakemake has started, if any."""
    try:
        children = psutil.Process(process.pid).children(recursive=True)
        return next((c for c in children if "opentdvp" in " ".join(c.cmdline()[1:2])), None)
    except psutil.Error:
        return None


def wait(condition, process):
    while not (found := condition()) and process.poll() is None:
        time.sleep(0.005)
    return found


def interrupt(workflow, kind, duration, chance):
    """Start the workflow, and end it or its job."""
    before = workflow.written()
    process = workflow.start()
    if kind == "the job":
        job = wait(lambda: job_of(process), process)
        time.sleep(chance.uniform(0, duration / 2))
        if job is not None and job.is_running():
            job.send_signal(chance.choice([signal.SIGTERM, signal.SIGKILL]))
        return process
    if kind == "any time":
        time.sleep(chance.uniform(0, duration))
    else:
        wait(lambda: workflow.written() not in (None, before), process)
        time.sleep(chance.uniform(0, 2))
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
    return process


def interrupt_often(workflow, count, seed, whole, duration):
    """How many of the interrupts came after the file was written."""
    chance = random.Random(seed)
    late, begun = 0, False
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        process = interrupt(workflow, kind, duration, chance)
        said = process.communicate()[0]
        assert "LockException" not in said
        assert "IncompleteFilesException" not in said
        assert not [path for path in workflow.folder.glob("results/**/.*") if path.suffix == ".h5"]
        if workflow.written() is not None:
            late += 1
            assert (workflow.folder / TARGET).read_bytes() == whole
        begun = begun or workflow.written() is not None or bool(workflow.saved())
        if workflow.counted():
            workflow.forget()
            begun = False
        assert workflow.saved() or not begun, (kind, said)
    assert workflow.finish()[0] == whole
    return late


@pytest.mark.slow
def test_a_run_interrupted_twenty_times_goes_on(tmp_path):
    """Each time its file is complete, or there is a checkpoint; the same command goes on."""
    flows = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        flows.append(Workflow(tmp_path / name, tmp_path / "compiled"))
    whole, _ = flows[0].finish()
    again, duration = flows[1].finish()
    assert again == whole
    for workflow in flows:
        workflow.forget()
    with ThreadPoolExecutor(2) as both:
        counts = [
            both.submit(interrupt_often, workflow, 10, seed, whole, duration)
            for seed, workflow in enumerate(flows)
        ]
        assert sum(count.result() for count in counts) >= 4
