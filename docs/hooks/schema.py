"""The page of every key of a configuration, from its JSON schema."""

import json
import re
from pathlib import Path

Schema = dict[str, object]

HEAD = """# Every key of a configuration

Made from the schema that `opentdvp schema` prints, and that editors complete keys with. What the
keys are for is told in [Configuration](../configuration.md); here are their types, bounds and
defaults. A key without a default has to be written, or comes from a
[preset](../configuration.md#presets).
"""


def page(root: Path) -> str:
    """Markdown with a section for the file and one for every kind of mapping."""
    schema = json.loads((root / "workflow" / "schemas" / "config.schema.json").read_text())
    parts = [HEAD, "## The file\n", _table(schema)]
    for name, part in schema["$defs"].items():
        if "properties" in part:
            parts += [f"## {name}\n", _text(part.get("description", "")), _table(part)]
    return "\n".join(parts)


def _text(docstring: str) -> str:
    return docstring.replace("<", "&lt;").replace("*", r"\*") + "\n"


def _table(part: Schema) -> str:
    # Of the file, what is only missing where it extends another one is in `else`.
    required = {*part.get("required", ()), *part.get("else", {}).get("required", ())}
    rows = ["| key | value | if it is not given |", "|---|---|---|"]
    for key, value in part["properties"].items():
        missing = "has to be given" if key in required else _default(value)
        if "const" in value:
            missing = "says which kind this is"
        rows.append(f"| `{key}` | {_value(value)} | {missing} |")
    return "\n".join(rows) + "\n"


def _default(value: Schema) -> str:
    default = value.get("default")
    return "nothing" if default in (None, {}, []) else f"`{json.dumps(default)}`"


def _value(value: Schema) -> str:
    """What may stand there, in words."""
    if "$ref" in value:
        name = value["$ref"].rsplit("/", 1)[1]
        return "anything" if name == "JsonValue" else f"[{name}](#{_anchor(name)})"
    for choice in ("anyOf", "oneOf"):
        if choice in value:
            told = dict.fromkeys(_value(v) for v in value[choice] if v.get("type") != "null")
            return " or ".join(told)
    if "const" in value:
        return f"`{value['const']}`"
    if "enum" in value:
        return ", ".join(f"`{entry}`" for entry in value["enum"])
    return _of_type(value)


def _of_type(value: Schema) -> str:
    kind = value.get("type")
    if kind == "array":
        items = value.get("items") or next(iter(value.get("prefixItems", [])), {})
        return f"list of {_value(items)}"
    if kind == "object":
        inner = value.get("additionalProperties")
        patterns = value.get("patternProperties")
        inner = inner if isinstance(inner, dict) else next(iter((patterns or {}).values()), None)
        return f"mapping to {_value(inner)}" if inner else "mapping"
    if isinstance(kind, list):
        return " or ".join(_of_type({"type": entry}) for entry in kind if entry != "null")
    words = {"string": "text", "boolean": "`true` or `false`", "integer": "whole number"}
    return words.get(kind, kind or "anything") + _bounds(value)


def _bounds(value: Schema) -> str:
    """Bounds below the largest number that a file may have."""
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    given = [
        f"{sign} {value[name]:g}"
        for name, sign in signs.items()
        if name in value and abs(value[name]) < 1e9
    ]
    return f" {', '.join(given)}" if given else ""


def _anchor(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower())
