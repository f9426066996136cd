"""One operation that the handler asked for, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from durable_debug.engine.call import Call
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


def asked_operation(call: Call) -> AskedOperation:
    """Make plain data of what a run noted."""
    assert call.place is not None
    return AskedOperation(
        seq=call.seq,
        position=call.position,
        id=call.operation_id,
        name=call.name,
        type=call.type,
        sub_type=call.sub_type,
        depth=call.depth,
        parent_position=call.parent_path,
        arguments=call.arguments,
        place=call.place,
        answer=_answer(call),
        entered=call.entered,
    )


def _answer(call: Call) -> str:
    if call.ran:
        return "ran"
    if call.answered:
        return f"recorded {call.status}"
    return "virtual" if call.virtual else "none"
