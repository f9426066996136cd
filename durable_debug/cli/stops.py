"""Stops of the debugger: from one to the next, and what is told of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from durable_debug.cli.text import error_line, paint, paint_status, plain, ranges, symbol, word

if TYPE_CHECKING:
    from collections.abc import Iterator

    from durable_debug.debugger import Debugger, Stop

__all__ = ["all_stops", "fields", "operation_line", "seen", "stop_lines", "where"]


def all_stops(debugger: Debugger) -> Iterator[Stop]:
    """Run from breakpoint to breakpoint; divergences, and an exception that leaves the handler, are stops too."""
    # The debugger opens on the first operation, before there was any breakpoint: one there is met from behind.
    debugger.step_in()
    stop = debugger.run_back()
    if stop.reason != "run back":
        yield stop
    while (stop := debugger.run()).kind != "end":
        yield stop


def fields(thing: object, *names: str) -> dict[str, Any]:
    """Give some of an object's attributes by name."""
    return {name: getattr(thing, name) for name in names}


def operation_of(stop: Stop) -> dict[str, Any]:
    """Give the operation at a stop, as data."""
    operation, asked = stop.operation, stop.asked
    return {
        "position": asked.position if asked else None,
        "name": asked.name if asked else None,
        "type": asked.type if asked else None,
        "sub_type": asked.sub_type if asked else None,
        "status": operation.status if operation else None,
        "attempts": operation.attempts if operation else None,
        "event_ids": list(operation.event_ids) if operation else [],
    }


def seen(debugger: Debugger, stop: Stop) -> dict[str, Any]:
    """Give what is seen at a stop, as data."""
    operation, source = stop.operation, stop.source
    return {
        "reason": stop.reason,
        **operation_of(stop),
        "result": debugger.history.plain(operation.result, operation) if operation else None,
        "error": operation.error if operation else None,
        "exception": stop.error,
        "file": source.file if source else None,
        "line": source.line if source else None,
        "source": source.source if source else None,
        "stack": [fields(frame, "function", "file", "line") for frame in debugger.stack],
        "locals": {one.name: one.preview for one in debugger.variables()},
        "divergences": [one.message for one in stop.divergences],
    }


def operation_line(operation: dict[str, Any]) -> str:
    """Tell of an operation on one line: name, status, type, attempts, position, events."""
    status = operation["status"] or "no record"
    return "  ".join(
        filter(
            None,
            (
                paint_status(f"{symbol(status)} {plain(operation['name'] or '(no name)', 120)}", status),
                word(status),
                plain(operation["sub_type"] or operation["type"]),
                f"{operation['attempts']} attempts" if (operation["attempts"] or 0) > 1 else "",
                f"position {plain(operation['position'])}",
                f"events {ranges(operation['event_ids'])}" if operation["event_ids"] else "",
            ),
        )
    )


def where(file: str, line: int, function: str) -> str:
    """Tell a place: ``orders.py:54 in charge``."""
    from durable_debug.reports.paths import relative

    return f"{plain(relative(file))}:{line} in {plain(function)}"


def stop_lines(stop: dict[str, Any]) -> Iterator[str]:
    """Tell what is seen at a stop."""
    yield paint(f"stopped: {plain(stop['reason'])}", "1")
    if stop["position"]:
        yield f"  {operation_line(stop)}"
    for divergence in stop["divergences"]:
        yield f"  divergence  {plain(divergence)}"
    for name, value in (
        ("exception", stop["exception"]),
        ("error", error_line(stop["error"])),
        ("result", stop["result"]),
    ):
        if value:
            yield f"  {name:10}  {plain(value, 500)}"
    for number, frame in enumerate(stop["stack"]):
        yield f"  {'from' if number else 'at':10}  {where(frame['file'], frame['line'], frame['function'])}"
        if number == 0 and stop["source"]:
            yield f"  {'':10}      {plain(stop['source'])}"
    width = max((len(name) for name in stop["locals"]), default=0)
    for name, value in stop["locals"].items():
        yield f"  {plain(name).ljust(max(10, min(width, 30)))}  = {plain(value, 300)}"
