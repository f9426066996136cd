"""What a stop looks like: small, sent at every one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from durable_debug.widgets._text import one_line, title_of

if TYPE_CHECKING:
    from durable_debug.debugger import Breakpoint, Debugger, Stop
    from durable_debug.widgets._messages import BreakpointView, Frame, View
    from durable_debug.widgets._rows import Table

__all__ = ["headline", "view_of"]

_MOST_FRAMES = 50
_MOST_BREAKPOINTS = 200
_ANSWERS = {"none": "the history has no answer", "virtual": "a virtual context", "ran": "its body ran"}
_PLAIN = {"start": "at the beginning", "step": "", "goto": "", "end": "", "exception": ""}


def view_of(session: Debugger, table: Table, serial: int) -> View:
    """Describe where a session stands."""
    stop = session.stop
    place = stop.source
    return {
        "serial": serial,
        "status": session.status,
        "kind": stop.kind,
        "headline": headline(session.status, stop, session.run_result.status, len(session.run_result.operations)),
        "index": stop.index,
        "total": len(session.run_result.operations),
        "row": table.row_of_stop.get(stop.index, -1) if stop.kind == "operation" else -1,
        "file": place.file if place else None,
        "line": place.line if place else 0,
        "end_line": place.end_line if place else 0,
        "frames": _frames(session),
        "breakpoints": [_breakpoint(each) for each in session.breakpoints[:_MOST_BREAKPOINTS]],
        "divergences": len(session.run_result.divergences),
        "here": [one_line(one.message, 400) for one in stop.divergences[:5]],
        "logs": len(session.logs),
        "error": None if stop.error is None else one_line(stop.error, 1_000),
        "problem": None if session.problem is None else one_line(session.problem, 1_000),
    }


def headline(status: str, stop: Stop, ended: str, total: int) -> str:
    """Say in words where it stands."""
    if status == "closed":
        return "This debugger is closed. dd.debug(handler, history) makes another."
    if stop.kind == "end":
        return f"The handler ended: {ended}." + (f" {one_line(stop.error)}" if stop.error else "")
    if stop.kind == "exception":
        return f"An exception leaves the handler: {one_line(stop.error or 'unknown')}"
    asked = stop.asked
    name = one_line((asked.name if asked else None) or (asked.sub_type if asked else "an operation"), 120)
    answer = _ANSWERS.get(asked.answer, asked.answer) if asked else ""
    position = f" ({asked.position})" if asked else ""
    reason = _PLAIN.get(stop.reason, stop.reason)
    said = f"Stopped before operation {stop.index + 1:,} of {total:,}: {name}{position}"
    return said + (f" — {answer}" if answer else "") + (f"; {one_line(reason)}" if reason else "")


def _frames(session: Debugger) -> list[Frame]:
    return [
        {
            "frame": number,
            "function": one_line(frame.function, 120),
            "file": frame.file,
            "title": title_of(frame.file),
            "line": frame.line,
        }
        for number, frame in enumerate(session.stack)
        if frame.user
    ][:_MOST_FRAMES]


def _breakpoint(one: Breakpoint) -> BreakpointView:
    return {
        "id": one.id,
        "spec": one_line(one.spec, 200),
        "enabled": one.enabled,
        "hits": one.hits,
        "hit_count": one.hit_count,
        "bound": one.bound,
        "note": one_line(one.note, 200),
        "name": one.name,
        "file": one.file,
        "line": one.line,
        "when": one.when,
    }
