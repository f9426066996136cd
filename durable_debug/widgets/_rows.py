"""The list of operations: what the history holds and what the handler asked for, as one tree."""

from __future__ import annotations

import os
from collections import defaultdict
from typing import TYPE_CHECKING

from durable_debug.debugger.rows import rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from durable_debug.debugger import Breakpoint, Debugger
    from durable_debug.debugger.rows import Row
    from durable_debug.widgets._messages import Rows

__all__ = ["CODES", "Table", "handler_file"]

CODES = {
    "STARTED": "s",
    "PENDING": "p",
    "READY": "r",
    "SUCCEEDED": "S",
    "FAILED": "F",
    "TIMED_OUT": "T",
    "STOPPED": "X",
    "CANCELLED": "C",
}
"""Letter for each status. Besides: ``.`` not begun as of then, ``-`` not in the history, ``?`` a status not known here."""


def handler_file(debugger: Debugger) -> str:
    """File that the handler is in; empty where that can't be known."""
    return debugger.run_result.recording.runner.file or ""


class Table:
    """Operations in reading order, a parent before its children, and where the handler asks for them.

    Attributes
    ----------
    rows
        The operations.
    total
        How many the handler asks for: the number of stops before the end.
    row_of_stop
        Row by number of the stop.
    handler_file
        The file that the handler is in.
    outcome
        How the replay ended.
    history
        The record.
    """

    def __init__(self, debugger: Debugger) -> None:
        run = debugger.run_result
        asked = run.complete.operations
        self.history = debugger.history
        self.outcome = run.complete.outcome
        self._tree = debugger.history.tree()
        self.rows = rows_of(run)
        self.total = len(asked)
        self.row_of_stop = {row.asked.seq: at for at, row in enumerate(self.rows) if row.asked is not None}
        self._lines: defaultdict[str, set[int]] = defaultdict(set)
        for call in asked:
            self._lines[call.file].add(call.line)
        self.handler_file = handler_file(debugger)

    def lines(self, file: str) -> set[int]:
        """Lines of a file at which operations are asked for."""
        return self._lines.get(file, set())

    @property
    def files(self) -> set[str]:
        """Files in which operations are asked for, and the handler's."""
        return {*self._lines, self.handler_file}

    def file(self, end: str | None) -> str:
        """Full path of the file that a breakpoint means; the handler's by default."""
        if end is None:
            return self.handler_file
        return next((file for file in self.files if file == end or file.endswith(f"{os.sep}{end}")), end)

    def rows_of(self, breakpoint: Breakpoint) -> list[int]:  # noqa: A002 - what it is
        """Rows that a breakpoint may stop at; none for the one of the divergences, which are marked as such."""
        return [self.row_of_stop[stop] for stop in breakpoint.stops] if breakpoint.id else []

    def columns(self) -> Rows:
        """Give the columns that are sent once."""
        kinds: dict[str, int] = {}
        statuses: dict[str, int] = {}
        columns: Rows = {
            "position": [row.position for row in self.rows],
            "name": [_name(row) for row in self.rows],
            "parent": [row.parent for row in self.rows],
            "depth": [row.depth for row in self.rows],
            "kind": [kinds.setdefault(_kind(row), len(kinds)) for row in self.rows],
            "recorded": [statuses.setdefault(_recorded(row), len(statuses)) for row in self.rows],
            "stop": [row.asked.seq if row.asked else -1 for row in self.rows],
            "attempts": [len(row.recorded.all_attempts) if row.recorded else 0 for row in self.rows],
            "kinds": [],
            "statuses": [],
        }
        columns["kinds"], columns["statuses"] = list(kinds), list(statuses)
        return columns

    def letters(self, statuses: Sequence[str]) -> str:
        """Give one letter a row, of the statuses of the history's operations; see `CODES`."""
        now = {
            operation.id: CODES.get(status, "?") if status else "."
            for operation, status in zip(self._tree, statuses, strict=True)
        }
        return "".join("-" if row.recorded is None else now[row.recorded.id] for row in self.rows)


def _name(row: Row) -> str | None:
    name = row.recorded.name if row.recorded is not None else row.asked.name if row.asked else None
    return name if name is None or len(name) <= 256 else f"{name[:255]}…"


def _recorded(row: Row) -> str:
    if row.recorded is not None:
        return row.recorded.status
    return "VIRTUAL" if row.asked is not None and row.asked.answer == "virtual" else ""


def _kind(row: Row) -> str:
    one = row.recorded or row.asked
    assert one is not None
    return one.sub_type or one.type
