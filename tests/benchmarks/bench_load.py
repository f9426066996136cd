"""Loading a history of 6,000 events, 1.8 MB, into `History` and its events frame.

Measured beside the least that anybody could do with the file: ``orjson.loads`` and a bare DataFrame of five columns.
The aim is at most twice that. ``json.loads`` and ``pd.json_normalize`` stand beside them for comparison.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any, Callable

import orjson
import pandas as pd

import durable_debug.sources as sources
from durable_debug.history import operation_id

FIELDS = ("EventId", "EventTimestamp", "EventType", "Id", "Name")
AIM = 2.0


def document(steps: int = 2_999) -> dict[str, Any]:
    """A history of `steps` steps, each with a payload of 100 characters."""
    at = 1_795_295_156.874

    def event(kind: str, number: int, **fields: Any) -> dict[str, Any]:
        return {"EventType": kind, "EventId": number, "EventTimestamp": round(at + number / 1000, 3), **fields}

    execution = {"Id": "9b2ae6c4-6f4f-4b4c-8f46-0b1d3c1a7c11", "Name": "bench"}
    given = {"Input": {"Payload": "{}", "Truncated": False}, "ExecutionTimeout": 3600}
    events = [event("ExecutionStarted", 1, **execution, ExecutionStartedDetails=given)]
    for n in range(1, steps + 1):
        own = {"Id": operation_id(None, n), "Name": f"step-{n}", "SubType": "Step"}
        result = {"Payload": json.dumps({"n": n, "text": "x" * 80}), "Truncated": False}
        retry = {"CurrentAttempt": 1}
        events.append(event("StepStarted", 2 * n, **own, StepStartedDetails={}))
        events.append(
            event("StepSucceeded", 2 * n + 1, **own, StepSucceededDetails={"Result": result, "RetryDetails": retry})
        )
    events.append(
        event("ExecutionSucceeded", len(events) + 1, **execution, ExecutionSucceededDetails={"Result": result})
    )
    return {"Events": events}


def seconds(functions: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """The quickest of so many turns of each; they take turns, so that a busy machine is busy for all of them."""
    best = dict.fromkeys(functions, float("inf"))
    for _ in range(rounds):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            best[name] = min(best[name], time.perf_counter() - start)
    return best


def main() -> None:
    """Print the times and the ratio."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "history.json")
        path.write_bytes(orjson.dumps(document()))
        size = path.stat().st_size / 1e6

        def bare() -> pd.DataFrame:
            events = orjson.loads(path.read_bytes())["Events"]
            return pd.DataFrame({field: [event[field] for event in events] for field in FIELDS})

        best = seconds(
            {
                "dd.load(path).events": lambda: sources.load(path).events,
                "orjson.loads + bare DataFrame of 5 columns": bare,
                "json.loads + pd.json_normalize": lambda: pd.json_normalize(json.loads(path.read_bytes())["Events"]),
            },
            rounds=15,
        )
    for name, taken in best.items():
        print(f"{taken * 1000:8.1f} ms  {name}")
    ratio = best["dd.load(path).events"] / best["orjson.loads + bare DataFrame of 5 columns"]
    print(f"{ratio:8.2f}     times the bare DataFrame, {size:.1f} MB (aim: at most {AIM})")


if __name__ == "__main__":
    main()
