"""What CPython itself reports, of this thread: connections, files, processes, and what libraries send."""

from __future__ import annotations

import os
import re
import socket
import sys
import threading
from typing import TYPE_CHECKING, Any

from durable_debug.engine.effects import asked_by_sdk
from durable_debug.engine.handover import CARRIED
from durable_debug.engine.opened import writable
from durable_debug.engine.watch import here, tell

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    _Judged = tuple[str, str, bool] | None  # kind, words, whether it is refused

__all__ = ["install"]

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
        "syslog.syslog",
    }
)
_CLIENTS = frozenset(
    {
        "http.client.send",
        "smtplib.send",
        "ftplib.sendcmd",
        "imaplib.send",
        "poplib.putline",
        "nntplib.putline",
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
        "os.startfile",
        "pty.spawn",
        "os.kill",
        "signal.pthread_kill",
        "webbrowser.open",
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
        "os.chflags",
        "os.utime",
        "os.setxattr",
        "os.removexattr",
        "shutil.rmtree",
        "shutil.move",
        "sqlite3.connect",
    }
)
_THREADS = frozenset({"_thread.start_new_thread", "_thread.start_joinable_thread"})
_OF_C = frozenset(
    {
        "connect",
        "execve",
        "execvp",
        "fork",
        "ftruncate",
        "kill",
        "mkdir",
        "popen",
        "posix_spawn",
        "pwrite",
        "remove",
        "rename",
        "rmdir",
        "send",
        "sendfile",
        "sendmsg",
        "sendto",
        "system",
        "truncate",
        "unlink",
        "vfork",
        "write",
        "writev",
    }
)
_LONGEST_SLEEP = 60  # seconds: a replay does not wait longer, and a thread that sleeps cannot be woken
_IN_MEMORY = ("", ":memory:", b":memory:")
_HARMLESS_FILES = {os.devnull, "/dev/tty", "/dev/stdout", "/dev/stderr"}

_lock = threading.Lock()
_installed = False


def install() -> None:
    """Have CPython's events looked at, from now on."""
    global _installed  # noqa: PLW0603 - one hook a process
    if _installed:
        return
    with _lock:
        if not _installed:
            sys.addaudithook(_hook)
            _installed = True


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if event not in _WATCHED or here.scope is None:
        return
    scope, here.scope = here.scope, None  # our own doing is not the handler's
    try:
        effect = _classified(event, args)
    finally:
        here.scope = scope
    if effect is not None:
        kind, what, refused = effect
        tell(kind, what, refused=refused)


def _classified(event: str, args: tuple[Any, ...]) -> _Judged:
    judge = _JUDGES.get(event)
    return judge(event, args) if judge is not None else _on_file(event, args)


def _on_file(event: str, args: tuple[Any, ...]) -> _Judged:
    if (args and _is_housekeeping(args[0])) or (event == "sqlite3.connect" and args[0] in _IN_MEMORY):
        return None
    return "file", f"{event} {_text(args[0] if args else '')}", True


def _on_open(_: str, args: tuple[Any, ...]) -> _Judged:
    return ("file", f"open {_text(args[0])} for writing", True) if _opens_for_writing(*args) else None


def _on_memory_map(_: str, args: tuple[Any, ...]) -> _Judged:
    return ("file", "map a file into memory for writing", True) if _maps_for_writing(*args) else None


def _on_sleep(_: str, args: tuple[Any, ...]) -> _Judged:
    return "sleep", f"sleep {args[0]:g} s", args[0] > _LONGEST_SLEEP


def _on_input(*_: object) -> _Judged:
    return "input", "ask for input", True


def _on_thread(_: str, args: tuple[Any, ...]) -> _Judged:
    return None if _is_carried(args[0]) or asked_by_sdk() else ("thread", "start a thread by an alias", True)


def _on_symbol_of_c(_: str, args: tuple[Any, ...]) -> _Judged:
    """Look at the name; what was found before the replay can't be seen."""
    name = os.fsdecode(args[1]) if isinstance(args[1], str | bytes) else ""
    return ("process", f"call C's {name}", True) if name in _OF_C else None


def _on_client(event: str, args: tuple[Any, ...]) -> _Judged:
    """A request that goes by a socket of Python's is seen there; by anything else, only here."""
    client = args[0]
    connection = getattr(client, "sock", None)
    if connection is None or isinstance(connection, socket.socket):
        return None
    address = getattr(client, "host", None), getattr(client, "port", None)
    return "network", f"{event} {_text(address)}", True


def _on_process(event: str, args: tuple[Any, ...]) -> _Judged:
    what = args[1] if event == "subprocess.Popen" else args[0] if args else ""
    return "process", f"{event} {_text(what)}", True


def _on_network(event: str, args: tuple[Any, ...]) -> _Judged:
    of_socket = event.startswith(("socket.connect", "socket.bind", "socket.send")) and len(args) > 1
    address = args[1] if of_socket else args[:2]
    if event == "socket.bind" and isinstance(address, tuple) and address[1:2] == (0,):
        return None  # any port: a way to ask what this machine can, which reaches nobody
    return "network", f"{event.removeprefix('socket.')} {_text(address)}", True


def _opens_for_writing(path: Any, mode: str | None, flags: int | None) -> bool:
    writes = any(c in mode for c in "wax+") if isinstance(mode, str) else bool((flags or 0) & _WRITING)
    if not writes or isinstance(path, int) or os.fspath(path) in _HARMLESS_FILES:
        return False
    return not _is_housekeeping(path)


def _text(value: object) -> str:
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    return text if len(text) <= 200 else text[:199] + "…"


def _is_carried(function: Any) -> bool:
    """Whether what a thread begins with brings the watch along (see `handover`)."""
    started = getattr(function, "__self__", None)
    if isinstance(started, threading.Thread):
        function = started.run
    return getattr(function, CARRIED, False)


def _maps_for_writing(descriptor: int, _length: int, access: int, *_: object) -> bool:
    if descriptor == -1 or access in {1, 3}:  # in memory; to read, or a copy
        return False
    return writable(descriptor)


# -------------------------------------------------------------------------- what Python does for itself

_BYTE_CODE = re.compile(r"__pycache__([\\/][^\\/]+\.pyc(\.\d+)?)?$")
_PREFIXED = re.compile(r"\.pyc(\.\d+)?$")


def _keeps_byte_code(path: str) -> bool:
    """Whether the import system keeps byte code there, beside the modules or where PYTHONPYCACHEPREFIX says."""
    prefix = sys.pycache_prefix
    if prefix is not None and path.startswith(prefix):
        return not os.path.splitext(path)[1] or _PREFIXED.search(path) is not None  # noqa: PTH122
    return _BYTE_CODE.search(path) is not None


def _is_housekeeping(path: Any) -> bool:
    """Whether this is the import system that keeps byte code, or `tempfile` that tries where it may write.

    It is by its path and by who does it: the code of a module that is being imported may not write.
    """
    if not isinstance(path, str | bytes | os.PathLike):
        return False
    frame: FrameType | None = sys._getframe(3)  # noqa: SLF001
    while frame is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    if frame is not None and frame.f_code.co_name == "_get_default_tempdir":
        return frame.f_globals.get("__name__") == "tempfile"
    if not _keeps_byte_code(os.fsdecode(path)):
        return False
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        if frame.f_code.co_name == "<module>":
            return False
        frame = frame.f_back
    return False


_JUDGES: dict[str, Callable[[str, tuple[Any, ...]], _Judged]] = {
    "open": _on_open,
    "mmap.__new__": _on_memory_map,
    "time.sleep": _on_sleep,
    "builtins.input": _on_input,
    "ctypes.dlsym": _on_symbol_of_c,
    **dict.fromkeys(_THREADS, _on_thread),
    **dict.fromkeys(_CLIENTS, _on_client),
    **dict.fromkeys(_NETWORK, _on_network),
    **dict.fromkeys(_PROCESS, _on_process),
}
_WATCHED = _FILES | _JUDGES.keys()
