"""Histories of steps and waits made up on the spot, for audits of many."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from durable_debug.history import operation_id


def steps_document(
    names: list[str],
    *,
    number: int = 0,
    input: Any = None,
    result: Any = "done",
    arn: str | None = None,
    ended: bool = True,
) -> dict[str, Any]:
    """The history of a handler that asks for steps of these names; each gave its own name."""
    at = 1_795_295_156.874 + number

    def event(kind: str, event_id: int, **fields: Any) -> dict[str, Any]:
        return {
            "EventType": kind,
            "EventId": event_id,
            "EventTimestamp": round(at + event_id / 1000, 3),
            **fields,
        }

    def payload(value: Any) -> dict[str, Any]:
        return {"Payload": json.dumps(value), "Truncated": False}

    execution = {"Id": f"9b2ae6c4-6f4f-4b4c-8f46-{number:012}", "Name": f"run-{number}"}
    given = {"Input": payload({} if input is None else input), "ExecutionTimeout": 3600}
    events = [event("ExecutionStarted", 1, **execution, ExecutionStartedDetails=given)]
    for n, name in enumerate(names, 1):
        own = {"Id": operation_id(None, n), "Name": name, "SubType": "Step"}
        events.append(event("StepStarted", 2 * n, **own, StepStartedDetails={}))
        details = {"Result": payload(name), "RetryDetails": {"CurrentAttempt": 1}}
        events.append(event("StepSucceeded", 2 * n + 1, **own, StepSucceededDetails=details))
    if ended:
        details = {"Result": payload(result)}
        events.append(
            event("ExecutionSucceeded", len(events) + 1, **execution, ExecutionSucceededDetails=details)
        )
    return {"Events": events} if arn is None else {"DurableExecutionArn": arn, "Events": events}


def write(folder: Path, documents: list[dict[str, Any]]) -> list[Path]:
    """One file each, in order."""
    paths = [folder / f"{number:04}.json" for number in range(len(documents))]
    for path, document in zip(paths, documents, strict=True):
        path.write_text(json.dumps(document))
    return paths


APP = """
import os, re, threading
from aws_durable_execution_sdk_python import durable_execution

@durable_execution
def handler(event, context):
    first = context.step(lambda _: 1, name="reserve")
    mood = event.get("mood")
    if mood == "loops":
        while True:
            pass
    if mood == "locks":
        lock = threading.Lock()
        lock.acquire()
        lock.acquire()
    if mood == "backtracks":  # in C, and never lets go of the interpreter
        re.match("(a+)+$", "a" * 64 + "b")
    if mood == "exits":
        os._exit(3)
    if mood == "aborts":
        os.abort()
    if mood == "says":
        os.write(1, b"not a pickle")
    context.step(lambda _: 1, name=event.get("second", "charge"))
    return "done"
"""
