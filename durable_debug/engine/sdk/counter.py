"""What stands where the SDK's counter of operations would be."""

from __future__ import annotations

import threading

__all__ = ["Counter"]


class Counter:
    """Counts a context's operations, as the SDK's counter does, without its queue of waiting threads.

    Branches run one at a time in a replay, and each has a counter of its own; the queue is half of the SDK's
    work for an operation that is answered from its checkpoint.
    """

    __slots__ = ("_counter", "_lock")

    def __init__(self, start: int) -> None:
        self._counter = start
        self._lock = threading.Lock()

    def increment(self) -> int:
        with self._lock:
            self._counter += 1
            return self._counter

    def decrement(self) -> int:
        with self._lock:
            self._counter -= 1
            return self._counter

    def get_current(self) -> int:
        return self._counter
