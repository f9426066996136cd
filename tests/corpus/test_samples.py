"""The sample histories are whole, and beside each stands the handler that the README names."""

from __future__ import annotations

import importlib.util
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from corpus.case import ROOT
from corpus.shape import faults_of_events

SAMPLES = ROOT / "sample_histories"
ROWS = re.findall(
    r"^\| `(\w+\.json)` .*?\| `([\w/]+\.py):(\w+)` \| `(.*)` \|$",
    (SAMPLES / "README.md").read_text(),
    re.MULTILINE,
)
STATUSES = {
    "espresso_timed_out.json": "ExecutionFailed",
    "payment_failed.json": "ExecutionFailed",
    "suspended.json": "InvocationCompleted",
}


def events_of(name: str) -> list[dict[str, Any]]:
    """A sample's events with their times as boto3 gives them."""

    def times(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                k: datetime.fromisoformat(v) if k.endswith("Timestamp") else times(v)
                for k, v in value.items()
            }
        return value

    return [times(event) for event in json.loads((SAMPLES / name).read_text())["Events"]]


def test_the_readme_has_every_sample() -> None:
    assert sorted(name for name, *_ in ROWS) == sorted(path.name for path in SAMPLES.glob("*.json"))


@pytest.mark.parametrize(("name", "path", "attribute", "command"), ROWS)
def test_a_row_of_the_readme_holds(name: str, path: str, attribute: str, command: str) -> None:
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert callable(getattr(module, attribute))
    assert f"sample_histories/{name}" in command


@pytest.mark.parametrize("name", [name for name, *_ in ROWS if name != "raw_emulator.json"])
def test_a_sample_is_as_lambda_gives_it(name: str) -> None:
    document, events = json.loads((SAMPLES / name).read_text()), events_of(name)
    assert faults_of_events(events) == []
    assert document["DurableExecutionArn"].rpartition("/")[2] == events[0]["Id"]
    assert events[-1]["EventType"] == STATUSES.get(name, "ExecutionSucceeded")


def test_the_raw_sample_is_raw() -> None:
    document = json.loads((SAMPLES / "raw_emulator.json").read_text())
    assert set(document) == {"Events"}
    assert not any("InvocationCompletedDetails" in event for event in document["Events"])


def test_time_in_a_sample_is_as_long_as_it_says() -> None:
    events = events_of("espresso_timed_out.json")
    started, ended = (
        next(e for e in events if e["EventType"] == kind) for kind in ("CallbackStarted", "CallbackTimedOut")
    )
    waited = (ended["EventTimestamp"] - started["EventTimestamp"]).total_seconds()
    assert started["CallbackStartedDetails"]["Timeout"] == 120
    assert waited == pytest.approx(120, abs=0.5)


def test_the_large_sample_is_large_and_small_enough_for_git() -> None:
    operations = {event["Id"] for event in events_of("large_2900.json") if "Id" in event}
    assert 2_800 < len(operations) < 3_000
    assert (SAMPLES / "large_2900.json").stat().st_size < 2_000_000
