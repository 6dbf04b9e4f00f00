"""Named settings of solvers: the key `preset`, and the numbers that it stands for."""

from pathlib import Path
from typing import Any, get_args

from opentdvp.config.base import check_name
from opentdvp.config.extends import Keys, merge
from opentdvp.config.reading import read_yaml
from opentdvp.config.solver import Solver

#: Key of a solver in place of its numbers; no deck has it.
PRESET_KEY = "preset"

#: The numbers, by method and name.
_FILE = Path(__file__).with_name("presets.yaml")

#: Keys by which a mapping is of one kind or another.
_KINDS = ("kind", "method")


def with_presets(study: Keys) -> Keys:
    """A study whose solvers have the numbers of their presets; keys beside these change them.

    A mapping of another `kind` or `method` than that of the preset replaces it. What is no mapping,
    or of no known method, stays as it is: validation says it, with its key.

    Raises
    ------
    ValueError
        If a preset is not one of its method.
    """
    solvers = study.get("solvers")
    if not isinstance(solvers, dict):
        return study
    chosen = {k: v for k, v in solvers.items() if isinstance(v, dict) and PRESET_KEY in v}
    if not chosen:
        return study
    resolved = {name: with_preset(keys, f"solvers.{name}.") for name, keys in chosen.items()}
    return study | {"solvers": solvers | resolved}


def with_preset(solver: Keys, place: str = "") -> Keys:
    """The same of one solver that has a preset; errors name the key at a `place` before it."""
    method, preset, presets = solver.get("method"), solver[PRESET_KEY], read_yaml(_FILE)
    given = {key: value for key, value in solver.items() if key != PRESET_KEY}
    if not isinstance(method, str) or method not in presets:
        return given
    check_name(f"{place}{PRESET_KEY}", preset, presets[method])
    return merge(_without_other_kinds(presets[method][preset], given), given)


def _without_other_kinds(preset: Keys, given: Keys) -> Keys:
    """A preset without the mappings in whose place those of another kind are given."""
    return {key: value for key, value in preset.items() if not _differ(value, given.get(key))}


def _differ(preset: Any, given: Any) -> bool:
    both = isinstance(preset, dict) and isinstance(given, dict)
    return both and any(kind in given and given[kind] != preset.get(kind) for kind in _KINDS)


def preset_schemas() -> list[Keys]:
    """JSON schemas of solvers with a preset, beside which any of their keys may be given."""
    presets = read_yaml(_FILE)
    schemas = []
    for model in get_args(get_args(Solver)[0]):
        methods = get_args(model.model_fields["method"].annotation)
        names = sorted({name for method in methods for name in presets[method]})
        keys: Keys = {name: {} for name in model.model_fields}
        keys |= {"method": {"enum": list(methods)}, PRESET_KEY: {"enum": names}}
        schemas.append(
            {
                "type": "object",
                "title": f"{model.__name__} with a preset",
                "properties": keys,
                "required": ["method", PRESET_KEY],
                "additionalProperties": False,
            }
        )
    return schemas
