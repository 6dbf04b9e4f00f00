"""Two generations of checkpoints: when they are written, and which one a run goes on from."""

import time

import numpy as np
import pytest

from opentdvp.errors import FileError
from opentdvp.records.checkpoint import State, load
from opentdvp.running.keeper import Checkpoints, Keeper, previous_path

RUN_ID = "a" * 64


def state(number):
    return State(float(number), 0.1, {"theta": np.full(3, float(number))})


@pytest.fixture
def path(tmp_path):
    """Checkpoints of a run at the times 1 and 2."""
    keeper = Keeper(RUN_ID, Checkpoints(tmp_path / "run.npz", interval=0))
    for number in (0, 1, 2):
        keeper(state(number))
    return tmp_path / "run.npz"


def resumed(path, run_id=RUN_ID):
    return Keeper(run_id, Checkpoints(path)).resume()


def test_a_run_goes_on_from_the_newest(path):
    assert resumed(path).time == 2
    assert load(RUN_ID, previous_path(path)).time == 1


@pytest.mark.parametrize("content", [b"", b"PK not a checkpoint", None])
def test_a_damaged_one_gives_way_to_the_one_before_with_a_warning(path, content):
    path.write_bytes(path.read_bytes()[:-40] if content is None else content)
    with pytest.warns(RuntimeWarning, match=r"run\.npz: it is truncated.* from .*previous"):
        assert resumed(path).time == 1


def test_a_damaged_one_does_not_take_the_place_of_the_one_before(path):
    path.write_bytes(b"")
    keeper = Keeper(RUN_ID, Checkpoints(path, interval=0))
    with pytest.warns(RuntimeWarning, match="Going on from"):
        keeper.resume()
    keeper(state(3))
    assert load(RUN_ID, path).time == 3
    assert load(RUN_ID, previous_path(path)).time == 1


def test_killed_between_two_renames_a_run_goes_on_from_the_one_before(path):
    path.unlink()
    assert resumed(path).time == 1


def test_damaged_ones_alone_are_refused(path):
    for generation in (path, previous_path(path)):
        generation.write_bytes(b"")
    with pytest.raises(FileError, match=r"run\.npz: it is truncated"):
        resumed(path)


@pytest.mark.parametrize("stay", [False, True])
def test_those_of_a_complete_run_go_unless_they_have_to_stay(path, stay):
    Keeper(RUN_ID, Checkpoints(path, stay=stay)).discard()
    assert [generation.exists() for generation in (path, previous_path(path))] == [stay, stay]


def test_one_of_another_run_is_refused_even_with_another_before(path):
    with pytest.raises(FileError, match="its run id must be bbbbbbbbbbbb"):
        resumed(path, "b" * 64)


def test_no_more_is_written_than_wanted(tmp_path):
    """A long interval: nothing before the end."""
    path = tmp_path / "run.npz"
    keeper = Keeper(RUN_ID, Checkpoints(path, interval=1e6))
    keeper(state(0))
    keeper(state(1))
    assert not path.exists()
    keeper.flush()
    keeper.flush()
    assert load(RUN_ID, path).time == 1
    assert not previous_path(path).exists()


def test_the_clock_on_the_wall_may_jump(tmp_path, monkeypatch):
    """Neither the interval nor the time that a run takes follow the system's date."""
    monkeypatch.setattr(time, "time", lambda: next(jumps))
    jumps = iter([1e9, -1e9] * 100)
    keeper = Keeper(RUN_ID, Checkpoints(tmp_path / "run.npz", interval=1e6))
    keeper(state(0))
    assert not (tmp_path / "run.npz").exists()
    assert 0 <= keeper.wall_seconds < 10


def test_time_adds_up_over_the_parts_of_a_run(tmp_path, monkeypatch):
    clock = iter([0.0, 100.0, 100.0, 5.0, 12.0])
    monkeypatch.setattr("opentdvp.running.keeper.time.monotonic", lambda: next(clock))
    first = Keeper(RUN_ID, Checkpoints(tmp_path / "run.npz"))  # at 0
    first._state = state(1)
    first.flush()  # at 100, and once more for the next interval
    assert not first.resumed
    second = Keeper(RUN_ID, Checkpoints(tmp_path / "run.npz"))  # at 5
    second.resume()
    assert second.resumed
    assert second.wall_seconds == 107.0


def test_without_settings_nothing_is_kept(tmp_path):
    keeper = Keeper(RUN_ID, None)
    keeper(state(0))
    keeper.flush()
    keeper.discard()
    assert keeper.resume() is None
