"""Running the workflow in a folder of its own, on the tiny configuration."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: On SLURM with the profile of the repository, seconds rather than a minute from a job to the next.
ON_SLURM = (
    *("--workflow-profile", "workflow/profiles/slurm"),
    *("--slurm-init-seconds-before-status-checks", "2", "--latency-wait", "5"),
)
TINY = ROOT / "tests" / "config" / "tiny.yaml"


def copy_workflow(folder):
    """A folder with code, workflow and the tiny configuration, not run yet."""
    for name in ("workflow", "profiles", "config", "src"):
        skipped = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(ROOT / name, folder / name, ignore=skipped)
    for name in ("Snakefile", "environment.yml"):
        shutil.copy(ROOT / name, folder)
    shutil.copy(TINY, folder / "config" / "config.yaml")
    return folder


def command(*arguments):
    return [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]


def environment(folder):
    """The rules call `opentdvp` by name, as in an activated environment."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return os.environ | {"PATH": path, "PYTHONPATH": str(folder / "src")}


def snakemake(folder, *arguments):
    settings = {"cwd": folder, "env": environment(folder), "capture_output": True, "text": True}
    return subprocess.run(command(*arguments), **settings)


def start(folder, *arguments, **streams):
    """Snakemake in the background, on SLURM."""
    settings = {"cwd": folder, "env": environment(folder), **streams}
    return subprocess.Popen(command(*arguments, *ON_SLURM), **settings)


def said(done):
    """Everything printed: a dry run reports errors on standard output."""
    return done.stdout + done.stderr


def planned(folder, *arguments):
    """Rules and wildcards of the jobs that a dry run plans, without the tables of everything."""
    done = snakemake(folder, *arguments, "--dry-run")
    assert done.returncode == 0, said(done)
    blocks = re.split(r"\n(?=rule )", said(done))
    jobs = [
        (re.match(r"rule (\w+):", block)[1], re.search(r"wildcards: (.*)", block))
        for block in blocks
        if block.startswith("rule ")
    ]
    names = {(rule, found[1] if found else "") for rule, found in jobs}
    return {job for job in names if job[0] not in ("all", "overview")}


def cells(line):
    """Cells of a line of a Markdown table; those at its ends may be empty."""
    return [cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")]


def tables(path):
    """Tables of a Markdown file with headings, as dictionaries by row."""
    parts = (part.splitlines() for part in path.read_text().split("## ")[1:])
    found = ([cells(line) for line in part if line.startswith("|")] for part in parts)
    return [[dict(zip(head, row, strict=True)) for row in rows] for head, _, *rows in found]


def submit(folder, *arguments, patience=300):
    """Snakemake on SLURM, interrupted and started again where it waits for jobs that have ended.

    The plugin loses its jobs where SLURM does not answer it (docs/running.md). Between two looks at
    its jobs, up to three minutes, it does not notice that it is interrupted.
    """
    output = ""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    for _ in range(3):
        with start(folder, *arguments, **pipes) as process:
            try:
                output += process.communicate(timeout=patience)[0]
                break
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGINT)
                output += process.communicate(timeout=240)[0]
    return subprocess.CompletedProcess(process.args, process.returncode, output, "")


def lines_without_minutes(path):
    """Rows of a table without what no two runs share: how long the computing took."""
    head, *rows = [line.split("\t") for line in path.read_text().splitlines()]
    kept = [number for number, name in enumerate(head) if name != "minutes"]
    return [[row[number] for number in kept] for row in (head, *rows)]


def assert_same(folder, local, pattern, read=Path.read_bytes):
    """Files equal those of the local run, byte for byte or as they are read."""
    expected = sorted(path.relative_to(local) for path in local.glob(pattern))
    assert expected
    for path in expected:
        assert read(folder / path) == read(local / path), path
