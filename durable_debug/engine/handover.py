"""Work that a watched thread hands to other threads and processes: watched there, too, or not handed over.

A thread, and a pool of threads, is given the work together with the watch on it. What goes to a process, to the event
loop of another thread or into a queue that another thread serves can't be watched there: it is refused, at the line
where it is handed over.
"""

from __future__ import annotations

import contextlib
import functools
import sys
import threading
from typing import TYPE_CHECKING, Any

from durable_debug.engine import taken_lines
from durable_debug.engine.effects import asked_by_sdk, users_place
from durable_debug.engine.origins import bringing, note_task, taken
from durable_debug.engine.threads import innermost_frames
from durable_debug.engine.watch import RefusedError, here, tell, watched_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from durable_debug.engine.watch import Scope

__all__ = ["CARRIED", "fences"]

CARRIED = "_durable_debug_carried"  # marks functions that bring the watch along


def fences() -> Iterator[tuple[Any, str, Callable[[Any], Any]]]:
    """Give what is fenced in: the owner of a function, its name, and how to make the fence."""
    import _thread

    for owner, name in (
        (_thread, "start_new_thread"),
        (_thread, "start_new"),
        (_thread, "start_joinable_thread"),
        (threading, "_start_new_thread"),
        (threading, "_start_joinable_thread"),
    ):
        yield owner, name, _starting
    for module, cls, name, make in _POOLS_AND_QUEUES:
        kind = getattr(sys.modules.get(module), cls, None)
        if kind is not None:
            yield kind, name, make


# ----------------------------------------------------------------------------------------------- threads


@functools.cache
def _starting(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def start(function: Any, *rest: Any, **keywords: Any) -> Any:
        scope = here.scope
        if scope is not None and not asked_by_sdk():
            tell("thread", "start a thread", refused=False)
            thread = getattr(function, "__self__", None)
            if isinstance(thread, threading.Thread):
                thread.run = _whole_life(thread.run, scope)  # type: ignore[method-assign]
            else:
                function = _whole_life(function, scope)
        return original(function, *rest, **keywords)

    return start


def _whole_life(run: Callable[..., Any], scope: Scope) -> Callable[..., Any]:
    """Run all that a new thread does under watch, also when the replay has ended."""
    work = carried(run, scope, SystemExit)  # nobody there expects our own way to stop

    def whole_life(*args: Any, **keywords: Any) -> None:
        with contextlib.suppress(SystemExit):  # ends the thread, and nothing else
            work(*args, **keywords)

    setattr(whole_life, CARRIED, True)
    return whole_life


def carried(
    function: Callable[..., Any], scope: Scope, stop: type[BaseException] | None = None
) -> Callable[..., Any]:
    """Bring the watch along, and the line where the work was handed over."""
    place, origin = users_place() or here.place, taken()

    @functools.wraps(function)
    def carrying(*args: Any, **keywords: Any) -> Any:
        with scope.guarding(stop, place), bringing(origin), taken_lines.counted():
            return function(*args, **keywords)

    return carrying


# ------------------------------------------------------------------------------------------------- pools


@functools.cache
def _submitting(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def submit(pool: Any, function: Any, /, *args: Any, **keywords: Any) -> Any:
        if here.scope is not None and not asked_by_sdk():
            function = _handed(pool, function)
        return original(pool, function, *args, **keywords)

    return submit


def _handed(
    pool: Any, function: Callable[..., Any], stop: type[BaseException] | None = None
) -> Callable[..., Any]:
    scope = here.scope
    assert scope is not None
    if id(pool) not in scope.known:  # the first time says it
        scope.known.add(id(pool))
        tell("thread", "hand work to a pool of threads", refused=False)
    return carried(function, scope, stop)


@functools.cache
def _mapping(original: Callable[..., Any]) -> Callable[..., Any]:
    """Of multiprocessing's pools: those of threads get the watch along, those of processes no work."""

    @functools.wraps(original)
    def handing_over(pool: Any, function: Any, *args: Any, **keywords: Any) -> Any:
        if here.scope is not None:
            if type(pool).__name__ == "ThreadPool":
                function = _handed(
                    pool, function, RefusedError
                )  # anything else would end its thread, and hang
            else:
                tell("process", "hand work to a pool of processes")
        return original(pool, function, *args, **keywords)

    return handing_over


@functools.cache
def _to_processes(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def hand_over(*args: Any, **keywords: Any) -> Any:
        if here.scope is not None:
            tell("process", "hand work to a pool of processes")
        return original(*args, **keywords)

    return hand_over


# ------------------------------------------------------------------------------------- queues, event loops


@functools.cache
def _putting(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def put(queue: Any, *args: Any, **keywords: Any) -> Any:
        if here.scope is not None and not asked_by_sdk() and served_elsewhere(queue):
            tell("thread", "hand work to a thread that is older than the replay, by a queue")
        return original(queue, *args, **keywords)

    return put


@functools.cache
def _calling(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def call_soon_threadsafe(loop: Any, *args: Any, **keywords: Any) -> Any:
        thread = getattr(loop, "_thread_id", None)
        if (
            here.scope is not None
            and thread is not None
            and here.scope not in watched_threads.get(thread, ())
        ):
            tell("thread", "hand work to the event loop of another thread")
        return original(loop, *args, **keywords)

    return call_soon_threadsafe


@functools.cache
def _making(original: Callable[..., Any]) -> Callable[..., Any]:
    """Of tasks it is remembered where they were made: they hand work to threads from the loop."""

    @functools.wraps(original)
    def create_task(loop: Any, *args: Any, **keywords: Any) -> Any:
        task = original(loop, *args, **keywords)
        if here.scope is not None:
            note_task(task)
        return task

    return create_task


def served_elsewhere(queue: object) -> bool:
    """Whether a thread that this watch does not watch has a queue in its hands: in its functions or their objects."""
    for ident, frame in innermost_frames().items():
        if here.scope not in watched_threads.get(ident, ()) and _holds(frame, queue):
            return True
    return False


def _holds(innermost: FrameType, wanted: object) -> bool:
    frame: FrameType | None = innermost
    while frame is not None:
        names = frame.f_code.co_names
        around = (frame.f_globals.get(name) for name in names)
        for value in (*frame.f_locals.values(), *around):
            if value is wanted:
                return True
            own = getattr(value, "__dict__", None) if not isinstance(value, type) else None
            if isinstance(own, dict) and any(own.get(name) is wanted for name in names):
                return True
        frame = frame.f_back
    return False


_POOLS_AND_QUEUES: tuple[tuple[str, str, str, Callable[[Any], Any]], ...] = (
    ("concurrent.futures.thread", "ThreadPoolExecutor", "submit", _submitting),
    ("concurrent.futures.process", "ProcessPoolExecutor", "submit", _to_processes),
    ("joblib.externals.loky.process_executor", "ProcessPoolExecutor", "submit", _to_processes),
    ("loky.process_executor", "ProcessPoolExecutor", "submit", _to_processes),
    *(
        ("multiprocessing.pool", "Pool", name, _mapping)
        for name in ("apply_async", "_map_async", "imap", "imap_unordered")
    ),
    ("multiprocessing.queues", "Queue", "put", _to_processes),
    ("queue", "Queue", "put", _putting),
    ("asyncio.base_events", "BaseEventLoop", "call_soon_threadsafe", _calling),
    ("asyncio.base_events", "BaseEventLoop", "create_task", _making),
)
