"""What the pages say is there: commands, options, files, settings; and pictures are described."""

import json
import re
import shutil

import pytest
import yaml
from pages import PAGES, ROOT, TAUGHT, blocks, commands, name
from typer.main import get_command

from opentdvp import config
from opentdvp.cli.app import app
from opentdvp.running.solvers import check

TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
VARIABLES = set(re.findall(r"^([A-Z]+) =", (ROOT / "Makefile").read_text(), re.MULTILINE))
OURS = get_command(app).commands
RING = """
systems:
  ring:
    lattice: {kind: chain, size: [8], periodic: true}
    couplings: {ZZ: 1}
    start: {Z: 1}
    time: {stop: 1}
"""
TABLES = {"systems", "solvers", "comparisons", "figures", "scans", "extends", "output"}


def by_name(paths):
    return pytest.mark.parametrize("path", paths, ids=name)


def named_files(words):
    """Files of the repository among the words of a command, without placeholders."""
    values = [word.split("=", 1)[-1].strip("'\"") for word in words]
    return [value for value in values if re.match(r"(config|workflow|docs|tests)/", value)]


@by_name(PAGES)
def test_commands_on_a_page_are_there(path):
    for program, words in commands(path):
        said = f"{program} {' '.join(words)}"
        if program == "make":
            plain = [word for word in words if not word.startswith("-") and "=" not in word]
            assert set(plain[:1]) <= TARGETS | {".venv/.ready"}, said
            given = {word.split("=")[0] for word in words if re.match(r"[A-Z]+=", word)}
            assert given <= VARIABLES, said
        elif program == "opentdvp" and words and not words[0].startswith("-"):
            assert words[0] in OURS, said
            options = {option for p in OURS[words[0]].params for option in p.opts}
            used = {word.split("=")[0] for word in words if word.startswith("--")}
            assert used <= options | {"--help"}, said
        missing = [file for file in named_files(words) if not (ROOT / file).exists()]
        assert not missing, said


def test_commands_are_found_on_pages():
    """Otherwise the test above could not fail."""
    found = {path.name: commands(path) for path in PAGES}
    assert ("make", ["demo"]) in found["start.md"]
    assert ("opentdvp", ["validate", "mine.yaml"]) in found["start.md"]
    assert sum(map(len, found.values())) > 60


# In jastrow.md the keys that other ansätze have too are left out.
@by_name([path for path in PAGES if blocks(path, "yaml") and path.stem != "jastrow"])
def test_settings_on_a_page_are_valid(path, tmp_path):
    """Blocks that are whole tables of a configuration, with a ring where they have no system."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    for number, block in enumerate(blocks(path, "yaml")):
        try:
            found = yaml.safe_load(block)
        except yaml.YAMLError:  # several alternatives with one key
            continue
        if not isinstance(found, dict) or not set(found) <= TABLES:
            continue
        alone = not {"systems", "extends"} & set(found)
        file = tmp_path / f"{number}.yaml"
        file.write_text(block + RING if alone else block)
        study = config.load(file)
        runs = [config.Run(system="ring", solver=name) for name in found.get("solvers", ())]
        for run in runs if alone else study.used():
            check(study.deck(run))


@by_name(TAUGHT)
def test_pictures_on_a_page_are_described(path):
    pictures = re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", path.read_text())
    for alternative, file in pictures:
        assert (path.parent / file).is_file(), file
        assert len(alternative) >= 60, file


def test_gallery_has_every_panel_and_example():
    gallery = (ROOT / "docs" / "gallery.md").read_text()
    panels = {"fig1", "fig2ab", "fig2cd", "fig3a", "fig3b", "figS1", "figS2", "figS3", "figS4"}
    examples = {path.stem for path in (ROOT / "config" / "examples").glob("*.yaml")}
    for panel in panels:
        assert f"](paper/{panel}.png)" in gallery
    for example in examples:
        assert f"make figures CONFIG=config/examples/{example}.yaml" in gallery


def test_hbar_and_pauli_are_said_before_the_first_settings():
    for path in (ROOT / "README.md", ROOT / "docs" / "start.md", ROOT / "docs" / "systems.md"):
        before = path.read_text().split("```yaml")[0]
        assert re.search(r"ħ = 1|\\hbar = 1", before), path
        assert re.search(r"not\s+spin-½", before), path


def test_words_of_ours_are_explained():
    words = (ROOT / "docs" / "words.md").read_text()
    for word in ("orbit", "held out", "deck", "window", "string", "residual", "run", "closure"):
        assert re.search(rf"^\*\*{word}\*\*$", words, re.MULTILINE) or word == "closure", word


def test_numbers_of_the_account_are_in_the_tables():
    """Each row of what was reproduced is that of the overview, to its digits."""
    account = (ROOT / "docs" / "replication.md").read_text()
    overview = (ROOT / "docs" / "paper" / "overview.md").read_text().splitlines()
    rows = {
        line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")] for line in overview
    }
    told = re.findall(r"\| ([\d.]+) / ([\d.]+) \| `(\w+)` \|", account)
    assert len(told) == 8
    for magnetisations, correlators, row in told:
        assert (rows[row][3], rows[row][5]) == (magnetisations, correlators), row


def test_manifest_of_a_check_has_every_figure_and_page():
    check = yaml.safe_load((ROOT / "codecheck.yml").read_text())
    files = {entry["file"] for entry in check["manifest"]}
    assert all((ROOT / file).is_file() for file in files)
    study = config.load(ROOT / "config" / "paper.yaml")
    assert {f"docs/paper/{figure}.png" for figure in study.figures} <= files
    assert {
        f"docs/paper/{page}.md" for page in ("overview", "closeness", "panels", "runs")
    } <= files


def test_metadata_agree():
    cff = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    meta = json.loads((ROOT / "codemeta.json").read_text())
    catalogue = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())
    version = re.search(r'^version = "(.*)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert cff["version"] == meta["version"] == version[1]
    assert meta["license"].endswith(cff["license"])
    assert {reference["type"] for reference in cff["references"]} == {"article", "dataset"}
    assert set(catalogue["usage"]) == {"mandatory-flags", "software-stack-deployment", "report"}
    for folder in ("config", "profiles"):
        assert (ROOT / folder / "README.md").is_file()
