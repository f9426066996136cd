"""What can be loaded, what is told apart, and what the messages say."""

from __future__ import annotations

import gc
import io
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from durable_debug.errors import HistoryError
from durable_debug.history import History
from durable_debug.sources import load
from durable_debug.sources.documents import FORMATS


@pytest.fixture
def path(samples: Path) -> Path:
    return samples / "espresso_completed.json"


@pytest.fixture
def document(path: Path) -> dict[str, Any]:
    return json.loads(path.read_bytes())


def with_timestamps(value: Any, write: Any) -> Any:
    """The same document, its timestamps written in another way."""
    if isinstance(value, dict):
        return {
            key: write(datetime.fromisoformat(held))
            if key.endswith("Timestamp")
            else with_timestamps(held, write)
            for key, held in value.items()
        }
    return [with_timestamps(held, write) for held in value] if isinstance(value, list) else value


FORMS = {
    "AWS CLI v1": lambda moment: moment.timestamp(),
    "AWS CLI v2": lambda moment: moment.isoformat(),
    "boto3": lambda moment: moment,
    "SAM": str,
    "JavaScript": lambda moment: moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    "milliseconds": lambda moment: round(moment.timestamp() * 1000),
}


@pytest.mark.parametrize("write", FORMS.values(), ids=FORMS)
def test_timestamps_of_every_source(document: dict[str, Any], write: Any) -> None:
    one, other = load(document), load(with_timestamps(document, write))
    assert one == other
    assert one.events.timestamp.equals(other.events.timestamp)
    assert one.final_state() == other.final_state()
    assert [one.invocation_state(1), one.invocation_state(2)] == [
        other.invocation_state(1),
        other.invocation_state(2),
    ]


def test_every_way_to_give_it(path: Path, document: dict[str, Any]) -> None:
    events, raw = document["Events"], path.read_bytes()
    history = load(path)
    ways: list[Any] = [
        str(path),
        document,
        {**document, "ResponseMetadata": {"HTTPStatusCode": 200}},
        events,
        tuple(events),
        raw,
        bytearray(raw),
        io.BytesIO(raw),
        io.StringIO(raw.decode()),
        [{"Events": events[:4], "NextMarker": "x"}, {"Events": events[4:]}],
        json.dumps(document).encode("utf-16"),
        json.dumps(document).encode("utf-8-sig"),
        history,
    ]
    for way in ways:
        found = load(way)
        assert found.raw == history.raw
        found.require_replayable()
    with path.open() as file:
        assert load(file) == history
    assert load(history) is history


def test_one_event_from_the_console(document: dict[str, Any]) -> None:
    event = document["Events"][4]
    history = load(event)
    assert list(history.events.event_type) == [event["EventType"]]
    with pytest.raises(HistoryError, match="missing"):
        history.require_replayable()


def test_a_bare_array_from_the_javascript_testing_library(tmp_path: Path) -> None:
    file = tmp_path / "hello.history.json"
    file.write_text(
        json.dumps(
            [
                {
                    "EventId": 1,
                    "EventTimestamp": "2025-11-24T22:01:33.852Z",
                    "EventType": "ExecutionStarted",
                    "ExecutionStartedDetails": {"Input": {"Payload": "{}"}},
                    "Id": "df6df370-be16-4d3a-acfb-6a0c262e9263",
                },
                {
                    "EventId": 2,
                    "EventTimestamp": "2025-11-24T22:01:33.997Z",
                    "EventType": "StepStarted",
                    "Id": "c4ca4238a0b92382",
                    "Name": "step1",
                    "StepStartedDetails": {},
                    "SubType": "Step",
                },
                {
                    "EventId": 3,
                    "EventTimestamp": "2025-11-24T22:01:33.997Z",
                    "EventType": "StepSucceeded",
                    "Id": "c4ca4238a0b92382",
                    "Name": "step1",
                    "StepSucceededDetails": {"Result": {"Payload": "1"}, "RetryDetails": {}},
                    "SubType": "Step",
                },
                {
                    "EventId": 4,
                    "EventTimestamp": "2025-11-24T22:01:34.101Z",
                    "EventType": "InvocationCompleted",
                    "InvocationCompletedDetails": {
                        "EndTimestamp": "2025-11-24T22:01:34.101Z",
                        "Error": {},
                        "RequestId": "7f980ae7",
                        "StartTimestamp": "2025-11-24T22:01:33.852Z",
                    },
                },
                {
                    "EventId": 5,
                    "EventTimestamp": "2025-11-24T22:01:34.102Z",
                    "EventType": "ExecutionSucceeded",
                    "ExecutionSucceededDetails": {"Result": {"Payload": "1"}},
                    "Id": "df6df370-be16-4d3a-acfb-6a0c262e9263",
                },
            ]
        )
    )
    history = load(file)
    history.require_replayable()
    assert (history.status, history.operation("1").name, history.invocations.error_type.count()) == (
        "SUCCEEDED",
        "step1",
        0,
    )
    assert history.operation("1").attempts == 1


ARN = "arn:aws:lambda:eu-west-1:123456789012:function:f:1/durable-execution/n/i"
NOTICE = {
    "detail-type": "Durable Execution Status Change",
    "time": "2026-11-21T20:00:01Z",
    "detail": {
        "durableExecutionArn": ARN,
        "durableExecutionName": "n",
        "status": "FAILED",
        "startTimestamp": "2026-11-21T20:00:00Z",
        "endTimestamp": "2026-11-21T20:00:01Z",
    },
}
STORE = {
    "DurableExecutionArn": "a/b",
    "StartInput": {"ExecutionName": "n", "Input": "{}"},
    "Operations": [
        {"Id": "b", "Type": "EXECUTION", "Status": "STARTED", "StartTimestamp": 1_795_297_871_846}
    ],
    "Updates": [],
    "IsComplete": False,
}


@pytest.mark.parametrize("name", FORMATS)
def test_the_format_can_be_named(document: dict[str, Any], name: str) -> None:
    given = {
        "history": document,
        "event": document["Events"][0],
        "pages": [document],
        "events": document["Events"],
        "store": STORE,
        "telemetry": {
            "recordType": "WorkflowInsight",
            "startTime": "2026-11-21T20:00:00Z",
            "status": "RUNNING",
        },
        "notice": NOTICE,
    }
    assert isinstance(load(given[name], format=name), History)
    with pytest.raises(HistoryError, match="This is not"):
        load({"Hello": "world"}, format=name)
    with pytest.raises(HistoryError, match="no format 'yaml'"):
        load(document, format="yaml")


STRANGERS = {
    "DurableExecutionTelemetry record leaves out": {
        "recordType": "DurableExecutionTelemetry",
        "operations": [],
    },
    "an object with detail-type": {
        "detail-type": "EC2 Instance State-change",
        "detail": {"state": "running"},
    },
    "testing library cannot be read": {"DurableExecutionArn": "a/b", "StartInput": {}, "Operations": [{}]},
    "what Lambda sends": {"DurableExecutionArn": "a", "CheckpointToken": "t", "InitialExecutionState": {}},
    "the state of": {"Operations": []},
    "a list of executions": {"DurableExecutions": []},
    "the summary of": {"DurableExecutionArn": "arn:aws:...", "Status": "SUCCEEDED"},
    "another service": {"events": [{"id": 1, "type": "ExecutionStarted"}]},
    "an empty list": [],
    "an object with a, b": {"a": 1, "b": 2},
    "a list of 2 items, the first of them int": [1, 2],
}


@pytest.mark.parametrize(("words", "stranger"), STRANGERS.items(), ids=STRANGERS)
def test_other_documents_are_told_by_name(words: str, stranger: Any, tmp_path: Path) -> None:
    file = tmp_path / "what.json"
    file.write_text(json.dumps(stranger))
    for source in (stranger, file):
        with pytest.raises(HistoryError, match=words) as raised:
            load(source)
        assert "istory" in raised.value.cure
    assert "what.json" in str(raised.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b" \n\t", "empty"),
        (b"Events:\n  - EventId: 1\n", "not JSON"),
        (b'{"Events": [{"EventId": 1, ', "not JSON"),
        (b"\x00\xff\xfe\x80", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"PK\x03\x04", "broken zip"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (b"[" * 100_000, "not JSON"),
        (b"null", "null"),
        (b'"text"', "a text"),
        (b"42", "a number"),
    ],
)
def test_files_that_hold_no_document(content: bytes, words: str, tmp_path: Path) -> None:
    file = tmp_path / "broken.json"
    file.write_bytes(content)
    with pytest.raises(HistoryError, match=words) as raised:
        load(file)
    assert raised.value.cure
    assert "broken.json" in str(raised.value)
    assert len(str(raised.value)) < 600


def test_places_without_a_file(path: Path, tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="Did you mean espresso_completed.json"):
        load(path.with_name("espreso_completed.json"))
    with pytest.raises(HistoryError, match="working directory"):
        load(tmp_path / "nothing.json")
    with pytest.raises(HistoryError, match="There is no file"):
        load(path / "inside")
    for wrong in ("a\0b", "x" * 5000):
        with pytest.raises(HistoryError):
            load(wrong)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ('{"Events": []}', r"json\.loads"),
        ("  [1]", r"json\.loads"),
        (ARN, "no AWS credentials"),
        ("memory://nowhere/h.json", "nothing at"),
        ("nothing://nowhere/h.json", "cannot be read"),
        ("", "path is empty"),
        (None, "NoneType"),
        (42, "int"),
    ],
)
def test_things_that_are_no_source(source: Any, words: str) -> None:
    with pytest.raises(HistoryError, match=words):
        load(source)


def test_surrogates_from_javascript(path: Path, tmp_path: Path) -> None:
    document = json.loads(path.read_bytes())
    document["Events"][0]["Name"] = "half a pair: \ud83d"
    file = tmp_path / "surrogate.json"
    file.write_text(json.dumps(document))
    history = load(file)
    assert (history.name, history.raw[0]["Name"]) == ("half a pair: \ufffd", "half a pair: \ud83d")
    history.save(file)
    assert load(file) == history


def test_the_collector_runs_again_afterwards(path: Path) -> None:
    assert gc.isenabled()
    load(path)
    with pytest.raises(HistoryError):
        load(b"nothing")
    assert gc.isenabled()


def test_every_sample(samples: Path) -> None:
    for file in samples.glob("*.json"):
        history = load(file)
        history.require_replayable()
        assert len(history.events) > 0
