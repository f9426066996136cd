"""The calls that a watched thread makes into C, where something is open that they could write to.

A file object, a database connection and a socket are C's: their methods can't be replaced. A profile function sees
each of these calls before it is made, in its own thread only, and an exception raised there prevents the call.
"""

from __future__ import annotations

import functools
import gc
import os
import sys
import threading
from typing import TYPE_CHECKING, Any, cast

from durable_debug.engine.effects import asked_by_sdk
from durable_debug.engine.handover import served_elsewhere
from durable_debug.engine.opened import ALL, STREAMS, reached, reached_by
from durable_debug.engine.watch import here, tell

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from durable_debug.engine.opened import Opened

__all__ = ["profiled"]

_WRITES = frozenset({"write", "writelines", "truncate"})
_SENDS = frozenset({"send", "sendall", "sendto", "sendmsg"})
_RUNS = frozenset({"execute", "executemany", "executescript"})
_ENDS = frozenset({"commit", "rollback", "__exit__"})


def profiled(frame: FrameType, event: str, function: Any) -> None:
    """Judge a call into C: the profile function of watched threads."""
    if event == "c_call":
        if here.scope is None:
            return
        owner = getattr(function, "__self__", None)
        judge = _judge_of(cast("Any", type(owner)))
        if judge is None:
            return
        try:
            judge(owner, function.__name__, frame)
        except BaseException:
            _profile_again(frame)  # the interpreter takes a profile function away that raises
            raise
    elif event in {"c_return", "c_exception"} and _running.query is not None:
        query = _running.query
        if query.owner is not getattr(function, "__self__", None):
            return
        try:
            query.end()
        except BaseException:
            _profile_again(frame)
            raise


def _profile_again(frame: FrameType) -> None:
    """Be back when the exception has arrived in the frame that made the call, before anybody can catch it."""
    before, local = sys.gettrace(), frame.f_trace

    def arrived(frame: FrameType, event: str, arg: Any) -> Any:
        frame.f_trace = local
        sys.settrace(before)
        sys.setprofile(profiled)
        return local(frame, event, arg) if local is not None else None

    if before is None:
        sys.settrace(_nothing)
    frame.f_trace = arrived


def _nothing(*_: object) -> None:
    return None


@functools.lru_cache(maxsize=1024)
def _judge_of(kind: Any) -> Callable[[Any, str, FrameType], None] | None:
    if issubclass(kind, STREAMS):
        return _stream
    names = {(base.__module__, base.__name__) for base in kind.__mro__}
    if names & {("sqlite3", "Connection"), ("sqlite3", "Cursor")}:
        return _database
    if ("_socket", "socket") in names:
        return _socket
    if ("_queue", "SimpleQueue") in names:
        return _queue
    if ("_csv", "writer") in names:
        return _csv
    return _by_its_argument if names & _GIVEN_A_FILE else None


def _before() -> Opened:
    return here.scope.opened if here.scope is not None else ALL


def _stream(stream: Any, name: str, _: FrameType) -> None:
    if name in _WRITES:
        _tell_of(stream)


def _csv(writer: Any, name: str, _: FrameType) -> None:
    if name in {"writerow", "writerows"}:
        for held in gc.get_referents(writer):  # the file's own method, among others
            _tell_of(getattr(held, "__self__", None))


def _by_its_argument(_: Any, name: str, frame: FrameType) -> None:
    """What writes to a file that it is given: which is not told, so to any that its caller has in its hands."""
    if name in {"dump", "tofile"}:
        names = frame.f_code.co_names
        for value in (*frame.f_locals.values(), *(frame.f_globals.get(name) for name in names)):
            if isinstance(value, STREAMS):
                _tell_of(value)


def _tell_of(stream: Any) -> None:
    effect = reached_by(stream, _before())
    if effect is not None:
        tell(*effect)


def _queue(queue: Any, name: str, frame: FrameType) -> None:
    if name not in {"put", "put_nowait"} or frame.f_code.co_filename.endswith(_POOLS):
        return
    if not asked_by_sdk() and served_elsewhere(queue):
        tell("thread", "hand work to a thread that is older than the replay, by a queue")


_POOLS = (os.path.join("futures", "thread.py"), os.path.join("multiprocessing", "pool.py"))  # noqa: PTH118  seen before


def _socket(connection: Any, name: str, frame: FrameType) -> None:
    """Methods that were taken from their object earlier: the others are seen by their fence first."""
    if name in _SENDS and frame.f_code.co_filename != _FENCES:
        effect = reached(connection.fileno(), _before())
        if effect is not None:
            tell(*effect)


_FENCES = os.path.join(os.path.dirname(__file__), "fences.py")  # noqa: PTH118, PTH120


# ------------------------------------------------------------------------------------------------- sqlite


_GIVEN_A_FILE = {("builtins", "module"), ("array", "array"), ("numpy", "ndarray")}


class _Query:
    """A statement that runs on a connection to a file: reads are fine.

    SQLite asks an authorizer before each thing that a statement would do. A connection's own authorizer can't be
    asked for, and is not put back.
    """

    def __init__(self, owner: Any, connection: Any, path: str) -> None:
        self.owner = owner
        self._connection = connection
        self._path = path
        self._stop: BaseException | None = None
        self._told = False
        self._was_in_transaction = connection.in_transaction
        connection.set_authorizer(self._asked)

    def _asked(
        self, action: int, subject: str | None, detail: str | None, database: str | None, _: str | None
    ) -> int:
        word = _actions().get(action)
        if word == "PRAGMA":
            harmless = detail is None or (subject or "").lower() not in _WRITING_PRAGMAS
        elif word == "TRANSACTION":
            harmless = not (subject in {"COMMIT", "ROLLBACK"} and self._was_in_transaction)
        elif word == "ATTACH":
            harmless = subject in {"", ":memory:", None}
        else:
            harmless = word is None or database == "temp" or (subject or "").startswith("sqlite_temp")
        if harmless or (self._told and self._stop is None):
            return 0
        self._told = True
        try:
            tell("file", f"write to {self._path}: {word} {subject or ''}".strip())
        except BaseException as stop:  # noqa: BLE001 - raised when SQLite has come back
            self._stop = stop
            return 1
        return 0

    def end(self) -> None:
        """It has run, or was denied."""
        _running.query = None
        self._connection.set_authorizer(None)
        if self._stop is None:
            return
        if self._connection.in_transaction and not self._was_in_transaction:
            self._connection.rollback()
        raise self._stop


class _Running(threading.local):
    query: _Query | None = None


_running = _Running()
_WRITING_PRAGMAS = {
    "application_id",
    "auto_vacuum",
    "encoding",
    "incremental_vacuum",
    "journal_mode",
    "optimize",
    "page_size",
    "schema_version",
    "user_version",
    "wal_checkpoint",
}
_WORDS = (
    "CREATE_INDEX",
    "CREATE_TABLE",
    "CREATE_TRIGGER",
    "CREATE_VIEW",
    "CREATE_VTABLE",
    "DROP_INDEX",
    "DROP_TABLE",
    "DROP_TRIGGER",
    "DROP_VIEW",
    "DROP_VTABLE",
    "INSERT",
    "UPDATE",
    "DELETE",
    "ALTER_TABLE",
    "REINDEX",
    "ANALYZE",
    "ATTACH",
    "PRAGMA",
    "TRANSACTION",
)


@functools.cache
def _actions() -> dict[int, str]:
    import sqlite3

    return {getattr(sqlite3, f"SQLITE_{word}"): word for word in _WORDS}


def _database(owner: Any, name: str, _: FrameType) -> None:
    if name not in _RUNS and name not in _ENDS:
        return
    if _running.query is not None:
        return
    connection = getattr(owner, "connection", owner)
    try:
        path = _file_of(connection)
    except Exception:  # noqa: BLE001 - closed, or another thread's: the call itself fails, too
        return
    if path is None:
        return
    if name in _ENDS:
        if connection.in_transaction:
            tell("file", f"write to {path}: {'ROLLBACK' if name == 'rollback' else 'COMMIT'}")
        return
    _running.query = _Query(owner, connection, path)


def _file_of(connection: Any) -> str | None:
    """Give the file of a connection that was open before; None where it is in memory."""
    before = _before()
    for _, _, path in connection.execute("PRAGMA database_list").fetchall():
        if not path:
            continue
        try:
            facts = os.stat(path)  # noqa: PTH116
        except OSError:
            return str(path)
        if (facts.st_dev, facts.st_ino) in before:
            return str(path)
    return None
