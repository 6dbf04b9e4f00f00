"""The wheel alone, in an environment of its own, without the repository."""

import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from pipeline import TINY, said

ROOT = Path(__file__).parents[1]
#: What setuptools builds from.
SOURCES = ("src", "workflow", "profiles", "config")
SOURCES += ("Snakefile", "environment.yml", "pyproject.toml", "setup.py", "MANIFEST.in")
SOURCES += ("README.md", "LICENSE")

UV = (sys.executable, "-m", "uv")

pytestmark = pytest.mark.slow


def run(*command, **settings):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, **settings)
    assert done.returncode == 0, said(done)
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from a copy, since setuptools writes into the folder that it builds from."""
    folder = tmp_path_factory.mktemp("sources")
    for name in SOURCES:
        skipped = shutil.ignore_patterns("__pycache__", "*.egg-info")
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=skipped)
        else:
            shutil.copy(ROOT / name, folder)
    run(
        *UV,
        "build",
        "--wheel",
        "--no-build-isolation",
        "--offline",
        *("--python", sys.executable),
        cwd=folder,
    )
    (path,) = (folder / "dist").glob("*.whl")
    return path


@pytest.fixture(scope="module")
def project(tmp_path_factory, wheel):
    """A project written, and its study made, by the wheel; and the programs of its environment.

    The other packages are those of this environment: its folder is on the path, but what makes
    opentdvp itself importable there is not read.
    """
    top = tmp_path_factory.mktemp("elsewhere")
    run(sys.executable, "-m", "venv", "--without-pip", top / "environment")
    programs = top / "environment" / "bin"
    python = programs / "python"
    run(*UV, "pip", "install", "--python", python, "--no-deps", "--offline", wheel)
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(run(python, "-c", where).stdout.strip())
    (packages / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    run(programs / "opentdvp", "init", top / "own")
    shutil.copy(TINY, top / "own" / "config" / "config.yaml")
    done = run(programs / "opentdvp", "study", "config/config.yaml", "--jobs", "2", cwd=top / "own")
    assert "19 jobs were run, 0 were" in done.stdout
    return top / "own", programs


def test_a_wheel_has_all_but_results_and_tests(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    packaged = "opentdvp/pipeline/repository"
    for name in ("Snakefile", "workflow/rules/common.smk", "config/small.yaml"):
        assert f"{packaged}/{name}" in names
    for folder in ("workflow", "config", "profiles"):
        kept = [p for p in (ROOT / folder).rglob("*") if p.is_file()]
        assert {f"{packaged}/{path.relative_to(ROOT)}" for path in kept} <= set(names)
    assert {"opentdvp/py.typed", "opentdvp/config/presets.yaml"} <= set(names)
    assert not [name for name in names if name.startswith("tests") or name.endswith(".h5")]


def test_the_package_is_that_of_the_wheel(project):
    folder, programs = project
    code = "import opentdvp.pipeline.project as p; print(p.__file__, p.SNAKEFILE)"
    for path in run(programs / "python", "-c", code, cwd=folder).stdout.split():
        assert Path(path).is_relative_to(programs.parent)
    assert run(programs / "opentdvp", "--version", cwd=folder).stdout == "opentdvp 0.1.0\n"


def test_snakemake_finds_everything_done(project):
    folder, programs = project
    snakemake = (programs / "python", "-m", "snakemake", "--cores", "2")
    for arguments in (("--dry-run",), ()):
        done = run(*snakemake, *arguments, cwd=folder)
        assert "Nothing to be done" in said(done)


def test_study_finds_done_what_snakemake_has_made(project):
    """Snakemake makes one run and what follows from it; afterwards nothing is left to do."""
    folder, programs = project
    (folder / "results/runs/ring_3/tolerances_r6.h5").unlink()
    run(programs / "python", "-m", "snakemake", "--cores", "2", cwd=folder)
    assert (folder / "results/report.html").exists()
    done = run(programs / "opentdvp", "study", "config/config.yaml", cwd=folder)
    assert "0 jobs were run, 19 were" in done.stdout


def test_snakemake_refuses_what_it_would_take_for_current(project):
    """A change of the configuration after the study, of which it does not know the settings."""
    folder, programs = project
    path = folder / "config" / "config.yaml"
    kept = path.read_text()
    path.write_text(kept.replace("magnetization: 0.1,", "magnetization: 0.2,"))
    command = [programs / "python", "-m", "snakemake", "--cores", "1", "--dry-run"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    path.write_text(kept)
    assert done.returncode == 1
    assert "give `opentdvp study config/config.yaml` again" in said(done)
