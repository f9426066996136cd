"""Lines of the user's code around a place."""

from __future__ import annotations

import linecache
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from durable_debug.engine.places import Place

__all__ = ["SourceLine", "lines_around"]


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A line of the user's code; `decided` where it is the one that is told of."""

    number: int
    text: str
    decided: bool


def lines_around(place: Place, around: int) -> Iterator[SourceLine]:
    """Give the lines of a place and so many before and behind, as far as there are any."""
    last = max(place.end_line, place.line)
    for number in range(max(1, place.line - around), last + around + 1):
        text = linecache.getline(place.file, number)
        if text:
            yield SourceLine(number, text.rstrip(), place.line <= number <= last)
