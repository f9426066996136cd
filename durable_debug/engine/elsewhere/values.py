"""Values of another process: those of Python's own kinds as they are, all others as what is shown of them."""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
from typing import Any

from durable_debug.engine.foreign import repr_of

__all__ = ["Shown", "carried"]

_PLAIN = (
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    type(None),
    dt.date,
    dt.datetime,
    dt.time,
    dt.timedelta,
    decimal.Decimal,
    uuid.UUID,
)
_DEEPEST = 20
_MOST = 100_000  # items
_LONGEST = 10_000


class Shown:
    """A value that stayed in its own process: its type, and its text.

    Attributes
    ----------
    type
        Qualified name of its class.
    text
        Its `repr`, cut.
    """

    def __init__(self, type_: str, text: str) -> None:
        self.type = type_
        self.text = text

    def __repr__(self) -> str:
        return self.text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Shown) and (self.type, self.text) == (other.type, other.text)

    def __hash__(self) -> int:
        return hash((self.type, self.text))


def carried(value: Any) -> Any:
    """Give a value as it goes to another process."""
    return _Carrier().carry(value, 0)


class _Carrier:
    def __init__(self) -> None:
        self._left = _MOST

    def carry(self, value: Any, depth: int) -> Any:
        kind = type(value)
        self._left -= 1
        if kind in _PLAIN:
            return value
        if depth >= _DEEPEST or self._left <= 0:
            return _shown(value)
        if kind is dict:
            return {
                self.carry(key, depth + 1): self.carry(held, depth + 1) for key, held in list(value.items())
            }
        if kind in {list, tuple, set, frozenset}:
            return kind([self.carry(held, depth + 1) for held in list(value)])
        return _shown(value)


def _shown(value: Any) -> Shown:
    return Shown(type(value).__qualname__, repr_of(value, _LONGEST))
