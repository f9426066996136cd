"""Breakpoints: what to stop at."""

from __future__ import annotations

import fnmatch
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from durable_debug.engine.expressions import compiled

if TYPE_CHECKING:
    from durable_debug.engine.ongoing_pass import Call
    from durable_debug.engine.runner import HeldFrame
    from durable_debug.history import Operation

__all__ = ["Breakpoint"]

_KEYS = (
    "name",
    "type",
    "sub_type",
    "status",
    "attempt",
    "position",
    "event_id",
    "line",
    "file",
    "invocation",
    "when",
)


@dataclass(eq=False)
class Breakpoint:
    """Stops the debugger before operations that fit all that it says.

    Attributes
    ----------
    id
        Number, from 1; 0 is the one that stops at divergences.
    name
        Name of the operation, exact or a glob pattern.
    type, sub_type, status
        As recorded, upper or lower case: ``"STEP"``, ``"WaitForCallback"``, ``"TIMED_OUT"``.
    attempt
        Operations that took at least this many attempts.
    position
        Logical position, such as ``"3-1"``, or a glob pattern.
    event_id
        The operation that a recorded event belongs to.
    line, file
        Line of the call, and the end of its file's path (by default the handler's own).
    invocation
        The first operation that began in this invocation; 0 for the first of each.
    when
        Condition: an expression over the variables there.
    divergence
        True to stop where the replay does otherwise than the history.
    hits
        Stop only from this hit on.
    enabled
        Whether it stops at all.
    hit_count
        How often it has been hit up to here.
    bound
        Whether any operation of this replay can hit it.
    stops
        Numbers of the stops that it fits, its condition aside: what every view marks.
    note
        What is to be known of it: where it bound, or why its condition failed.
    """

    id: int
    name: str | None = None
    type: str | None = None
    sub_type: str | None = None
    status: str | None = None
    attempt: int | None = None
    position: str | None = None
    event_id: int | None = None
    line: int | None = None
    file: str | None = None
    invocation: int | None = None
    when: str | None = None
    divergence: bool | None = None
    hits: int = 1
    enabled: bool = True
    hit_count: int = 0
    bound: bool = True
    stops: tuple[int, ...] = ()
    note: str = ""
    _worked: bool = field(default=False, repr=False)

    def __post_init__(self) -> None:
        if self.when is not None:
            compiled(self.when)  # it has to be one

    @property
    def stops_at_something(self) -> bool:
        """Whether it says more than how often and in which file."""
        wanted = (getattr(self, key) for key in _KEYS if key != "file")
        return any(value is not None for value in wanted) or self.divergence is not None

    @property
    def spec(self) -> str:
        """The breakpoint as text: ``name=charge-*, status=FAILED``."""
        parts = [f"{key}={getattr(self, key)}" for key in _KEYS if getattr(self, key) is not None]
        if self.divergence:
            parts.append("divergence")
        if self.hits > 1:
            parts.append(f"hits={self.hits}")
        return ", ".join(parts)

    def is_like(self, name: str | None) -> bool:
        """Whether an operation's name is one that it says; all are where it says none."""
        return self.name is None or _like(name, self.name)

    def fits(
        self,
        call: Call,
        operation: Operation | None,
        *,
        handler_file: str | None,
        diverges: bool,
        boundary: int | None,
    ) -> bool:
        """Whether an operation is what it says, condition aside.

        Parameters
        ----------
        boundary
            The invocation that begins with this operation, if one does.
        """
        if self.divergence is not None and diverges is not self.divergence:
            return False
        if not self.is_like(call.name):
            return False
        if self.type is not None and call.type.upper() != self.type.upper():
            return False
        if self.sub_type is not None and call.sub_type.lower() != self.sub_type.lower():
            return False
        if self.status is not None and (operation is None or operation.status.upper() != self.status.upper()):
            return False
        if self.attempt is not None and (operation is None or operation.attempts < self.attempt):
            return False
        if self.position is not None and not _like(call.position, self.position):
            return False
        if self.event_id is not None and (operation is None or self.event_id not in operation.event_ids):
            return False
        if self.invocation is not None and (boundary is None or self.invocation not in (0, boundary)):
            return False
        return self.line is None or self._on_line(call, handler_file)

    def _on_line(self, call: Call, handler_file: str | None) -> bool:
        place = call.place
        assert place is not None and self.line is not None  # noqa: PT018
        if not place.line <= self.line <= place.end_line:
            return False
        wanted = self.file or handler_file
        return wanted is None or same_file(place.file, wanted)

    def holds(self, frame: HeldFrame) -> bool:
        """Whether its condition is true in a frame; a condition that fails is not."""
        if self.when is None:
            return True
        told = frame.holds(self.when)
        if told.note:
            if not (self._worked and told.no_such_name):
                self.note = f"condition: {told.note}"
        elif not self._worked:
            self._worked, self.note = True, ""
        return bool(told.is_true)


def same_file(path: str, wanted: str) -> bool:
    """Whether a path is, or ends with, the wanted one."""
    if path == wanted:
        return True
    tail = os.path.normpath(wanted)
    return path.endswith(os.sep + tail) or os.path.realpath(path) == os.path.realpath(wanted)


def _like(value: str | None, pattern: str) -> bool:
    return value is not None and (value == pattern or fnmatch.fnmatchcase(value, pattern))
