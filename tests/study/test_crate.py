"""A study as an RO-Crate: complete, in itself and with its files, and that of the archive."""

import json
import shutil
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from pipeline import ROOT, TINY
from trajectories import write_archive

from opentdvp.config import load
from opentdvp.config.load import load_with_sources
from opentdvp.errors import ConfigError, FileError, OpentdvpError
from opentdvp.records import trajectory
from opentdvp.study import crate

CONFIG = Path("config.yaml")
LICENSE = "https://spdx.org/licenses/MIT"
OLD, NEW = "b" * 40, "c" * 40


def made_up(folder, monkeypatch):
    """The tiny study in a folder to work in, as if all of it had been made."""
    monkeypatch.chdir(folder)
    shutil.copy(TINY, CONFIG)
    shutil.copy(ROOT / "Snakefile", "Snakefile")
    study = load(CONFIG)
    write_archive(study)
    Path(study.output.figures).mkdir()
    for name in ("closeness.md", "overview.md", "runs.md", "panels.md"):
        Path(study.output.figures, name).write_text("made up\n")
    for name in study.figures:
        for kind in ("png", "pdf"):
            Path(study.output.figures, f"{name}.{kind}").write_text("made up\n")
    return study


@pytest.fixture
def study(tmp_path, monkeypatch):
    return made_up(tmp_path, monkeypatch)


def described(study):
    """Its entities by identity."""
    return {entity["@id"]: entity for entity in crate.describe(study, [CONFIG], LICENSE)["@graph"]}


def referred(value):
    """All identities that a value of an entity refers to."""
    if isinstance(value, list):
        return {identity for part in value for identity in referred(part)}
    return {value["@id"]} if isinstance(value, dict) else set()


def test_every_entity_that_is_referred_to_is_there_and_every_file_exists(study):
    entities = described(study)
    for entity in entities.values():
        for value in entity.values():
            here = {one for one in referred(value) if not one.startswith(("http:", "https:"))}
            assert here <= set(entities), entity["@id"]
    files = {name for name, entity in entities.items() if "File" in entity["@type"]}
    assert all(Path(name).is_file() for name in files)
    assert files == referred(entities["./"]["hasPart"])
    made = {p.as_posix() for f in ("results", "figures") for p in Path(f).rglob("*.*")}
    assert files == made | {"config.yaml", "Snakefile"}


def test_it_has_what_the_profiles_ask_for(study):
    entities = described(study)
    root, whole = entities["./"], entities["#workflow"]
    assert entities["ro-crate-metadata.json"]["about"] == {"@id": "./"}
    assert {"name", "description", "license", "datePublished"} <= set(root)
    for profile in referred(root["conformsTo"]):
        assert entities[profile]["@type"] == "CreativeWork"
        assert entities[profile]["version"] in profile
    workflow = entities[root["mainEntity"]["@id"]]
    assert set(workflow["@type"]) == {"File", "SoftwareSourceCode", "ComputationalWorkflow"}
    assert entities[workflow["programmingLanguage"]["@id"]]["name"] == "Snakemake"
    assert whole["instrument"] == {"@id": "Snakefile"}
    taken, given = referred(workflow["input"]), referred(workflow["output"])
    assert {entities[one]["@type"] for one in taken | given} == {"FormalParameter"}
    for name, parameters in (("object", taken), ("result", given)):
        files = [entities[one] for one in referred(whole[name])]
        assert {file["exampleOfWork"]["@id"] for file in files} == parameters


def test_every_run_has_its_code_its_time_and_its_files(study):
    run = study.used()[0]
    path = study.output.trajectory(run)
    read = trajectory.read(path)
    trajectory.write(
        replace(read, provenance={**read.provenance, "revision": f"{OLD},{NEW}"}), path
    )
    timing = Path(str(path).replace(".h5", ".timing.json"))
    entities = described(study)
    actions = {e["name"]: e for e in entities.values() if e["@type"] == "CreateAction"}
    assert len(actions) == len(study.used()) + 1
    action = actions[f"{run.system} by {run.solver}"]
    assert action["identifier"] == study.deck(run).run_id
    assert [entities[code["@id"]]["softwareVersion"] for code in action["instrument"]] == [OLD, NEW]
    assert referred(action["result"]) == {path.as_posix(), timing.as_posix()}
    began, ended = (datetime.fromisoformat(action[name]) for name in ("startTime", "endTime"))
    assert (ended - began).total_seconds() == 1.0


def test_a_run_that_was_resumed_has_no_begin(study):
    run = study.used()[0]
    timing = Path(str(study.output.trajectory(run)).replace(".h5", ".timing.json"))
    timing.write_text(json.dumps(json.loads(timing.read_text()) | {"resumed": True}))
    action = described(study)[f"#{run.system}/{run.solver}"]
    assert "endTime" in action
    assert "startTime" not in action


@pytest.mark.parametrize("missing", ["Snakefile", "figures/dynamics.pdf", "figures/overview.md"])
def test_what_is_missing_is_named(study, missing):
    Path(missing).unlink()
    with pytest.raises(FileError, match=missing.rsplit("/", 1)[-1]):
        crate.describe(study, [CONFIG], LICENSE)


def test_a_run_of_another_configuration_is_refused(study):
    runs = study.used()
    shutil.copy(study.output.trajectory(runs[1]), study.output.trajectory(runs[0]))
    with pytest.raises(FileError):
        crate.describe(study, [CONFIG], LICENSE)


def test_what_is_elsewhere_is_refused(study, tmp_path):
    elsewhere = tmp_path.parent / f"{tmp_path.name}.yaml"
    shutil.copy(CONFIG, elsewhere)
    with pytest.raises(ConfigError, match="must be in the folder that you work in"):
        crate.describe(study, [elsewhere], LICENSE)


def test_the_command_writes_the_same_file_twice_and_no_other_file_over(study, call):
    arguments = ("crate", "config.yaml", "--license", LICENSE)
    code, said, errors = call(*arguments)
    assert code == 0, errors
    assert "ro-crate-metadata.json describes" in said
    content = Path(crate.NAME).read_bytes()
    assert json.loads(content)["@graph"] == list(described(study).values())
    assert call(*arguments)[0] == 0
    assert Path(crate.NAME).read_bytes() == content
    Path(crate.NAME).write_text("{}")
    code, _, errors = call(*arguments)
    assert code == 1
    assert "ro-crate-metadata.json" in errors[-1]


def test_the_library_that_is_missing_is_named(study, monkeypatch):
    monkeypatch.setitem(sys.modules, "rocrate.rocrate", None)
    with pytest.raises(OpentdvpError, match=r"rocrate must be installed.*opentdvp\[workflow\]"):
        crate.describe(study, [CONFIG], LICENSE)


@pytest.mark.slow
def test_the_archived_one_is_that_of_the_archive(monkeypatch):
    monkeypatch.chdir(ROOT)
    study, sources = load_with_sources(Path("config/paper.yaml"))
    archived = json.loads((ROOT / crate.NAME).read_text(encoding="utf-8"))
    assert crate.describe(study, sources, LICENSE) == archived
