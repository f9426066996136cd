"""Functions of Python that reach the outside without an audit event, or hand work to threads: fenced in.

The fences stand while at least one thread is watched. To threads that are not they change nothing. A fence judges
what a call would reach and tells it; if nobody refuses, the call is made.
"""

from __future__ import annotations

import functools
import os
import signal
import socket
import sys
import threading
from typing import TYPE_CHECKING, Any

from durable_debug.engine import environment, finalisers, handover, veiled
from durable_debug.engine.opened import reached, reached_by
from durable_debug.engine.watch import here, tell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["lower", "raise_"]

_MISSING: Any = object()
_lock = threading.Lock()
_watched = 0
_standing: list[tuple[Any, str, Any, Any]] = []  # owner, name, the fence, what is put back
_known: tuple[int, list[tuple[Any, str, Any, Any]]] = (0, [])  # by how many modules were loaded
_replaced: list[
    tuple[Mapping[str, Any], str, Any]
] = []  # in which names of which owner, and what stood there


def raise_() -> None:
    """One more piece of code is watched."""
    global _watched  # noqa: PLW0603 - the process has one of each function
    with _lock:
        _watched += 1
        if _watched == 1:
            _standing[:] = _fences()
            for owner, name, fence, _ in _standing:
                setattr(owner, name, fence)
            finalisers.notice()


def lower() -> None:
    """One less; with the last one all is as it was."""
    global _watched  # noqa: PLW0603
    with _lock:
        _watched -= 1
        if _watched == 0:
            finalisers.stop_noticing()
            for owner, name, _, before in reversed(_standing):
                if before is _MISSING:  # it is inherited
                    delattr(owner, name)
                else:
                    setattr(owner, name, before)


def _fences() -> list[tuple[Any, str, Any, Any]]:
    """Make what there is to be fenced in here, or give what was made: nobody else may have replaced anything since."""
    global _known  # noqa: PLW0603
    count, known = _known
    if count == len(sys.modules) and all(
        names.get(name, _MISSING) is before for names, name, before in _replaced
    ):
        return known
    made: list[tuple[Any, str, Callable[[Any], Any]]] = [
        (owner, name, functools.partial(_fence, judge)) for owner, name, judge in _table()
    ]
    made += handover.fences()
    made += environment.fences()
    made += veiled.fences()
    known = [
        (owner, name, make(getattr(owner, name)), vars(owner).get(name, _MISSING))
        for owner, name, make in made
        if hasattr(owner, name)
    ]
    _known = len(sys.modules), known
    _replaced[:] = [(vars(owner), name, before) for owner, name, _, before in known]
    return known


@functools.cache
def _fence(judge: Callable[..., None], original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def fence(*args: Any, **keywords: Any) -> Any:
        if here.scope is not None:
            judge(*args, **keywords)
        return original(*args, **keywords)

    return fence


# ------------------------------------------------------------------------------------------------ judges


def _to_descriptor(descriptor: Any, *_: Any, **__: Any) -> None:
    scope = here.scope
    if scope is None or not isinstance(descriptor, int):
        return
    effect = reached(descriptor, scope.opened)
    if effect is not None:
        tell(*effect)


def _from_one_to_other(source: Any, target: Any = None, *_: Any, **__: Any) -> None:
    del source
    _to_descriptor(target)


def _on_socket(connection: Any, *_: Any, **__: Any) -> None:
    _to_descriptor(connection.fileno())


def _on_pipe(connection: Any, *_: Any, **__: Any) -> None:
    _to_descriptor(connection.fileno())


def _requested(connection: Any, *_: Any, **__: Any) -> None:
    """Refuse a request before it is begun: a connection with half a request could not be used again."""
    if connection.sock is None:
        tell("network", f"connect {(connection.host, connection.port)}")
    elif hasattr(connection.sock, "fileno"):
        _to_descriptor(connection.sock.fileno())


@functools.cache
def _of_kind(kind: str, name: str) -> Callable[..., None]:
    def judge(*args: Any, **_: Any) -> None:
        tell(kind, f"{name} {', '.join(map(repr, args[:2]))}"[:200])

    return judge


def _printed(*_: Any, file: Any = None, **__: Any) -> None:
    scope = here.scope
    if file is None or scope is None or not scope.files_are_open:
        return
    effect = reached_by(file, scope.opened)
    if effect is not None:
        tell(*effect)


def _dumped(_: Any, file: Any = None, *__: Any, **___: Any) -> None:
    _printed(file=file)


_SENDING = ("send", "sendall", "sendto", "sendmsg", "sendmsg_afalg", "sendfile")


@functools.cache
def _always() -> tuple[tuple[Any, str, Callable[..., None]], ...]:
    import builtins
    import marshal
    import pickle
    import ssl

    table: list[tuple[Any, str, Callable[..., None]]] = [(builtins, "print", _printed)]
    table += [(socket.socket, name, _on_socket) for name in _SENDING]
    table += [(ssl.SSLSocket, name, _on_socket) for name in (*_SENDING, "write")]
    for system in (os, sys.modules[os.name]):  # the same functions by two names
        table += [
            (system, name, _to_descriptor)
            for name in ("write", "writev", "pwrite", "pwritev", "sendfile", "posix_fallocate")
        ]
        table += [(system, name, _from_one_to_other) for name in ("splice", "copy_file_range")]
        table += [(system, name, _of_kind("file", f"os.{name}")) for name in ("mkfifo", "mknod")]
        table += [(system, name, _of_kind("process", f"os.{name}")) for name in ("killpg",)]
    table += [
        (signal, name, _of_kind("process", f"signal.{name}"))
        for name in ("raise_signal", "pidfd_send_signal")
    ]
    table += [(module, "dump", _dumped) for module in (pickle, marshal)]
    return tuple(table)


def _table() -> Iterator[tuple[Any, str, Callable[..., None]]]:
    yield from _always()
    spawning = sys.modules.get("_posixsubprocess")
    if spawning is not None:
        yield spawning, "fork_exec", _of_kind("process", "fork_exec")
    clients = sys.modules.get("http.client")
    if clients is not None:
        yield clients.HTTPConnection, "putrequest", _requested
    connections = sys.modules.get("multiprocessing.connection")
    if connections is not None:
        for name in ("send", "send_bytes"):
            yield connections._ConnectionBase, name, _on_pipe  # noqa: SLF001
