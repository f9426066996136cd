"""The log tab: what the replay wrote up to the stop, and beside it what the execution wrote then, as CloudWatch has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from durable_debug.widgets._text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from durable_debug.debugger import Debugger
    from durable_debug.history import Operation
    from durable_debug.history.logs import LogEvent
    from durable_debug.widgets._messages import LogsView, LogView, RecordedLogs, RecordedLogView
    from durable_debug.widgets._rows import Table

__all__ = ["logs"]

_MOST = 500
_LONGEST = 2_000


def logs(debugger: Debugger, table: Table) -> LogsView:
    """The last lines that the handler wrote, and the recorded ones that belong to this stop."""
    replayed: list[LogView] = [
        {
            "level": one_line(line.level, 20),
            "message": line.message[:_LONGEST],
            "row": table.row_of_stop.get(line.seq, -1),
            "replayed": line.replayed,
        }
        for line in debugger.logs[-_MOST:]
    ]
    return {"replayed": replayed, "recorded": _recorded(debugger, table)}


def _recorded(debugger: Debugger, table: Table) -> RecordedLogs | None:
    """Those of the invocations in which the operation of the stop was worked on; at the end, of the last one."""
    events = debugger.history.log_events
    if events is None:
        return None
    stop = debugger.stop
    row = table.row_of_stop.get(stop.index, -1) if stop.kind == "operation" else -1
    one = table.rows[row].recorded if row >= 0 else None
    if one is None and row >= 0:
        return {"title": "The record has nothing of this operation", "lines": []}
    last = one.end_invocation if one is not None else debugger.history.invocation_count
    first = one.start_invocation if one is not None else last
    first, last = first or 0, last or first or 0
    found = [each for each in events if each.invocation is not None and first <= each.invocation <= last]
    rows = {row.recorded.position: at for at, row in enumerate(table.rows) if row.recorded is not None}
    which = f"invocation {first}" if first == last else f"invocations {first} to {last}"
    return {
        "title": f"Recorded in {which}",
        "lines": [_view(each, one, rows) for each in _bounded(found, one)],
    }


def _bounded(events: Sequence[LogEvent], one: Operation | None) -> Sequence[LogEvent]:
    """Of very many the operation's own, and of those the last."""
    if len(events) > _MOST:
        events = [each for each in events if _is_of(each, one)] or events
    return events[-_MOST:]


def _is_of(event: LogEvent, one: Operation | None) -> bool:
    """Whether the operation wrote it, or one inside it."""
    return (
        one is not None and event.position is not None and f"{event.position}-".startswith(f"{one.position}-")
    )


def _view(event: LogEvent, one: Operation | None, rows: dict[str, int]) -> RecordedLogView:
    attempt = f" #{event.attempt}" if event.attempt is not None else ""
    return {
        "time": f"{event.timestamp:%H:%M:%S}.{event.timestamp.microsecond // 1000:03}",
        "level": one_line(event.level or "", 20),
        "message": event.message.rstrip("\n")[:_LONGEST],
        "where": one_line(f"{event.name or event.position}{attempt}", 120) if event.position else "",
        "row": rows.get(event.position or "", -1),
        "here": _is_of(event, one),
        "platform": event.platform,
    }
