"""Imports go one way.

geometry ← config ← physics, records ← protocol ← engine, references ← running ← interface, pipeline
← cli.
"""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "opentdvp"

#: What each room may import from the package, besides itself.
ALLOWED = {
    "errors": set(),
    "geometry": set(),
    "config": {"errors", "geometry"},
    "physics": {"config", "errors", "geometry"},
    "records": {"config", "errors"},
    "protocol": {"config", "errors", "records"},
    "engine": {"config", "errors", "geometry", "physics", "protocol", "records"},
    "references": {"config", "errors", "geometry", "physics", "protocol", "records"},
    "judging": {"config", "errors", "records"},
    "figures": {"config", "errors", "physics", "records"},
    "study": {"config", "errors", "figures", "judging", "records"},
    "running": {"config", "engine", "errors", "protocol", "records", "references"},
    "interface": {
        "config",
        "engine",
        "errors",
        "figures",
        "judging",
        "protocol",
        "records",
        "running",
        "study",
    },
    "pipeline": {"config", "errors", "figures", "records", "running", "study"},
}

#: Inside some rooms, each file or room may import those before it.
ORDERS = {
    "physics": ["spin", "operators", "model", "pauli", "observables"],
    "geometry": ["lattice", "kinds"],
    "physics/pauli": [
        "strings", "local_generators", "symmetries", "orbits", "row_blocks", "reduced_generator",
        "cuts", "cut_orbits",
    ],
    "physics/observables": ["quantities", "derived"],
    "records": [
        "result_code", "files", "locks", "memory", "permissions", "provenance", "timing",
        "estimates",
        "checkpoint", "dimensions", "observable", "trajectory", "from_solver",
    ],
    "engine": [
        "compilation_cache", "devices", "povm", "ansatz", "sampling", "estimates", "principle",
        "measuring", "assembly", "compiled", "growing", "functions", "observing", "build",
        "evaluations", "steps", "evolve", "kept_parameters", "measure", "small_copies", "forecast",
    ],
    "references": [
        "site_averages", "time_steps", "kept_states", "exact", "trajectories", "tensors", "moments",
    ],
    "running": [
        "signals", "progress", "keeper", "solvers", "continuation", "solve", "measure", "forecast",
    ],
    "interface": [
        "validated", "systems", "own_networks", "solvers", "words", "tables", "results", "progress",
        "solving", "measuring", "comparing", "plotting", "studies",
    ],
    "pipeline": ["own_project", "project", "validation", "job", "jobs", "execute", "whole"],
}  # fmt: skip

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


@pytest.mark.parametrize("room", ORDERS)
def test_parts_of_a_room_import_only_earlier_ones(room):
    order, prefix = ORDERS[room], f"opentdvp.{room.replace('/', '.')}."
    parts = {path.stem for path in (SOURCE / room).iterdir()} - {"__init__", "__pycache__"}
    assert parts == set(order)
    for part in order:
        whole = SOURCE / room / part
        files = whole.rglob("*.py") if whole.is_dir() else [whole.with_suffix(".py")]
        names = [name for file in files for name in imports(file) if name.startswith(prefix)]
        used = {name.removeprefix(prefix).split(".")[0] for name in names}
        assert used <= {*order[: order.index(part)], part}, part


def test_the_integrator_knows_no_physics():
    path = SOURCE / "engine" / "principle" / "integrator.py"
    assert not [name for name in imports(path) if "opentdvp" in name]


def test_h5py_is_imported_in_one_place():
    users = [f.stem for f in SOURCE.rglob("*.py") if any("h5py" in n for n in imports(f))]
    assert users == ["trajectory"]


@pytest.mark.parametrize(
    "module", ["cli", "config", "judging", "figures", "protocol", "records", "study", "cli.show"]
)
def test_drawing_and_comparing_never_load_a_solver(module):
    code = f"import sys, opentdvp.{module}; print({HEAVY!r} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
