"""What a command may write, found before any work; the rest of the folder stays as it is."""

import errno
import fcntl
import os

import pytest

from opentdvp.errors import FileError
from opentdvp.records.permissions import Output, check_writable, reserved


def output(path, **settings):
    """Files of this kind begin with `ours`."""
    return Output(path, "a file of ours", lambda stream: stream.read(4) == b"ours", **settings)


def contents(folder):
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


def test_unwritable_places_are_found_before_the_work(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="it is a folder"):
        check_writable(tmp_path)
    with pytest.raises(FileError, match=r"Cannot write .*file/run\.h5: Not a directory"):
        check_writable(tmp_path / "file" / "run.h5")
    check_writable(tmp_path / "new" / "run.h5")
    assert list((tmp_path / "new").iterdir()) == []


def test_a_file_is_reserved_for_one_process_and_free_again(tmp_path):
    wanted = [output(tmp_path / "run.h5")]
    with reserved(wanted), pytest.raises(FileError, match="another process"), reserved(wanted):
        pass
    with reserved(wanted):
        pass
    assert list(tmp_path.iterdir()) == []


def test_different_outputs_with_one_checkpoint_are_refused(tmp_path):
    checkpoint = output(tmp_path / "run.npz")
    with (
        reserved([output(tmp_path / "a.h5"), checkpoint]),
        pytest.raises(FileError, match=r"run\.npz: another process"),
        reserved([output(tmp_path / "b.h5"), checkpoint]),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_only_what_we_left_is_removed(tmp_path):
    """Names that a process of ours was killed with, and others that look like them."""
    rests = [".run.h5.opentdvp-abcd1234.tmp.h5", ".run.h5.opentdvp.lock"]
    others = [
        *(".run.local", ".run.h5.abc.h5", ".run.h5.lock", ".run.h5.opentdvp-notes.txt", "run.npz"),
        ".run2.h5.opentdvp-abcd1234.tmp.h5",
    ]
    folder = tmp_path / ".run.h5.opentdvp-abcd5678.tmp.h5"
    folder.mkdir()
    for name in (*rests, *others):
        (tmp_path / name).write_text(name)
    with reserved([output(tmp_path / "run.h5")]):
        pass
    assert contents(tmp_path) == {name: name for name in others}
    assert folder.is_dir()


@pytest.mark.parametrize("way", ["name", "through a folder", "symbolic link", "hard link"])
def test_an_output_is_no_input_and_no_other_output(tmp_path, way):
    first = tmp_path / "first"
    second = {"name": first, "through a folder": tmp_path / "x" / ".." / "first"}.get(way)
    if second is None:
        second = tmp_path / "second"
        first.write_text("ours")
        second.symlink_to(first) if way == "symbolic link" else second.hardlink_to(first)
    for wanted, read in (([first], [second]), ([second], [first]), ([first, second], [])):
        with (
            pytest.raises(FileError, match="is the same file as"),
            reserved(list(map(output, wanted)), read),
        ):
            pass


def test_only_files_of_the_same_kind_are_replaced(tmp_path):
    for content, fine in (("ours, earlier", True), ("", True), ("notes", False)):
        path = tmp_path / "file"
        path.write_text(content)
        if fine:
            with reserved([output(path)]):
                pass
        else:
            with (
                pytest.raises(FileError, match="is not a file of ours; delete it, or"),
                reserved([output(path)]),
            ):
                pass
        assert path.read_text() == content


def test_a_read_only_file_stays(tmp_path):
    path = tmp_path / "run.h5"
    path.write_text("ours")
    path.chmod(0o444)
    with pytest.raises(FileError, match="it is read-only"), reserved([output(path)]):
        pass


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a" * 300, "File name too long"),
        ("b" * 250, "File name too long"),
        (f"{'c' * 300}/run.h5", "File name too long"),
        ("two\nlines", r"'.*two\\nlines': a name must be of printable characters"),
        (".", "it is a folder"),
    ],
)
def test_names_that_cannot_be_are_refused(tmp_path, name, message):
    with pytest.raises(FileError, match=message) as found, reserved([output(tmp_path / name)]):
        pass
    assert "\n" not in str(found.value)
    assert list(tmp_path.iterdir()) == []


def test_a_pipe_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    wanted = [output(tmp_path / "pipe")]
    with pytest.raises(FileError, match="it is a device or a pipe"), reserved(wanted):
        pass
    assert (tmp_path / "pipe").is_fifo()


def test_a_forgotten_value_is_no_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with (
        pytest.raises(FileError, match="must not begin with a dash"),
        reserved([output(tmp_path.__class__("--log"))]),
    ):
        pass


def test_lines_may_go_to_a_terminal_but_not_to_a_file_of_another_kind(tmp_path):
    with reserved([output(tmp_path.__class__(os.devnull), appended=True)]):
        pass
    (tmp_path / "other").write_text("other")
    with (
        pytest.raises(FileError, match="is not a file of ours"),
        reserved([output(tmp_path / "other", appended=True)]),
    ):
        pass


@pytest.mark.parametrize("reason", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_without_locks_the_work_is_done_with_a_warning(tmp_path, monkeypatch, reason):
    def refuse(*arguments):
        raise OSError(reason, os.strerror(reason))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.warns(RuntimeWarning, match="Cannot lock"), reserved([output(tmp_path / "run.h5")]):
        (tmp_path / "run.h5").write_text("ours")
    assert contents(tmp_path) == {"run.h5": "ours"}
