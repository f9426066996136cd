"""What a stop looks like: small, sent at every one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from durable_debug.widgets._rows import handler_file
from durable_debug.widgets._text import one_line, title_of

if TYPE_CHECKING:
    from durable_debug.debugger import Breakpoint, Debugger
    from durable_debug.widgets._messages import BreakpointView, Frame, View
    from durable_debug.widgets._rows import Table

__all__ = ["headline", "marks_of", "view_of"]

_MOST_FRAMES = 50
_MOST_BREAKPOINTS = 200
_ANSWERS = {"none": "the history has no answer", "virtual": "a virtual context", "ran": "its body ran"}


def view_of(debugger: Debugger, table: Table, serial: int) -> View:
    """Describe where a debugger stands."""
    stop = debugger.stop
    place = stop.source
    return {
        "serial": serial,
        "status": debugger.status,
        "kind": "operation" if stop.kind == "line" else stop.kind,  # before the next one
        "line_index": stop.line_index,
        "headline": headline(debugger, table.total),
        "index": stop.index,
        "total": table.total,
        "row": table.row_of_stop.get(stop.index, -1) if stop.kind in {"operation", "line"} else -1,
        "file": place.file if place else None,
        "line": place.line if place else 0,
        "end_line": place.end_line if place else 0,
        "statuses": table.letters(debugger.statuses),
        "frames": _frames(debugger),
        "breakpoints": [_breakpoint(each, table) for each in debugger.breakpoints[:_MOST_BREAKPOINTS]],
        "divergences": len(debugger.run_result.divergences),
        "here": [one_line(one.message, 400) for one in stop.divergences[:5]],
        "logs": len(debugger.logs),
        "error": None if stop.error is None else one_line(stop.error, 1_000),
        "problem": None if debugger.problem is None else one_line(debugger.problem, 1_000),
    }


def marks_of(debugger: Debugger, table: Table) -> list[list[Any]]:
    """Give number and rows of each breakpoint that fits an operation; what fits is decided where it stops."""
    marks = [[each.id, table.rows_of(each)] for each in debugger.breakpoints[:_MOST_BREAKPOINTS]]
    return [[number, rows] for number, rows in marks if rows]


def headline(debugger: Debugger, total: int) -> str:
    """Say in words where it stands."""
    if debugger.status == "closed":
        return "This debugger is closed. dd.debug(handler, history) opens another."
    changed = "; changed by an expression, until you go back" if debugger.stop.changed_by else ""
    return _where(debugger, total) + changed


def _where(debugger: Debugger, total: int) -> str:
    stop = debugger.stop
    if stop.kind == "end":
        ended = {"PENDING": "suspended", "HALTED": "was stopped"}.get(stop.status or "", "ended")
        status = "" if ended != "ended" else f": {stop.status}"
        run, remarks = debugger.run_result, debugger.history.remarks
        if ended == "suspended" and remarks and run.ok and run.recording.options.invocation is None:
            return f"The handler suspended. {one_line(remarks[0], 300)}"
        return f"The handler {ended}{status}." + (f" {one_line(stop.error, 160)}" if stop.error else "")
    if stop.kind == "exception":
        return f"An exception leaves the handler: {one_line(stop.error or 'unknown', 160)}"
    if stop.kind == "line" and stop.source is not None:
        place = f"line {stop.source.line} of {title_of(stop.source.file)}, in {one_line(stop.source.function, 120)}"
        if stop.index < total:
            return f"Stopped at {place}, before operation {stop.index + 1:,} of {total:,}"
        return f"Stopped at {place}, behind the last operation"
    asked = stop.asked
    name = one_line((asked.name if asked else None) or (asked.sub_type if asked else "an operation"), 120)
    answer = _ANSWERS.get(asked.answer, asked.answer) if asked else ""
    position = f" ({asked.position})" if asked else ""
    said = f"Stopped before operation {stop.index + 1:,} of {total:,}: {name}{position}"
    return said + (f" — {answer}" if answer else "") + _why(debugger)


def _why(debugger: Debugger) -> str:
    """Why it stopped here, where that is not simply because somebody went here."""
    reason = debugger.stop.reason
    for one in debugger.breakpoints:
        if reason.startswith(f"breakpoint {one.id}:"):
            return f"; breakpoint {one.id}: {_spec(one, handler_file(debugger))}"
    return {"start": "; at the beginning", "divergence": "; divergence"}.get(reason, "")


def _frames(debugger: Debugger) -> list[Frame]:
    return [
        {
            "frame": number,
            "function": one_line(frame.function, 120),
            "file": frame.file,
            "title": title_of(frame.file),
            "line": frame.line,
        }
        for number, frame in enumerate(debugger.stack[:_MOST_FRAMES])
    ]


def _spec(one: Breakpoint, own_file: str) -> str:
    """The breakpoint as text, with a file's name instead of its path, and without the handler's."""
    if one.file is None:
        return one_line(one.spec, 200)
    file = "" if one.file == own_file else f", file={title_of(one.file)}"
    return one_line(one.spec.replace(f", file={one.file}", file), 200)


def _breakpoint(one: Breakpoint, table: Table) -> BreakpointView:
    return {
        "id": one.id,
        "spec": _spec(one, table.handler_file),
        "enabled": one.enabled,
        "hits": one.hits,
        "hit_count": one.hit_count,
        "bound": one.bound,
        "note": one_line(one.note, 200),
        "file": table.file(one.file) if one.line is not None else None,
        "line": one.line,
        "when": one.when,
    }
