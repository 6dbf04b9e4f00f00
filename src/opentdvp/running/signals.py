"""Ending a run early: at SIGTERM, SIGINT or its time limit it is saved at once, to go on later."""

import _thread
import math
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

from rich.console import Console

from opentdvp.errors import FileError, Interrupted

#: Exit status of a command that has to be started again (EX_TEMPFAIL of sysexits.h).
CONTINUE = 75

#: Seconds that a run has, after it was saved, to leave the compiled function it is in.
GRACE = 3.0

MESSAGE = "The run was asked to stop; the same command goes on with what is saved of it."

_END = b"\0"


def raise_on_signals() -> None:
    """From now on SIGTERM and SIGINT raise `Interrupted` in the main thread."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    # Once is enough: a second signal would cut the saving short.
    _ignore_signals()
    raise Interrupted(MESSAGE)


def stop_no_more() -> None:
    """From now on, where signals raise `Interrupted`, they are ignored: the rest takes no time."""
    if _handled():
        _ignore_signals()


def _ignore_signals() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)


def _handled() -> bool:
    main = threading.current_thread() is threading.main_thread()
    return main and signal.getsignal(signal.SIGTERM) is _interrupt


@contextmanager
def saving_when_stopped(save: Callable[[], None], time_limit: float | None) -> Iterator[None]:
    """Within the block, a signal or the time limit saves the run and raises `Interrupted`.

    Handlers of Python wait until a compiled function returns, which can take longer than a batch
    system's patience. So another thread is told of a signal at once, and saves. If the main thread
    does not follow in time, that thread ends the process with the status `CONTINUE`.

    Needs `raise_on_signals` and the main thread; without them nothing but the block happens.

    Parameters
    ----------
    save
        Called once, from the other thread.
    time_limit
        Seconds from now after which the run stops by itself, or None.
    """
    if not _handled():
        yield
        return
    told, teller = socket.socketpair()
    teller.setblocking(False)
    finished = threading.Event()
    earlier = signal.set_wakeup_fd(teller.fileno(), warn_on_full_buffer=False)
    arguments = (told, save, time_limit, finished)
    watcher = threading.Thread(target=_watch, args=arguments, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        finished.set()
        signal.set_wakeup_fd(earlier)
        teller.send(_END)
        watcher.join()
        told.close()
        teller.close()


def _watch(
    told: socket.socket,
    save: Callable[[], None],
    time_limit: float | None,
    finished: threading.Event,
) -> None:
    """Wait for a signal, the time limit or the end, whichever comes first."""
    end = math.inf if time_limit is None else time.monotonic() + time_limit
    ready: list[socket.socket] = []
    # In short waits, because the time that a process is suspended does not count in one.
    while not ready and time.monotonic() < end:
        ready, _, _ = select.select([told], [], [], max(0.0, min(1.0, end - time.monotonic())))
    if ready and told.recv(1) == _END:
        return
    # What cannot be written now is tried again, and reported, by the main thread.
    with suppress(FileError):
        save()
    if not ready:
        _thread.interrupt_main(signal.SIGTERM)
    if not finished.wait(GRACE):
        error = Console(stderr=True)
        error.show_cursor()
        print(f"error: {MESSAGE}", file=sys.stderr, flush=True)
        os._exit(CONTINUE)
