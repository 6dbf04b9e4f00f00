"""One direction of imports: config ← models ← engine, references ← solve ← command line."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "opentdvp"

#: What each room may import from the package, besides itself.
ALLOWED = {
    "errors": set(),
    "results": set(),
    "spin": set(),
    "files": {"errors"},
    "provenance": set(),
    "outputs": {"errors", "files"},
    "timing": {"files", "outputs"},
    "config": {"errors", "spin"},
    "models": {"config", "spin"},
    "trajectory": {"errors", "files", "outputs", "results"},
    "checkpoint": {"errors", "files", "outputs"},
    "keeping": {"checkpoint", "errors", "files", "outputs"},
    "stopping": {"errors"},
    "recording": {"checkpoint", "config", "provenance", "results", "trajectory"},
    "engine": {
        "checkpoint", "config", "errors", "files", "models", "recording", "results", "spin",
        "trajectory",
    },
    "references": {
        "checkpoint", "config", "errors", "models", "recording", "results", "spin", "trajectory",
    },
    "compare": {"config", "errors", "files", "outputs", "results", "timing", "trajectory"},
    "figures": {"config", "errors", "files", "outputs", "results", "spin", "trajectory"},
    "drawing": {"compare", "config", "figures", "trajectory"},
    "verify": {
        "compare", "config", "drawing", "errors", "figures", "results", "timing", "trajectory",
    },
    "progress": {"errors"},
    "show": {"timing", "trajectory"},
    "solve": {
        "checkpoint", "config", "engine", "errors", "files", "keeping", "outputs", "progress",
        "references", "results", "stopping", "timing", "trajectory",
    },
}  # fmt: skip

#: Inside the engine, each module may import those before it.
ENGINE = [
    "compilation_cache",
    "povm", "lindblad", "ansatz", "recurrent", "networks", "orbit", "devices", "classes",
    "ensemble", "enumeration", "sampler", "following", "estimator", "normal_equations", "tdvp",
    "observables", "positivity", "integrator", "compiled", "stepping", "evolve",
]  # fmt: skip

HEAVY = {"jax", "flax", "qutip", "tenpy"}


def imports(path):
    """Full names of all modules that a file imports, lazily or not."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms():
    return sorted(p for p in SOURCE.iterdir() if p.suffix == ".py" or (p / "__init__.py").exists())


@pytest.mark.parametrize("room", rooms(), ids=lambda path: path.stem)
def test_rooms_import_only_what_lies_below(room):
    if room.stem in ("__init__", "__main__", "cli"):
        return
    files = room.rglob("*.py") if room.is_dir() else [room]
    used = {
        name.split(".")[1]
        for file in files
        for name in imports(file)
        if name.startswith("opentdvp.")
    }
    assert used - {room.stem} <= ALLOWED[room.stem]


def test_engine_modules_import_only_earlier_ones():
    for file in (SOURCE / "engine").glob("*.py"):
        used = {n.split(".")[2] for n in imports(file) if n.startswith("opentdvp.engine.")}
        earlier = ENGINE[: ENGINE.index(file.stem)] if file.stem in ENGINE else ENGINE[:1]
        assert used <= set(earlier), file.stem
    assert not [n for n in imports(SOURCE / "engine" / "integrator.py") if "opentdvp" in n]


def test_h5py_is_imported_in_one_place():
    users = [f.stem for f in SOURCE.rglob("*.py") if any("h5py" in n for n in imports(f))]
    assert users == ["trajectory"]


@pytest.mark.parametrize("module", ["cli", "config", "compare", "figures", "trajectory", "show"])
def test_drawing_and_comparing_never_load_a_solver(module):
    code = f"import sys, opentdvp.{module}; print({HEAVY!r} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
