import errno

import pytest

from opentdvp.errors import FileError
from opentdvp.files import check_writable, replacing, reserved


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


def test_unwritable_places_are_found_before_the_work(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="it is a folder"):
        check_writable(tmp_path)
    with pytest.raises(FileError, match=r"Cannot write .*file/run\.h5: Not a directory"):
        check_writable(tmp_path / "file" / "run.h5")
    check_writable(tmp_path / "new" / "run.h5")
    assert list((tmp_path / "new").iterdir()) == []


def test_old_content_is_kept_where_it_is_wanted(tmp_path):
    path, previous = tmp_path / "file.txt", tmp_path / "file.previous.txt"
    for content in ("first", "second", "third"):
        with replacing(path, previous) as temporary:
            temporary.write_text(content)
    assert (path.read_text(), previous.read_text()) == ("third", "second")


def test_a_file_is_reserved_for_one_process_and_free_again(tmp_path):
    path = tmp_path / "run.h5"
    with reserved(path), pytest.raises(FileError, match="another process"), reserved(path):
        pass
    with reserved(path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_removed(tmp_path):
    rests = [".run.h5.abc.h5", ".run.timing.json.xyz.json", ".run.h5.lock"]
    others = ["run.h5", ".run2.h5.abc.h5", "run.npz"]
    for name in (*rests, *others):
        (tmp_path / name).write_text("half")
    with reserved(tmp_path / "run.h5"):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(others)
