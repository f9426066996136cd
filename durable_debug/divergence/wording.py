"""How operations, payloads and errors are named in sentences."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from durable_debug.history import Operation

__all__ = [
    "abridged",
    "called",
    "counted",
    "described",
    "error_side",
    "error_text",
    "listed",
    "short_ids",
    "shortened",
    "side",
    "whole",
]

_PLAIN = {None, "Step", "Wait", "Callback", "ChainedInvoke"}  # sub-types that say no more than the type
_MOST_LISTED = 4
_LONGEST_NAME = 256  # Lambda's own bound; emulators have none
_LONG_ID = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{56}\b")


def described(type_: str, sub_type: str | None, name: str | None) -> str:
    """Name an operation: ``STEP 'charge-card'``."""
    kind = shortened(type_ if sub_type in _PLAIN else sub_type, 60)
    if not name:
        return f"{kind} without a name"
    if len(name) <= _LONGEST_NAME:
        return f"{kind} {name!r}"
    return _side(f"{kind} {abridged(name)!r}", kind, name)


def abridged(name: str) -> str:
    """Cut a very long name in its middle: two of them may part at their ends."""
    return name if len(name) <= _LONGEST_NAME else f"{name[:100]}…{name[-50:]}"


def called(operation: Operation) -> str:
    """Name a recorded operation."""
    return described(operation.type, operation.sub_type, operation.name)


def listed(names: Sequence[str]) -> str:
    """Join a few names; of many, the first and how many more there are."""
    shown = ", ".join(names[:_MOST_LISTED])
    more = len(names) - _MOST_LISTED
    return f"{shown} and {more} more" if more > 0 else shown


def counted(number: int, one: str, many: str | None = None) -> str:
    """A number and its noun."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def short_ids(text: str) -> str:
    """Cut the ids of operations: nobody reads 64 digits to their end."""
    return _LONG_ID.sub(r"\g<1>…", text)


def shortened(text: object, limit: int = 160) -> str:
    """Cut a long payload or message."""
    if text is None:
        return "none"
    text = str(text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


class Side(str):
    """One side of a difference, cut for people; it still knows what was cut off, so that it can be compared."""

    __slots__ = ("whole",)
    whole: bytes


def side(before: str, value: object) -> Side:
    """Tell a payload or message behind a few words."""
    return _side(before + shortened(value), before, value)


def error_side(before: str, error: Mapping[str, Any] | None) -> Side:
    """Tell an error object behind a few words."""
    error = error or {}
    return _side(before + error_text(error), before, error.get("ErrorType"), error.get("ErrorMessage"))


def _side(text: str, *parts: object) -> Side:
    found = Side(text)
    found.whole = hashlib.blake2b(
        repr([str(part) for part in parts]).encode(errors="replace"), digest_size=16
    ).digest()
    return found


def whole(text: str | None) -> bytes:
    """What tells a side from all others, however much of it is shown."""
    if isinstance(text, Side):
        return text.whole
    return b"" if text is None else hashlib.blake2b(text.encode(errors="replace"), digest_size=16).digest()


def error_text(error: Mapping[str, Any] | None) -> str:
    """Tell an error object in a line."""
    if not error:
        return "an error"
    return f"{error.get('ErrorType') or 'an error'}: {shortened(error.get('ErrorMessage'))}"
