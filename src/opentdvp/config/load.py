"""Reading a configuration file, with errors that name the key."""

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from opentdvp.config.extends import add_extends, merge, read_layers
from opentdvp.config.messages import explain, one_line, sentences
from opentdvp.config.networks import CustomNetwork
from opentdvp.config.output import Output
from opentdvp.config.presets import preset_schemas, with_presets
from opentdvp.config.solver import TdvpSolver
from opentdvp.config.study import Study
from opentdvp.errors import ConfigError


def load(path: Path) -> Study:
    """Read and validate a configuration file.

    A file with the key `extends: other.yaml` holds only what differs from that file: mappings are
    merged key by key, null removes, everything else is replaced. `extends: {file: other.yaml, take:
    {solvers: [exact]}}` has no other entries of that file; a list has several files. Paths of
    Python files are relative to the file that they stand in. In place of a solver's `preset` are
    the numbers that it names.

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
    tree, layers = read_layers(path)
    study = _validate(tree, path)
    solvers = (solver for solver in study.solvers.values() if isinstance(solver, TdvpSolver))
    networks = (solver.network for solver in solvers)
    return study, layers + [Path(n.file) for n in networks if isinstance(n, CustomNetwork)]


def _validate(tree: dict[str, Any], path: Path) -> Study:
    """Turn a tree of keys into a `Study`; `path` is only named in errors."""
    keys = tree
    try:
        # Here, so that they are checked, and errors name their keys.
        keys = merge({"output": Output.model_construct().model_dump()}, with_presets(tree))
        return Study.model_validate(keys)
    except ValidationError as error:
        raise ConfigError(one_line(f"{path}: {sentences(explain(error, keys))}")) from error
    except ValueError as error:
        raise ConfigError(one_line(f"{path}: {error}.")) from error


def json_schema() -> str:
    """JSON schema of a configuration file, for editors; made from the models."""
    schema = Study.model_json_schema()
    solvers = schema["properties"]["solvers"]["patternProperties"]
    for name, whole in solvers.items():
        solvers[name] = {"anyOf": [whole, *preset_schemas()]}
    add_extends(schema)
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
