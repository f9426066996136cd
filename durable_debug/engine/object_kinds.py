"""Which note is taken of an object, by its kind; and of which none is, for it can't change."""

from __future__ import annotations

import collections
import datetime as dt
import decimal
import enum
import functools
import io
import pathlib
import random
import re
import sys
import threading
import types
import uuid
from typing import TYPE_CHECKING, Any

from durable_debug.engine.users_code import is_users

if TYPE_CHECKING:
    from collections.abc import Iterator

from durable_debug.engine.held_objects import (
    BytesNote,
    CacheNote,
    CellNote,
    ChanceNote,
    ClassNote,
    DictNote,
    InnerNote,
    InstanceNote,
    IteratorNote,
    Note,
    SequenceNote,
    SetNote,
)

__all__ = ["LEAVES", "contents", "is_users_type", "notes_on"]

LEAVES = frozenset(
    {
        *(type(None), bool, int, float, complex, str, bytes, type(...), type(NotImplemented), range, slice),
        *(types.BuiltinFunctionType, types.CodeType, types.GenericAlias, types.UnionType, re.Pattern),
        *(dt.datetime, dt.date, dt.time, dt.timedelta, dt.timezone),
        *(decimal.Decimal, uuid.UUID, pathlib.PosixPath, pathlib.WindowsPath),
        *(types.WrapperDescriptorType, types.MethodDescriptorType, types.GetSetDescriptorType),
        *(types.MemberDescriptorType, types.MethodWrapperType),
    }
)


def notes_on(held: Any, kind: type) -> list[Note]:
    """Note what an object holds."""
    try:
        return list(_notes_of(held, kind))
    except Exception:  # noqa: BLE001 - of somebody's own class, which may do anything
        return []


def _notes_of(held: Any, kind: type) -> Iterator[Note]:  # noqa: C901, PLR0912 - one line a kind
    if issubclass(kind, dict):
        yield DictNote(held)
    elif issubclass(kind, list | collections.deque):
        yield SequenceNote(held)
    elif issubclass(kind, tuple | frozenset):
        yield InnerNote(*held)
    elif issubclass(kind, set):
        yield SetNote(held)
    elif issubclass(kind, bytearray):
        yield BytesNote(held)
    elif kind is types.FunctionType:
        if is_users(held.__code__.co_filename):
            yield InnerNote(*(held.__defaults__ or ()), held.__kwdefaults__, held.__dict__)
            for cell in held.__closure__ or ():
                yield CellNote(cell)
        else:  # a library's wrapper around something of the user's
            yield InnerNote(*(c for cell in held.__closure__ or () for c in contents(cell) if callable(c)))
    elif issubclass(kind, type):
        if issubclass(held, enum.Enum) or not is_users_type(held):
            return
        yield ClassNote(held)
        yield InnerNote(*held.__bases__)
    elif kind is functools._lru_cache_wrapper:  # noqa: SLF001
        yield CacheNote(held)
    elif kind is types.MethodType:
        yield InnerNote(held.__self__, held.__func__)
    elif issubclass(kind, functools.partial):
        yield InnerNote(held.func, held.args, held.keywords)
    elif issubclass(kind, staticmethod | classmethod):
        yield InnerNote(held.__func__)
    elif issubclass(kind, property):
        yield InnerNote(held.fget, held.fset, held.fdel)
    elif issubclass(kind, functools.cached_property):
        yield InnerNote(held.func)
    elif issubclass(kind, random.Random) and kind is not random.SystemRandom:
        yield ChanceNote(held)
    elif issubclass(kind, types.ModuleType | enum.Enum | threading.local):
        return
    elif hasattr(kind, "__next__") and not issubclass(kind, io.IOBase) and not is_users_type(kind):
        yield IteratorNote(held)
    elif kind is types.SimpleNamespace or kind.__module__ == "collections" or is_users_type(kind):
        yield InstanceNote(held)
        yield InnerNote(kind)
    if issubclass(kind, dict | list | set | tuple) and is_users_type(kind):
        yield InstanceNote(held)


def contents(cell: types.CellType) -> tuple[Any, ...]:
    """Give what a cell holds, if it holds anything."""
    try:
        return (cell.cell_contents,)
    except ValueError:
        return ()


_PLAIN = (dict, list, set, tuple, frozenset, bytearray, object)


def is_users_type(kind: type) -> bool:
    """Whether a class is the user's: by its methods, or its module."""
    if kind in _PLAIN or kind.__module__ == "builtins":
        return False
    for member in tuple(kind.__dict__.values()):
        code = getattr(getattr(member, "__func__", member), "__code__", None)
        if (
            isinstance(code, types.CodeType)
            and not code.co_filename.startswith("<")
            and is_users(code.co_filename)
        ):
            return True
    module = sys.modules.get(kind.__module__)
    file = getattr(module, "__file__", None)
    return kind.__module__ == "__main__" if file is None else is_users(file)
