"""Where each Lambda invocation of the handler begins and ends in the events.

A history has no event for the start of an invocation. `InvocationCompletedDetails.StartTimestamp` tells it where the
source keeps it (Lambda does, the local emulator does not); else what arrives from outside right after an
`InvocationCompleted` (a timer, a callback, the end of an invoke) is what the next invocation was started for. An
invocation that crashed or timed out in the local emulator leaves no `InvocationCompleted`: its checkpoints, which lie
before the start of the invocation that followed, are all that tells of it. One that left no checkpoint cannot be told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from durable_debug.history.timestamps import from_microseconds, microseconds
from durable_debug.history.vocabulary import Origin

if TYPE_CHECKING:
    from datetime import datetime

    from durable_debug.history.columns import Columns

__all__ = ["Invocation", "Spans", "find_invocations"]

# Sources cut or round timestamps to a millisecond, so an event of an invocation may seem to lie just before its start.
_ROUNDING = 1_000


@dataclass(frozen=True, slots=True)
class Invocation:
    """One Lambda call of the handler.

    Attributes
    ----------
    number
        Counts from 1.
    start
        When it began, aware UTC. Of an inferred one the time of the first event that tells of it; None where none does.
    end
        When it ended, aware UTC; None where that is not recorded.
    request_id
        Lambda's request id; None where it is not recorded.
    status
        ``SUCCEEDED`` or ``FAILED``: it ended the execution, or it crashed (FAILED); ``PENDING``: it suspended;
        ``RUNNING``: the history ends within it.
    error
        Error that Lambda recorded for the invocation, as in botocore's ``ErrorObject``, or None.
    first_event_id, last_event_id
        The first and last event of it; None where it left none.
    boundaries
        ``"recorded"`` where start and end are in the history, ``"inferred"`` where they are concluded.
    """

    number: int
    start: datetime | None
    end: datetime | None
    request_id: str | None
    status: str
    error: dict[str, Any] | None
    first_event_id: int | None
    last_event_id: int | None
    boundaries: Literal["recorded", "inferred"]


@dataclass(slots=True)
class _Span:
    """One invocation as indexes into the events.

    Its state at the start is made of the events before `cut`. `completed` is the index of its InvocationCompleted.
    """

    cut: int
    start: int | None = None  # microseconds, where recorded
    completed: int | None = None


@dataclass(frozen=True, slots=True)
class Spans:
    """All invocations, and what each event belongs to.

    Attributes
    ----------
    invocations
        In order.
    cuts
        How many events the service had recorded when each invocation started.
    clocks
        Microseconds since 1970 at the start of each invocation: recorded, or the latest moment known to be before it.
    of_event
        Number of the invocation in which each event fell, or that was the first to see it; None where there is none.
    """

    invocations: tuple[Invocation, ...]
    cuts: list[int]
    clocks: list[int | None]
    of_event: list[int | None]


def find_invocations(columns: Columns) -> Spans:
    """Cut the events into invocations."""
    spans = _spans(columns)
    of_event = _assign(columns, spans)
    clocks = [span.start if span.start is not None else _last_time(columns, span) for span in spans]
    return Spans(
        tuple(_invocation(columns, spans, of_event, at) for at in range(len(spans))),
        [span.cut for span in spans],
        clocks,
        of_event,
    )


def _spans(columns: Columns) -> list[_Span]:
    origins = [each.origin for each in columns.meanings]
    spans: list[_Span] = []
    after = 0  # events before this index belong to invocations already found
    for at in [at for at, origin in enumerate(origins) if origin is Origin.INVOCATION]:
        start = _recorded_start(columns, at)
        cut = _cut(columns, origins, after, at, start)
        if start is not None:
            crashed = next((i for i in range(after, cut) if origins[i] is Origin.HANDLER), None)
            if crashed is not None:
                spans.append(_Span(crashed))
        spans.append(_Span(cut, start, at))
        after = at + 1
    unreported = _unreported(columns, origins, after, bool(spans))
    if unreported is not None:
        spans.append(_Span(unreported))
    return spans


def _recorded_start(columns: Columns, at: int) -> int | None:
    details = columns.details[at]
    try:
        return microseconds(details["StartTimestamp"]) if details else None
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _cut(columns: Columns, origins: list[Origin], after: int, completed: int, start: int | None) -> int:
    """Index of the first event that the invocation ending at `completed` did not find at its start."""
    times = columns.times
    for at in range(after, completed):
        checkpoint = origins[at] is Origin.HANDLER
        if start is None:
            if checkpoint:
                return at
        elif times[at] > start or (checkpoint and times[at] >= start - _ROUNDING):
            return at
    return completed


def _unreported(columns: Columns, origins: list[Origin], after: int, others: bool) -> int | None:  # noqa: FBT001
    """Index at which an invocation without InvocationCompleted begins after the last one with it."""
    outside = False
    for at in range(after, len(columns)):
        if origins[at] is Origin.HANDLER:
            return at
        meaning = columns.meanings[at]
        if origins[at] is Origin.EXECUTION:
            if meaning.status in {"SUCCEEDED", "FAILED"} and (outside or not others):
                return at  # only the handler's return, or the service giving up on it, ends an execution so
        elif meaning.type is not None:
            outside = True
    return None if others or not len(columns) else len(columns)


def _assign(columns: Columns, spans: list[_Span]) -> list[int | None]:
    of_event: list[int | None] = [None] * len(columns)
    at = 0
    for number, span in enumerate(spans, 1):
        following = spans[number].cut if number < len(spans) else len(columns)
        last = span.completed if span.completed is not None else following - 1
        for index in range(at, last + 1):
            of_event[index] = number
        at = last + 1
    for index in range(at, len(columns)):
        meaning = columns.meanings[index]
        if spans and meaning.origin is Origin.EXECUTION and meaning.status in {"SUCCEEDED", "FAILED"}:
            of_event[index] = len(spans)
    return of_event


def _last_time(columns: Columns, span: _Span) -> int | None:
    return columns.times[span.cut - 1] if span.cut else None


def _invocation(columns: Columns, spans: list[_Span], of_event: list[int | None], at: int) -> Invocation:
    span, number = spans[at], at + 1
    own = [index for index in range(span.cut, len(columns)) if of_event[index] == number]
    details = (columns.details[span.completed] if span.completed is not None else None) or {}
    held = details.get("Error")
    error = held.get("Payload") if isinstance(held, dict) else None
    end = columns.times[span.completed] if span.completed is not None else None
    start = span.start if span.start is not None else columns.times[own[0]] if own else None
    request_id = details.get("RequestId")
    return Invocation(
        number=number,
        start=from_microseconds(start) if start is not None else None,
        end=from_microseconds(end) if end is not None else None,
        request_id=request_id if isinstance(request_id, str) else None,
        status=_status(columns, spans, at, own, error),
        error=error if isinstance(error, dict) and error else None,
        first_event_id=columns.event_ids[own[0]] if own else None,
        last_event_id=columns.event_ids[own[-1]] if own else None,
        boundaries="recorded" if span.start is not None else "inferred",
    )


def _status(columns: Columns, spans: list[_Span], at: int, own: list[int], error: Any) -> str:
    for index in own:
        meaning = columns.meanings[index]
        if meaning.origin is Origin.EXECUTION and meaning.status in {"SUCCEEDED", "FAILED"}:
            return meaning.status
    if error:
        return "FAILED"
    if spans[at].completed is not None:
        return "PENDING"
    return "FAILED" if at + 1 < len(spans) else "RUNNING"
