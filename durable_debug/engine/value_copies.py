"""Copies of the values that a handler's variables had: bounded, made without running any code of the user's.

What can't change is kept as it is, so that two moments share it. Containers are copied, and of objects of the user's classes
their attributes. Objects of libraries (clients, loggers, the SDK's contexts) are kept as they are: which one it is counts.
"""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import fractions
import itertools
import pathlib
import sys
import types
import uuid
from dataclasses import dataclass
from typing import Any, Final

from durable_debug.engine.users_code import is_users_module

__all__ = ["CUT", "Copy", "Failed", "Instance", "copied", "is_same"]

MOST_ITEMS: Final = 100
"""Items that are kept of one container, and attributes of one object."""
MOST_VALUES: Final = 1_000
"""Values that are kept of one variable."""
DEEPEST: Final = 5
"""Containers in containers."""

Copy = Any
"""A value that can't change, a list, tuple, set or dict of copies, or an `Instance`."""


class _Cut:
    """Stands for what is not kept: it is too deep, or too much."""

    def __repr__(self) -> str:
        return "…"

    def __reduce__(self) -> str:
        return "CUT"


CUT: Final = _Cut()


@dataclass(slots=True)
class Instance:
    """An object, by what it holds.

    Attributes
    ----------
    type
        Qualified name of its class.
    held
        Copies of its attributes, or of the items of a container of a class of its own, by name.
    key
        Which object it is: two moments of the same one have the same.
    text
        What it is shown as, where that is known.
    """

    type: str
    held: dict[Any, Copy]
    key: int
    text: str = ""

    def __repr__(self) -> str:
        return (
            self.text
            or f"{self.type.rpartition('.')[2]}({', '.join(f'{name}={value!r}' for name, value in self.held.items())})"
        )


@dataclass(frozen=True, slots=True)
class Failed:
    """Stands for the value of an expression that has none.

    Attributes
    ----------
    why
        The error, in a line.
    """

    why: str

    def __repr__(self) -> str:
        return f"<{self.why}>"


_SCALARS: frozenset[type] = frozenset(
    {int, float, bool, type(None), complex, str, bytes, type(...), type(NotImplemented), range}
)
_UNCHANGEABLE: tuple[type, ...] = (
    *_SCALARS,
    dt.date,
    dt.time,
    dt.timedelta,
    dt.tzinfo,
    decimal.Decimal,
    fractions.Fraction,
    uuid.UUID,
    pathlib.PurePath,
    enum.Enum,
    type,
)
_PLAIN = frozenset({dict, list, tuple, set, frozenset})
_known: dict[type, bool] = dict.fromkeys(_SCALARS, True)


def _is_kept(kind: type) -> bool:
    """Whether values of a class are kept as they are."""
    known = _known.get(kind)
    if known is None:
        users = is_users_module(sys.modules.get(kind.__module__)) or kind.__module__ == "__main__"
        ours = kind.__module__.startswith("durable_debug.")  # what stands for a value that nobody knows
        known = ours or issubclass(kind, _UNCHANGEABLE) or not (users or issubclass(kind, tuple(_PLAIN)))
        _known[kind] = known
    return known


def copied(value: Any) -> Copy:
    """Copy a value as far as it is kept."""
    return value if _is_kept(type(value)) else _copied(value, DEEPEST, [MOST_VALUES])


def _copied(value: Any, depth: int, room: list[int]) -> Copy:
    kind = type(value)
    if _is_kept(kind):
        return value
    room[0] -= 1
    if depth == 0 or room[0] < 0:
        return CUT
    if kind in _PLAIN and len(value) <= MOST_ITEMS:
        room[0] -= len(value)
        if kind is dict:
            return {key: _copied(item, depth - 1, room) for key, item in value.items()}
        if kind is list:
            return [_copied(item, depth - 1, room) for item in value]
        if kind is tuple:
            return tuple([_copied(item, depth - 1, room) for item in value])
        return kind(value)
    held = _held(value)
    room[0] -= len(held)
    copies = {key: _copied(item, depth - 1, room) for key, item in held}
    return Instance(
        _name(kind), copies, id(value), f"{kind.__name__} of {len(value)}" if kind in _PLAIN else ""
    )


def is_same(copy: Copy, value: Any) -> bool:
    """Whether a value is still what its copy says, as far as that says anything."""
    if copy is CUT:
        return True
    kind = type(value)
    if _is_kept(kind):
        return copy is value or (type(copy) is kind and kind in _SCALARS and bool(copy == value))
    if type(copy) is not kind:
        return type(copy) is Instance and copy.key == id(value) and _holds_the_same(copy, value)
    if len(copy) != len(value):
        return False
    if kind is dict:
        return all(
            (key is name or key == name) and is_same(one, other)
            for (key, one), (name, other) in zip(copy.items(), value.items(), strict=True)
        )
    if kind is list or kind is tuple:
        return all(map(is_same, copy, value))
    return bool(copy == value)


def _holds_the_same(copy: Instance, value: Any) -> bool:
    if copy.text and copy.text != f"{type(value).__name__} of {len(value)}":
        return False
    held = dict(_held(value))
    return held.keys() == copy.held.keys() and all(
        is_same(copy.held[key], item) for key, item in held.items()
    )


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}" if kind.__module__ != "builtins" else kind.__qualname__


def _held(value: Any) -> list[tuple[Any, Any]]:
    """What an object holds, found without asking it: an attribute of its own might do anything."""
    if isinstance(value, dict):
        return list(itertools.islice(dict.items(value), MOST_ITEMS))
    if isinstance(value, set | frozenset):
        return []
    if isinstance(value, list | tuple):
        items = list.__iter__(value) if isinstance(value, list) else tuple.__iter__(value)
        return list(itertools.islice(enumerate(items), MOST_ITEMS))
    try:
        own = object.__getattribute__(value, "__dict__")
    except AttributeError:
        own = {}
    found = list(own.items())[:MOST_ITEMS] if type(own) is dict else []
    for kind in type(value).__mro__:
        for name in vars(kind).get("__slots__", ()) if isinstance(vars(kind).get("__slots__"), tuple) else ():
            slot = vars(kind).get(name)
            if isinstance(slot, types.MemberDescriptorType):
                try:
                    found.append((name, slot.__get__(value)))
                except AttributeError:
                    continue
    return found[:MOST_ITEMS]
