"""How operations, numbers and payloads are named in sentences."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from durable_debug.history import Operation

__all__ = [
    "abridged",
    "called",
    "counted",
    "described",
    "duration",
    "listed",
    "named",
    "short_ids",
    "shortened",
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
    return f"{kind} {abridged(name)!r}"


def abridged(name: str) -> str:
    """Cut a very long name in its middle: two of them may part at their ends."""
    return name if len(name) <= _LONGEST_NAME else f"{name[:100]}…{name[-50:]}"


def called(operation: Operation) -> str:
    """Name a recorded operation."""
    return described(operation.type, operation.sub_type, operation.name)


def named(identity: tuple[str, str | None, str | None]) -> str:
    """Name an operation by its type, sub-type and name, or the context that leaves none."""
    return "a virtual context" if identity[1] == "virtual" else described(*identity)


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


def duration(seconds: float | None) -> str:
    """A length of time in the two largest units that say something: ``45 ms``, ``1.5 s``, ``2 min 1 s``, ``30 d 2 h``."""
    if seconds is None:
        return ""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:  # above, it would round to "60 s"
        return f"{seconds:.3g} s"
    whole = round(seconds)
    for size, unit, smaller_size, smaller in (
        (86_400, "d", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if whole >= size:
            rest = whole % size // smaller_size
            return f"{whole // size} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole} s"
