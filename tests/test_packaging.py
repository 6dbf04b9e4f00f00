"""The lock, environment.yml and pyproject.toml name the same packages in the same versions."""

import ast
import re
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
CONDA_NAMES = {"matplotlib": "matplotlib-base", "snakemake": "snakemake-minimal"}
CONDA_ONLY = {"python": "=3.11", "pip": ""}
PIP_ONLY = ("rocrate",)


def read_project() -> dict[str, Requirement]:
    """The direct dependencies, for running and for development, by name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lines = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    lines += project["project"]["optional-dependencies"]["workflow"]
    return {requirement.name: requirement for requirement in map(Requirement, lines)}


def read_lock(path: str = "requirements.lock") -> dict[str, tuple[str, list[str]]]:
    """Version and hashes of each package in the lock; one that is not pinned raises."""
    entries = (ROOT / path).read_text().replace("\\\n", " ").splitlines()
    lock = {}
    for entry in entries:
        line, *hashes = re.split(r"\s+--hash=", entry.rstrip())
        requirement = Requirement(line)
        (pin,) = requirement.specifier
        assert pin.operator == "==", line
        lock[requirement.name] = (pin.version, hashes)
    return lock


def read_conda() -> tuple[dict[str, str], list[str]]:
    """The pins of environment.yml by conda name, and the lines of its pip section."""
    *packages, last = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    pins = dict(re.findall(r"^([a-z0-9-]+)(.*)$", "\n".join(packages), re.MULTILINE))
    assert len(pins) == len(packages), "a package is listed twice"
    return pins, last["pip"]


PROJECT, LOCK = read_project(), read_lock()


def test_lock_has_hashes() -> None:
    for name, (_, hashes) in LOCK.items():
        assert hashes, name
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", value) for value in hashes), name


def test_lock_has_no_address() -> None:
    assert "://" not in (ROOT / "requirements.lock").read_text()


def test_lock_satisfies_project() -> None:
    for name, requirement in PROJECT.items():
        version, _ = LOCK[name]
        assert version in requirement.specifier, name


def test_lock_of_the_documentation_satisfies_its_group() -> None:
    group = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["docs"]
    lock = read_lock("docs/requirements.lock")
    for requirement in map(Requirement, group):
        assert lock[requirement.name][0] in requirement.specifier, requirement.name
    assert all(hashes for _, hashes in lock.values())
    assert "://" not in (ROOT / "docs" / "requirements.lock").read_text()


def test_conda_pins_equal_the_lock() -> None:
    pins, _ = read_conda()
    names = [name for name in PROJECT if name not in PIP_ONLY]
    expected = {CONDA_NAMES.get(name, name): f"=={LOCK[name][0]}" for name in names}
    assert pins == CONDA_ONLY | expected


def test_conda_installs_the_package_itself_and_what_only_pip_has() -> None:
    _, lines = read_conda()
    assert lines == ["-e .", *(f"{name}=={LOCK[name][0]}" for name in PIP_ONLY)]


def test_a_source_archive_has_what_a_wheel_is_made_of() -> None:
    code = (ROOT / "setup.py").read_text()
    (packaged,) = re.findall(r"^PACKAGED = (\(.*\))$", code, re.MULTILINE)
    named = {
        name
        for line in (ROOT / "MANIFEST.in").read_text().splitlines()
        for name in line.split()[1:]
        if line.startswith(("include", "graft"))
    }
    assert set(ast.literal_eval(packaged)) == named
    assert all((ROOT / name).exists() for name in named)


def test_python_versions_are_those_that_are_named() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"]))
    assert named == ["3.11", "3.12", "3.13"]
    assert project["requires-python"] == f">={named[0]}"


def test_files_that_are_no_code_are_packaged() -> None:
    source = ROOT / "src" / "opentdvp"
    data = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"][
        "package-data"
    ]
    named = {
        path
        for package, patterns in data.items()
        for pattern in patterns
        for path in (ROOT / "src" / package.replace(".", "/")).glob(pattern)
    }
    kept = {p for p in source.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    assert named == {path for path in kept if path.suffix != ".py"}
