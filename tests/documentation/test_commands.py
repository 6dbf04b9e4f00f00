"""Commands on the pages are run: those of the first page as they stand, long ones as a plan."""

import os
import re
import subprocess

import pytest
from pages import PAGES, ROOT, blocks, commands
from pipeline import copy_workflow, environment, said

START = ROOT / "docs" / "start.md"
RING = "\n".join(blocks(START, "yaml")[:1])


def plannable(words):
    """Whether a command is whole, and has nothing that a reader must fill in."""
    return not any(re.search(r"…|\b(SYSTEM|SOLVER|FILE|CONFIG|DIR)\b(?!=)", word) for word in words)


PLANNED = sorted(
    {
        (program, *(word.strip("'") for word in words))
        for path in PAGES
        for program, words in commands(path)
        if program in ("make", "snakemake") and words and plannable(words)
    }
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A copy of the project, in which Snakemake leaves its files."""
    folder = copy_workflow(tmp_path_factory.mktemp("project"))
    for name in ("Makefile", "requirements.lock", "pyproject.toml", "docs", "benchmarks", "tests"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "results").mkdir()
    (folder / "results" / "paper").symlink_to(ROOT / "results" / "paper")
    (folder / "config" / "config.yaml").unlink()
    (folder / "config" / "config.yaml").write_text((ROOT / "config" / "config.yaml").read_text())
    (folder / "mine.yaml").write_text(RING)
    return folder


def run(folder, words):
    done = subprocess.run(
        words, cwd=folder, env=environment(folder), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, said(done)
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("words", PLANNED, ids=" ".join)
def test_commands_can_be_planned(folder, words):
    run(folder, [*words, "--dry-run"])


def test_commands_to_plan_are_found():
    """Otherwise the test above could not fail."""
    assert ("make", "demo") in PLANNED
    assert ("snakemake", "--cores", "2", "--configfile", "mine.yaml") in PLANNED


@pytest.mark.slow
def test_first_page_does_what_it_says(tmp_path):
    """From the settings on the page to its table of files, by its own commands."""
    folder = copy_workflow(tmp_path)
    (folder / "mine.yaml").write_text(RING)
    given = [[program, *words] for program, words in commands(START) if program != "make"]
    asked = [words[1] for words in given if words[0] == "opentdvp"]
    assert asked == ["validate", "show", "estimate"]
    printed = {words[1]: run(folder, words) for words in given}
    assert "tdvp" in printed["show"]
    assert "2 of 2 runs are estimated" in printed["estimate"]
    files = re.findall(r"^\| `([^`]+)` \|", START.read_text(), re.MULTILINE)
    assert len(files) == 4
    assert all((folder / name).stat().st_size > 0 for name in files)
    for name in files:
        assert os.path.getmtime(folder / name) >= os.path.getmtime(folder / "mine.yaml")
