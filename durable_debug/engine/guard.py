"""Side effects outside steps: noticed and refused while a handler is replayed.

CPython reports what touches the outside world to audit hooks (PEP 578), also from C code, which patching
modules would miss. An audit hook cannot be taken away again, so ours is installed once and does nothing in
threads that are not replaying.
"""

from __future__ import annotations

import os
import sys
import threading
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    _Report = Callable[["SideEffect"], None]

__all__ = ["SideEffect", "allows", "guarded", "harmless", "unguarded", "watch_threads"]

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC

_NETWORK = frozenset(
    {
        "socket.connect",
        "socket.bind",
        "socket.sendto",
        "socket.sendmsg",
        "socket.getaddrinfo",
        "socket.gethostbyname",
        "socket.gethostbyaddr",
        "socket.getnameinfo",
    }
)
_PROCESS = frozenset(
    {
        "subprocess.Popen",
        "os.system",
        "os.exec",
        "os.posix_spawn",
        "os.spawn",
        "os.fork",
        "os.forkpty",
        "pty.spawn",
        "os.kill",
    }
)
_FILES = frozenset(
    {
        "os.remove",
        "os.rename",
        "os.rmdir",
        "os.mkdir",
        "os.link",
        "os.symlink",
        "os.truncate",
        "os.chmod",
        "os.chown",
        "os.utime",
        "os.setxattr",
        "os.removexattr",
        "shutil.rmtree",
        "shutil.move",
        "sqlite3.connect",
    }
)
_THREADS = frozenset({"_thread.start_new_thread", "_thread.start_joinable_thread"})
_WATCHED = _NETWORK | _PROCESS | _FILES | _THREADS | {"open", "time.sleep", "builtins.input"}
_LONGEST_SLEEP = 60  # seconds: a replay does not wait longer, and a thread that sleeps cannot be woken
_IN_MEMORY = ("", ":memory:", b":memory:")
_HARMLESS_FILES = {os.devnull, "/dev/tty", "/dev/stdout", "/dev/stderr"}


@dataclass(frozen=True, slots=True)
class SideEffect:
    """Something that the handler did, or tried to do, outside a step.

    Attributes
    ----------
    kind
        ``"network"``, ``"process"``, ``"file"``, ``"input"``, ``"sleep"`` or ``"thread"``.
    detail
        What it was, for people.
    refused
        Whether it was prevented. Threads, and sleeps of up to a minute, are only noted (sleeps where CPython
        reports them: from 3.13 on).
    file, line
        Where in the user's code.
    looked
        Whether it was in the body of an ended context, which is run only to look into it.
    """

    kind: str
    detail: str
    refused: bool
    file: str | None
    line: int | None
    looked: bool = False


def _inherited(_: SideEffect) -> None:
    """Stand for a thread that nothing was said of: what holds for it is what held where it was started."""


class _Local(threading.local):
    report: _Report | None = staticmethod(_inherited)


_local = _Local()
_lock = threading.Lock()
_installed = False


class guarded:  # noqa: N801 - reads as a statement: with guarded(report)
    """Report the side effects of this thread to `report`, which raises to refuse them."""

    __slots__ = ("_before", "_report")

    def __init__(self, report: _Report | None) -> None:
        self._report = report

    def __enter__(self) -> None:
        if self._report is not None and not _installed:
            _install()
        self._before = _local.report
        _local.report = self._report

    def __exit__(self, *_: object) -> None:
        _local.report = self._before


def unguarded() -> guarded:
    """Allow everything in this thread, while a body runs that the user allowed by name."""
    return guarded(None)


class _RefusedError(Exception):
    """A side effect that nobody reports."""


def _refuse(effect: SideEffect) -> None:
    raise _RefusedError(effect.detail)


def harmless() -> guarded:
    """Refuse the side effects of this thread by an ordinary exception: of a codec that is asked to write, say."""
    return guarded(_refuse)


def allows(patterns: tuple[str, ...], effect: SideEffect) -> bool:
    """Whether the user allowed it: by kind (``"network"``) or by a glob on its detail."""
    return any(p == effect.kind or fnmatchcase(effect.detail, p) for p in patterns)


def _install() -> None:
    global _installed  # noqa: PLW0603 - one hook a process
    with _lock:
        if not _installed:
            sys.addaudithook(_hook)
            _installed = True


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if event not in _WATCHED:
        return
    report = before = _local.report
    if report is _inherited:
        report = getattr(threading._active.get(threading.get_ident()), _MARK, None)  # type: ignore[attr-defined]  # noqa: SLF001
    if report is None:
        return
    _local.report = None  # our own doing, and that of `report`, is not the handler's
    try:
        effect = _classify(event, args)
        if effect is None:
            return
        if effect.kind == "thread":
            _pass_on(report, args[0])
        report(effect)
    except BaseException as stop:
        if before is _inherited:  # a thread of the user's own: nobody there expects our way to stop
            raise SystemExit(str(stop)) from None
        raise
    finally:
        _local.report = before


_MARK = "_durable_debug_report"
_start = threading.Thread.start


def _start_noted(thread: threading.Thread) -> None:
    _hook("_thread.start_new_thread", (thread,))
    _start(thread)


def watch_threads(*, watch: bool) -> None:
    """Notice threads that are started, where CPython does not report them itself: before 3.12."""
    if sys.version_info < (3, 12):
        threading.Thread.start = _start_noted if watch else _start  # type: ignore[assignment]


def _pass_on(report: _Report, target: object) -> None:
    """What holds for a thread holds for those that it starts, for as long as they live."""
    started = getattr(target, "__self__", target)
    if isinstance(started, threading.Thread):
        setattr(started, _MARK, report)


def _classify(event: str, args: tuple[Any, ...]) -> SideEffect | None:
    if event == "open":
        path, mode, flags = args
        writes = any(c in mode for c in "wax+") if isinstance(mode, str) else bool((flags or 0) & _WRITING)
        if not writes or isinstance(path, int) or os.fspath(path) in _HARMLESS_FILES:
            return None
        if _imports():  # the import system caches bytecode
            return None
        return _effect("file", f"open {_text(path)} for writing")
    if event == "time.sleep":
        return _effect("sleep", f"sleep {args[0]:g} s", refused=args[0] > _LONGEST_SLEEP)
    if event == "builtins.input":
        return _effect("input", "ask for input")
    if event in _THREADS:
        return None if _starts_sdk_thread() else _effect("thread", "start a thread", refused=False)
    if event in _NETWORK:
        address = (
            args[1]
            if event.startswith(("socket.connect", "socket.bind", "socket.send")) and len(args) > 1
            else args[:2]
        )
        return _effect("network", f"{event.removeprefix('socket.')} {_text(address)}")
    if event in _PROCESS:
        return _effect("process", f"{event} {_text(args[1] if event == 'subprocess.Popen' else args[:1])}")
    if _imports() or (event == "sqlite3.connect" and args[0] in _IN_MEMORY):
        return None
    return _effect("file", f"{event} {_text(args[0] if args else '')}")


def _effect(kind: str, detail: str, *, refused: bool = True) -> SideEffect:
    frame = _user_frame()
    return SideEffect(kind, detail, refused, *(frame or (None, None)))


def _text(value: object) -> str:
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    return text if len(text) <= 200 else text[:199] + "…"


_OURS = str(Path(__file__).parent) + os.sep
_STDLIB = str(Path(os.__file__).parent) + os.sep


def _user_frame() -> tuple[str, int] | None:
    """File and line of the nearest frame that is neither ours, the standard library's nor installed."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001
    nearest: tuple[str, int] | None = None
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith((_OURS, "<frozen")):
            here = (name, frame.f_lineno)
            if not name.startswith(_STDLIB) and "site-packages" not in name:
                return here
            nearest = nearest or here
        frame = frame.f_back
    return nearest


def _imports() -> bool:
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _starts_sdk_thread() -> bool:
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001
    while frame is not None:
        name = frame.f_code.co_filename
        if "aws_durable_execution_sdk_python" in name:
            return True
        if not name.startswith((_OURS, _STDLIB, "<frozen")) or "site-packages" in name:
            return False
        frame = frame.f_back
    return False
