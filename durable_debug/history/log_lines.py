"""What one line of a Lambda function's log says of itself, in each form that runtimes and loggers write.

Text, as the runtimes write it; JSON, as Lambda's own log format has it, the platform's lines among them; and the JSON of
Powertools. A line of any other form is its text.
"""

from __future__ import annotations

import contextlib
import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from durable_debug.history.documents import unicode

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["STRUCTURE", "Line", "Mark", "Said", "read"]

_ID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_PLATFORM = re.compile(rf"(?P<mark>START|END|REPORT) RequestId: (?P<id>{_ID})")
_INIT = re.compile(r"INIT_(START|REPORT)\b")
_DIED = re.compile(rf"RequestId: (?P<id>{_ID}) (?P<text>Error: .*|Process exited.*)", re.DOTALL)
_LATE = re.compile(rf"\S+Z (?P<id>{_ID}) (?P<text>Task timed out after .*)", re.DOTALL)
_PYTHON = re.compile(rf"\[(?P<level>[A-Z]{{1,20}})\]\t\S{{1,40}}Z\t(?P<id>{_ID})?\t(?P<text>.*)", re.DOTALL)
_UNCAUGHT = re.compile(r"\[(?P<level>[A-Z]{1,20})\] (?P<text>.*)", re.DOTALL)
_NODE = re.compile(
    rf"\S{{1,40}}Z\t(?P<id>{_ID}|undefined)\t(?P<level>[A-Z]{{1,20}})\t(?P<text>.*)", re.DOTALL
)
_TRACE = re.compile(r"\bXRAY TraceId: (?P<id>1-[0-9a-f]{8}-[0-9a-f]{24})\b")
_LEVELS = {"WARN": "WARNING", "FATAL": "CRITICAL"}
_STARTS = frozenset({"platform.start"})
_ENDS = frozenset({"platform.report", "platform.end", "platform.runtimeDone"})
# Keys of JSON lines: Lambda's own first, then those of Powertools and of other loggers.
_REQUEST = ("requestId", "function_request_id", "aws_request_id", "awsRequestId", "AWSRequestId")
_LEVEL = ("level", "levelname", "log_level", "severity")
_MESSAGE = ("message", "msg", "errorMessage")
_TRACEBACK = ("stackTrace", "exception", "stack_trace")

STRUCTURE = frozenset(
    {
        *(
            "timestamp",
            "time",
            "type",
            "logger",
            "location",
            "service",
            "cold_start",
            "errorType",
            "exception_name",
        ),
        *("executionArn", "operationId", "operationName", "parentId", "attempt", "xray_trace_id", "tenantId"),
        *("function_name", "function_arn", "function_memory_size", *_REQUEST, *_LEVEL),
    }
)
"""Keys of JSON lines that hold no more than where a line comes from."""

Mark = str
"""``"init"``, ``"start"`` or ``"end"`` of an invocation; ``""`` for every other line."""


class Line(NamedTuple):
    """One log event, as CloudWatch has it.

    Attributes
    ----------
    timestamp
        Milliseconds since 1970.
    stream
        Name of the log stream: of one sandbox.
    message
        What was written.
    """

    timestamp: int
    stream: str
    message: str


class Said(NamedTuple):
    """What a line says of itself; None for what it does not say.

    Attributes
    ----------
    text
        The message, without what runtime and logger put around it, and with its traceback behind it.
    level
        ``"INFO"`` …; None for what was printed, and for the platform's lines.
    request_id
        Of the invocation.
    mark
        Whether an invocation begins or ends with it.
    platform
        Whether Lambda itself wrote it.
    arn, operation_id, parent_id, attempt
        What the SDK's logger adds: the execution, the operation, the context around it, and its attempt.
    trace_id
        X-Ray's.
    """

    text: str
    level: str | None = None
    request_id: str | None = None
    mark: Mark = ""
    platform: bool = False
    arn: str | None = None
    operation_id: str | None = None
    parent_id: str | None = None
    attempt: int | None = None
    trace_id: str | None = None


def read(message: str) -> Said:
    """Read a line; never fails, whatever it holds."""
    text = unicode(message).rstrip("\r\n")
    if text.startswith("{"):
        with contextlib.suppress(ValueError, RecursionError):
            found = json.loads(text)
            if isinstance(found, dict):
                return _json(found, text)
    return _text(text)


def _text(text: str) -> Said:
    if found := _PLATFORM.match(text):
        trace = _TRACE.search(text)
        return Said(
            text.replace("\t", "  ").rstrip(),
            request_id=found["id"],
            mark="start" if found["mark"] == "START" else "end",
            platform=True,
            trace_id=trace["id"] if trace else None,
        )
    if found := _INIT.match(text):
        return Said(
            text.replace("\t", "  ").rstrip(),
            mark="init" if found[1] == "START" else "",
            platform=True,
        )
    if found := _DIED.match(text) or _LATE.match(text):
        return Said(found["text"].rstrip(), "ERROR", found["id"], platform=True)
    if found := _PYTHON.match(text) or _NODE.match(text):
        request_id = found["id"] if found["id"] != "undefined" else None
        return Said(found["text"], _level(found["level"]), request_id)
    if found := _UNCAUGHT.match(text):
        return Said(found["text"].replace("\r", "\n"), _level(found["level"]))
    return Said(text)


def _json(found: dict[str, Any], text: str) -> Said:
    kind = found.get("type")
    if isinstance(kind, str) and kind.startswith("platform.") and isinstance(found.get("record"), dict):
        return _platform(kind, found["record"])
    said = _first(found, _MESSAGE)
    return Said(
        text=_shown(said, found, text),
        level=_level(_first(found, _LEVEL)),
        request_id=_string(_first(found, _REQUEST)),
        arn=_string(found.get("executionArn")),
        operation_id=_string(found.get("operationId")),
        parent_id=_string(found.get("parentId")),
        attempt=_whole(found.get("attempt")),
        trace_id=_string(found.get("xray_trace_id")),
    )


def _shown(said: Any, found: dict[str, Any], text: str) -> str:
    if said is None:
        return text
    shown = unicode(said) if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
    kind, why = (_string(found.get(key)) for key in ("errorType", "errorMessage"))
    trace = _first(found, _TRACEBACK)
    if isinstance(trace, list):
        trace = "\n".join(f"{line}".rstrip() for line in trace)
    if kind and said == why:
        shown = f"{kind}: {shown}"
    elif kind and why and not (isinstance(trace, str) and why in trace):
        shown = f"{shown}\n{kind}: {why}"
    return f"{shown}\n{unicode(trace)}" if isinstance(trace, str) and trace else shown


def _platform(kind: str, record: dict[str, Any]) -> Said:
    tracing = record.get("tracing")
    root = _string(tracing.get("value")) if isinstance(tracing, dict) else None
    failed = record.get("status") in {"failure", "error", "timeout"}
    return Said(
        text=" ".join([kind, *_facts(record)]),
        level="ERROR" if failed else None,
        request_id=_string(record.get("requestId")),
        mark="start"
        if kind in _STARTS
        else "end"
        if kind in _ENDS
        else "init"
        if kind == "platform.initStart"
        else "",
        platform=True,
        trace_id=next((part[5:] for part in (root or "").split(";") if part.startswith("Root=")), None),
    )


def _facts(record: dict[str, Any]) -> Iterator[str]:
    """What a record of the platform says, but for the ids that are read anyway: ``status=success durationMs=12.5``."""
    for key, value in record.items():
        if isinstance(value, dict) and key != "tracing":
            yield from _facts(value)
        elif isinstance(value, str | int | float) and key != "requestId":
            yield f"{key}={value}"


def _first(found: dict[str, Any], keys: tuple[str, ...]) -> Any:
    return next((found[key] for key in keys if found.get(key) is not None), None)


def _level(value: Any) -> str | None:
    if not isinstance(value, str) or not value:
        return None
    level = unicode(value).upper()[:20]
    return _LEVELS.get(level, level)


def _string(value: Any) -> str | None:
    return unicode(value) if isinstance(value, str) and value else None


def _whole(value: Any) -> int | None:
    if isinstance(value, str) and value.isdecimal() and len(value) < 10:
        return int(value)
    return value if type(value) is int and 0 < value < 2**31 else None
