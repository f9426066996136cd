"""Whether a handler's source has the names of operations in it: as texts, or as functions that are called so."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from durable_debug.engine.imports import sources

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["mentions_any"]

_SHORTEST = 5  # letters of a name without its number: shorter ones stand in other words
_NUMBER = re.compile(r"[\W\d_]+$")
_BETWEEN_WORDS = re.compile(r"[\W_]+")


def mentions_any(file: str | None, names: Iterable[str]) -> bool | None:
    """Whether a file, or what it imports of its project, has one of the names; None where it can't be read.

    A name that ends with a number may be made of a text and that: what stands before it is looked for.
    """
    names = list(names)
    words = {word for name in names if len(word := _plain(_NUMBER.sub("", name))) >= _SHORTEST}
    words |= set(map(_plain, names))
    read = False
    for _, text in sources(file):
        read, source = True, _plain(text)
        if any(word in source for word in words):
            return True
    return False if read else None


def _plain(text: str) -> str:
    return _BETWEEN_WORDS.sub("", text).lower()
