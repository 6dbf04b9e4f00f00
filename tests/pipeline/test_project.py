"""A project of one's own: what is written, and where nothing is."""

import re
from pathlib import Path

import pytest

from opentdvp import config
from opentdvp.errors import FileError
from opentdvp.pipeline import project

ROOT = Path(__file__).parents[2]


def test_a_project_has_a_valid_configuration_of_ten_lines(tmp_path, call):
    code, said, _ = call("init", tmp_path / "new" / "own")
    assert code == 0
    folder = tmp_path / "new" / "own"
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert names == {
        *("README.md", "Snakefile", "config/config.yaml"),
        *("profiles/default/config.yaml", "profiles/slurm/config.yaml"),
    }
    assert all(str(folder / name) in said for name in names)
    assert len((folder / "config/config.yaml").read_text().splitlines()) <= 10
    assert [run.solver for run in config.load(folder / "config/config.yaml").used()] == [
        *("network", "exact")
    ]


def test_its_configuration_is_that_of_the_readme(tmp_path):
    project.create(tmp_path)
    example = re.search(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert (tmp_path / project.CONFIGURATION).read_text() == example[1]


def test_the_snakefile_is_that_of_the_repository():
    assert Path(project.SNAKEFILE) == ROOT / "Snakefile"


def test_only_an_empty_folder_becomes_a_project(tmp_path, call):
    (tmp_path / "file").write_text("mine")
    for folder, words in (
        (tmp_path, "must be an empty folder, but holds file; choose another name."),
        (tmp_path / "file", "must be a folder, but is a file."),
        (tmp_path / "file" / "own", "Not a directory"),
    ):
        with pytest.raises(FileError, match=words):
            project.create(folder)
        code, _, errors = call("init", folder)
        assert (code, len(errors)) == (1, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
