"""Where work was handed to another thread: an operation that is asked for there has its line here.

`asyncio.to_thread`, a pool or a thread calls the context's method itself; no frame of the user's code is on that
thread's stack. While a replay runs, what is handed over remembers the frames that it was handed over from.
"""

from __future__ import annotations

import concurrent.futures
import os
import sys
import threading
import weakref
from typing import TYPE_CHECKING, Any

from durable_debug.engine.users_code import is_machinery, is_users

if TYPE_CHECKING:
    from types import FrameType

    Origin = tuple[tuple[FrameType, int], ...]

__all__ = ["here", "watch"]

_DEEPEST = 50
_MARK = "_durable_debug_origin"
_LOOP = os.path.join("asyncio", "events.py")  # noqa: PTH118 - the end of a name
_submit: Any = concurrent.futures.ThreadPoolExecutor.submit
_start: Any = threading.Thread.start
_create_task: Any = None
_tasks: weakref.WeakKeyDictionary[Any, Origin] = weakref.WeakKeyDictionary()


class _Local(threading.local):
    origin: Origin = ()


_local = _Local()


def here() -> Origin:
    """Give the user's frames that this thread's work was handed over from, the innermost first, each where it stood."""
    thread = threading._active.get(threading.get_ident())  # type: ignore[attr-defined]  # noqa: SLF001
    return _local.origin or getattr(thread, _MARK, ())


def _origin() -> Origin:
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001
    if frame is None or is_machinery(frame.f_code.co_filename):
        return ()  # the SDK's own pools: what runs there is called by it
    found: list[tuple[FrameType, int]] = []
    outer = here()
    task = _task_s()
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


def _create_task_from(loop: Any, coro: Any, **options: Any) -> Any:
    task = _create_task(loop, coro, **options)
    origin = _origin()
    if origin:
        _tasks[task] = origin
    return task


def _submit_from(pool: Any, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
    origin = _origin()
    if not origin:
        return _submit(pool, fn, *args, **kwargs)

    def carried(*args: Any, **kwargs: Any) -> Any:
        before, _local.origin = _local.origin, origin
        try:
            return fn(*args, **kwargs)
        finally:
            _local.origin = before

    return _submit(pool, carried, *args, **kwargs)


def _start_from(thread: threading.Thread) -> None:
    origin = _origin()
    if origin:
        setattr(thread, _MARK, origin)
    _start(thread)


def watch(*, watch: bool) -> None:
    """Begin to remember, or end it; around what else stands in for these methods."""
    global _start, _create_task
    thread: Any = threading.Thread
    pool: Any = concurrent.futures.ThreadPoolExecutor
    loops: Any = sys.modules.get("asyncio.base_events")
    if watch:
        _start, thread.start = thread.start, _start_from
        pool.submit = _submit_from
        if loops is not None:
            _create_task, loops.BaseEventLoop.create_task = loops.BaseEventLoop.create_task, _create_task_from
        return
    thread.start, pool.submit = _start, _submit
    if _create_task is not None:
        loops.BaseEventLoop.create_task, _create_task = _create_task, None
