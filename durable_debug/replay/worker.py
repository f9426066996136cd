"""The thread in which a handler is replayed, and how to get out of it whatever the handler does."""

from __future__ import annotations

import concurrent.futures.thread as pools
import contextlib
import ctypes
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from durable_debug.replay.tape import Tape

_GRACE_SECONDS = 2.0


class Worker:
    """Runs one invocation in a thread of its own.

    Parameters
    ----------
    target
        What to run; its return value or exception is kept in `output` and `error`.
    tape
        The run's tape: its `halt` ends the run, its `threads` are those that may have to be interrupted.
    ended
        Called in that thread when it is over.
    """

    def __init__(
        self, target: Callable[[], Any], tape: Tape, ended: Callable[[], None] | None = None
    ) -> None:
        self._ended = ended
        self._target = target
        self._tape = tape
        self.output: Any = None
        self.error: BaseException | None = None
        self.abandoned = False
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

    def join(self, timeout: float | None) -> bool:
        """Wait; whether it has ended."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def end(self, kind: str, message: str) -> None:
        """End the run now: stop it at its next operation, or interrupt the user's code where it stands.

        Code that is stuck in C (a lock that never opens, a read) can't be interrupted by anybody: such
        threads are left to the process, as daemons.
        """
        stop = self._tape.stop(kind, message)
        deadline = time.monotonic() + _GRACE_SECONDS
        self.join(0.01)
        while self._thread.is_alive() and time.monotonic() < deadline:
            for ident in list(self._tape.threads):
                _raise_in(ident, type(stop))
            self.join(0.05)
        if self._thread.is_alive():
            self._abandon()

    def _abandon(self) -> None:
        self.abandoned = True
        queues = getattr(pools, "_threads_queues", {})
        for thread in set(threading.enumerate()) - self._before:
            if thread.ident in self._tape.threads or thread.name.startswith("dex-handler"):
                with contextlib.suppress(KeyError):  # else the interpreter waits for it at its end
                    del queues[thread]


def _raise_in(ident: int, error: type[BaseException]) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), ctypes.py_object(error))
