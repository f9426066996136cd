"""One operation that the handler asked for, as plain data."""

from __future__ import annotations

import functools
import itertools
import linecache
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from durable_debug.engine.arguments import arguments

if TYPE_CHECKING:
    from types import CodeType

    from durable_debug.engine.tape import Ask

__all__ = ["AskedOperation", "Place", "place_of"]


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
    """

    file: str
    line: int
    end_line: int
    function: str
    source: str = field(default="", compare=False, repr=False)

    @classmethod
    def at(cls, file: str, line: int, end_line: int | None = None, function: str = "") -> Place:
        """Give a place with its source."""
        return cls(file, line, end_line or line, function, linecache.getline(file, line).strip())

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def place_of(code: CodeType, lasti: int) -> Place:
    """Give the place of an instruction."""
    # Code is equal where only its file or its line breaks differ: two versions of a handler must not share places.
    return _place_of((code.co_filename, code.co_linetable), code, lasti)


@functools.lru_cache(maxsize=8192)
def _place_of(_key: tuple[str, bytes], code: CodeType, lasti: int) -> Place:
    line, end_line, *_ = next(itertools.islice(code.co_positions(), lasti // 2, None), (None, None))
    first = line or code.co_firstlineno
    return Place.at(code.co_filename, first, end_line, code.co_qualname)


@dataclass(frozen=True, slots=True)
class AskedOperation:
    """One operation that the handler asked for, in a replay.

    Attributes
    ----------
    seq
        Its place in the order of asking, from 0.
    position
        Logical position, such as ``"3-1"``: the handler's third operation, in it the first.
    id
        The operation's id at that position, as the SDK derives it.
    name, type, sub_type
        As in the history.
    depth
        0 for the handler's own operations.
    parent_position
        Position of the operation in whose body it was asked for; empty at the top.
    arguments
        What the call asked, as plain data: ``seconds`` of a wait, ``function_name`` and ``payload`` of an
        invoke, ``timeout_seconds`` of a callback, ``items`` (count) of a map, and so on.
    place
        The line of the user's code that asked.
    answer
        How it was answered: ``"recorded SUCCEEDED"`` (and FAILED, TIMED_OUT …) from the history,
        ``"recorded STARTED"`` for what had not ended, ``"ran"`` where the user allowed its body by name,
        ``"virtual"`` for a context that leaves no operation, ``"none"`` where the history has nothing.
    entered
        Whether its body was run over the recorded inner operations.
    """

    seq: int
    position: str
    id: str
    name: str | None
    type: str
    sub_type: str
    depth: int
    parent_position: str
    arguments: dict[str, Any] = field(hash=False)
    place: Place
    answer: str
    entered: bool

    @property
    def file(self) -> str:
        """File of the line that asked."""
        return self.place.file

    @property
    def line(self) -> int:
        """Line that asked, from 1."""
        return self.place.line


def asked_operation(ask: Ask) -> AskedOperation:
    """Make plain data of what a run noted."""
    assert ask.code is not None
    return AskedOperation(
        seq=ask.seq,
        position=ask.position,
        id=ask.operation_id,
        name=ask.name,
        type=ask.type,
        sub_type=ask.sub_type,
        depth=ask.depth,
        parent_position=ask.parent_path,
        arguments=arguments(ask),
        place=place_of(ask.code, ask.lasti),
        answer=_answer(ask),
        entered=ask.entered,
    )


def _answer(ask: Ask) -> str:
    if ask.ran:
        return "ran"
    if ask.recorded is not None:
        return f"recorded {ask.recorded.status.value}"
    return "virtual" if ask.virtual else "none"
