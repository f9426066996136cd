"""What the page asks for when somebody looks at it. Everything is bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from durable_debug.errors import HistoryError
from durable_debug.widgets._text import one_line, pretty, preview, title_of, words

if TYPE_CHECKING:
    from datetime import datetime

    from durable_debug.debugger import Debugger
    from durable_debug.history import Operation
    from durable_debug.replay.asked import AskedOperation
    from durable_debug.widgets._messages import (
        Chunk,
        DivergenceView,
        Fact,
        LogView,
        OperationDetails,
        Payload,
        Variable,
    )
    from durable_debug.widgets._rows import Table

__all__ = ["divergences", "evaluated", "logs", "operation", "payload", "variables"]

FIRST = 4_000
CHUNK = 100_000
_MOST_VARIABLES = 500
_MOST_LOGS = 500
_MOST_ATTEMPTS = 100
_MOST_DIVERGENCES = 200


def variables(session: Debugger, frame: int, path: tuple[str, ...]) -> list[Variable]:
    """Names of a frame, or what is inside a value."""
    return [
        {
            "name": one_line(each.name, 200),
            "type": one_line(each.type, 100),
            "preview": each.preview[:1_000],
            "children": each.children,
        }
        for each in session.variables(frame, path)[:_MOST_VARIABLES]
    ]


def evaluated(session: Debugger, expression: str, frame: int) -> dict[str, str]:
    """Value of an expression in a frame."""
    value = session.evaluate(expression, frame)
    return {"type": type(value).__qualname__, "value": preview(value)}


def logs(session: Debugger, table: Table) -> list[LogView]:
    """The last lines that the handler wrote."""
    return [
        {
            "level": one_line(line.level, 20),
            "message": line.message[:2_000],
            "row": table.row_of_stop.get(line.seq, -1),
            "replayed": line.replayed,
        }
        for line in session.logs[-_MOST_LOGS:]
    ]


def divergences(session: Debugger, table: Table) -> list[DivergenceView]:
    """Everything that the replay does otherwise; those of this stop are marked."""
    here = session.stop.divergences
    found = (*session.run_result.divergences, *(one for one in here if one not in session.run_result.divergences))
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
    """What the record and the handler say of one operation."""
    row = table.rows[number]
    one, asked = row.recorded, row.asked
    name = (one or asked).name if one or asked else None  # type: ignore[union-attr]
    facts: list[Fact] = []
    if one is not None:
        facts += _recorded_facts(one)
    if asked is not None:
        facts += _asked_facts(asked)
    return {
        "row": number,
        "title": one_line(name or "without a name", 256),
        "facts": facts,
        "payloads": _payloads(one) if one is not None else [],
        "attempts": _attempts(one) if one is not None else [],
        "file": asked.place.file if asked else None,
        "line": asked.place.line if asked else 0,
    }


def payload(table: Table, number: int, field: str, start: int) -> Chunk:
    """More of a payload, from a character on."""
    one = table.rows[number].recorded
    text = dict((key, text) for key, _, text in _texts(one)).get(field) if one is not None else None
    if text is None:
        raise HistoryError("This operation has no such payload.", cure="Choose another in the list of operations.")
    return _chunk(text, start, CHUNK)


def _payloads(one: Operation) -> list[Payload]:
    return [
        {"field": field, "label": label, "length": len(text), **_chunk(text, 0, FIRST)}
        for field, label, text in _texts(one)
    ]


def _chunk(text: str, start: int, size: int) -> Chunk:
    end = start + size
    return {"text": text[start:end], "next": end if end < len(text) else None}


def _texts(one: Operation) -> list[tuple[str, str, str]]:
    """Key, label and text of each payload."""
    error = one.error or {}
    told = [error.get("ErrorType"), error.get("ErrorMessage")]
    trace = error.get("StackTrace")
    found = [
        ("payload", "Payload sent", one.payload),
        ("result", "Recorded result", one.result),
        ("error", "Recorded error", ": ".join(str(each) for each in told if each) or None),
        ("data", "Error data", error.get("ErrorData")),
        ("trace", "Stack trace", "\n".join(map(str, trace)) if isinstance(trace, list) and trace else None),
    ]
    return [(key, label, pretty(str(text))) for key, label, text in found if text is not None]


def _recorded_facts(one: Operation) -> list[Fact]:
    events = f"{one.start_event_id or '?'} to {one.end_event_id}" if one.end_event_id else str(one.start_event_id or "?")
    spent = one.elapsed_seconds
    return _facts(
        ("Recorded", one.status),
        ("Kind", one.sub_type if one.sub_type == one.type or not one.sub_type else f"{one.type}, {one.sub_type}"),
        ("Started", _time(one.start)),
        ("Ended", f"{_time(one.end)} (after {spent:,.3f} s)" if one.end and spent is not None else _time(one.end)),
        ("Invocation", _span(one.start_invocation, one.end_invocation)),
        ("Events", events),
        ("Wait", None if one.duration_seconds is None else f"{one.duration_seconds:,} s"),
        ("Timeout", None if not one.timeout_seconds else f"{one.timeout_seconds:,} s"),
        ("Heartbeat timeout", None if not one.heartbeat_timeout_seconds else f"{one.heartbeat_timeout_seconds:,} s"),
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
            if not str(value).startswith("durable_")  # the SDK's own wrapper around the function: says nothing
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
            "" if each.start is None or each.end is None else f"{(each.end - each.start).total_seconds():,.3f} s",
            "" if each.delay_seconds is None else f"{each.delay_seconds:,g} s",
            one_line(": ".join(str((each.error or {}).get(key)) for key in ("ErrorType", "ErrorMessage") if (each.error or {}).get(key)), 300),
        ]
        for each in one.all_attempts[:_MOST_ATTEMPTS]
    ]


def _time(when: datetime | None) -> str | None:
    return None if when is None else f"{when:%Y-%m-%d %H:%M:%S}.{when.microsecond // 1000:03} UTC"


def _span(start: int | None, end: int | None) -> str | None:
    if start is None:
        return None
    return str(start) if end in {start, None} else f"{start} to {end}"
