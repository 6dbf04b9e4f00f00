"""The example of the README as it is written, and how long it takes."""

import re
import time
from pathlib import Path

import pytest

import opentdvp as od

ROOT = Path(__file__).parents[2]


def example():
    return re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[1]


def test_the_example_has_ten_lines_and_describes_what_is_possible():
    lines = example().splitlines()
    assert len(lines) <= 10
    described = "\n".join(lines[:3])
    names: dict = {}
    exec(described, names)
    assert names["system"].lattice.n_sites == 10
    first = (ROOT / "docs" / "notebooks" / "first_run.ipynb").read_text()
    assert all(line.strip().replace('"', '\\"') in first for line in lines[1:])


@pytest.mark.slow
def test_the_example_runs_and_its_network_is_quick():
    """Less than a minute where nothing else runs; here its processor time has a wide limit."""
    names: dict = {}
    began = time.process_time()
    lines = example().split("exact = ")
    exec(lines[0], names)
    assert time.process_time() - began < 180
    exec("exact = " + lines[1], names)
    assert od.compare(names["network"], names["exact"], tolerance=0.05).passed
