"""botocore's ``ErrorObject`` and the execution's record, whatever a document has in their place.

What shows them finds text where text belongs.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

__all__ = ["error_object", "execution_record", "unicode"]

_TEXTS = ("ErrorType", "ErrorMessage", "ErrorData")
_STATUSES = ("RUNNING", "PAUSED", "SUCCEEDED", "FAILED", "TIMED_OUT", "STOPPED")
_FIELDS = frozenset({*_TEXTS, "StackTrace"})
_LONGEST = 2_000  # of what is no text
# Fields of GetDurableExecution's answer that are read here, and what they hold. Others are kept as they are.
_RECORD: dict[str, type | tuple[type, ...]] = {
    "DurableExecutionArn": str,
    "DurableExecutionName": str,
    "FunctionArn": str,
    "Version": str,
    "Status": str,
    "InputPayload": str,
    "Result": str,
    "Error": dict,
    "TraceHeader": dict,
    "DurableConfig": dict,
    "StartTimestamp": (str, int, float, datetime),
    "EndTimestamp": (str, int, float, datetime),
}


def error_object(error: dict[str, Any]) -> dict[str, Any]:
    """Give an error whose fields are text, and whose stack trace is a list of texts: the same one where it is such.

    A field of another kind is given as it would be printed, cut; fields that an ``ErrorObject`` does not have are left out.
    """
    fields = {name: error.get(name) for name in _TEXTS}
    trace = error.get("StackTrace")
    whole = error.keys() <= _FIELDS and _texts(fields.values())
    if whole and (trace is None or (type(trace) is list and _texts(trace))):
        return error
    read: dict[str, Any] = {name: _text(value) for name, value in fields.items() if value is not None}
    if trace is not None:
        read["StackTrace"] = [_text(line) for line in trace] if isinstance(trace, list) else [_text(trace)]
    return read


def execution_record(record: object) -> tuple[dict[str, Any], list[str]]:
    """Give the execution's own record without what has another kind than botocore's shape, and sentences about that."""
    if record is None:
        return {}, []
    if not isinstance(record, Mapping):
        return {}, ["The execution's own record (Execution) is left out: it is no object."]
    read: dict[str, Any] = {}
    odd = []
    for name, value in record.items():
        if value is not None and not isinstance(value, _RECORD.get(name, object)):
            odd.append(name)
        elif name in _RECORD and isinstance(value, str):
            read[name] = unicode(value)
        elif name == "Error" and isinstance(value, dict):
            read[name] = error_object(value)
        else:
            read[name] = value
    if read.get("Status") not in {None, *_STATUSES}:
        odd.append("Status")
        del read["Status"]
    header = read.get("TraceHeader") or {}
    if not isinstance(header.get("XAmznTraceId"), str | None):
        odd.append("TraceHeader")
        del read["TraceHeader"]
    return read, [
        f"{name} of the execution's own record is left out: it is of another kind than Lambda writes."
        for name in odd
    ]


def unicode(text: str) -> str:
    """Give a text with what can't be encoded, halves of surrogate pairs, replaced."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _texts(values: Any) -> bool:
    return all(
        value is None or (type(value) is str and (value.isascii() or unicode(value) == value))
        for value in values
    )


def _text(value: Any) -> str:
    if isinstance(value, str):
        return unicode(value)
    try:
        shown = repr(value)
    except (RecursionError, ValueError):  # very deep; a number of thousands of digits
        shown = type(value).__name__
    return unicode(shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…")
