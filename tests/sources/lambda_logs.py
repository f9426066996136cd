"""What Lambda would have written to CloudWatch for a recorded execution, in the forms that it has."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import durable_debug as dd

SAMPLES = Path(__file__).parents[2] / "sample_histories"
STRANGER = "99999999-1111-4222-8333-444444444444"
"""Request id of another execution, whose lines stand between ours in the same stream."""
RUNTIME = (
    "INIT_START Runtime Version: python:3.13.v50\tRuntime Version ARN: arn:aws:lambda:eu-west-1::runtime:0a1b"
)
TRACE = "1-65a1b2c3-0123456789abcdef01234567"


def moved(
    sample: str, function: str, ago: timedelta = timedelta(hours=1), *, now: datetime
) -> dict[str, Any]:
    """A sample's document as if it had ended some time ago, of a function of this name: log groups take nothing old."""
    document = json.loads((SAMPLES / sample).read_text(encoding="utf-8"))
    arn = document["DurableExecutionArn"]
    last = max(datetime.fromisoformat(event["EventTimestamp"]) for event in document["Events"])
    shift = now - ago - last

    def walk(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: walk(held, name) for name, held in value.items()}
        if isinstance(value, list):
            return [walk(held) for held in value]
        if key.endswith("Timestamp"):
            return (datetime.fromisoformat(value) + shift).isoformat()
        return value

    head, _, tail = arn.partition(":function:")
    new = f"{head}:function:{function}:{tail.partition(':')[2]}"
    return {**walk(document), "DurableExecutionArn": new}


def written(history: dd.History, form: str = "text") -> list[dict[str, Any]]:
    """Log events of all invocations: ``stream``, ``timestamp`` and ``message``; each invocation in a stream of its own."""
    events: list[dict[str, Any]] = []
    for row in history.invocations.itertuples():
        stream = f"2026/11/21/[1]{row.invocation:032x}"
        say = _Writer(stream, row.request_id, history.arn, form, events)
        start, end = row.start.to_pydatetime(), row.end.to_pydatetime()
        say.plain(start - timedelta(seconds=3), RUNTIME)
        say.plain(start - timedelta(seconds=2), "imported the shop")
        say.plain(start, f"START RequestId: {row.request_id} Version: 1")
        say.logged(start + timedelta(milliseconds=1), "INFO", f"invocation {row.invocation} begins")
        for operation in history.tree():
            for attempt in operation.all_attempts:
                if attempt.start_invocation == row.invocation:
                    name = f"{operation.name}, attempt {attempt.number}"
                    say.plain(attempt.start, f"printed in {name}\n")
                    say.logged(attempt.start, "INFO", f"calling for {name}", operation, attempt.number)
                    if attempt.error:
                        say.failed(attempt.end, operation, attempt)
        say.plain(end, f"END RequestId: {row.request_id}")
        say.plain(
            end,
            f"REPORT RequestId: {row.request_id}\tDuration: 12.00 ms\tBilled Duration: 13 ms\t"
            f"Memory Size: 128 MB\tMax Memory Used: 61 MB\t\nXRAY TraceId: {TRACE}\tSegmentId: 0123456789abcdef\tSampled: true\n",
        )
        # The same sandbox, a second later, works for somebody else.
        later = end + timedelta(milliseconds=900)
        say.plain(later, f"START RequestId: {STRANGER} Version: 1")
        say.plain(later, "somebody else's secret")
        say.plain(later, f"END RequestId: {STRANGER}")
    return events


class _Writer:
    def __init__(self, stream: str, request: str, arn: str, form: str, into: list[dict[str, Any]]) -> None:
        self.stream, self.request, self.arn, self.form, self.into = stream, request, arn, form, into

    def plain(self, when: datetime, message: str) -> None:
        if self.form != "text" and message.startswith(("START", "END", "REPORT", "INIT_START")):
            word, request = message.split()[0], message.split()[2]
            kind = {
                "START": "start",
                "END": "runtimeDone",
                "REPORT": "report",
                "INIT_START": "initStart",
            }[word]
            record = {"requestId": request, "version": "1"} if word != "INIT_START" else {"phase": "init"}
            if word == "REPORT":
                value = f"Root={TRACE};Parent=0123456789abcdef;Sampled=1"
                record["tracing"] = {"type": "X-Amzn-Trace-Id", "value": value}
            message = json.dumps({"time": when.isoformat(), "type": f"platform.{kind}", "record": record})
        stamp = int(when.timestamp() * 1000)
        self.into.append({"stream": self.stream, "timestamp": stamp, "message": message})

    def logged(
        self,
        when: datetime,
        level: str,
        text: str,
        operation: Any = None,
        attempt: int | None = None,
        **also: Any,
    ) -> None:
        time = f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03}Z"
        if self.form == "text":
            self.plain(when, f"[{level}]\t{time}\t{self.request}\t{text}\n")
            return
        extra: dict[str, Any] = {"executionArn": self.arn}
        if operation is not None:
            extra |= {"operationName": operation.name, "attempt": attempt, "operationId": operation.id}
        if self.form == "json":
            line = {"timestamp": time, "level": level, "message": text, "logger": "root"}
            line |= {"requestId": self.request, **also, **extra}
        else:  # Powertools
            line = {
                "level": level,
                "location": "handler:10",
                "message": text,
                "timestamp": time,
                "service": "shop",
            }
            line |= {"function_request_id": self.request, "xray_trace_id": TRACE, **also, **extra}
        self.plain(when, json.dumps(line))

    def failed(self, when: datetime, operation: Any, attempt: Any) -> None:
        kind, said = attempt.error["ErrorType"], attempt.error["ErrorMessage"]
        trace = [f'  File "/var/task/payment.py", line 9, in {operation.name}', f"{kind}: {said}"]
        if self.form == "text":
            lines = "\n".join(["Traceback (most recent call last):", *trace])
            self.logged(when, "ERROR", f"it failed\n{lines}", operation, attempt.number)
        elif self.form == "json":
            also = {"errorType": kind, "errorMessage": said, "stackTrace": trace}
            self.logged(when, "ERROR", "it failed", operation, attempt.number, **also)
        else:
            also = {"exception": "\n".join(trace), "exception_name": kind}
            self.logged(when, "ERROR", "it failed", operation, attempt.number, **also)


def logs_of(history: dd.History, form: str = "text", group: str = "/aws/lambda/payment") -> dict[str, Any]:
    """The same as a history's file keeps it."""
    events = [
        {"timestamp": each["timestamp"], "logStreamName": each["stream"], "message": each["message"]}
        for each in written(history, form)
    ]
    return {"LogGroup": group, "Remarks": [], "Events": events}
