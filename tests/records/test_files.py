import errno

import pytest

from opentdvp.errors import DamagedFileError, FileError, Interrupted
from opentdvp.records.files import beside, reading, replacing


def test_new_content_replaces_the_old(tmp_path):
    path = tmp_path / "folder" / "file.txt"
    for content in ("old", "new"):
        with replacing(path) as temporary:
            temporary.write_text(content)
    assert path.read_text() == "new"
    assert [p.name for p in path.parent.iterdir()] == ["file.txt"]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyError("x")])
def test_failure_leaves_the_old_content_and_no_rest(tmp_path, error):
    path = tmp_path / "file.txt"
    path.write_text("old")
    expected = FileError if isinstance(error, OSError) else KeyError

    def fail():
        with replacing(path) as temporary:
            temporary.write_text("half of the n")
            raise error

    with pytest.raises(expected):
        fail()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file.txt"]


def test_old_content_is_kept_where_it_is_wanted(tmp_path):
    path, previous = tmp_path / "file.txt", tmp_path / "file.previous.txt"
    for content in ("first", "second", "third"):
        with replacing(path, previous) as temporary:
            temporary.write_text(content)
    assert (path.read_text(), previous.read_text()) == ("third", "second")


def test_the_file_that_a_link_leads_to_is_replaced(tmp_path):
    """As by any program that writes to a link; the link stays, whether its file exists or not."""
    (tmp_path / "elsewhere").mkdir()
    target, link = tmp_path / "elsewhere" / "file.txt", tmp_path / "file.txt"
    link.symlink_to(target)
    for content in ("first", "second"):
        with replacing(link) as temporary:
            temporary.write_text(content)
        assert target.read_text() == content
    assert link.readlink() == target
    assert [p.name for p in target.parent.iterdir()] == ["file.txt"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("run.h5", "run.timing.json"),
        ("3.npz", "3.timing.json"),
        ("rate0.1", "rate0.1.timing.json"),
        ("rate0.1.h5", "rate0.1.timing.json"),
        ("rate0.5", "rate0.5.timing.json"),
        ("run.hdf5", "run.hdf5.timing.json"),
    ],
)
def test_what_goes_with_a_file_has_its_whole_name(tmp_path, name, expected):
    assert beside(tmp_path / name, ".timing.json") == tmp_path / expected


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (OSError(errno.EIO, "x"), FileError, "Cannot read .*file: Input/output error"),
        (OSError(errno.ENOLCK, "x"), FileError, "Cannot read .*file: No locks available"),
        (OSError("parser"), DamagedFileError, "it is truncated, damaged or not a list"),
        (RecursionError(), DamagedFileError, "it is truncated, damaged or not a list"),
        (Interrupted("stop"), Interrupted, "stop"),
    ],
)
def test_what_goes_wrong_with_a_file_is_said(tmp_path, error, kind, message):
    """A file that cannot be read is not called damaged."""
    path = tmp_path / "file"
    path.write_text("")

    def fail():
        with reading(path, "a list"):
            raise error

    with pytest.raises(kind, match=message) as found:
        fail()
    assert type(found.value) is kind


@pytest.mark.parametrize(
    ("name", "message"),
    [(".", "it is a folder"), ("x", "there is no such file"), ("x" * 300, "File name too long")],
)
def test_no_file_is_said(tmp_path, name, message):
    with pytest.raises(FileError, match=message), reading(tmp_path / name, "a list"):
        pass
