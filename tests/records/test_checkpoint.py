import numpy as np
import pytest

from opentdvp.errors import FileError
from opentdvp.records.checkpoint import State, load, save

STATE = State(
    time=0.25,
    step_size=0.1,
    arrays={"theta": np.array([1.0, np.pi])},
    outputs=({"X": np.array(0.5), "C_XX": np.array([0.1, 0.2])},) * 2,
    diagnostics=({"residual": np.array(1e-3)},),
    wall_seconds=2.5,
)
RUN_ID = "a" * 64


def test_round_trip(tmp_path):
    save(STATE, RUN_ID, tmp_path / "run.npz")
    again = load(RUN_ID, tmp_path / "run.npz")
    assert (again.time, again.step_size, again.wall_seconds) == (0.25, 0.1, 2.5)
    np.testing.assert_array_equal(again.arrays["theta"], STATE.arrays["theta"])
    assert [sorted(record) for record in again.outputs] == [["C_XX", "X"]] * 2
    np.testing.assert_array_equal(again.outputs[1]["C_XX"], [0.1, 0.2])
    assert float(again.diagnostics[0]["residual"]) == 1e-3
    assert [path.name for path in tmp_path.iterdir()] == ["run.npz"]


def test_checkpoint_of_another_deck_is_refused(tmp_path):
    save(STATE, RUN_ID, tmp_path / "run.npz")
    with pytest.raises(FileError, match="run id must be bbbbbbbbbbbb, but is aaaaaaaaaaaa"):
        load("b" * 64, tmp_path / "run.npz")


@pytest.mark.parametrize("keep", [0, 10, 300, -1])
def test_broken_checkpoint_is_refused(tmp_path, keep):
    path = tmp_path / "run.npz"
    save(STATE, RUN_ID, path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(FileError, match="truncated, damaged or not a checkpoint; delete it"):
        load(RUN_ID, path)


def test_content_that_is_whole_but_another_is_refused(tmp_path):
    """Changed by a program that also writes the archive's own checksums anew."""
    path = tmp_path / "run.npz"
    save(STATE, RUN_ID, path)
    with np.load(path) as file:
        entries = {name: file[name] for name in file.files}
    np.savez(path, **entries | {"arrays/theta": np.array([1.0, 3.0])})
    with pytest.raises(FileError, match="truncated, damaged"):
        load(RUN_ID, path)


def test_checkpoint_of_another_version_is_refused(tmp_path):
    path = tmp_path / "run.npz"
    np.savez(path, version=2, run_id=RUN_ID)
    with pytest.raises(FileError, match="its version must be 3, but is 2"):
        load(RUN_ID, path)


def test_damaged_content_is_refused(tmp_path):
    path = tmp_path / "run.npz"
    save(STATE, RUN_ID, path)
    content = bytearray(path.read_bytes())
    position = content.find(np.array([np.pi]).tobytes())
    content[position] ^= 1
    path.write_bytes(content)
    with pytest.raises(FileError, match="truncated, damaged"):
        load(RUN_ID, path)
