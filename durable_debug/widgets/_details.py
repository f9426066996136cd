"""What the page asks for when somebody looks at it. Everything is bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from durable_debug.errors import HistoryError
from durable_debug.widgets._sources import source_of
from durable_debug.widgets._text import one_line, pretty, preview, title_of, words

if TYPE_CHECKING:
    from datetime import datetime

    from durable_debug.debugger import Debugger
    from durable_debug.engine.asked import AskedOperation
    from durable_debug.history import History, Operation
    from durable_debug.widgets._messages import (
        Chunk,
        DivergenceView,
        Fact,
        OperationDetails,
        Payload,
        Source,
        Variable,
    )
    from durable_debug.widgets._rows import Table

__all__ = ["divergences", "evaluated", "operation", "payload", "source", "variables"]

FIRST = 4_000
CHUNK = 100_000
_MOST_VARIABLES = 500
_MOST_ATTEMPTS = 100
_MOST_DIVERGENCES = 200
_WRITTEN = "written-"  # begins the fields of payloads as the record has them


def source(debugger: Debugger, table: Table, file: str) -> Source:
    """A file of the user's code that is on the stack or asks for operations; no other, whatever a page asks for."""
    if file not in table.files | {frame.file for frame in debugger.stack}:
        raise HistoryError(
            "This file has no part in the replay.", cure="Choose one of the tabs above the source."
        )
    return source_of(file, table.lines(file))


def variables(debugger: Debugger, frame: int, path: tuple[str, ...]) -> list[Variable]:
    """Names of a frame, or what is inside a value."""
    return [
        {
            "name": one_line(each.name, 200),
            "type": one_line(each.type, 100),
            "preview": each.preview[:1_000],
            "children": each.children,
        }
        for each in debugger.variables(frame, path)[:_MOST_VARIABLES]
    ]


def evaluated(debugger: Debugger, expression: str, frame: int) -> dict[str, str]:
    """Value of an expression in a frame."""
    value = debugger.evaluate(expression, frame)
    return {"type": type(value).__qualname__, "value": preview(value)}


def divergences(debugger: Debugger, table: Table) -> list[DivergenceView]:
    """Everything that the replay does otherwise; those of this stop are marked."""
    here = debugger.stop.divergences
    found = (
        *debugger.run_result.divergences,
        *(one for one in here if one not in debugger.run_result.divergences),
    )
    rows = {row.asked.position: at for at, row in enumerate(table.rows) if row.asked is not None}
    recorded = {row.recorded.position: at for at, row in enumerate(table.rows) if row.recorded is not None}
    return [
        {
            "kind": one.kind,
            "message": one_line(one.message, 600),
            "severity": one.severity,
            "recorded": None if one.recorded is None else one_line(one.recorded, 1_000),
            "asked": None if one.asked is None else one_line(one.asked, 1_000),
            "effect": one_line(one.lambda_effect, 600),
            "advice": one_line(one.advice, 600),
            "file": one.place.file if one.place else None,
            "line": one.place.line if one.place else 0,
            "place": f"{title_of(one.place.file)}:{one.place.line}" if one.place else None,
            "row": rows.get(one.position or "", recorded.get(one.recorded_position or "", -1)),
            "here": one in here,
        }
        for one in found[:_MOST_DIVERGENCES]
    ]


def operation(table: Table, number: int) -> OperationDetails:
    """What the record and the handler say of one operation; -1 is the end of the handler."""
    if number < 0:
        return _ending(table)
    row = table.rows[number]
    one, asked = row.recorded, row.asked
    name = one.name if one is not None else asked.name if asked is not None else None
    return {
        "row": number,
        "title": one_line(name or "without a name", 256),
        "facts": [
            *(_recorded_facts(one) if one is not None else []),
            *(_asked_facts(asked) if asked is not None else []),
        ],
        "payloads": _payloads(_texts(table.history, one)) if one is not None else [],
        "attempts": _attempts(one) if one is not None else [],
    }


def payload(table: Table, number: int, field: str, start: int) -> Chunk:
    """More of a payload, from a character on."""
    one = table.rows[number].recorded if number >= 0 else None
    texts = _ending_texts(table) if number < 0 else _texts(table.history, one) if one is not None else []
    for key, _, text in texts:
        if key == field:
            return _chunk(text, start, CHUNK)
    raise HistoryError(
        "This operation has no such payload.", cure="Choose another in the list of operations."
    )


def _ending(table: Table) -> OperationDetails:
    history = table.history
    return {
        "row": -1,
        "title": "The end of the handler",
        "facts": _facts(
            ("Replayed", table.outcome.status),
            ("Recorded", history.status),
            ("Operations", f"{table.total:,}"),
        ),
        "payloads": _payloads(_ending_texts(table)),
        "attempts": [],
    }


def _ending_texts(table: Table) -> list[tuple[str, str, str]]:
    outcome, history = table.outcome, table.history
    return _present(
        ("error", "Replayed error", _error_text(outcome.error)),
        ("result", "Replayed result", history.plain(outcome.result)),
        ("recorded-error", "Recorded error", _error_text(history.error)),
        *_recorded(history, "recorded-result", "Recorded result", history.result),
        *_recorded(history, "input", "Input", history.input),
    )


def _payloads(texts: list[tuple[str, str, str]]) -> list[Payload]:
    return [
        {
            "field": field,
            "label": label,
            "length": len(text),
            **_chunk(text, 0, FIRST),
            "folded": field.startswith(_WRITTEN),
        }
        for field, label, text in texts
    ]


def _chunk(text: str, start: int, size: int) -> Chunk:
    end = start + size
    return {"text": text[start:end], "next": end if end < len(text) else None}


def _recorded(
    history: History, field: str, label: str, payload: str | None, operation: Operation | None = None
) -> tuple[tuple[str, str, str | None], ...]:
    """Give a payload as the value that it stands for; and as it is written in the record, where that is another text."""
    shown = history.plain(payload, operation)
    written = payload if shown != payload else None
    return (field, label, shown), (f"{_WRITTEN}{field}", f"{label}, as it is recorded", written)


def _texts(history: History, one: Operation) -> list[tuple[str, str, str]]:
    """Key, label and text of each payload."""
    error = one.error or {}
    trace = error.get("StackTrace")
    return _present(
        *_recorded(history, "payload", "Payload sent", one.payload, one),
        *_recorded(history, "result", "Recorded result", one.result, one),
        ("error", "Recorded error", _error_text(one.error)),
        ("data", "Error data", error.get("ErrorData")),
        ("trace", "Stack trace", "\n".join(map(str, trace)) if isinstance(trace, list) and trace else None),
    )


def _present(*texts: tuple[str, str, object]) -> list[tuple[str, str, str]]:
    return [(field, label, pretty(str(text))) for field, label, text in texts if text is not None]


def _error_text(error: dict[str, Any] | None) -> str | None:
    parts = [(error or {}).get(key) for key in ("ErrorType", "ErrorMessage")]
    return ": ".join(str(part) for part in parts if part) or None


def _recorded_facts(one: Operation) -> list[Fact]:
    events = (
        f"{one.start_event_id or '?'} to {one.end_event_id}"
        if one.end_event_id
        else str(one.start_event_id or "?")
    )
    spent = one.elapsed_seconds
    return _facts(
        ("Recorded", one.status),
        (
            "Kind",
            one.sub_type if one.sub_type == one.type or not one.sub_type else f"{one.type}, {one.sub_type}",
        ),
        ("Started", _time(one.start)),
        (
            "Ended",
            f"{_time(one.end)} (after {spent:,.3f} s)" if one.end and spent is not None else _time(one.end),
        ),
        ("Invocation", _span(one.start_invocation, one.end_invocation)),
        ("Events", events),
        (
            "Body began",
            f"{one.began:,} times, as far as the record tells: invocations died in it"
            if one.began is not None and one.began > one.attempts
            else None,
        ),
        ("Wait", None if one.duration_seconds is None else f"{one.duration_seconds:,} s"),
        ("Timeout", None if not one.timeout_seconds else f"{one.timeout_seconds:,} s"),
        (
            "Heartbeat timeout",
            None if not one.heartbeat_timeout_seconds else f"{one.heartbeat_timeout_seconds:,} s",
        ),
        ("Function", one.function_name),
        ("Callback", one.callback_id),
        ("Missing data", "a payload of it is not in the history" if one.truncated else None),
    )


def _asked_facts(asked: AskedOperation) -> list[Fact]:
    answer = {"none": "the history has nothing", "virtual": "a virtual context: not in a history"}
    return _facts(
        ("Answer", answer.get(asked.answer, asked.answer)),
        ("Asked at", f"{title_of(asked.place.file)}:{asked.place.line}, in {asked.place.function}"),
        *(
            (key.replace("_", " ").capitalize(), words(value))
            for key, value in list(asked.arguments.items())[:12]
            if not str(value).startswith(
                "durable_"
            )  # the SDK's own wrapper around the function: says nothing
        ),
    )


def _facts(*pairs: tuple[str, Any]) -> list[Fact]:
    return [{"label": label, "value": one_line(value, 400)} for label, value in pairs if value is not None]


def _attempts(one: Operation) -> list[list[str]]:
    return [
        [
            str(each.number),
            each.status,
            _time(each.start) or "",
            f"{(each.end - each.start).total_seconds():,.3f} s" if each.start and each.end else "",
            "" if each.delay_seconds is None else f"{each.delay_seconds:,g} s",
            one_line(_error_text(each.error) or "", 300),
        ]
        for each in one.all_attempts[:_MOST_ATTEMPTS]
    ]


def _time(when: datetime | None) -> str | None:
    return None if when is None else f"{when:%Y-%m-%d %H:%M:%S}.{when.microsecond // 1000:03} UTC"


def _span(start: int | None, end: int | None) -> str | None:
    if start is None:
        return None
    return str(start) if end in {start, None} else f"{start} to {end}"
