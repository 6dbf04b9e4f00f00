"""What a configuration file has from others: the key `extends`, and what stands in its place."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError

from opentdvp.config.base import StrictModel, check_name, did_you_mean
from opentdvp.config.messages import explain, one_line, sentences, shown
from opentdvp.config.reading import read_yaml
from opentdvp.errors import ConfigError

#: Key of a file that changes others: their paths, relative to the file itself.
BASE_KEY = "extends"
#: How many files may change one another.
MOST_LAYERS = 20

#: Tables of entries by name, which another file may take.
Table = Literal["systems", "solvers", "comparisons", "figures", "scans", "published", "panels"]

#: Where paths of Python files may be; `*` is any name.
_FILES = (
    ("solvers", "*", "network", "file"),
    ("scans", "*", "vary", "network", "*", "file"),
    ("scans", "*", "vary", "network.file", "*"),
)

Keys = dict[str, Any]


def _check_taken(value: object) -> object:
    """One clear error instead of one per member of the union."""
    names = isinstance(value, list) and value and all(isinstance(name, str) for name in value)
    if value == "all" or names:
        return value
    raise ValueError(f"must be all, or a list of names, but is {shown(value)}")


class Excerpt(StrictModel):
    """Some entries of another file: by table their names, or all of a table."""

    file: Annotated[str, Field(min_length=1)]
    take: Annotated[
        dict[
            Table,
            Annotated[
                Literal["all"] | Annotated[tuple[str, ...], Field(min_length=1)],
                BeforeValidator(_check_taken),
            ],
        ],
        Field(min_length=1),
    ]


#: A whole file, some of its entries, or several of these, of which later ones change earlier ones.
Base = str | Excerpt
Extends = Base | Annotated[tuple[Base, ...], Field(min_length=1)]


def read_layers(path: Path, above: tuple[Path, ...] = ()) -> tuple[Keys, list[Path]]:
    """Keys of a file merged over what it takes from others, and the files there are.

    Raises
    ------
    ConfigError
        If a file cannot be read, extends itself, takes what is not there, or removes what is not.
    """
    try:
        tree = read_yaml(path)
    except ConfigError as error:
        raise ConfigError(one_line(str(error))) from error
    for place in _FILES:
        tree = _located(tree, place, path.parent)
    bases = tree.pop(BASE_KEY, None)
    if bases is None:
        return tree, [path]
    if path.resolve() in above:
        raise ConfigError(f"{path}: `{BASE_KEY}` must not lead back to the file itself.")
    try:
        inherited, files = _inherited(path, _bases(bases), above)
        _check_removals(inherited, tree)
    except ValueError as error:
        raise ConfigError(one_line(f"{path}: {error}.")) from error
    return merge(inherited, tree), files


def _inherited(
    path: Path, bases: dict[str, Base], above: tuple[Path, ...]
) -> tuple[Keys, list[Path]]:
    """What a file has from others, and all files there are, itself first."""
    inherited: Keys = {}
    files = [path]
    for key, base in bases.items():
        # Of all files so far: where each extends several, there may be many more than levels.
        if len(above) + len(files) > MOST_LAYERS:
            raise ValueError(f"`{key}` must not lead over more than {MOST_LAYERS} files")
        file = path.parent / (base if isinstance(base, str) else base.file)
        below, found = read_layers(file, (*above, path.resolve()))
        files += found
        taken = below if isinstance(base, str) else _taken(key, base, below)
        inherited = merge(inherited, taken)
    return inherited, files


def _bases(value: object) -> dict[str, Base]:
    """What is extended, by the key that says it."""
    if not isinstance(value, list):
        return {BASE_KEY: _base(BASE_KEY, value)}
    if not value:
        raise ValueError(f"`{BASE_KEY}` must name at least one file, but is empty")
    keys = [f"{BASE_KEY}.{number}" for number in range(len(value))]
    return {key: _base(key, base) for key, base in zip(keys, value, strict=True)}


def _base(key: str, value: object) -> Base:
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        raise ValueError(
            f"`{key}` must be a path, or a mapping with `file` and `take`, but is {shown(value)}"
        )
    try:
        return Excerpt.model_validate(value)
    except ValidationError as error:
        found = [(f"{key}.{inner}", said) for inner, said in explain(error, value)]
        raise ValueError(sentences(found).removesuffix(".")) from error


def _taken(key: str, excerpt: Excerpt, below: Keys) -> Keys:
    """The entries that an excerpt names, of the keys of its file."""
    tables = {name: below[name] for name in get_args(Table) if isinstance(below.get(name), dict)}
    taken: Keys = {}
    for table, names in excerpt.take.items():
        check_name(f"{key}.take.{table}", table, tables)
        for number, name in enumerate(() if names == "all" else names):
            check_name(f"{key}.take.{table}.{number}", name, tables[table])
        chosen = tables[table] if names == "all" else names
        taken[table] = {name: tables[table][name] for name in chosen}
    return taken


def _check_removals(inherited: Keys, changes: Keys) -> None:
    """An entry, or a table, that is null was inherited."""
    for table in get_args(Table):
        if table not in changes:
            continue
        if changes[table] is None and table not in inherited:
            raise ValueError(_not_inherited(table, table, inherited))
        known = inherited.get(table)
        names = known if isinstance(known, dict) else {}
        entries = changes[table] if isinstance(changes[table], dict) else {}
        for name, entry in entries.items():
            if entry is None and name not in names:
                raise ValueError(_not_inherited(f"{table}.{name}", name, names))


def _not_inherited(key: str, name: str, known: Keys) -> str:
    hint = did_you_mean(name, known)
    return f"`{key}` must be inherited to be removed by null, but is not there{hint}"


def _located(tree: Any, place: Sequence[str], folder: Path) -> Any:
    """`tree` with the paths at `place` relative to the folder of the file that they stand in."""
    if not place:
        return str(folder / tree) if isinstance(tree, str) else tree
    if not isinstance(tree, dict):
        return tree
    first, *rest = place
    return {k: _located(v, rest, folder) if first in ("*", k) else v for k, v in tree.items()}


def merge(base: Keys, changes: Keys, removing: bool = True) -> Keys:
    """`base` with `changes` on top; nested mappings are merged, other values replaced.

    Null removes what `base` has, if it is `removing`. Among the options of a user's own network it
    is a value.
    """
    merged = dict(base)
    for key, value in changes.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            own = key == "options" and base.get("kind") == "custom"
            merged[key] = merge(old, value, removing and not own)
        elif value is None and key in merged and removing:
            del merged[key]
        else:
            merged[key] = value
    return merged


def add_extends(schema: Keys) -> None:
    """Let a JSON schema of whole configurations know `extends`, and null for what is removed."""
    extends = TypeAdapter(Extends).json_schema()
    schema["$defs"] |= extends.pop("$defs")
    tables = schema["properties"]
    for table in get_args(Table):
        entries = tables[table]["patternProperties"]
        entries |= {name: _or_null(entry) for name, entry in entries.items()}
        tables[table] = _or_null(tables[table])
    about = "Configuration files that this one changes, relative to this one, or entries of them."
    tables[BASE_KEY] = extends | {"description": about}
    schema |= {"if": {"required": [BASE_KEY]}, "else": {"required": schema.pop("required")}}


def _or_null(schema: Keys) -> Keys:
    return {"anyOf": [schema, {"type": "null"}]}
