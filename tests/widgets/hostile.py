"""A history whose every text tries to get out of the page that shows it."""

from __future__ import annotations

import json
from hashlib import blake2b
from pathlib import Path
from typing import Any

IMAGE = '<img src=x onerror="window.hacked=1">'
SCRIPT = "</script><script>window.hacked=2</script>"
RTL = "\u202egnp.exe\u2066"
BIG = SCRIPT + "a<b>&amp;" * 700_000  # 6.3 MB

HANDLER = f"""
from aws_durable_execution_sdk_python import durable_execution


@durable_execution
def handler(event, context):
    first = context.step(lambda _: 0, name={IMAGE!r})  # {SCRIPT}
    second = context.step(lambda _: 0, name={RTL!r})
    context.logger.info({SCRIPT!r})
    raise ValueError({IMAGE!r} + second)
"""


def write(folder: Path) -> tuple[str, dict[str, Any]]:
    """Write the handler; give its place and its history."""
    path = folder / "hostile.py"
    path.write_text(HANDLER, encoding="utf-8")
    events: list[dict[str, Any]] = []

    def event(kind: str, at: int | None, name: str, **details: Any) -> None:
        number = len(events) + 1
        one: dict[str, Any] = {
            "EventType": kind,
            "EventId": number,
            "EventTimestamp": f"2026-11-21T10:00:{number:02}Z",
        }
        one |= {"Id": "execution" if at is None else blake2b(str(at).encode()).hexdigest()[:64], "Name": name}
        if at is not None:
            one["SubType"] = "Step"
        events.append(one | {f"{kind}Details": details})

    def payload(value: str) -> dict[str, Any]:
        return {"Result": {"Payload": json.dumps(value)}}

    event("ExecutionStarted", None, SCRIPT, Input={"Payload": json.dumps({"a": SCRIPT})})
    event("StepStarted", 1, IMAGE)
    event("StepSucceeded", 1, IMAGE, **payload(BIG))
    event("StepStarted", 2, RTL)
    event("StepSucceeded", 2, RTL, **payload(RTL + SCRIPT))
    event(
        "ExecutionFailed",
        None,
        SCRIPT,
        Error={"Payload": {"ErrorType": "ValueError", "ErrorMessage": IMAGE + RTL + SCRIPT}},
    )
    return f"{path}:handler", {"Events": events}
