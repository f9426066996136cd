"""Log events without what was written in them, and a trace without what was asked and answered.

A log line is free text, in which no path or pattern finds a value: so all of it goes, whatever is to be redacted. Each letter
becomes an x and each digit a 0. What the runtime, the SDK's logger and Lambda itself put around it stays. Of a trace's segments names, times, ids and statuses
stay.
"""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from durable_debug.history.log_lines import STRUCTURE, read

if TYPE_CHECKING:
    from durable_debug.history.logs import Logs
    from durable_debug.history.segments import Trace

__all__ = ["redacted_logs", "redacted_trace"]

_DEEPEST = 200
_OF_A_SEGMENT = frozenset(
    {
        *(
            "id",
            "trace_id",
            "parent_id",
            "name",
            "origin",
            "namespace",
            "start_time",
            "end_time",
            "in_progress",
        ),
        *(
            "fault",
            "error",
            "throttle",
            "status",
            "type",
            "operation",
            "request_id",
            "function_arn",
            "region",
        ),
    }
)


def redacted_logs(logs: Logs) -> Logs:
    """Return the same lines with placeholders for what was written."""
    lines = tuple(line._replace(message=_redacted(line.message)) for line in logs.lines)
    return dataclasses.replace(logs, lines=lines)


def redacted_trace(trace: Trace) -> Trace:
    """Return the same segments with placeholders for all that is not structure."""
    return dataclasses.replace(trace, documents=tuple(map(_segment, trace.documents)))


def _segment(document: dict[str, Any], depth: int = 0) -> dict[str, Any]:
    def kept(key: str, value: Any) -> Any:
        if key == "subsegments" and isinstance(value, list) and depth < _DEEPEST:
            return [_segment(each, depth + 1) for each in value if isinstance(each, dict)]
        if key in {"aws", "cause", "exceptions", "http", "response"}:
            inside = value if isinstance(value, list) else [value]
            walked = [_segment(each, depth + 1) if isinstance(each, dict) else None for each in inside]
            return walked if isinstance(value, list) else walked[0]
        return value if key in _OF_A_SEGMENT else _walked(value)

    return {key: kept(key, value) for key, value in document.items()} if depth <= _DEEPEST else {}


def _redacted(message: str) -> str:
    said = read(message)
    if said.platform:
        return message
    line = message.rstrip("\r\n")
    if line.startswith("{"):
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict):
            kept = {key: value if key in STRUCTURE else _walked(value) for key, value in found.items()}
            return json.dumps(kept, ensure_ascii=False)
    around = line[: len(line) - len(said.text)] if line.endswith(said.text) else ""
    return around + _masked(line[len(around) :])


def _walked(value: Any, depth: int = 0) -> Any:
    if depth > _DEEPEST:
        return None
    if isinstance(value, dict):
        return {key: _walked(held, depth + 1) for key, held in value.items()}
    if isinstance(value, list):
        return [_walked(held, depth + 1) for held in value]
    if isinstance(value, str):
        return _masked(value)
    return value if value is None else type(value)(0)


def _masked(text: str) -> str:
    return "".join(
        ("X" if each.isupper() else "x") if each.isalpha() else "0" if each.isalnum() else each
        for each in text
    )
