"""Folders to write to: what is a good one, and what is refused before anything is written."""

import pytest
import yaml

from opentdvp.config import load
from opentdvp.errors import ConfigError

GOOD = {
    "results": "results",
    "my results": "my results",
    "results/mine/": "results/mine",
    "./results//mine": "results/mine",
    "../beside": "../beside",
    "config/mine": "config/mine",
    "Ergebnisse (für 2.0)": "Ergebnisse (für 2.0)",
}


@pytest.fixture
def loaded(tmp_path, monkeypatch):
    """Load a configuration with these folders, working in a project."""
    project = tmp_path / "project"
    for folder in ("src", "config", "workflow"):
        (project / folder).mkdir(parents=True)
    (project / "notes").write_text("")
    (project / "link").symlink_to("src")
    monkeypatch.chdir(project)

    def load_with(results, figures="figures"):
        tree = {"output": {"results": str(results), "figures": figures}}
        path = project / "config" / "mine.yaml"
        path.write_text(yaml.safe_dump(tree | {"systems": {}, "solvers": {}}))
        return load(path).output

    return load_with


@pytest.mark.parametrize("folder", GOOD)
def test_a_folder_may_have_spaces_and_is_written_plainly(loaded, folder):
    assert loaded(folder).results == GOOD[folder]


def test_an_absolute_folder_is_good(loaded, tmp_path):
    assert loaded(tmp_path / "other").results == str(tmp_path / "other")


@pytest.mark.parametrize(
    "folder",
    [
        *("~/x", "$HOME/x", "${HOME}", "{system}", "a*", "r; touch INJECTED", "$(id)", "`id`"),
        *("a'b", 'a"b', "a\\b", "a\nb", "a|b", "a>b", "a&", "-rf", " a", "a ", ""),
    ],
)
def test_what_a_shell_would_take_for_something_else_is_refused(loaded, folder):
    with pytest.raises(ConfigError, match=r"output\.results.*must be a folder of letters"):
        loaded(folder)


@pytest.mark.parametrize(
    "folder",
    [".", "..", "../..", "/", "../project", "results/..", "src", "src/x", "link", "config"],
)
def test_a_folder_of_the_project_itself_is_refused(loaded, folder):
    with pytest.raises(ConfigError, match=r"output\.figures.*must be a folder of its own"):
        loaded("results", folder)


@pytest.mark.parametrize("folder", ["notes", "notes/x"])
def test_a_file_is_no_folder(loaded, folder):
    with pytest.raises(ConfigError, match=r"output\.results.*is a file or in one"):
        loaded(folder)
