"""The thread in which a handler is replayed, and how to get out of it whatever the handler does."""

from __future__ import annotations

import concurrent.futures.thread as pools
import contextlib
import ctypes
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from durable_debug.engine import capture
from durable_debug.engine.places import place_of
from durable_debug.engine.sdk.frames import is_user_code
from durable_debug.engine.threads import innermost_frames
from durable_debug.engine.users_code import is_users

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import FrameType

    from durable_debug.engine.ongoing_pass import OngoingPass
    from durable_debug.engine.places import Place

_AGAIN_SECONDS = 0.03
_MOST_TIMES = 66  # not seconds: where the machine is busy, both sides get their turns late
_STDLIB = str(Path(os.__file__).parent) + os.sep
_POOLS = ("dex-handler", "ThreadPoolExecutor")  # the invocation's threads, and those of maps and parallels


class Worker:
    """Runs one invocation in a thread of its own.

    Parameters
    ----------
    target
        What to run; its return value or exception is kept in `output` and `error`.
    ongoing
        The run's pass: its `halt` ends the run, its `threads` are those that may have to be interrupted.
    ended
        Called in that thread when it is over.
    """

    def __init__(
        self, target: Callable[[], Any], ongoing: OngoingPass, ended: Callable[[], None] | None = None
    ) -> None:
        self._ended = ended
        self._target = target
        self._ongoing = ongoing
        self.output: Any = None
        self.error: BaseException | None = None
        self.abandoned = False
        self._over = threading.Event()
        self._before = set(threading.enumerate())
        self._thread = threading.Thread(target=self._run, name="durable-debug-replay", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def _run(self) -> None:
        try:
            self.output = self._target()
        except BaseException as error:  # noqa: BLE001 - the outcome, whatever it is
            self.error = error
        if self._ended is not None:
            self._ended()
        self._over.set()

    def join(self, timeout: float | None) -> bool:
        """Wait; whether it has ended."""
        if threading.current_thread() is self._thread:
            return False  # a collection of garbage may come by here
        # Not `Thread.join`: interrupted by Ctrl-C it takes a thread that lives for a dead one (CPython 3.11).
        if not self._over.wait(timeout):
            return False
        self._thread.join()
        return True

    def end(self, kind: str, message: str) -> None:
        """End the run now: stop it at its next operation, or interrupt the user's code where it stands.

        Code that is stuck in C (a lock that never opens, a read) can't be interrupted by anybody: such
        threads are left to the process, as daemons.
        """
        stop = self._ongoing.stop(kind, message, at=self._stands_at() if kind == "timeout" else None)
        self.join(0.01)
        for times in range(_MOST_TIMES):
            if self._over.is_set():
                break
            frames = innermost_frames()
            for thread in self._users():
                # On its way out through the SDK it must not be hit again: the SDK would lose its end.
                if _in_users_code(frames.get(thread.ident or 0)) or times > _MOST_TIMES / 2:
                    _raise_in(thread, type(stop))
            self.join(_AGAIN_SECONDS)
        if not self._over.is_set():
            self._abandon()

    def _stands_at(self) -> Place | None:
        """The line of the user's code at which a thread of the handler stands."""
        frames = innermost_frames()
        for ident in self._ongoing.seen.threads:
            frame = frames.get(ident)
            while frame is not None and not is_users(frame.f_code.co_filename):
                frame = frame.f_back
            if frame is not None:
                return place_of(frame.f_code, frame.f_lasti)
        return None

    def _abandon(self) -> None:
        self.abandoned = True
        _take_back({thread.ident for thread in self._users()})
        capture.remove(self._ongoing)
        queues = getattr(pools, "_threads_queues", {})
        for thread in self._pooled():
            if thread.ident not in self._ongoing.seen.threads and not thread.name.startswith(_POOLS[0]):
                continue  # a pool of somebody else's
            with contextlib.suppress(KeyError):  # else the interpreter waits for it at its end
                del queues[thread]

    def _pooled(self) -> set[threading.Thread]:
        """Give the pools' threads that began since: the SDK's, and maybe those of a replay beside this one."""
        began = set(threading.enumerate()) - self._before
        return {thread for thread in began if thread.name.startswith(_POOLS)}

    def _users(self) -> list[threading.Thread]:
        """Give the threads that run the handler; a number alone may be another thread's by now."""
        return [thread for thread in self._pooled() if thread.ident in self._ongoing.seen.threads]


def _in_users_code(frame: FrameType | None) -> bool:
    """Whether a thread stands in the user's code, or in a library's that it called."""
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith((_STDLIB, "<frozen")) or not is_user_code(name):
            return is_user_code(name)
        frame = frame.f_back
    return False


class _TakenBack(BaseException):
    """Raised in our own thread, by which CPython notes that no exception is pending any more."""


def _take_back(idents: Iterable[int | None]) -> None:
    """Take back what was raised in threads that do not run: they end at their next operation, if they come to it.

    While an exception is pending in a thread that sleeps, CPython 3.11 goes round and round in any other one that is
    profiled, as the guard does where files are open. It forgets about it when one is delivered.
    """
    if sys.version_info >= (3, 12):
        return
    own = threading.get_ident()
    for ident in idents:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident or 0), None)
    with contextlib.suppress(_TakenBack):
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(own), ctypes.py_object(_TakenBack))
        for _ in range(1_000):  # it comes within a few instructions
            pass


def _raise_in(thread: threading.Thread, error: type[BaseException]) -> None:
    ident = ctypes.c_ulong(thread.ident or 0)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, ctypes.py_object(error))
