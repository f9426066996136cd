"""Records that tell of an execution and are no history: telemetry, insight, EventBridge.

They are shown as far as they go: a history with an event for each start and end that they tell of, which says of itself
that it cannot be replayed, and why.
"""

from __future__ import annotations

import json
from typing import Any

from durable_debug.errors import HistoryError
from durable_debug.history import History
from durable_debug.spelling import read_by

__all__ = ["arn_of", "from_notice", "from_telemetry"]

_WORDS = {"CHAINED_INVOKE": "ChainedInvoke"}
_ENDED = {
    "SUCCEEDED": "Succeeded",
    "FAILED": "Failed",
    "TIMED_OUT": "TimedOut",
    "STOPPED": "Stopped",
    "CANCELLED": "Cancelled",
}


def arn_of(record: dict[str, Any]) -> str | None:
    """ARN of the execution that a record tells of."""
    detail = record.get("detail")
    for key in ("executionArn", "durableExecutionArn", "DurableExecutionArn"):
        for held in (record, detail if isinstance(detail, dict) else {}):
            if isinstance(held.get(key), str):
                return str(held[key])
    return None


def from_notice(record: dict[str, Any], **options: Any) -> History:
    """Show an EventBridge ``Durable Execution Status Change``."""
    detail = record["detail"]
    return _shown(
        {"executionName": detail.get("durableExecutionName"), **detail},
        arn_of(record),
        detail.get("startTimestamp") or record.get("time"),
        detail.get("endTimestamp"),
        "an EventBridge event only says that an execution changed its status",
        options,
    )


def from_telemetry(record: dict[str, Any], **options: Any) -> History:
    """Show a record of the telemetry exporter or of Workflow Insight (schema 1.0)."""
    return _shown(
        record,
        arn_of(record),
        record.get("startTime") or record.get("startTimestamp") or record.get("emittedAt"),
        record.get("endTime") or record.get("endTimestamp"),
        f"a {record.get('recordType')!s:.40} record leaves out what the operations returned",
        options,
    )


def _shown(  # noqa: PLR0913, PLR0917
    record: dict[str, Any], arn: str | None, start: Any, end: Any, why: str, options: dict[str, Any]
) -> History:
    name, last = record.get("executionName"), str(arn).rsplit("/", 1)[-1]
    execution = {"type": "EXECUTION", "id": last, "name": name, "status": record.get("status") or "RUNNING"}
    started = [(start, _event(execution, "Started", start, {}))] if start else []
    operations = record.get("operations")
    inner = []
    for operation in operations if isinstance(operations, list) else ():
        inner += _of_operation(operation, start)
    inner.sort(key=lambda pair: str(pair[0]))
    outcome = _details(record.get("output"), record.get("error"))
    word = _ENDED.get(str(execution["status"]))
    ended = [(end, _event(execution, word, end, outcome))] if end and word else []
    events = [event for _, event in (*started, *inner, *ended)]
    if not events:
        raise HistoryError(
            f"This cannot be replayed, because {why}; and there is nothing in it to show.",
            cure=f"Load the execution itself: {read_by(python=f'dd.load({arn!r:.300})', terminal=f'durable-debug show {arn!s:.300}')}."
            if arn
            else "Get the execution's history.",
        )
    known = {"Status": execution["status"]}
    if record.get("input") is not None:
        known["InputPayload"] = json.dumps(record["input"])
    return History(
        ({"EventId": number, **event} for number, event in enumerate(events, 1)),
        arn=arn,
        execution=known,
        not_replayable=why,
        warnings=(*options.pop("warnings", ()), *_what_is_missing(record, why)),
        **options,
    )


def _of_operation(operation: Any, before: Any) -> list[tuple[Any, dict[str, Any]]]:
    if not isinstance(operation, dict) or not isinstance(operation.get("id"), str):
        return []
    start = operation.get("startTime") or operation.get("startTimestamp") or before
    end = operation.get("endTime") or operation.get("endTimestamp")
    found = [(start, _event(operation, "Started", start, {}))] if start else []
    word = _ENDED.get(str(operation.get("status")))
    if end and word:
        details = _details(operation.get("result"), operation.get("error"))
        found.append((end, _event(operation, word, end, details)))
    return found


def _event(operation: dict[str, Any], word: str, time: Any, details: dict[str, Any]) -> dict[str, Any]:
    kind = str(operation.get("type") or "STEP")
    event_type = f"{_WORDS.get(kind, kind.capitalize())}{word}"
    event = {
        "EventType": event_type,
        "EventTimestamp": time,
        "Id": operation["id"],
        f"{event_type}Details": details,
    }
    for key, field in (("name", "Name"), ("parentId", "ParentId"), ("subType", "SubType")):
        if operation.get(key):
            event[field] = operation[key]
    return event


def _details(result: Any, error: Any) -> dict[str, Any]:
    if isinstance(error, dict):
        payload = {
            "ErrorType": error.get("name") or error.get("errorType"),
            "ErrorMessage": error.get("message") or error.get("errorMessage"),
        }
        return {"Error": {"Payload": {key: value for key, value in payload.items() if value is not None}}}
    return {"Result": {"Payload": json.dumps(result)}} if result is not None else {}


def _what_is_missing(record: dict[str, Any], why: str) -> list[str]:
    missing = [f"This can be shown and cannot be replayed, because {why}."]
    if isinstance(record.get("operationsByName"), dict) and not record.get("operations"):
        missing.append("The record sums its operations up by name: they are not shown one by one.")
    if record.get("truncated"):
        missing.append(
            f"The exporter dropped {record.get('droppedOperations') or 0} operations for the record's size."
        )
    return missing
