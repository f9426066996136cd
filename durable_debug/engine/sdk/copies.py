"""Copies of what is the user's, so that a look at it changes nothing for the handler."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["memoised", "replaced", "snapshot"]

_T = TypeVar("_T")


def replaced(held: _T, name: str, value: Any) -> _T:
    """Give a copy with another attribute, of a frozen class too, and of one that the user derived."""
    held = copy.copy(held)
    object.__setattr__(held, name, value)
    return held


def memoised(namer: Callable[[Any, int], str]) -> Callable[[Any, int], str]:
    """Ask for the name of each item once, as the SDK alone would: it may count."""
    names: dict[int, str] = {}

    def name(item: Any, index: int) -> str:
        if index not in names:
            names[index] = namer(item, index)
        return names[index]

    return name


def snapshot(value: Any) -> Any:
    """Keep a value from what is done to it later: the SDK writes a result at once."""
    if value is None or isinstance(value, str | int | float | bytes):
        return value
    try:
        return copy.deepcopy(value)
    except Exception:  # noqa: BLE001 - whatever it is made of
        return value
