"""Wait for somebody else's code, which may never come back, and no longer than is bearable."""

from __future__ import annotations

import ctypes
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["OverdueError", "StoppedError", "within"]

_LOOK = 0.05  # seconds from one look at `stop` to the next


class OverdueError(Exception):
    """It took too long."""


class StoppedError(Exception):
    """Nobody waits for it any more."""


class _Abandoned(SystemExit):
    """Rises in a call that nobody waits for; a thread that ends by it says nothing."""


def within(
    seconds: float,
    stop: threading.Event,
    work: Callable[[], Any],
    *,
    clock: Callable[[], float] = time.monotonic,
) -> Any:
    """Do `work` in a thread of its own, and wait for it: an interrupt, `stop` or the end of the time end the waiting.

    A network's time limits are for one read: who sends a byte a second never meets one. What is abandoned ends with its next
    byte, or with its own time limit.

    Raises
    ------
    OverdueError
        It took longer than `seconds`.
    StoppedError
        `stop` was set.
    """
    ended: list[tuple[Any, BaseException | None]] = []
    done = threading.Event()

    def run() -> None:
        try:
            ended.append((work(), None))
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            ended.append((None, error))
        finally:
            done.set()

    thread = threading.Thread(target=run, name="durable_debug call", daemon=True)
    give_up = clock() + seconds
    thread.start()
    try:
        _wait(done, stop, lambda: clock() > give_up)
    except BaseException:
        _abandon(thread)
        raise
    result, error = ended[0]
    if error is not None:
        raise error
    return result


def _wait(done: threading.Event, stop: threading.Event, is_late: Callable[[], bool]) -> None:
    while not done.wait(_LOOK):
        if stop.is_set():
            raise StoppedError
        if is_late():
            raise OverdueError


def _abandon(thread: threading.Thread) -> None:
    if thread.is_alive() and thread.ident is not None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(_Abandoned))
