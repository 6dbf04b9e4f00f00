"""Reading a configuration file, with errors that name the key."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from opentdvp.config.messages import explain, one_line, sentences, shown
from opentdvp.config.networks import CustomNetwork
from opentdvp.config.reading import read_yaml
from opentdvp.config.solver import TdvpSolver
from opentdvp.config.study import Study
from opentdvp.errors import ConfigError

#: Key of a file that changes another one: its path, relative to the file itself.
BASE_KEY = "extends"
#: How many files may change one another.
MOST_LAYERS = 20

#: Where paths of Python files may be; `*` is any name.
_FILES = (
    ("solvers", "*", "network", "file"),
    ("scans", "*", "vary", "network", "*", "file"),
    ("scans", "*", "vary", "network.file", "*"),
)


def load(path: Path) -> Study:
    """Read and validate a configuration file.

    A file with the key `extends: other.yaml` holds only what differs from that file: mappings are
    merged key by key, everything else is replaced. Paths of Python files are relative to the file
    that they stand in.

    Raises
    ------
    ConfigError
        If a file is missing, is not YAML, or does not describe a valid study.
    """
    return load_with_sources(path)[0]


def load_with_sources(path: Path) -> tuple[Study, list[Path]]:
    """A study, and the files that it was read from, the code of its networks included.

    Each file is read once. Errors are those of `load`.
    """
    tree, layers = _read_layers(path)
    study = _validate(tree, path)
    solvers = (solver for solver in study.solvers.values() if isinstance(solver, TdvpSolver))
    networks = (solver.network for solver in solvers)
    return study, layers + [Path(n.file) for n in networks if isinstance(n, CustomNetwork)]


def _validate(tree: dict[str, Any], path: Path) -> Study:
    """Turn a tree of keys into a `Study`; `path` is only named in errors."""
    keys = {k: v for k, v in tree.items() if k != BASE_KEY}
    try:
        return Study.model_validate(keys)
    except ValidationError as error:
        raise ConfigError(one_line(f"{path}: {sentences(explain(error, keys))}")) from error


def _read_layers(path: Path, above: tuple[Path, ...] = ()) -> tuple[dict[str, Any], list[Path]]:
    """Keys of a file merged over those of the file that it extends, and the files there are."""
    try:
        tree = read_yaml(path)
    except ConfigError as error:
        raise ConfigError(one_line(str(error))) from error
    for place in _FILES:
        tree = _located(tree, place, path.parent)
    base = tree.get(BASE_KEY)
    if base is None:
        return tree, [path]
    if not isinstance(base, str):
        raise ConfigError(f"{path}: `{BASE_KEY}` must be a path, but is {shown(base)}.")
    if path.resolve() in above:
        raise ConfigError(f"{path}: `{BASE_KEY}` must not lead back to the file itself.")
    if len(above) == MOST_LAYERS:
        raise ConfigError(f"{path}: `{BASE_KEY}` must not lead over more than {MOST_LAYERS} files.")
    below, layers = _read_layers(path.parent / base, (*above, path.resolve()))
    return merge(below, tree), [path, *layers]


def _located(tree: Any, place: Sequence[str], folder: Path) -> Any:
    """`tree` with the paths at `place` relative to the folder of the file that they stand in."""
    if not place:
        return str(folder / tree) if isinstance(tree, str) else tree
    if not isinstance(tree, dict):
        return tree
    first, *rest = place
    return {k: _located(v, rest, folder) if first in ("*", k) else v for k, v in tree.items()}


def merge(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`base` with `changes` on top; nested mappings are merged, other values replaced."""
    merged = dict(base)
    for key, value in changes.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            merged[key] = merge(old, value)
        else:
            merged[key] = value
    return merged


def json_schema() -> str:
    """JSON schema of a configuration file, for editors; made from the models."""
    schema = Study.model_json_schema()
    schema["properties"][BASE_KEY] = {
        "type": "string",
        "description": "Configuration file that this one changes, relative to this one.",
    }
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
