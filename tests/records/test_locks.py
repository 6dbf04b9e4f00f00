"""Locks and memory where the modules of Unix are missing, as on Windows."""

import importlib.util
import os
import subprocess
import sys
from types import ModuleType

import pytest

from opentdvp.records import locks, memory


def without(monkeypatch, module, *missing):
    """A module, loaded anew where others cannot be imported."""
    for name in missing:
        monkeypatch.setitem(sys.modules, name, None)
    spec = importlib.util.spec_from_file_location("loaded_anew", module.__file__)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


class Windows(ModuleType):
    """What msvcrt does: a byte of a file is locked once, or it is not permitted."""

    LK_NBLCK = 2

    def __init__(self):
        super().__init__("msvcrt")
        self.locked = set()

    def locking(self, descriptor, mode, count):
        assert (mode, count) == (self.LK_NBLCK, 1)
        file = os.fstat(descriptor).st_ino, os.lseek(descriptor, 0, os.SEEK_CUR)
        if file in self.locked:
            raise PermissionError(13, "Permission denied")
        self.locked.add(file)


@pytest.mark.parametrize("system", ["this one", "Windows"])
def test_a_file_is_locked_once(tmp_path, monkeypatch, system):
    module = locks
    if system == "Windows":
        monkeypatch.setitem(sys.modules, "msvcrt", Windows())
        module = without(monkeypatch, locks, "fcntl")
    with (tmp_path / "lock").open("a") as first, (tmp_path / "lock").open("a") as second:
        module.lock(first)
        with pytest.raises(BlockingIOError):
            module.lock(second)
    with (tmp_path / "other").open("a") as stream:
        module.lock(stream)


def test_memory_that_the_system_does_not_tell_is_none(monkeypatch):
    assert memory.machine_memory() > memory.peak_memory() > 2**20
    other = without(monkeypatch, memory, "resource")
    monkeypatch.delattr(os, "sysconf")
    assert other.peak_memory() == other.machine_memory() == 0


def test_commands_and_engine_need_nothing_that_windows_lacks(tmp_path):
    """All is imported, and an output reserved, in a process without these modules."""
    code = """
import os, subprocess, sys, types
sys.modules |= dict.fromkeys(("fcntl", "resource", "pwd", "grp", "termios"))
sys.modules["msvcrt"] = types.SimpleNamespace(LK_NBLCK=2, locking=lambda *a: print("locked"))
del os.sysconf, os.sched_getaffinity
import opentdvp.cli, opentdvp.engine.evolve, opentdvp.records.trajectory
import opentdvp.references.exact.reduced, opentdvp.running.solve
from pathlib import Path
from opentdvp.records.permissions import Output, reserved
with reserved([Output(Path(sys.argv[1]), "a file", bool)]):
    print("reserved")
"""
    arguments = [sys.executable, "-c", code, str(tmp_path / "run.h5")]
    done = subprocess.run(arguments, capture_output=True, text=True)
    assert done.stdout.split() == ["locked", "reserved"], done.stderr
