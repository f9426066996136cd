"""One operation that the handler asked for, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from durable_debug.engine.ask import Ask
    from durable_debug.engine.places import Place

__all__ = ["AskedOperation"]


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
    arguments: Mapping[str, Any] = field(hash=False)
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
    assert ask.place is not None
    return AskedOperation(
        seq=ask.seq,
        position=ask.position,
        id=ask.operation_id,
        name=ask.name,
        type=ask.type,
        sub_type=ask.sub_type,
        depth=ask.depth,
        parent_position=ask.parent_path,
        arguments=ask.arguments,
        place=ask.place,
        answer=_answer(ask),
        entered=ask.entered,
    )


def _answer(ask: Ask) -> str:
    if ask.ran:
        return "ran"
    if ask.answered:
        return f"recorded {ask.status}"
    return "virtual" if ask.virtual else "none"
