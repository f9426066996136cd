"""How operations, payloads and errors are named in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from durable_debug.history import Operation

__all__ = ["called", "described", "error_text", "listed", "shortened"]

_PLAIN = {None, "Step", "Wait", "Callback", "ChainedInvoke"}  # sub-types that say no more than the type
_MOST_LISTED = 4


def described(type_: str, sub_type: str | None, name: str | None) -> str:
    """Name an operation: ``STEP 'charge-card'``."""
    kind = type_ if sub_type in _PLAIN else str(sub_type)
    return f"{kind} {name!r}" if name else f"{kind} without a name"


def called(operation: Operation) -> str:
    """Name a recorded operation."""
    return described(operation.type, operation.sub_type, operation.name)


def listed(names: Sequence[str]) -> str:
    """Join a few names; of many, the first and how many more there are."""
    shown = ", ".join(names[:_MOST_LISTED])
    more = len(names) - _MOST_LISTED
    return f"{shown} and {more} more" if more > 0 else shown


def shortened(text: object, limit: int = 160) -> str:
    """Cut a long payload or message."""
    if text is None:
        return "none"
    text = str(text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def error_text(error: Mapping[str, Any] | None) -> str:
    """Tell an error object in a line."""
    if not error:
        return "an error"
    return f"{error.get('ErrorType') or 'an error'}: {shortened(error.get('ErrorMessage'))}"
