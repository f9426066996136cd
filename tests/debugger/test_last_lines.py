"""Which lines of a log tell most of why an execution ended."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import durable_debug as dd
from tests.sources.lambda_logs import logs_of

SAMPLES = Path(__file__).parents[2] / "sample_histories"


def document(name: str = "payment_failed") -> dict[str, Any]:
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))


def told(events: list[dict[str, Any]], of: dict[str, Any] | None = None) -> Any:
    return dd.why(dd.load({**(of or document()), "Logs": {"LogGroup": "g", "Events": events}})).written


def milliseconds(event: dict[str, Any]) -> int:
    return int(datetime.fromisoformat(event["EventTimestamp"]).timestamp() * 1000)


def test_of_the_failing_attempt_only():
    events = logs_of(dd.load(document()), "json")["Events"]
    found = told(events)
    assert (found.operation.name, found.attempt, found.invocation, found.earlier) == ("charge-card", 4, 4, 0)
    assert {event.attempt for event in found.events} == {4}


def test_of_many_lines_the_last():
    history = dd.load(document())
    events = logs_of(history, "json")["Events"]
    last = next(e for e in events if "calling for charge-card, attempt 4" in e["message"])
    more = [
        {**last, "message": last["message"].replace("calling", f"call {number}")} for number in range(100)
    ]
    found = told([*events, *more])
    assert len(found.events) == 8 and found.earlier == 95


def test_where_the_failing_attempt_wrote_nothing_its_invocation_up_to_then():
    """As in text, where nothing names the operation, and the moment does not tell: two branches, or a clock that is off."""
    history = dd.load(document())
    events = [e for e in logs_of(history)["Events"] if "charge-card" not in e["message"]]
    found = told(events)
    assert found.operation is None and found.invocation == 4
    assert [event.message for event in found.events] == ["imported the shop", "invocation 4 begins"]


def test_that_lambda_ended_it_is_told():
    """A timeout leaves the attempt without an end; Lambda's line says why."""
    whole = document()
    running = {**whole, "Events": [e for e in whole["Events"] if e["EventId"] <= 13]}
    at = milliseconds(whole["Events"][12])
    request = "12121212-3434-4567-8787-909090909090"
    arn = whole["DurableExecutionArn"]
    operation = next(e["Id"] for e in whole["Events"] if e["EventId"] == 13)
    line = {"message": "waits for the bank", "requestId": request, "executionArn": arn, "attempt": 4}
    messages = [
        f"START RequestId: {request} Version: 1",
        json.dumps({**line, "level": "INFO", "operationId": operation}),
        f"2026-11-21T21:28:17.340Z {request} Task timed out after 3.00 seconds",
    ]
    events = [
        {"timestamp": at + number, "logStreamName": "s", "message": message}
        for number, message in enumerate(messages)
    ]
    found = told(events, running)
    assert [event.message for event in found.events] == [
        "waits for the bank",
        "Task timed out after 3.00 seconds",
    ]
    assert found.invocation == 4


def test_nothing_where_there_is_nothing_to_tell():
    assert dd.why(dd.load(document())).written is None
    assert told([]) is None
    fine = document("poll_job")
    assert fine["Events"] and told(logs_of(dd.load(fine))["Events"], fine) is None
