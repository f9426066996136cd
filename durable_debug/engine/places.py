"""Places in the user's code: what a call, an error or a side effect is put down to."""

from __future__ import annotations

import itertools
import linecache
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import CodeType

__all__ = ["Place", "Stack", "place_of"]


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the user's code.

    Attributes
    ----------
    file
        Path of the file, or the name of a notebook's cell.
    line, end_line
        First and last line of the call, from 1.
    function
        Qualified name of the function that it is in.
    source
        Text of the first line, stripped, as it was when the code was replayed; empty where it can't be had.
    column, end_column
        Where in its lines the call is, from 0; None where that is not known.
    names
        The texts that are written in the function's code.
    """

    file: str
    line: int
    end_line: int
    function: str
    source: str = field(default="", compare=False, repr=False)
    column: int | None = field(default=None, compare=False, repr=False)
    end_column: int | None = field(default=None, compare=False, repr=False)
    names: frozenset[str] = field(default=frozenset(), compare=False, repr=False)

    @classmethod
    def at(cls, file: str, line: int, end_line: int | None = None, function: str = "") -> Place:
        """Give a place with its source."""
        return cls(file, line, end_line or line, function, linecache.getline(file, line).strip())

    @property
    def call(self) -> tuple[object, ...]:
        """What tells this call from others of its line; code that is compiled twice (a ``finally``) is one call."""
        return self.file, self.function, self.line, self.end_line, self.column, self.end_column

    @property
    def is_lambda(self) -> bool:
        """Whether it is in a lambda, in which there is but one call."""
        return self.function.endswith("<lambda>")

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


Stack = tuple[Place, ...]
"""The calls that one was made from, innermost first, out to the body that serves the context."""

_known: dict[tuple[int, int], tuple[CodeType, Place]] = {}  # by the code object, which is kept with it
_MOST_KNOWN = 8192


def place_of(code: CodeType, lasti: int) -> Place:
    """Give the place of an instruction."""
    found = _known.get((id(code), lasti))
    if found is not None:
        return found[1]
    if len(_known) > _MOST_KNOWN:
        _known.clear()
    line, end_line, column, end_column = next(
        itertools.islice(code.co_positions(), lasti // 2, None), (None, None, None, None)
    )
    first = line or code.co_firstlineno
    place = Place(
        code.co_filename,
        first,
        end_line or first,
        code.co_qualname,
        linecache.getline(code.co_filename, first).strip(),
        column,
        end_column,
        frozenset(_texts(code.co_consts)),
    )
    _known[id(code), lasti] = code, place
    return place


def _texts(consts: tuple[object, ...]) -> list[str]:
    """The texts among constants, also as items of what is gone through."""
    found: list[str] = []
    for const in consts:
        if isinstance(const, str):
            found.append(const)
        elif isinstance(const, tuple | frozenset):
            found += _texts(tuple(const))
    return found
