"""Reading a configuration file, with errors that name the key."""

import json
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from opentdvp.config.solver import CustomNetwork, TdvpSolver
from opentdvp.config.study import Study
from opentdvp.errors import ConfigError

#: Key of a file that changes another one: its path, relative to the file itself.
BASE_KEY = "extends"


def load(path: Path) -> Study:
    """Read and validate a configuration file.

    A file with the key `extends: other.yaml` holds only what differs from that file: mappings are
    merged key by key, everything else is replaced.

    Raises
    ------
    ConfigError
        If a file is missing, is not YAML, or does not describe a valid study.
    """
    return _validate(read_layers(path), path)


def _validate(tree: dict[str, Any], path: Path) -> Study:
    """Turn a tree of keys into a `Study`; `path` is only named in errors."""
    try:
        return Study.model_validate({k: v for k, v in tree.items() if k != BASE_KEY})
    except ValidationError as error:
        lines = [_line(detail) for detail in error.errors(include_url=False)]
        raise ConfigError(f"{path}: " + "; ".join(dict.fromkeys(lines))) from error


def read_layers(path: Path, above: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Keys of a file merged over those of the file that it extends."""
    if path.resolve() in above:
        raise ConfigError(f"{path}: `{BASE_KEY}` must not lead back to the file itself.")
    tree = _read_yaml(path)
    base = tree.get(BASE_KEY)
    if base is None:
        return tree
    if not isinstance(base, str):
        raise ConfigError(f"{path}: `{BASE_KEY}` must be a path, but is {base!r}.")
    return merge(read_layers(path.parent / base, (*above, path.resolve())), tree)


def sources(path: Path, study: Study) -> list[Path]:
    """The files that a study was read from, the code of its networks included."""
    layers, base = [path], _read_yaml(path).get(BASE_KEY)
    while base is not None:
        layers.append(layers[-1].parent / base)
        base = _read_yaml(layers[-1]).get(BASE_KEY)
    solvers = (solver for solver in study.solvers.values() if isinstance(solver, TdvpSolver))
    networks = (solver.network for solver in solvers)
    return layers + [Path(n.file) for n in networks if isinstance(n, CustomNetwork)]


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


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"Cannot read {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"Cannot read {path}: it is not a text file in UTF-8.") from error
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"{path}: it is not valid YAML: {reason}.") from error
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}: it must be a mapping of keys, but is {type(tree).__name__}.")
    return tree


def _line(detail: Any) -> str:
    """One error of pydantic in our grammar: key, what it must be, what it is."""
    # Validators of whole models carry their own key; those of a union name the member tried.
    key = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        return f"`{key}` is not a known key."
    if detail["type"] == "missing":
        return f"`{key}` is required, but is missing."
    message = detail["msg"].removeprefix("Value error, ").removeprefix("Input ")
    if detail["type"] == "value_error":
        return f"{key}: {message}." if key else f"{message}."
    return f"`{key}` {message}, but is {detail['input']!r}."
