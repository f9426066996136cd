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
    """Does what is posted, one after the other, in a thread of its own.

    The thread also ends the replay of a debugger that nobody refers to any more. A finaliser could not: it runs in
    whichever thread needs memory, maybe one that holds the very lock that the end of a replay needs.

    Parameters
    ----------
    do
        A method that does one verb, and says whether to go on with those behind it. The mailbox does not keep the object
        that it belongs to alive: once that is gone, nothing more is done.
    leave
        Called last, in the thread.
    """

    def __init__(self, do: Callable[[str, dict[str, Any]], bool], leave: Callable[[], None]) -> None:
        self._posted: _Posted = queue.SimpleQueue()
        threading.Thread(
            target=_serve,
            args=(self._posted, weakref.WeakMethod(do), leave),
            name="durable-debug-control",
            daemon=True,
        ).start()

    def post(self, verb: str, arguments: dict[str, Any]) -> None:
        """Have a verb done after those that were posted before it."""
        self._posted.put((verb, arguments))

    def close(self) -> None:
        """End the thread, after what it does now. Neither waits nor takes a lock."""
        self._posted.put(None)


def _serve(
    posted: _Posted, do: weakref.WeakMethod[Callable[[str, dict[str, Any]], bool]], leave: Callable[[], None]
) -> None:
    while (command := posted.get()) is not None:
        does = do()
        if does is None or not does(*command):
            break
        del does  # while it waits for the next one, the thread must not keep the debugger alive
    leave()
