"""An execution's log in a terminal, and the options that ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from durable_debug.cli.text import paint, paint_status, plain

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from durable_debug.history import History
    from durable_debug.history.logs import LogEvent

__all__ = ["add_logs", "log", "logs"]

_BAD = frozenset({"ERROR", "CRITICAL"})


def add_logs(parser: argparse.ArgumentParser, meaning: str) -> None:
    """Add the options that ask for logs; `meaning` says what becomes of them."""
    parser.add_argument("--logs", action="store_true", help=meaning)
    parser.add_argument(
        "--log-group", metavar="NAME", help="from this log group, instead of the function's own; means --logs"
    )


def logs(arguments: argparse.Namespace) -> bool | str:
    """Read those options: what `load` takes for ``logs``."""
    asked: bool | str = arguments.log_group or arguments.logs
    return asked


def log(history: History) -> Iterator[str]:
    """The log, invocation by invocation: when, how grave, which operation and attempt, and what."""
    events = history.log_events or ()
    if not events:
        yield "No log events."
        return
    width = min(max(len(_where(event)) for event in events), 40)
    heading = None
    for event in sorted(events, key=lambda event: (event.invocation or 0, event.timestamp)):
        if (event.invocation, event.request_id) != heading:
            if heading is not None:
                yield ""
            heading = event.invocation, event.request_id
            number = "another invocation" if event.invocation is None else f"invocation {event.invocation}"
            yield paint(
                plain(f"{number}, {event.timestamp:%Y-%m-%d %H:%M:%S} UTC, request {event.request_id}"), "1"
            )
        yield from _lines(event, width)


def _lines(event: LogEvent, width: int) -> Iterator[str]:
    when = f"{event.timestamp:%H:%M:%S}.{event.timestamp.microsecond // 1000:03}"
    text = event.message.replace(f" RequestId: {event.request_id}", "") if event.platform else event.message
    first, *rest = text.rstrip("\n").split("\n")
    level = f"{plain(event.level or '', 8):8}"
    where = f"{_where(event):{width}}"
    if event.platform and event.level is None:
        yield paint(f"  {when}  {level}  {where}  {plain(first)}".rstrip(), "2")
    else:
        shown = paint_status(level, "FAILED") if event.level in _BAD else level
        yield f"  {paint(when, '2')}  {shown}  {paint(where, '2')}  {plain(first)}".rstrip()
    for line in rest:
        yield f"      {plain(line)}".rstrip()


def _where(event: LogEvent) -> str:
    if event.position is None:
        return ""
    name = plain(event.name or event.position, 32)
    return f"{name} #{event.attempt}" if event.attempt is not None else name
