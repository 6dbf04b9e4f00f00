"""Whatever is done to a configuration, it is a study or one clear line."""

import datetime
import random
import re
from copy import deepcopy

import pytest
import yaml
from pipeline import TINY

from opentdvp import config
from opentdvp.errors import ConfigError

GARBAGE = [
    None, True, 0, -1, 3, 1.5, 1e300, float("nan"), float("inf"), 10**400, "", "x", "Z", "ring_3",
    "exact", "$", "\n", "\x7f", "1e-3", [], [1], ["X", "X"], [[]], {}, {"x": 1}, {"kind": "custom"},
    {"method": "exact"}, {1: 2}, {None: 1}, datetime.date(2001, 1, 1), {"a", "b"}, b"\xff",
]  # fmt: skip


def places(tree):
    """All containers of a tree, each with one of its keys or numbers."""
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
        yield tree, key
        if isinstance(value, dict | list):
            yield from places(value)


def changed_tree(tree, rng):
    """Something removed, replaced, renamed, written twice, or taken from elsewhere."""
    tree = deepcopy(tree)
    for _ in range(rng.choice([1, 1, 1, 2, 5])):
        known = list(places(tree))
        branch, key = rng.choice(known)
        other, elsewhere = rng.choice(known)
        change = rng.choice(["remove", "replace", "replace", "rename", "again", "swap"])
        if change == "remove":
            del branch[key]
        elif change == "replace":
            branch[key] = deepcopy(rng.choice(GARBAGE))
        elif change == "swap":
            branch[key] = deepcopy(other[elsewhere])
        elif isinstance(branch, list):
            branch.append(deepcopy(branch[key]))
        elif change == "rename":
            branch[rng.choice([f"{key}_", str(key)[:-1], 7, "kind"])] = branch.pop(key)
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True).encode()


def changed_text(text, rng):
    """Text that ends early, bytes that flipped, lines that went, came twice or are indented."""
    lines = text.splitlines(keepends=True)
    line = rng.randrange(len(lines))
    change = rng.choice(["cut", "flip", "flip", "remove", "again", "indent", "insert"])
    if change == "cut":
        return text[: rng.randrange(len(text))]
    if change in ("flip", "insert"):
        data = bytearray(text)
        for _ in range(rng.choice([1, 1, 3])):
            place = rng.randrange(len(data))
            data[place : place + (change == "flip")] = bytes([rng.randrange(256)])
        return bytes(data)
    lines[line] = {"remove": b"", "again": 2 * lines[line]}.get(change, b" " + lines[line])
    return b"".join(lines)


@pytest.mark.parametrize("seed", range(4))
def test_changed_configuration_is_a_study_or_one_line(tmp_path, seed):
    rng = random.Random(seed)
    text = TINY.read_bytes()
    tree = yaml.safe_load(text)
    path = tmp_path / "config.yaml"
    refused = 0
    for number in range(60):
        path.write_bytes(changed_text(text, rng) if number % 2 else changed_tree(tree, rng))
        try:
            assert isinstance(config.load(path), config.Study)
        except ConfigError as error:
            refused += 1
            message = str(error)
            assert message.isprintable(), message
            assert len(message) < 2000, message
            assert str(path) in message
            assert re.search(r"`|line \d|Cannot read|it (must|is)", message), message
            assert not re.search("pydantic|validation error|Input should", message), message
    assert refused > 20
