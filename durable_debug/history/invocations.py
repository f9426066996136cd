"""The invocations of the handler, as values, and which of them each event belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from durable_debug.history.boundaries import RETURNED, Span, find_spans
from durable_debug.history.documents import unicode
from durable_debug.history.timestamps import from_microseconds
from durable_debug.history.vocabulary import Origin

if TYPE_CHECKING:
    from datetime import datetime

    from durable_debug.history.columns import Columns

__all__ = ["Invocation", "Invocations", "find_invocations"]


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


@dataclass(frozen=True, slots=True)
class Invocations:
    """All invocations of a history.

    Attributes
    ----------
    all
        In order.
    spans
        The same as indexes into the events.
    of_event
        Number of the invocation in which each event fell, or that was the first to see it; None where there is none.
    """

    all: tuple[Invocation, ...]
    spans: tuple[Span, ...]
    of_event: list[int | None]


def find_invocations(columns: Columns) -> Invocations:
    """Find all invocations that the events tell of."""
    spans = find_spans(columns)
    ended = _end_of_execution(columns)
    of_event: list[int | None] = [None] * len(columns)
    seen = 0
    for number, span in enumerate(spans, 1):
        of_event[seen : span.stop] = [number] * (span.stop - seen)
        seen = span.stop
    if ended is not None and spans and of_event[ended] is None:
        of_event[ended] = len(spans)  # what the last invocation returned is recorded after it
    statuses = [_status(columns, span, at + 1 == len(spans), ended) for at, span in enumerate(spans)]
    found = [
        _invocation(columns, span, number, status)
        for number, (span, status) in enumerate(zip(spans, statuses, strict=True), 1)
    ]
    return Invocations(tuple(found), tuple(spans), of_event)


def _end_of_execution(columns: Columns) -> int | None:
    """Index of the event with which the handler's return, or its failure, ended the execution."""
    for at in range(len(columns) - 1, -1, -1):
        meaning = columns.meaning(at)
        if meaning.origin is Origin.EXECUTION:
            return at if meaning.status in RETURNED else None
    return None


def _status(columns: Columns, span: Span, last: bool, ended: int | None) -> str:  # noqa: FBT001
    if ended is not None and (last or span.cut <= ended < span.stop):
        return columns.meaning(ended).status or ""
    if span.reported is None:
        return "RUNNING" if last else "FAILED"
    return "FAILED" if _error(columns, span) else "PENDING"


def _error(columns: Columns, span: Span) -> dict[str, Any] | None:
    error = columns.errors[span.reported] if span.reported is not None else None
    return error or None


def _invocation(columns: Columns, span: Span, number: int, status: str) -> Invocation:
    details = (columns.details[span.reported] if span.reported is not None else None) or {}
    some = span.cut < span.stop
    start = span.start if span.start is not None else columns.time(span.cut) if some else None
    request_id = details.get("RequestId")
    return Invocation(
        number=number,
        start=from_microseconds(start) if start is not None else None,
        end=from_microseconds(columns.time(span.reported)) if span.reported is not None else None,
        request_id=unicode(request_id) if isinstance(request_id, str) else None,
        status=status,
        error=_error(columns, span),
        first_event_id=columns.event_ids[span.cut] if some else None,
        last_event_id=columns.event_ids[span.stop - 1] if some else None,
        boundaries="recorded" if span.start is not None else "inferred",
    )
