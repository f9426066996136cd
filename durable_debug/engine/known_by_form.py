"""What is known of a hidden value by its form alone, so that asking for it decides nothing: its length, whether it is 0 ….

A value and its stand-in have the same form (`durable_debug.stand_ins`), so each question that the form answers is answered
with the stand-in as it was with the value.
"""

from __future__ import annotations

import math
import operator
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from durable_debug.stand_ins import coarse, form

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Known", "is_answered", "keeps_form"]

_SIZES = frozenset({"__len__", "__bool__"})
_CLASSES = frozenset(
    f"is{name}"
    for name in ["alnum", "alpha", "ascii", "decimal", "digit", "lower", "numeric", "space", "upper"]
)
_SEARCHES = frozenset(
    [
        "count",
        "find",
        "rfind",
        "index",
        "rindex",
        "startswith",
        "endswith",
        "__contains__",
        "split",
        "rsplit",
        "partition",
        "rpartition",
    ]
)
_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    f"__{name}__": getattr(operator, name) for name in ("lt", "le", "gt", "ge")
}
_EQUALITY = frozenset({"__eq__", "__ne__"})
_KEEP_FORM = frozenset(
    [
        "__getitem__",
        "__add__",
        "__radd__",
        "upper",
        "lower",
        "casefold",
        "strip",
        "lstrip",
        "rstrip",
        "split",
        "rsplit",
        "partition",
        "rpartition",
        "splitlines",
        "replace",
        "zfill",
        "ljust",
        "rjust",
        "removeprefix",
        "removesuffix",
    ]
)


class Known(IntEnum):
    """How much of a value its stand-in tells.

    Attributes
    ----------
    NOTHING
        It was calculated from stand-ins.
    SIGNS
        Its length, and where it has signs that are neither letters nor digits: it is a part of a stand-in, say.
    FORM
        All that the form of the value tells, and which values are equal: it is the stand-in itself.
    """

    NOTHING = 0
    SIGNS = 1
    FORM = 2


def is_answered(
    name: str, value: Any, known: Known, args: tuple[Any, ...], others: tuple[Known | None, ...]
) -> bool:
    """Whether a method gives with the stand-in what it gave with the value.

    Parameters
    ----------
    name
        Of the method of ``str``, ``int`` or ``float``.
    value, known
        The stand-in, and what is known by it.
    args, others
        What the method was called with; and what is known by each that is a stand-in itself, None for those that are not.
    """
    if known is Known.NOTHING:
        return False
    if name in _EQUALITY:
        return _equality(value, known, args[0], others[0])
    if any(other is not None for other in others):
        return False
    if isinstance(value, str):
        if name in _SIZES or (name == "splitlines" and not args):
            return True
        if name in _CLASSES:
            return known is Known.FORM
        return name in _SEARCHES and all(_is_found_by_form(each, value) for each in args)
    if known is not Known.FORM:
        return False
    if name == "__bool__":
        return True
    compare = _COMPARISONS.get(name)
    if compare is None or not isinstance(args[0], int | float):
        return False
    low, high = _between(value)
    return bool(compare(low, args[0])) == bool(compare(high, args[0]))


def keeps_form(name: str, value: str, args: tuple[Any, ...], others: tuple[Known | None, ...]) -> bool:
    """Whether what a method of a text gives has the signs that it would have of the value."""
    if name not in _KEEP_FORM:
        return False
    if name in {"__add__", "__radd__", "__getitem__"}:
        return all(other is None or other >= Known.SIGNS for other in others)
    sought = args[:1] if name == "replace" else args
    return all(other is None for other in others) and all(_is_found_by_form(each, value) for each in sought)


def _equality(value: Any, known: Known, other: Any, other_known: Known | None) -> bool:
    if other_known is not None:
        return known is other_known is Known.FORM and isinstance(value, str) == isinstance(other, str)
    if isinstance(value, str):
        if not isinstance(other, str):
            return True
        return (
            coarse(value) != coarse(other)
            or not value
            or (known is Known.FORM and form(value) != form(other))
        )
    if not isinstance(other, int | float) or isinstance(other, bool):
        return False
    low, high = _between(value)
    return known is Known.FORM and (low == high or not low <= other <= high)


def _is_found_by_form(sought: Any, text: str) -> bool:
    """Whether the form of a text tells where something is in it: signs; or that it isn't, for there is nothing of its form."""
    if isinstance(sought, tuple):
        return all(_is_found_by_form(one, text) for one in sought)
    if not isinstance(sought, str):
        return sought is None or isinstance(sought, int)
    return not any(each.isalnum() for each in sought) or coarse(sought) not in coarse(text)


def _between(value: float) -> tuple[float, float]:
    """Between which numbers the value is, by sign and digits before the point."""
    if not value or value != value or math.isinf(value):  # noqa: PLR0124 - not a number
        return value, value
    digits = len(str(abs(int(value)))) if abs(value) >= 1 else 0
    if isinstance(value, int):
        low: float = 10 ** (digits - 1)
        high: float = 10**digits - 1
    elif digits:
        low, high = 10.0 ** (digits - 1), math.nextafter(10.0**digits, 0.0)
    else:
        low, high = math.nextafter(0.0, 1.0), math.nextafter(1.0, 0.0)
    return (low, high) if value > 0 else (-high, -low)
