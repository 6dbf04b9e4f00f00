"""What a YAML file may hold, and what each file that is none ends in: one line, never a guess."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from opentdvp import config
from opentdvp.config.reading import read_yaml
from opentdvp.errors import ConfigError


@pytest.fixture
def read(tmp_path):
    """Read a file with this content."""

    def read(content):
        path = tmp_path / "config.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_yaml(path)

    return read


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("1.0e-3", 1e-3),
        (".5", 0.5),
        ("-1.", -1.0),
        ("+2", 2),
        ("0", 0),
        ("true", True),
        ("~", None),
        ("", None),
        # Text, which no number takes: YAML 1.1 has 8, 90, True, 1000, 16 and a date.
        ("010", "010"),
        ("1:30", "1:30"),
        ("on", "on"),
        ("yes", "yes"),
        ("1_000", "1_000"),
        ("0x10", "0x10"),
        ("2001-01-01", "2001-01-01"),
        ("'6'", "6"),
        ("1j", "1j"),
    ],
)
def test_scalars_are_what_people_mean(read, text, value):
    found = read(f"key: {text}")["key"]
    assert found == value
    assert type(found) is type(value)


def test_thousands_of_digits_are_a_number_like_any_other(read):
    assert read(f"key: {'9' * 5000}")["key"] == float("inf")


def test_merged_keys_may_be_written_again(read):
    text = "a: &a {x: 1, y: 2}\nb: &b {<<: *a, y: 3}\nc: {<<: [*b, *a], z: 4}\nd: {<<: *b, x: 5}"
    tree = read(text)
    assert tree["b"] == {"x": 1, "y": 3}
    assert tree["c"] == {"x": 1, "y": 3, "z": 4}
    assert tree["d"] == {"x": 5, "y": 3}


LAUGHS = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"{key}: &{key} [{', '.join([f'*{before}'] * 10)}]\n"
    for before, key in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: 1\nb: {c: 1,\n  c: 2}", "line 3: the key `c` must be there once, but is in line 2"),
        ("a: &a {x: 1}\nb:\n  <<: *a\n  <<: *a", "line 4: the key `<<` must be there once"),
        ("a: 1\n1: 2", "line 2: the key 1 must be text"),
        ("null: 2", "the key null must be text"),
        ("true: 2", "the key true must be text"),
        ("? [1, 2]\n: 3", "must be text"),
        ("a: &a [*a]", "line 1: the anchor &a must not hold itself"),
        ("a: &a {b: {<<: *a}}", "the anchor &a must not hold itself"),
        (LAUGHS, "at most 1000000 entries"),
        ("a: " + "[" * 5000, "nested more than 50 times"),
        ("{a: " * 5000, "nested more than 50 times"),
        ("a: !!float 1", "the tag !!float must not be used"),
        ("a: !!python/object:os.system 1", "the tag !!python/object:os.system must not"),
        ("!!set {a, b}", "the tag !!set must not be used"),
        ('a: "\\ud800"', "surrogate"),
        ('a: "\\UFFFFFFFF"', "it is not valid YAML"),
        ("a: 1\n---\nb: 2", "it is not valid YAML: .* another document in line 2"),
        ("a: 1\n\tb: 2", r"it is not valid YAML: .* '\\t' .* line 2"),
        ("a: [*b]", "undefined alias 'b'"),
        ("<<: 3", "it is not valid YAML: .* merging, .* line 1"),
        ("", "it must be a mapping of keys, but is empty"),
        ("# nothing\n", "it must be a mapping of keys, but is empty"),
        ("text", "it must be a mapping of keys, but is str"),
        (b"a: \xff", "it is not a text file in UTF-8"),
        ("a: ä".encode("latin-1"), "it is not a text file in UTF-8"),
        ("a: 1".encode("utf-16"), "it is not a text file in UTF-8"),
        (b"a: \x00", "it is not valid YAML: .*special characters"),
        (b"#" * 10_000_001, "too many for a configuration"),
    ],
)
def test_what_is_no_configuration_is_refused(read, content, message):
    with pytest.raises(ConfigError, match=message) as caught:
        read(content)
    assert "config.yaml: " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_byte_order_mark_is_no_part_of_the_first_key(read):
    assert read(b"\xef\xbb\xbfa: 1") == {"a": 1}


def test_pipes_folders_and_loops_are_refused(tmp_path):
    """Reading a pipe would wait forever."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name, message in {
        "pipe": "not a file",
        ".": "not a file",
        "loop": "symbolic links",
        "n" * 5000: "too long",
        "a\0b": "null",
        "/dev/zero": "not a file",
    }.items():
        with pytest.raises(ConfigError, match=f"^Cannot read .*{message}"):
            read_yaml(tmp_path / name)


@pytest.mark.parametrize(
    ("base", "message"),
    [
        (".", "it is not a file"),
        ("none.yaml", "No such file"),
        ('"a\\nb"', r"Cannot read .*a\\nb: No such"),
        ('"a\\0b"', r"a\\x00b: .*null"),
        ("5", "`extends` must be a path, or a mapping with `file` and `take`, but is 5"),
        ("chain.yaml", "`extends` must not lead over more than 20 files"),
        ("other.yaml", "`extends` must not lead back to the file itself"),
    ],
)
def test_base_that_cannot_be_read_is_one_line(tmp_path, base, message):
    (tmp_path / "chain.yaml").write_text("extends: 0.yaml")
    for number in range(30):
        (tmp_path / f"{number}.yaml").write_text(f"extends: {number + 1}.yaml")
    (tmp_path / "other.yaml").write_text("extends: config.yaml")
    path = tmp_path / "config.yaml"
    path.write_text(f"extends: {base}")
    with pytest.raises(ConfigError, match=message) as caught:
        config.load(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "raise RuntimeError('mine')", "def ("])
def test_file_that_is_called_yaml_is_named(tmp_path, text):
    """`python -m` finds the modules of the working directory first."""
    (tmp_path / "yaml.py").write_text(text)
    environment = os.environ | {"PYTHONPATH": str(Path(config.__file__).parents[2])}
    command = [sys.executable, "-m", "opentdvp", "schema"]
    settings = {"cwd": tmp_path, "env": environment, "capture_output": True, "text": True}
    done = subprocess.run(command, **settings)
    assert done.returncode == 1
    assert done.stderr.startswith("error: PyYAML cannot be imported; is there a file or folder")
    assert done.stderr.count("\n") == 1
