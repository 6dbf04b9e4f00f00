"""Damage, by seeded random numbers: to configurations, to files of any kind, to arguments."""

import copy
from pathlib import Path

import yaml

#: What somebody may have written in the place of anything else.
JUNK = [
    None, True, False, 0, -1, 1, 2, 3, 7.5, -0.0, 1e-30, 1e300, 10**9, 10**400, float("nan"),
    float("inf"), "", " ", "all", "none", "X", "XYZ", "exact", "tdvp", "1e400", "nan", "1i", "~/x",
    "../x", "a/b", "$HOME", "{system}", "x" * 300, "ü", "$x", "\n", "\0", [], {}, [[]], [None],
    [1, 2], ["X", "X"], {"X": 1}, {"a": {"b": []}}, {1: 2}, {None: None},
]  # fmt: skip

#: The same, in the place of an argument.
WORDS = ["", ".", "..", "/", "-", "--", "--out", "nothing", "x" * 300, "ü", "a b", "a\nb", "-1"]


def places(tree):
    """Every (container, key) of a tree of dictionaries and lists."""
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in list(pairs):
        yield tree, key
        if isinstance(value, dict | list):
            yield from places(value)


def damaged_tree(random, tree):
    """A copy of a configuration with one place removed, replaced, renamed, or moved."""
    tree = copy.deepcopy(tree)
    container, key = random.choice(list(places(tree)))
    kind = random.choice(["junk", "junk", "remove", "rename", "copy"])
    if kind == "remove":
        del container[key]
    elif kind == "rename" and isinstance(container, dict):
        name = random.choice([f"{key}s", str(key).upper(), "x" * 300, "a b", 1, None, "../x", "ü"])
        container[name] = container.pop(key)
    elif kind == "copy":
        other, name = random.choice(list(places(tree)))
        container[key] = copy.deepcopy(other[name])
    else:
        container[key] = copy.deepcopy(random.choice(JUNK))
    return tree


def damaged_bytes(random, content, others):
    """Content that was cut, changed, emptied, or is that of another file."""
    kind = random.choice(["cut", "change", "insert", "empty", "other", "twice"])
    position = random.randrange(len(content) + 1)
    if kind == "cut":
        return content[:position]
    if kind == "change":
        changed = bytearray(content or b"x")
        for _ in range(random.choice([1, 1, 20])):
            changed[random.randrange(len(changed))] ^= random.randrange(1, 256)
        return bytes(changed)
    if kind == "insert":
        return content[:position] + random.randbytes(random.choice([1, 8])) + content[position:]
    if kind == "other":
        return random.choice(others).read_bytes()
    return content * 2 if kind == "twice" else b""


def damage_configuration(random, path: Path):
    """Write a damaged tree or a damaged text to the path; return what was done, for messages."""
    text = path.read_text()
    if random.random() < 0.8:
        tree = damaged_tree(random, yaml.safe_load(text))
        path.write_text(yaml.safe_dump(tree, allow_unicode=True, sort_keys=False))
    else:
        path.write_bytes(damaged_bytes(random, text.encode(), [path]))


def damage_file(random, path: Path, others):
    """Damage a file of any kind, or put a folder, a link or nothing in its place."""
    content = path.read_bytes()
    kind = random.choice(["content"] * 6 + ["folder", "nothing", "link", "loop"])
    if kind == "content":
        path.write_bytes(damaged_bytes(random, content, others))
        return
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "link":
        path.symlink_to("nowhere")
    elif kind == "loop":
        path.symlink_to(path.name)


def damaged_words(random, words, files):
    """Arguments of a command with one removed, doubled, swapped, or replaced."""
    words = list(words)
    where = random.randrange(1, len(words))
    kind = random.choice(["remove", "replace", "replace", "file", "file", "double", "swap"])
    if kind == "remove":
        del words[where]
    elif kind == "double":
        words.insert(where, words[where])
    elif kind == "swap":
        other = random.randrange(1, len(words))
        words[where], words[other] = words[other], words[where]
    else:
        words[where] = random.choice(files if kind == "file" else WORDS)
    return words
