"""One branch of a live map or parallel at a time, in index order, so that a replay is the same every time."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from durable_debug.engine.threads import innermost_frames

if TYPE_CHECKING:
    from collections.abc import Callable

_POLL_SECONDS = 0.02


class BranchScheduler:
    """Gives each branch its turn.

    The SDK starts branches in index order, each in a thread of a pool. A branch enters when its context is
    made and leaves when its body ends; if the SDK ends it in between, its turn is found free.

    Parameters
    ----------
    over
        Whether the replay was stopped, so that nobody waits any longer.
    worker
        The SDK's function that a branch runs in.
    """

    def __init__(self, over: Callable[[], bool], worker: str) -> None:
        self._over = over
        self._worker = worker
        self._condition = threading.Condition()
        self._holder: tuple[int, int] | None = None  # (index, thread)
        self._next = 0
        self._last: int | None = None  # the branch that ended them all

    def enter(self, index: int) -> bool:
        """Wait for this branch's turn; whether it comes."""
        me = threading.get_ident()
        with self._condition:
            while self._last is None and not self._free(index, me):
                if self._over():
                    break
                self._condition.wait(_POLL_SECONDS)
            if self._last is not None and self._last != index:
                return False
            self._holder = (index, me)
            self._next = max(self._next, index + 1)
            return True

    def end_with(self, index: int) -> None:
        """Let no branch follow this one: with it the whole batch ends, how soon is chance."""
        with self._condition:
            if self._last is None:
                self._last = index
            self._condition.notify_all()

    def _free(self, index: int, me: int) -> bool:
        if index > self._next:
            return False
        if self._holder is None or self._holder[1] == me:
            return True
        return not _in_branch(self._holder[1], self._worker)

    def leave(self, index: int) -> None:
        """End this branch's turn."""
        with self._condition:
            if self._holder is not None and self._holder[0] == index:
                self._holder = None
                self._condition.notify_all()


def _in_branch(thread: int, worker: str) -> bool:
    frame = innermost_frames().get(thread)
    while frame is not None:
        if frame.f_code.co_name == worker:
            return True
        frame = frame.f_back
    return False
