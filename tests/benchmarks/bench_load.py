"""Loading a history of 6,000 events, 1.8 MB, into `History` and its events frame.

Measured beside the least that anybody could do with the file: ``orjson.loads`` and a bare DataFrame of five columns.
The aim is at most twice that. ``json.loads`` and ``pd.json_normalize`` stand beside them for comparison.
"""

from __future__ import annotations

import json
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Callable

import orjson
import pandas as pd

import durable_debug as dd
from durable_debug.history import operation_id

FIELDS = ("EventId", "EventTimestamp", "EventType", "Id", "Name")
AIM = 2.0


def document(*, iso: bool, steps: int = 2_999) -> dict[str, Any]:
    """A history of `steps` steps, each with a payload of 100 characters, timestamps as AWS CLI v2 or v1 writes them."""
    at = 1_795_295_156.874

    def event(kind: str, number: int, **fields: Any) -> dict[str, Any]:
        moment = round(at + number / 1000, 3)
        written = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds") if iso else moment
        return {"EventType": kind, "EventId": number, "EventTimestamp": written, **fields}

    execution = {"Id": "9b2ae6c4-6f4f-4b4c-8f46-0b1d3c1a7c11", "Name": "bench"}
    given = {"Input": {"Payload": "{}", "Truncated": False}, "ExecutionTimeout": 3600}
    events = [event("ExecutionStarted", 1, **execution, ExecutionStartedDetails=given)]
    for n in range(1, steps + 1):
        own = {"Id": operation_id(None, n), "Name": f"step-{n}", "SubType": "Step"}
        result = {"Payload": json.dumps({"n": n, "text": "x" * 80}), "Truncated": False}
        end = {"Result": result, "RetryDetails": {"CurrentAttempt": 1}}
        events.append(event("StepStarted", 2 * n, **own, StepStartedDetails={}))
        events.append(event("StepSucceeded", 2 * n + 1, **own, StepSucceededDetails=end))
    last = {"ExecutionSucceededDetails": {"Result": result}}
    events.append(event("ExecutionSucceeded", len(events) + 1, **execution, **last))
    return {"Events": events}


def seconds(functions: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Processor time of the quickest of so many turns of each; they take turns: a busy machine is busy for all of them."""
    best = dict.fromkeys(functions, float("inf"))
    for _ in range(rounds):
        for name, function in functions.items():
            start = time.process_time()
            function()
            best[name] = min(best[name], time.process_time() - start)
    return best


def measure(path: Path) -> None:
    """Print the times and the ratio for one file."""

    def bare() -> pd.DataFrame:
        events = orjson.loads(path.read_bytes())["Events"]
        return pd.DataFrame({field: [event[field] for event in events] for field in FIELDS})

    ours, aim = "dd.load(path).events", "orjson.loads + bare DataFrame of 5 columns"
    best = seconds(
        {
            ours: lambda: dd.load(path).events,
            aim: bare,
            "json.loads + pd.json_normalize": lambda: pd.json_normalize(
                json.loads(path.read_bytes())["Events"]
            ),
        },
        rounds=25,
    )
    for name, taken in best.items():
        print(f"{taken * 1000:8.1f} ms  {name}")
    print(f"{best[ours] / best[aim]:8.2f} times the bare DataFrame (aim: at most {AIM})")


def main() -> None:
    """Measure both forms of timestamps."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "history.json")
        for iso, form in ((False, "epoch seconds"), (True, "ISO 8601")):
            path.write_bytes(orjson.dumps(document(iso=iso)))
            print(f"6,000 events, {path.stat().st_size / 1e6:.1f} MB, timestamps as {form}")
            measure(path)


if __name__ == "__main__":
    main()
