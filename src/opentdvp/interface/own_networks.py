"""Networks that are defined in a notebook: their code as the text of a file, and its identity."""

import ast
import builtins
import dataclasses
import inspect
import linecache
import symtable
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from pydantic import JsonValue, TypeAdapter, ValidationError

from opentdvp.config.networks import CustomNetwork
from opentdvp.errors import ConfigError

#: Fields that the engine gives a network, and those that flax gives it.
_GIVEN = ("start", "shape", "parent", "name")

_Constant = bool | int | float | complex | str | bytes | None


def described(network: Any) -> CustomNetwork:
    """An instance of an own class as settings of a solver: its code, its name and its fields.

    The code of a module is that of its file. Of a notebook or a script it is the class with all
    that it uses of it: functions, other classes, numbers and imports.

    Raises
    ------
    ConfigError
        If it is no network, if its code cannot be found, or if a field is no number, text or list.
    """
    from opentdvp.engine.ansatz import Autoregressive, EnergyNetwork

    kind = type(network)
    if not isinstance(network, Autoregressive | EnergyNetwork):
        raise ConfigError(
            "`network` must be a mapping, or an instance of a subclass of Autoregressive or "
            f"EnergyNetwork, but is {network if isinstance(network, type) else kind.__name__}."
        )
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    options = _options(network)
    if file and kind.__module__ != "__main__":
        return CustomNetwork(kind="custom", file=file, name=kind.__qualname__, options=options)
    return CustomNetwork.from_source(source_of(kind), kind.__name__, options)


def _options(network: Any) -> dict[str, JsonValue]:
    """The fields of a network that are its own."""
    named = [field.name for field in dataclasses.fields(network) if field.name not in _GIVEN]
    values = {name: _listed(getattr(network, name)) for name in named}
    try:
        return TypeAdapter(dict[str, JsonValue]).validate_python(values)
    except ValidationError as error:
        name = error.errors()[0]["loc"][0]
        raise ConfigError(
            f"`network.{name}` must be a number, text, or a list or mapping of them, but is "
            f"{values[str(name)]!r}."
        ) from None


def _listed(value: Any) -> Any:
    """Flax makes tuples of lists; JSON knows lists alone."""
    if hasattr(value, "items"):
        return {key: _listed(inside) for key, inside in value.items()}
    return list(map(_listed, value)) if isinstance(value, list | tuple) else value


def source_of(kind: type) -> str:
    """The text of a Python file with a class of a notebook, and all that it uses of it.

    Raises
    ------
    ConfigError
        If the code of something is not known, or a value is used that is no number or text.
    """
    gathered = _Gathered(vars(sys.modules[kind.__module__]), kind.__module__)
    gathered.define(kind.__name__, kind)
    imports = sorted(gathered.imports)
    parts = ["\n".join(imports), "\n".join(gathered.constants), *gathered.definitions]
    return "\n\n\n".join(filter(None, parts)) + "\n"


class _Gathered:
    """Imports, constants and definitions of a notebook that some code uses, each once."""

    def __init__(self, namespace: dict[str, Any], module: str) -> None:
        self._namespace = namespace
        self._module = module
        self._seen: set[str] = set()
        self.imports: set[str] = set()
        self.constants: list[str] = []
        self.definitions: list[str] = []

    def define(self, name: str, value: Any) -> None:
        """Add a class or function, after all that it uses."""
        self._seen.add(name)
        text = _text(value)
        for used in sorted(_globals_of(text)):
            if used not in self._seen and used in self._namespace:
                self._add(used, self._namespace[used])
        self.definitions.append(text)

    def _add(self, name: str, value: Any) -> None:
        home, own = getattr(value, "__module__", None), getattr(value, "__qualname__", "")
        if isinstance(value, ModuleType):
            self._seen.add(name)
            self.imports.add(f"import {value.__name__} as {name}")
        elif isinstance(value, type | FunctionType) and home == self._module and own == name:
            self.define(name, value)
        elif home and getattr(sys.modules.get(home), own or name, None) is value:
            self._seen.add(name)
            self.imports.add(f"from {home} import {own or name} as {name}")
        elif _is_constant(value):
            self._seen.add(name)
            self.constants.append(f"{name} = {value!r}")
        else:
            raise ConfigError(
                f"`network` must use only modules, classes, functions, numbers and text, but uses "
                f"{name}, a {type(value).__name__}; make it a field of the network, or write the "
                "network into a file."
            )


def _is_constant(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_constant, value))
    return isinstance(value, _Constant)


def _globals_of(text: str) -> set[str]:
    """Names that code uses and does not define."""

    def used(table: symtable.SymbolTable) -> Iterator[str]:
        top = table.get_type() == "module"
        for symbol in table.get_symbols():
            if symbol.is_global() or (top and not symbol.is_assigned()):
                yield symbol.get_name()
        for inside in table.get_children():
            yield from used(inside)

    return set(used(symtable.symtable(text, "network", "exec"))) - set(vars(builtins))


def _text(value: Any) -> str:
    """The code of a class or function, as it was written where it was defined last."""
    for file in _files(value):
        text = _found("".join(linecache.getlines(file)), value.__name__)
        if text:
            return text
    raise ConfigError(
        f"`network` must be defined where its code can be read, but {value.__name__} is not; write "
        "it into a file, and import it."
    )


def _files(value: Any) -> Iterator[str]:
    """Where code may be: files or cells of the functions in it; a class without any, in all cells.

    Cells are not on the disk, so that `linecache` knows them without a time of change.
    """
    functions: list[Callable[..., Any]] = [value, *vars(value).values()]
    known = False
    for entry in functions:
        whole = inspect.unwrap(getattr(entry, "fget", None) or entry)
        if isinstance(whole, FunctionType):
            # Those with underscores are made by dataclasses and flax, but for the call itself.
            known |= not whole.__name__.startswith("__") or whole.__name__ == "__call__"
            yield whole.__code__.co_filename
    if known:
        return
    yield getattr(sys.modules.get(value.__module__), "__file__", None) or ""
    cells = [name for name, entry in linecache.cache.items() if len(entry) > 1 and not entry[1]]
    yield from reversed(cells)


def _found(text: str, name: str) -> str:
    """The last definition of a name at the top of a file."""
    try:
        body = ast.parse(text).body
    except SyntaxError:
        return ""
    kinds = (ast.ClassDef, ast.FunctionDef)
    nodes = [node for node in body if isinstance(node, kinds) and node.name == name]
    if not nodes:
        return ""
    first = min((nodes[-1].lineno, *(d.lineno for d in nodes[-1].decorator_list)))
    return "\n".join(text.splitlines()[first - 1 : nodes[-1].end_lineno])


def save_source(network: CustomNetwork, path: Path) -> None:
    """Write the code of a network that was defined in a notebook."""
    from opentdvp.records.files import replacing

    with replacing(path) as temporary:
        temporary.write_text(network.source, encoding="utf-8")
