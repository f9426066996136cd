"""What a value is shown as: its name, type and a bounded text, and what is inside it."""

from __future__ import annotations

import itertools
import pprint
import reprlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from durable_debug.engine.foreign import repr_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType

__all__ = ["Variable", "inside", "preview", "text_of", "variables", "variables_of"]

_LONGEST = 200
_LONGEST_TEXT = 100_000
_PLAIN = {list, tuple, set, frozenset, dict}


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable, item or attribute.

    Attributes
    ----------
    preview
        Its `repr`, cut at 200 characters.
    children
        Whether there is something inside it to look at.
    """

    name: str
    type: str
    preview: str
    children: bool


class _Bounded(reprlib.Repr):
    """`repr` of plain containers that stops early, whatever their size."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 4
        self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = self.maxdict = self.maxdeque = 30
        self.maxstring = self.maxother = self.maxlong = _LONGEST

    def repr_dict(self, value: dict[Any, Any], level: int) -> str:
        if level <= 0 and value:
            return "{...}"
        items = itertools.islice(value.items(), self.maxdict)  # in their own order, where reprlib sorts them
        parts = [f"{self.repr1(key, level - 1)}: {self.repr1(item, level - 1)}" for key, item in items]
        return "{" + ", ".join([*parts, *["..."][: len(value) > self.maxdict]]) + "}"

    def repr_instance(self, value: object, level: int) -> str:  # noqa: ARG002
        return repr_of(value, _LONGEST)


_bounded = _Bounded()


class _Short:
    """A plain container whose repr stops early."""

    def __init__(self, value: object) -> None:
        self._value = value

    def __repr__(self) -> str:
        return _bounded.repr(self._value)


def preview(value: object) -> str:
    """Give a bounded `repr` of anything, whatever its own one does."""
    if isinstance(value, str | bytes) and len(value) > _LONGEST:
        return f"{value[:_LONGEST]!r}… ({len(value)} long)"
    if isinstance(value, list | tuple | set | frozenset | dict) and len(value) > 60:
        return f"{type(value).__name__} of {len(value)}"
    if type(value) not in _PLAIN:
        return repr_of(value, _LONGEST)
    return repr_of(_Short(value), _LONGEST)


def text_of(value: object, width: int | None = None) -> str:
    """Give a value's whole `repr`, cut only where it is huge.

    Parameters
    ----------
    width
        Columns over which it is laid out, as `pprint` does; None for one line.
    """
    if width is None:
        return repr_of(value, _LONGEST_TEXT)
    try:
        text = pprint.pformat(value, width=width, sort_dicts=False)
    except Exception:  # noqa: BLE001 - somebody's own repr, which is told of then
        return repr_of(value, _LONGEST_TEXT)
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"


def variables_of(frame: FrameType) -> dict[str, Any]:
    """Give a function's variables in the order of its code, however often they have been looked at before."""
    code = frame.f_code
    names = {name: i for i, name in enumerate((*code.co_varnames, *code.co_cellvars, *code.co_freevars))}
    return dict(sorted(frame.f_locals.items(), key=lambda item: names.get(item[0], len(names))))


def variables(items: Iterable[tuple[str, Any]]) -> list[Variable]:
    """Describe named values."""
    return [
        Variable(name, type(value).__name__, preview(value), bool(inside(value, limit=1)))
        for name, value in items
    ]


def inside(value: Any, *, limit: int = 200) -> list[tuple[str, Any]]:
    """Give what a value holds, by name: items of a container, attributes of an object."""
    if isinstance(value, dict):
        return [(preview(key), item) for key, item in list(value.items())[:limit]]
    if isinstance(value, list | tuple):
        return [(str(index), item) for index, item in enumerate(value[:limit])]
    if isinstance(value, set | frozenset):
        return [(str(index), item) for index, item in enumerate(list(value)[:limit])]
    if isinstance(value, str | bytes | int | float | complex | bool | type(None) | type) or callable(value):
        return []
    try:
        own = vars(value)
    except TypeError:
        slots = [
            name
            for kind in type(value).__mro__
            for name in getattr(kind, "__slots__", ())
            if isinstance(name, str)
        ]
        own = {name: getattr(value, name) for name in slots if hasattr(value, name)}
    return [(name, item) for name, item in list(own.items())[:limit] if not name.startswith("__")]
