"""Verbs that are posted and done later: what posts one, a widget say, never waits for the handler."""

from __future__ import annotations

import queue
import threading
import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Mailbox"]

_Posted = queue.SimpleQueue[tuple[str, dict[str, Any]] | None]  # None: no more will come


class Mailbox:
    """Does what is posted, one after the other, in a thread of its own that begins with the first.

    Parameters
    ----------
    do
        A method that does one verb, and says whether to go on with those behind it. The mailbox does not keep the object
        that it belongs to alive: once that is gone, nothing more is done.
    """

    def __init__(self, do: Callable[[str, dict[str, Any]], bool]) -> None:
        self._do = weakref.WeakMethod(do)
        self._posted: _Posted = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def post(self, verb: str, arguments: dict[str, Any]) -> None:
        """Have a verb done after those that were posted before it."""
        with self._lock:
            self._posted.put((verb, arguments))
            if self._thread is None:
                self._thread = threading.Thread(
                    target=_serve, args=(self._posted, self._do), name="durable-debug-control", daemon=True
                )
                self._thread.start()

    def close(self) -> None:
        """End the thread, after what it does now."""
        self._posted.put(None)


def _serve(posted: _Posted, do: weakref.WeakMethod[Callable[[str, dict[str, Any]], bool]]) -> None:
    while (command := posted.get()) is not None:
        does = do()
        if does is None or not does(*command):
            return
        del does  # while it waits for the next one, the thread must not keep the debugger alive
