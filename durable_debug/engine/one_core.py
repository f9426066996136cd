"""Replays of which there are many: on one processor core each."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import time

__all__ = ["OneCore"]

_STAY_SECONDS = 0.1


class OneCore:
    """Keeps this thread, and those that it starts, on one processor core, and looks for a free one now and then.

    The threads of a replay take turns: one starts the next and waits for it. Each turn costs a fraction where it wakes
    no other core, and that core is free for another process.
    """

    def __init__(self) -> None:
        self._where = getattr(ctypes.CDLL(None), "sched_getcpu", None) if sys.platform == "linux" else None
        self._all = os.sched_getaffinity(0) if sys.platform == "linux" else set()
        self._until = 0.0

    def stay(self) -> None:
        """Stay where we are, or go where there is less to do if we stayed for some time."""
        if self._where is None or time.monotonic() < self._until:
            return
        with contextlib.suppress(OSError):  # a sandbox may forbid it: a matter of speed only
            os.sched_setaffinity(0, self._all)
            time.sleep(0.000_1)  # waking up is when the system looks for a free core
            os.sched_setaffinity(0, {self._where()})
        self._until = time.monotonic() + _STAY_SECONDS
