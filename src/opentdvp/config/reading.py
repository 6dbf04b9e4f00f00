"""From a YAML file to a tree of keys, without surprises.

YAML 1.1, which PyYAML reads, takes `on` and `yes` for true, 010 for 8 and 1:30 for 90, lets the
last of equal keys win, and does not take 1e-3 for a number. Here the rules of YAML 1.2 hold:
numbers are decimal, only true and false are truth values, and equal keys are an error.
"""

import re
from pathlib import Path
from typing import Any

try:
    import yaml

    _Base = yaml.SafeLoader
except Exception as error:  # whatever a file of the user that is called yaml.py may raise
    raise ImportError(
        "PyYAML cannot be imported; is there a file or folder named yaml in the working directory "
        f"or on PYTHONPATH? {type(error).__name__}: {error}"
    ) from error

from opentdvp.errors import ConfigError

#: Nobody writes more by hand; deeper or larger trees are mistakes, such as aliases of aliases.
DEEPEST, MOST_ENTRIES, MOST_BYTES = 50, 1_000_000, 10_000_000


def read_yaml(path: Path) -> dict[str, Any]:
    """The keys of a configuration file.

    Raises
    ------
    ConfigError
        If the file cannot be read, is not YAML, is no mapping, or holds a key twice.
    """
    return parse_yaml(_read_text(path), str(path))


def parse_yaml(text: str, place: str) -> dict[str, Any]:
    """The keys of a text; `place` says in errors where it stands.

    Raises
    ------
    ConfigError
        If it is not YAML, is no mapping, or holds a key twice.
    """
    try:
        tree = yaml.load(text, _Loader)
    except _Refused as error:
        raise ConfigError(f"{place}: {error}.") from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise ConfigError(f"{place}: it is not valid YAML: {_reason(error)}.") from error
    if not isinstance(tree, dict):
        kind = "empty" if tree is None else type(tree).__name__
        raise ConfigError(f"{place}: it must be a mapping of keys, but is {kind}.")
    return tree


def _read_text(path: Path) -> str:
    try:
        # Reading a pipe or a device may never end.
        if path.exists() and not path.is_file():
            raise ConfigError(f"Cannot read {path}: it is not a file.")
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise ConfigError(f"Cannot read {path}: {size} bytes are too many for a configuration.")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(f"Cannot read {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"Cannot read {path}: it is not a text file in UTF-8.") from error
    except ValueError as error:  # a path with a null character
        raise ConfigError(f"Cannot read {path}: {error}.") from error


def _reason(error: Exception) -> str:
    """What PyYAML says, and where."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return " ".join(str(error).split())
    mark = error.problem_mark or error.context_mark
    place = f" in line {mark.line + 1}" if mark else ""
    return f"{', '.join(part for part in (error.context, error.problem) if part)}{place}"


class _Refused(Exception):
    """Valid YAML that is no configuration."""

    def __init__(self, line: int, message: str):
        super().__init__(f"line {line + 1}: {message}")


class _Loader(_Base):
    """A safe loader with the scalars of YAML 1.2, text as keys, and every key once."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}

    def __init__(self, text: str):
        super().__init__(text)
        self.depth = 0
        #: Entries of a node, aliases written out; missing while a node is being read.
        self.entries: dict[yaml.Node, int] = {}

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Read a node; here, because later the keys of `<<` are among the others."""
        event = self.peek_event()
        line = event.start_mark.line
        if getattr(event, "tag", None):
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            raise _Refused(line, f"the tag {tag} must not be used; write the value alone")
        if re.search("[\ud800-\udfff]", getattr(event, "value", "")):
            raise _Refused(line, "text must not hold halves of surrogate pairs")
        self.depth += 1
        if self.depth > DEEPEST:
            raise _Refused(line, f"keys and lists must not be nested more than {DEEPEST} times")
        node = super().compose_node(parent, index)
        self.depth -= 1
        if isinstance(event, yaml.AliasEvent) and node not in self.entries:
            raise _Refused(line, f"the anchor &{event.anchor} must not hold itself")
        if node is not None and not isinstance(event, yaml.AliasEvent):
            self._count(node)
        return node

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Read a mapping; its keys must be text, each once."""
        node = super().compose_mapping_node(anchor)
        seen: dict[str, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line
            if key.tag not in (_TEXT, _MERGE):
                raise _Refused(line, f"the key {_short(key)} must be text; write it in quotes")
            if key.value in seen:
                first = seen[key.value] + 1
                raise _Refused(
                    line, f"the key `{key.value}` must be there once, but is in line {first} too"
                )
            seen[key.value] = line
        return node

    def _count(self, node: yaml.Node) -> None:
        parts = node.value if isinstance(node, yaml.CollectionNode) else []
        pairs = isinstance(node, yaml.MappingNode)
        nodes = [part for pair in parts for part in pair] if pairs else parts
        self.entries[node] = 1 + sum(self.entries[part] for part in nodes)
        if self.entries[node] > MOST_ENTRIES:
            line = node.start_mark.line
            raise _Refused(line, f"there must be at most {MOST_ENTRIES} entries, aliases included")


def _short(key: yaml.Node) -> str:
    return str(key.value)[:40] if isinstance(key, yaml.ScalarNode) else "that is a list or mapping"


def _whole(loader: _Loader, node: yaml.ScalarNode) -> float:
    # Python refuses to read thousands of digits; as a float they are refused with their key.
    return int(node.value) if len(node.value) < 20 else float(node.value)


_TEXT, _MERGE, _INT = (f"tag:yaml.org,2002:{name}" for name in ("str", "merge", "int"))
_DIGITS = "(?:0|[1-9][0-9]*)"
_SCALARS = {
    "merge": ("<<", "<"),
    "null": ("~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": ("true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": (f"[-+]?{_DIGITS}", "-+0123456789"),
    "float": (
        rf"[-+]?(?:\.[0-9]+|{_DIGITS}(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+0123456789.",
    ),
}
for _name, (_regex, _first) in _SCALARS.items():
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_name}", re.compile(rf"(?:{_regex})\Z"), list(_first)
    )
_Loader.add_constructor(_INT, _whole)
