import errno

import pytest

from opentdvp.errors import FileError
from opentdvp.files import check_writable, replacing


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
