"""An execution's trace in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from durable_debug.cli.text import paint, paint_status, plain
from durable_debug.wording import duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from durable_debug.history import History
    from durable_debug.history.segments import Segment

__all__ = ["trace"]

_DEEPEST = 12  # steps of indentation


def trace(history: History) -> Iterator[str]:
    """X-Ray's segments, each below that in which it lies: when, how long, what, and what went wrong."""
    segments = history.trace_segments or ()
    if not segments:
        yield "No segments."
        return
    heading = None
    for one in segments:
        if one.invocation != heading and one.depth == 0:
            heading = one.invocation
            yield paint(f"trace of invocation {heading}" if heading is not None else "trace", "1")
        yield _line(one)


def _line(one: Segment) -> str:
    when = f"{one.start:%H:%M:%S}.{one.start.microsecond // 1000:03}" if one.start else " " * 12
    took = duration((one.end - one.start).total_seconds()) if one.start and one.end else "…"
    what = " ".join(filter(None, (one.name, one.operation)))
    origin = f" ({one.origin})" if one.origin and one.origin not in {"aws", "remote"} else ""
    line = f"  {paint(when, '2')}  {took:>9}  {'  ' * min(one.depth, _DEEPEST)}{plain(what + origin, 120)}"
    if one.wrong is None:
        return line
    why = ": ".join(filter(None, (one.error_type, one.error_message)))
    status = f" {one.http_status}" if one.http_status is not None else ""
    return f"{line}  {paint_status(plain(f'{one.wrong}{status} {why}'.rstrip(), 300), 'FAILED')}"
