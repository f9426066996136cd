"""The traces of executions, from X-Ray: found by the trace header of the record, and by the ids that log lines name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from durable_debug.history.segments import Trace
from durable_debug.sources.calling import NEVER
from durable_debug.sources.connection import Connection, connect
from durable_debug.sources.logs import LogFetcher
from durable_debug.sources.redacted_logs import redacted_trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from durable_debug.history import History

__all__ = ["with_trace"]

_A_CALL = 5  # ids
_MOST = 50  # traces of one execution: those of its last invocations
_MOST_PAGES = 100


def with_trace(trace: bool, where: dict[str, Any]) -> Callable[[History], History] | None:  # noqa: FBT001
    """Return the function that gives a history its segments; None where none are asked for.

    A history that has them is returned as it is. One that comes from an account has them from there, else from where `where`
    says.
    """
    if not trace:
        return None

    def give(history: History) -> History:
        if history.raw_trace is not None:
            return history
        source = history.source
        connection = source.connection if isinstance(source, LogFetcher) else source
        if not isinstance(connection, Connection):
            return _traced(history, connect(subject=history.arn or "", **where), source)
        assert source is not None
        return _traced(history, connection, lambda arn: give(source(arn)))

    return give


def _traced(history: History, connection: Connection, source: Callable[[str], History] | None) -> History:
    ids = list(dict.fromkeys(_ids(history)))[-_MOST:]
    documents = list(_documents(connection, ids))
    trace = Trace(tuple(documents), tuple(_remarks(history, ids, documents)))
    if history.redacted is not None:
        trace = redacted_trace(trace)
    return history.rewritten(history.raw, execution=history.execution, source=source, trace=trace)


def _ids(history: History) -> Iterator[str]:
    root = _parts(history.trace_header).get("Root")
    if root:
        yield root
    for event in history.log_events or ():
        if event.trace_id is not None:
            yield event.trace_id


def _parts(header: str | None) -> dict[str, str]:
    pairs = (part.partition("=") for part in (header or "").split(";"))
    return {name: value for name, _, value in pairs}


def _documents(connection: Connection, ids: Sequence[str]) -> Iterator[dict[str, Any]]:
    call = connection.service("xray")
    for start in range(0, len(ids), _A_CALL):
        asked: dict[str, Any] = {"TraceIds": list(ids[start : start + _A_CALL])}
        for _ in range(_MOST_PAGES):
            page = call("BatchGetTraces", asked, "this execution's trace", NEVER)
            for found in page.get("Traces") or ():
                yield from _segments(found)
            if not page.get("NextToken"):
                break
            asked["NextToken"] = page["NextToken"]


def _segments(found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for segment in found.get("Segments") or ():
        try:
            document = json.loads(segment.get("Document") or "")
        except (ValueError, RecursionError):
            continue
        if isinstance(document, dict):
            yield document


def _remarks(history: History, ids: Sequence[str], documents: Sequence[Any]) -> Iterator[str]:
    if not ids:
        yield "X-Ray was not asked: neither the execution's record nor its log names a trace."
    elif not documents and _parts(history.trace_header).get("Sampled") == "0":
        yield f"X-Ray has nothing of trace {ids[0]:.60}: it was not sampled."
    elif not documents:
        yield f"X-Ray has nothing of trace {ids[0]:.60}: tracing is off, it was not sampled, its 30 days are over, or X-Ray keeps its traces in CloudWatch (Transaction Search)."
