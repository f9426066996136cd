"""Where work was handed to another thread: an operation that is asked for there has its line here.

`asyncio.to_thread`, a pool or a thread calls the context's method itself: no frame of the user's code is on that
thread's stack. So what is handed over (see `handover`) remembers the frames that it was handed over from.
"""

from __future__ import annotations

import os
import sys
import threading
import weakref
from typing import TYPE_CHECKING, Any

from durable_debug.engine.users_code import is_users

if TYPE_CHECKING:
    from types import FrameType

    Origin = tuple[tuple[FrameType, int], ...]

__all__ = ["bringing", "here", "note_task", "taken"]

_DEEPEST = 50
_LOOP = os.path.join("asyncio", "events.py")  # noqa: PTH118 - the end of a name


class _Local(threading.local):
    origin: Origin = ()


_local = _Local()
_tasks: weakref.WeakKeyDictionary[Any, Origin] = weakref.WeakKeyDictionary()


def here() -> Origin:
    """Give the user's frames that this thread's work was handed over from, the innermost first, each where it stood."""
    return _local.origin


class bringing:  # noqa: N801 - reads as a statement: with bringing(origin)
    """Around work in another thread: it comes from there."""

    __slots__ = ("_before", "_origin")

    def __init__(self, origin: Origin) -> None:
        self._origin = origin

    def __enter__(self) -> None:
        self._before, _local.origin = _local.origin, self._origin

    def __exit__(self, *_: object) -> None:
        _local.origin = self._before


def taken() -> Origin:
    """Give the user's frames of this thread, and of where its own work was handed over or its task was made."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001
    found: list[tuple[FrameType, int]] = []
    outer, task = here(), _task_s()
    while frame is not None and len(found) < _DEEPEST:
        file = frame.f_code.co_filename
        if task and file.endswith(_LOOP):
            outer = task  # below is the loop, which runs whatever is due
            break
        if is_users(file):
            found.append((frame, frame.f_lasti))
        frame = frame.f_back
    return (*found, *outer[: _DEEPEST - len(found)])


def _task_s() -> Origin:
    """Give where the task was made that runs in this thread."""
    asyncio: Any = sys.modules.get("asyncio")
    loop = asyncio._get_running_loop() if asyncio is not None else None  # noqa: SLF001
    task = asyncio.current_task(loop) if loop is not None else None
    return _tasks.get(task, ()) if task is not None else ()


def note_task(task: Any) -> None:
    """Remember where a task of an event loop was made."""
    _tasks[task] = taken()
