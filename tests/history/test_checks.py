"""Records with something wrong: what is noticed, what is refused, and that nothing is lost."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from corpus import CASES
from corpus.recorder import record

from durable_debug.errors import HistoryError, IncompleteHistoryError, MissingDataError
from durable_debug.history import History
from durable_debug.sources import load


@pytest.fixture
def document(samples: Path) -> dict[str, Any]:
    return json.loads((samples / "espresso_timed_out.json").read_bytes())


def renumbered(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**event, "EventId": number} for number, event in enumerate(events, 1)]


def test_a_whole_one_is_replayable(document: dict[str, Any]) -> None:
    history = load(document)
    history.require_replayable()
    assert history.warnings == ()


def test_order_does_not_matter(document: dict[str, Any]) -> None:
    assert load({**document, "Events": document["Events"][::-1]}) == load(document)


def test_events_given_twice_are_kept_once(document: dict[str, Any]) -> None:
    events = document["Events"]
    history = load([*events, *copy.deepcopy(events[3:6])])
    assert len(history) == len(events)
    assert "more than once" in history.warnings[0] and "4, 5, 6" in history.warnings[0]
    history.require_replayable()


def test_events_of_two_executions_are_refused(document: dict[str, Any], samples: Path) -> None:
    other = json.loads((samples / "espresso_completed.json").read_bytes())["Events"]
    with pytest.raises(HistoryError, match="more than one execution"):
        load([*document["Events"], *other])


@pytest.mark.parametrize("lost", [slice(0, 1), slice(4, 5), slice(2, 9)])
def test_missing_events(document: dict[str, Any], lost: slice) -> None:
    events = document["Events"]
    del events[lost]
    history = load(document)
    assert "missing" in history.warnings[0]
    assert len(history.events) == len(events)
    history.final_state()
    with pytest.raises(IncompleteHistoryError, match="missing") as raised:
        history.require_replayable()
    assert "--max-items" in raised.value.cure


def test_the_end_of_a_running_execution_is_not_missing(document: dict[str, Any]) -> None:
    load(document["Events"][:6]).require_replayable()


@pytest.mark.parametrize("marker", ["NextMarker", "NextToken"])
def test_one_page_of_many(document: dict[str, Any], marker: str) -> None:
    history = load({**document, marker: "eyJ..."})
    assert any("page" in warning for warning in history.warnings)
    with pytest.raises(IncompleteHistoryError, match="page") as raised:
        history.require_replayable()
    assert "--max-items" in raised.value.cure
    load({**document, marker: None}).require_replayable()


@pytest.mark.parametrize("flagged", [True, False], ids=["truncated", "absent"])
def test_without_execution_data(document: dict[str, Any], flagged: bool) -> None:
    """The silent hazard: it would replay, with None for every result."""
    for event in document["Events"]:
        for held in event.get(f"{event['EventType']}Details", {}).values():
            if isinstance(held, dict):
                held.pop("Payload", None)
                held.pop("Truncated", None)
                if flagged:
                    held["Truncated"] = True
    history = load(document)
    assert history.warnings
    with pytest.raises(MissingDataError) as raised:
        history.require_replayable()
    assert "--include-execution-data" in raised.value.cure
    assert "IncludeExecutionData=True" in raised.value.cure


def test_the_emulator_without_execution_data() -> None:
    """It keeps the errors then, and says of each that it is truncated."""
    raw = copy.deepcopy(
        record(CASES["retries_exhausted"] if "retries_exhausted" in CASES else next(iter(CASES.values()))).raw
    )
    for event in raw["Events"]:
        for key in ("Result", "Input"):
            held = event.get(f"{event['EventType']}Details", {}).get(key)
            if held:
                held.pop("Payload", None)
                held["Truncated"] = True
    with pytest.raises(MissingDataError):
        load(raw).require_replayable()


def test_truncated_with_a_payload_is_whole(document: dict[str, Any]) -> None:
    for event in document["Events"]:
        for held in event.get(f"{event['EventType']}Details", {}).values():
            if isinstance(held, dict) and "Payload" in held:
                held["Truncated"] = True
    history = load(document)
    assert history.warnings == ()
    history.require_replayable()


def cut(events: list[dict[str, Any]], name: str, kind: str) -> dict[str, Any]:
    event = next(event for event in events if event.get("Name") == name and event["EventType"] == kind)
    held = event[f"{kind}Details"]["Result"]
    del held["Payload"]
    held["Truncated"] = True
    return event


def test_one_payload_truncated_where_a_replay_needs_it(document: dict[str, Any]) -> None:
    history = load(document)
    step = next(
        each
        for each in history.tree()
        if each.depth == 0 and each.type == "STEP" and each.status == "SUCCEEDED"
    )
    event = cut(document["Events"], step.name, "StepSucceeded")
    history = load(document)
    assert history.operation(step.id).truncated
    assert not next(each for each in history.tree() if each.id != step.id).truncated
    with pytest.raises(MissingDataError, match=f"EventId {event['EventId']}"):
        history.require_replayable()


def test_one_payload_truncated_inside_a_finished_map(samples: Path) -> None:
    """The map answers from its own checkpoint: a replay does not read what is inside."""
    document = json.loads((samples / "map_200.json").read_bytes())
    history = load(document)
    inside = next(each for each in history.tree() if each.depth == 1 and each.status == "SUCCEEDED")
    event = next(event for event in document["Events"] if event["EventId"] == inside.end_event_id)
    held = event[f"{event['EventType']}Details"]["Result"]
    held.pop("Payload")
    held["Truncated"] = True
    history = load(document)
    assert any("missing from 1 of" in warning for warning in history.warnings)
    history.require_replayable()


def test_unknown_event_types_are_kept_and_shown(document: dict[str, Any]) -> None:
    events = document["Events"]
    new = {
        "EventType": "StepTeleported",
        "EventTimestamp": events[4]["EventTimestamp"],
        "Id": "somewhere",
        "StepTeleportedDetails": {"To": "Mars"},
    }
    history = load(renumbered([*events[:5], new, *events[5:]]))
    assert "StepTeleported" in history.warnings[0]
    assert history.events.details[5] == {"To": "Mars"}
    assert len(history.tree()) == len(load(document).tree())
    history.require_replayable()


def test_a_new_end_of_a_known_operation_is_understood() -> None:
    """`ChainedInvokeCancelled` is in the testing library's table already, and not in botocore's."""
    started = {"EventType": "ChainedInvokeStarted", "EventId": 1, "EventTimestamp": 1.0, "Id": "i"}
    ended = {"EventType": "ChainedInvokeCancelled", "EventId": 2, "EventTimestamp": 2.0, "Id": "i"}
    assert History([started, ended]).tree()[0].status == "CANCELLED"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"EventTimestamp": "yesterday"}, "Event 3 has no valid EventTimestamp: 'yesterday'"),
        ({"EventTimestamp": None}, "Event 3 has no EventTimestamp"),
        ({"EventTimestamp": 1e300}, "Event 3 has no valid EventTimestamp"),
        ({"EventType": None}, "Event 3 has no EventType"),
        ({"EventType": 7}, "Event 3 has a EventType that is not text"),
        ({"EventId": "3"}, "Item 2 of .* is not an event"),
        ({"Name": {"a": 1}}, "Event 3 has a Name that is not text"),
        ({"Id": ["x"]}, "Event 3 has a Id that is not text"),
        ({"EventType": "StepSucceeded", "StepSucceededDetails": []}, "Event 3 has details of another shape"),
        (
            {"EventType": "StepSucceeded", "StepSucceededDetails": {"Result": "x"}},
            "Event 3 has details of another shape",
        ),
        (
            {"EventType": "StepSucceeded", "StepSucceededDetails": {"Result": {"Payload": 3}}},
            "Event 3 has details of another shape",
        ),
    ],
)
def test_what_is_no_event(document: dict[str, Any], change: dict[str, Any], message: str) -> None:
    document["Events"][2] |= change
    with pytest.raises(HistoryError, match=message) as raised:
        load(document)
    assert "get-durable-execution-history" in raised.value.cure


@pytest.mark.parametrize("item", [None, 1, "event", [], {}])
def test_items_that_are_no_events(document: dict[str, Any], item: Any) -> None:
    document["Events"].insert(1, item)
    with pytest.raises(HistoryError, match="Item 1 of"):
        load(document)


def test_nothing_to_replay() -> None:
    history = load({"Events": []})
    with pytest.raises(HistoryError, match="no events"):
        history.require_replayable()


def test_states_of_polls_that_the_emulator_dropped() -> None:
    history = load(record(CASES["conditions_met_in_the_end"]).raw)
    assert any("wait_for_condition" in warning for warning in history.warnings)
    history.require_replayable()
