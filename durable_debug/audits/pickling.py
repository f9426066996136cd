"""A handler on its way to another process: by name where it can be imported there, else by value."""

from __future__ import annotations

import contextlib
import io
import marshal
import os
import pickle
import types
from collections import ChainMap
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import cloudpickle  # type: ignore[import-untyped]

from durable_debug.engine.handler_names import Named
from durable_debug.errors import HandlerError

__all__ = ["Absent", "received", "sent"]


_WITHOUT_REFERENCES = 2  # of marshal's formats the last whose bytes are the same each time


class Absent:
    """Stands for an object that can't travel: a client, a lock, a connection. Using it says so.

    A handler's globals hold such things for its step bodies, and a replay runs no step body.
    """

    def __init__(self, what: str) -> None:
        self._what = what

    def _used(self, *_: object, **__: object) -> Any:
        raise HandlerError(
            f"The handler uses its {self._what} outside steps, which can't be sent to another process.",
            cure="Put the handler in a file and name it: 'path/to/app.py:handler'.",
        )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._used()

    __call__ = __getitem__ = __iter__ = __len__ = __enter__ = __exit__ = __bool__ = _used


def _code(code: types.CodeType) -> tuple[object, ...]:
    """Let code keep the name of its file, which cloudpickle takes away: findings and coverage name lines by it."""
    return marshal.loads, (marshal.dumps(code, _WITHOUT_REFERENCES),)


class _Sender(cloudpickle.Pickler):  # type: ignore[misc]
    """Pickles functions by value where they can't be imported."""

    dispatch_table: ClassVar[Any] = ChainMap({types.CodeType: _code}, cloudpickle.Pickler.dispatch_table)


class _Tolerant(_Sender):
    """Leaves out what can't be pickled; for handlers that can't be as they are."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self._travels: dict[
            int, tuple[bool, object]
        ] = {}  # the object itself keeps its id from being given again

    def persistent_id(self, obj: Any) -> str | None:
        if isinstance(obj, _OTHERWISE):
            return None
        if id(obj) not in self._travels:
            self._travels[id(obj)] = (_pickles(obj), obj)
        return None if self._travels[id(obj)][0] else type(obj).__qualname__


# What is looked into, or always travels.
_OTHERWISE = (
    *(type, types.FunctionType, types.ModuleType, types.CodeType, types.CellType),
    *(str, bytes, int, float, complex, type(None), dict, list, tuple, set, frozenset),
)


class _Receiver(pickle.Unpickler):
    def persistent_load(self, pid: Any) -> Absent:
        return Absent(str(pid))


def sent(handler: object) -> bytes:
    """Pickle a handler, or handlers by function name; paths of files become absolute.

    Raises
    ------
    HandlerError
        It can't be pickled.
    """
    if isinstance(handler, Mapping):
        handler = {name: _rooted(one) for name, one in handler.items()}
    else:
        handler = _rooted(handler)
    with contextlib.suppress(Exception):  # whatever it holds may raise whatever it likes
        return _dumped(handler)
    buffer = io.BytesIO()
    try:
        _Tolerant(buffer).dump(handler)
    except Exception as error:
        raise HandlerError(
            f"The handler can't be sent to another process: {type(error).__name__}: {error}.",
            cure="Put it in a file and name it: 'path/to/app.py:handler'.",
        ) from error
    return buffer.getvalue()


def received(blob: bytes) -> Any:
    """Unpickle what `sent` made."""
    return _Receiver(io.BytesIO(blob)).load()


def _rooted(handler: object) -> object:
    """Make the file in ``"path/app.py:handler"`` absolute."""
    if isinstance(handler, Named):
        return replace(handler, text=_absolute(handler.text))
    return _absolute(handler) if isinstance(handler, str) else handler


def _absolute(handler: str) -> str:
    where, colon, name = handler.rpartition(":")
    if not colon or not (where.endswith(".py") or os.sep in where):
        return handler
    return f"{Path(where).expanduser().absolute()}:{name}"


def _dumped(obj: object) -> bytes:
    buffer = io.BytesIO()
    _Sender(buffer).dump(obj)
    return buffer.getvalue()


def _pickles(obj: object) -> bool:
    try:
        _dumped(obj)
    except Exception:  # noqa: BLE001
        return False
    return True
