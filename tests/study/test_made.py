"""What was made without Snakemake is refused once the configuration has changed."""

import os
from pathlib import Path

import pytest
import yaml
from pipeline import TINY

from opentdvp.config import load
from opentdvp.errors import ConfigError, FileError
from opentdvp.study import made


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text(TINY.read_text())
    return tmp_path


CONFIG = Path("config.yaml")


def changed(tolerance):
    tree = yaml.safe_load(TINY.read_text())
    tree["comparisons"]["ring_3"]["tolerance"] = tolerance
    CONFIG.write_text(yaml.safe_dump(tree))
    return load(CONFIG)


def test_files_are_outdated_after_a_change_until_they_are_made_again(folder):
    study, file = load(CONFIG), Path("results", "made.tsv")
    made.refuse_outdated(study, CONFIG)
    file.parent.mkdir()
    file.write_text("1")
    made.note(study, CONFIG, [file])
    assert made.outdated(load(CONFIG), CONFIG) == []
    other = changed(0.3)
    assert made.outdated(other, CONFIG) == [file]
    with pytest.raises(ConfigError, match=r"1 files were made without .* as results/made\.tsv"):
        made.refuse_outdated(other, CONFIG)
    assert made.outdated(other, Path("another.yaml")) == []
    # By Snakemake, which knows its settings.
    os.utime(file, ns=(1, 1))
    made.refuse_outdated(other, CONFIG)
    file.unlink()
    made.refuse_outdated(other, CONFIG)


def test_a_note_holds_for_all_files_so_far(folder):
    first, second = Path("first"), Path("second")
    for path in (first, second):
        path.write_text("1")
    made.note(load(CONFIG), CONFIG, [first])
    other = changed(0.3)
    made.note(other, CONFIG, [second])
    assert made.outdated(other, CONFIG) == []
    assert set(made.outdated(changed(0.4), CONFIG)) == {first, second}


@pytest.mark.parametrize("content", ["", "[1]", '{"../config.yaml": 1}'])
def test_a_damaged_list_is_named(folder, content):
    Path("results").mkdir()
    Path("results", "made_by_study.json").write_text(content)
    with pytest.raises(FileError, match=r"made_by_study\.json.*delete it"):
        made.outdated(load(CONFIG), CONFIG)
