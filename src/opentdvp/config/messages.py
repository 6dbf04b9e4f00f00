"""Errors of pydantic in our words: the key, what it must be, what it is."""

import re
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from opentdvp.config.base import PATTERNS, one_of

#: What a value must be, by the type of pydantic's error.
_MUST = {
    "greater_than": "be greater than {gt:g}",
    "greater_than_equal": "be at least {ge:g}",
    "less_than": "be less than {lt:g}",
    "less_than_equal": "be at most {le:g}",
    "finite_number": "be a finite number",
    "float_type": "be a number such as 0.5 or 1e-3 (plain decimal, no leading zeros, no quotes)",
    "int_type": "be a whole number such as 6 (plain decimal, no leading zeros, no quotes)",
    "bool_type": "be true or false",
    "string_type": "be text (in quotes if it is a number)",
    "string_too_short": "not be empty",
    "string_too_long": "have at most {max_length} characters",
    "too_short": "have at least {min_length} entry",
    "too_long": "have at most {max_length} entries",
    "tuple_type": "be a list such as {example}",
    **dict.fromkeys(
        ("dict_type", "model_type", "model_attributes_type"), "be a mapping such as {{key: value}}"
    ),
}


def one_line(text: str) -> str:
    """Text without line breaks or other characters that cannot be printed."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def shown(value: object) -> str:
    """A value as it is written in YAML, shortened."""
    if value is None:
        return "empty"
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"


def explain(error: ValidationError, tree: object) -> list[tuple[str, str]]:
    """Keys and what to say of them, each once, of a tree that could not be validated.

    What is said begins with "must" or "is" and needs the key before it, or is a sentence of its
    own, and the key is empty.
    """
    # An entry that is wrong is not counted, so that the list seems to be too short as well.
    details = [
        detail
        for detail in error.errors()
        if detail["type"] != "too_short" or len(detail["input"]) < detail["ctx"]["min_length"]
    ]
    return list(dict.fromkeys(_explain(detail, tree) for detail in details))


def sentences(found: Iterable[tuple[str, str]], most: int = 5) -> str:
    """One line of everything that was found, or of the first few."""
    lines = [f"`{key}` {said}." if key else f"{said}." for key, said in found]
    more = f" There are {len(lines) - most} more such errors." if len(lines) > most else ""
    return " ".join(lines[:most]) + more


def _explain(detail: Any, tree: object) -> tuple[str, str]:
    kind, given, context = detail["type"], detail["input"], detail.get("ctx", {})
    key = _key(detail["loc"], tree, kind == "missing")
    if kind == "unknown_key":
        return _join(key, context["key"]), f"is not a known key{context['hint']}"
    if kind == "missing":
        return key, "is required, but is missing"
    if kind.startswith("union_tag"):
        key = _join(key, context["discriminator"].strip("'"))
        if kind == "union_tag_not_found":
            return key, "is required, but is missing"
        return key, one_of(context["tag"], re.findall("'(.*?)'", context["expected_tags"]))
    if kind == "literal_error":
        names = re.findall(r"'(.*?)'|(\d+)", context["expected"])
        return key, one_of(given, [text or number for text, number in names])
    if kind == "value_error":
        return _own(key, str(context["error"]))
    if kind == "string_pattern_mismatch":
        must = f"be {PATTERNS[context['pattern']]}"
    elif kind in _MUST:
        example = f"[{shown(given)}]" if isinstance(given, str | int | float) else "[1, 2]"
        must = _MUST[kind].format(**context, example=example)
    else:
        return key, f"{detail['msg'].removeprefix('Input ')}, but is {shown(given)}"
    return key, f"must {must}, but is {shown(given)}"


def _own(key: str, message: str) -> tuple[str, str]:
    """Our validators name a key relative to their model, none, or speak of the model itself."""
    if message.startswith("must "):
        return key, message
    named = re.match("`([^`]*)` ", message)
    if named:
        return _join(key, named[1]), message[named.end() :]
    return key, f"is wrong: {message}" if key else message


def _join(key: str, last: object) -> str:
    return f"{key}.{last}" if key else str(last)


def _key(place: tuple[int | str, ...], tree: object, missing: bool) -> str:
    """Dotted key; pydantic also names the member of a union by its `kind` or `method`."""
    parts = []
    named: object = None
    for number, part in enumerate(place):
        if isinstance(tree, dict) and tree is not named:
            named = tree
            if part in (tree.get("kind"), tree.get("method")):
                continue
        inside = isinstance(tree, dict) and part in tree
        listed = isinstance(tree, list | tuple) and isinstance(part, int) and part < len(tree)
        if inside or listed:
            tree = tree[part]  # type: ignore[index]
            parts.append(part)
        elif missing and number == len(place) - 1:
            parts.append(part)
    return ".".join(str(part)[:60] for part in parts)
