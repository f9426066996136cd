"""Where each Lambda invocation of the handler begins and ends in the events.

A history has no event for the start of an invocation. `InvocationCompletedDetails.StartTimestamp` tells it where the
source keeps it (Lambda does, the local emulator does not); else what arrives from outside first after an
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

# Sources cut timestamps to milliseconds, and some only part of them: a start without microseconds may lie anywhere in
# its millisecond, and so may an event of the invocation seem to lie just before it.
_MILLISECOND = 1_000
_RETURNED = frozenset({"SUCCEEDED", "FAILED"})


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

    Its state at the start is made of the events before `cut`; those from `cut` to before `stop` fell into it.
    """

    cut: int
    stop: int
    start: int | None = None  # microseconds, where recorded: the latest that it can mean
    reported: int | None = None  # index of its InvocationCompleted


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
        Microseconds since 1970 at the start of each invocation: as recorded, or when what it was started for arrived;
        None where neither is known: then an attempt that fell due started it, or the execution did.
    of_event
        Number of the invocation in which each event fell, or that was the first to see it; None where there is none.
    """

    invocations: tuple[Invocation, ...]
    cuts: list[int]
    clocks: list[int | None]
    of_event: list[int | None]


def find_invocations(columns: Columns) -> Spans:
    """Cut the events into invocations."""
    spans = _Cutter(columns).spans()
    ended = _end_of_execution(columns)
    of_event: list[int | None] = [None] * len(columns)
    seen = 0
    for number, span in enumerate(spans, 1):
        of_event[seen : span.stop] = [number] * (span.stop - seen)
        seen = span.stop
    if ended is not None and spans and of_event[ended] is None:
        of_event[ended] = len(spans)  # what the last invocation returned is recorded after it
    outcomes = [_status(columns, span, at + 1 == len(spans), ended) for at, span in enumerate(spans)]
    return Spans(
        tuple(_invocation(columns, span, at + 1, outcomes[at]) for at, span in enumerate(spans)),
        [span.cut for span in spans],
        [_clock(columns, spans, at) for at in range(len(spans))],
        of_event,
    )


class _Cutter:
    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._checkpoints = columns.types_of(Origin.HANDLER)

    def spans(self) -> list[_Span]:
        spans: list[_Span] = []
        after = 0  # events before this index belong to invocations already found
        for at in [at for at, each in enumerate(self._columns.types) if each == "InvocationCompleted"]:
            start = self._recorded_start(at)
            cut = self._cut(after, at, start)
            if start is not None:
                crashed = next(
                    (i for i in range(after, cut) if self._columns.types[i] in self._checkpoints), None
                )
                if crashed is not None:
                    spans.append(_Span(crashed, cut))
            spans.append(_Span(cut, at + 1, start, at))
            after = at + 1
        unreported = self._unreported(after, first=not spans)
        if unreported is not None:
            spans.append(_Span(unreported, len(self._columns)))
        return spans

    def _recorded_start(self, at: int) -> int | None:
        details = self._columns.details[at]
        try:
            start = microseconds(details["StartTimestamp"]) if details else None
        except (KeyError, TypeError, ValueError, OverflowError):
            return None
        return start + _MILLISECOND - 1 if start is not None and start % _MILLISECOND == 0 else start

    def _cut(self, after: int, reported: int, start: int | None) -> int:
        """Index of the first event that the invocation reported there did not find at its start."""
        woken: int | None = None
        for at in range(after, reported):
            time = self._columns.time(at)
            checkpoint = self._columns.types[at] in self._checkpoints
            if start is not None:
                if time > start or (checkpoint and time > start - _MILLISECOND):
                    return at
            elif checkpoint:
                return at
            elif self._columns.meaning(at).type not in {None, "EXECUTION"}:
                # The first thing from outside starts the invocation; what comes a moment later finds it running.
                woken = time if woken is None else woken
                if time > woken:
                    return at
        return reported

    def _unreported(self, after: int, *, first: bool) -> int | None:
        """Index at which an invocation without InvocationCompleted begins after the last one with it."""
        outside = False
        for at in range(after, len(self._columns)):
            meaning = self._columns.meaning(at)
            if meaning.origin is Origin.HANDLER:
                return at
            if meaning.origin is Origin.EXECUTION:
                if meaning.status in _RETURNED and (outside or first):
                    return (
                        at  # only the handler's return, or the service giving up on it, ends an execution so
                    )
            elif meaning.type is not None:
                outside = True
        return len(self._columns) if first and len(self._columns) else None


def _end_of_execution(columns: Columns) -> int | None:
    """Index of the event with which the handler's return, or its failure, ended the execution."""
    for at in range(len(columns) - 1, -1, -1):
        meaning = columns.meaning(at)
        if meaning.origin is Origin.EXECUTION:
            return at if meaning.status in _RETURNED else None
    return None


def _clock(columns: Columns, spans: list[_Span], at: int) -> int | None:
    span, before = spans[at], spans[at - 1].stop if at else 0
    if span.start is not None:
        return span.start
    arrived = span.cut - 1
    from_outside = arrived >= before and columns.meaning(arrived).origin is Origin.SERVICE
    return columns.time(arrived) if from_outside else None


def _status(columns: Columns, span: _Span, last: bool, ended: int | None) -> str:  # noqa: FBT001
    if ended is not None and (last or span.cut <= ended < span.stop):
        return columns.meaning(ended).status or ""
    if span.reported is None:
        return "RUNNING" if last else "FAILED"
    return "FAILED" if _error(columns, span) else "PENDING"


def _error(columns: Columns, span: _Span) -> dict[str, Any] | None:
    error = columns.outcomes[1][span.reported] if span.reported is not None else None
    return error or None


def _invocation(columns: Columns, span: _Span, number: int, status: str) -> Invocation:
    details = (columns.details[span.reported] if span.reported is not None else None) or {}
    some = span.cut < span.stop
    start = (
        microseconds(details["StartTimestamp"])
        if span.start is not None
        else columns.time(span.cut)
        if some
        else None
    )
    request_id = details.get("RequestId")
    return Invocation(
        number=number,
        start=from_microseconds(start) if start is not None else None,
        end=from_microseconds(columns.time(span.reported)) if span.reported is not None else None,
        request_id=request_id if isinstance(request_id, str) else None,
        status=status,
        error=_error(columns, span),
        first_event_id=columns.event_ids[span.cut] if some else None,
        last_event_id=columns.event_ids[span.stop - 1] if some else None,
        boundaries="recorded" if span.start is not None else "inferred",
    )
