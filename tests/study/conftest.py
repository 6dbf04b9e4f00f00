"""A configuration with an archive."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pipeline import TINY
from trajectories import write_archive

from opentdvp.config import load


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Keys of a configuration that has, under other names, the decks of an archive."""
    monkeypatch.chdir(tmp_path)
    write_archive(load(TINY))
    renamed: dict[str, Any] = yaml.safe_load(TINY.read_text().replace("ring_3", "triangle"))
    renamed["output"] = {"results": "mine", "figures": "drawn"}
    solvers = ["exact", "tolerances_r6", "tolerances_r7"]
    return renamed | {"archive": {"results": "results", "solvers": solvers}}
