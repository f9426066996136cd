"""What the debugger shows where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from durable_debug.wording import abridged

if TYPE_CHECKING:
    from durable_debug.divergence import Divergence
    from durable_debug.engine.asked import AskedOperation
    from durable_debug.engine.places import Place
    from durable_debug.history import Operation

__all__ = ["StackFrame", "Stop"]


@dataclass(frozen=True, slots=True)
class StackFrame:
    """One function of the user's code on the call stack."""

    function: str
    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.function} at {self.file}:{self.line}"


@dataclass(frozen=True, slots=True, repr=False)
class Stop:
    """A place in the user's code where an operation is about to be answered.

    Attributes
    ----------
    index
        Number of the stop, from 0. The stops of a replay are its operations in the order of asking, then an
        exception that leaves the handler, then the end. Between two of them, at a line: that of the next.
    kind
        ``"operation"``, ``"line"``, ``"exception"`` or ``"end"``.
    reason
        Why it stopped here: a verb, ``"breakpoint 2: name=charge-*"``, ``"divergence"`` …
    operation
        The recorded operation that answers, with its data; None if the history has none.
    asked
        What the handler asked for.
    source
        The line of the user's code.
    divergences
        What the replay does otherwise here.
    error
        What leaves the handler: at an exception, or at an end that was one.
    state_event_id
        The history stood at this event then (see ``history.state_at``).
    status
        At the end, the replay's status.
    changed_by
        An expression that changed what the handler holds, so that what follows need not be as recorded. To go
        back, or to the same stop, takes the replay anew, without it.
    line_index
        At a line: how many lines of the user's code ran before it; None at other stops.
    """

    index: int
    kind: str
    reason: str
    operation: Operation | None
    asked: AskedOperation | None
    source: Place | None
    divergences: tuple[Divergence, ...]
    error: str | None
    state_event_id: int
    status: str | None = None
    changed_by: str | None = None
    line_index: int | None = None

    def __repr__(self) -> str:
        where = f" at {self.source}" if self.source else ""
        changed = ", changed by an expression" if self.changed_by else ""
        if self.kind == "end":
            error = f", {self.error}" if self.error else ""
            return f"<Stop {self.index}: the end, {self.status}{error}{changed}>"
        if self.kind == "line":
            return f"<Stop before {self.index}: line {self.line_index}{where} ({self.reason}{changed})>"
        if self.kind == "exception" or self.asked is None:
            return f"<Stop {self.index}: {self.error}{where}{changed}>"
        name = f" {abridged(self.asked.name)!r}" if self.asked.name else ""
        what = f"{self.asked.position} {self.asked.sub_type}{name}, {self.asked.answer}"
        return f"<Stop {self.index}: {what}{where} ({self.reason}{changed})>"
