"""Not too many requests at once: a bucket that fills at an even rate."""

from __future__ import annotations

import threading
import time

__all__ = ["Pace"]


class Pace:
    """Lets one caller through every ``1 / rate`` seconds, from any number of threads.

    Parameters
    ----------
    rate
        Requests a second.
    """

    def __init__(self, rate: float) -> None:
        self._interval = 1 / rate
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self, stop: threading.Event) -> None:
        """Wait for a turn, or until `stop` is set."""
        with self._lock:
            now = time.monotonic()
            turn = max(self._next, now)
            self._next = turn + self._interval
        if turn > now:
            stop.wait(turn - now)
