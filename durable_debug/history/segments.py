"""X-Ray's segments of one execution: what its invocations called, and how long that took."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

from durable_debug.history.documents import unicode
from durable_debug.history.timestamps import from_microseconds, microseconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from durable_debug.history.invocations import Invocation

__all__ = ["Segment", "Trace", "segments"]

_MOST = 20_000
_DEEPEST = 50
_WRONG = ("fault", "throttle", "error")  # the gravest first


class Segment(NamedTuple):
    """A segment of a trace, or a subsegment.

    Attributes
    ----------
    trace_id, id, parent_id
        X-Ray's; `parent_id` is None at the top.
    depth
        How many segments it lies in.
    name, origin
        What was called: ``"DynamoDB"``, ``"AWS::Lambda::Function"``, a host; `origin` is X-Ray's origin or namespace.
    start, end
        Aware UTC; `end` is None while it is in progress.
    wrong
        ``"fault"`` (of the one that was called), ``"error"`` (of the caller), ``"throttle"``, or None.
    http_status
        Of the answer.
    error_type, error_message
        Of the exception that X-Ray has, or None.
    operation
        Operation of an AWS service: ``"PutItem"``.
    invocation
        Number of the invocation that it belongs to; None where nothing tells.
    """

    trace_id: str | None
    id: str | None
    parent_id: str | None
    depth: int
    name: str
    origin: str | None
    start: datetime | None
    end: datetime | None
    wrong: str | None
    http_status: int | None
    error_type: str | None
    error_message: str | None
    operation: str | None
    invocation: int | None


@dataclass(frozen=True, slots=True)
class Trace:
    """What X-Ray has of an execution, as it is kept with a history.

    Attributes
    ----------
    documents
        Segment documents, parsed, as X-Ray has them.
    remarks
        What is missing, and why, in sentences.
    """

    documents: tuple[dict[str, Any], ...]
    remarks: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """Write it as JSON has it."""
        return {"Remarks": list(self.remarks), "Segments": list(self.documents)}

    @classmethod
    def of_document(cls, document: object) -> Trace | None:
        """Read what `document` writes, whatever stands in its place; None where there is nothing of it."""
        if not isinstance(document, dict) or not isinstance(document.get("Segments"), list):
            return None
        remarks = document.get("Remarks")
        said = [unicode(each) for each in remarks if isinstance(each, str)] if isinstance(remarks, list) else []  # fmt: skip
        return cls(tuple(each for each in document["Segments"] if isinstance(each, dict)), tuple(said))


def segments(documents: Sequence[dict[str, Any]], invocations: Sequence[Invocation]) -> Iterator[Segment]:
    """Give all segments, each before those inside it, in the order in which they began."""
    known = {_text(each.get("id")) for each in documents}
    children: dict[str | None, list[dict[str, Any]]] = {}
    for each in documents:
        parent = _text(each.get("parent_id"))
        children.setdefault(parent if parent in known else None, []).append(each)
    by_request = {each.request_id: each.number for each in invocations if each.request_id is not None}
    given = 0
    # Segments name their parents, which may lie in a circle: what no top leads to is left out.
    waiting: list[tuple[dict[str, Any], int, str | None, str | None, int | None]]
    waiting = [(each, 0, None, None, None) for each in reversed(_in_order(children.get(None, ())))]
    while waiting and given < _MOST:
        held, depth, trace, parent, number = waiting.pop()
        one = _segment(held, depth, trace, parent)
        number = by_request.get(_request(held) or "", number)
        if number is None:
            number = _at(invocations, one)
        yield one._replace(invocation=number)
        given += 1
        if depth < _DEEPEST:
            inside = held.get("subsegments")
            more = [*(inside if isinstance(inside, list) else ()), *children.get(one.id or "", ())]
            waiting += [(each, depth + 1, one.trace_id, one.id, number) for each in reversed(_in_order(more))]


def _in_order(documents: Sequence[Any]) -> list[dict[str, Any]]:
    return sorted(
        (each for each in documents if isinstance(each, dict)),
        key=lambda each: _seconds(each, "start_time") or 0,
    )


def _segment(held: Mapping[str, Any], depth: int, trace: str | None, parent: str | None) -> Segment:
    aws, http, cause = (_object(held.get(key)) for key in ("aws", "http", "cause"))
    exceptions = cause.get("exceptions")
    exception = _object(exceptions[0]) if isinstance(exceptions, list) and exceptions else {}
    status = _object(http.get("response")).get("status")
    return Segment(
        trace_id=_text(held.get("trace_id")) or trace,
        id=_text(held.get("id")),
        parent_id=_text(held.get("parent_id")) or parent,
        depth=depth,
        name=_text(held.get("name")) or "",
        origin=_text(held.get("origin")) or _text(held.get("namespace")),
        start=_moment(held, "start_time"),
        end=_moment(held, "end_time"),
        wrong=next((each for each in _WRONG if held.get(each) is True), None),
        http_status=status if type(status) is int and 0 <= status < 1_000 else None,
        error_type=_text(exception.get("type")),
        error_message=_text(exception.get("message")),
        operation=_text(aws.get("operation")),
        invocation=None,
    )


def _request(held: Mapping[str, Any]) -> str | None:
    """Lambda's request id: of its own segments; those of other services have ids of theirs."""
    origin = _text(held.get("origin")) or ""
    return _text(_object(held.get("aws")).get("request_id")) if origin.startswith("AWS::Lambda") else None


def _at(invocations: Sequence[Invocation], one: Segment) -> int | None:
    """Number of the one invocation that was under way when it began."""
    found = [
        each.number
        for each in invocations
        if one.start is not None
        and each.start is not None
        and each.start <= one.start
        and (each.end is None or one.start <= each.end)
    ]
    return found[0] if len(found) == 1 else None


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return unicode(value) if isinstance(value, str) and value else None


def _seconds(held: Mapping[str, Any], key: str) -> float | None:
    value = held.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if isfinite(value) else None


def _moment(held: Mapping[str, Any], key: str) -> datetime | None:
    seconds = _seconds(held, key)
    try:
        return None if seconds is None else from_microseconds(microseconds(seconds))
    except (ValueError, OverflowError):
        return None
