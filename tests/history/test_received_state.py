"""The state at the start of each invocation, against what real handlers really received there."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from corpus import CASES
from corpus.recorder import record

from durable_debug.sources import load

# What no history tells; History.invocation_state names the reasons.
SUMMARY_OF_ITS_OWN = {"large_child_with_a_summary"}
# Two answers that arrive together: which of them the service saw when it started the invocation is in no event.
TOGETHER = timedelta(milliseconds=5)


def plain(value: Any) -> Any:
    """With timestamps to the millisecond, which is what all sources keep."""
    if isinstance(value, dict):
        return {key: plain(held) for key, held in value.items()}
    if isinstance(value, list):
        return [plain(held) for held in value]
    return int(value.timestamp() * 1000) if isinstance(value, datetime) else value


def arrived_together(history: Any, invocation: int) -> set[str]:
    """Operations that an invocation may or may not have found ended: answered when it was about to start anyway."""
    start = history.invocations.start[invocation - 1]
    ends = history.operations.loc[history.operations.type.isin(["CALLBACK", "CHAINED_INVOKE"])]
    near = ends.loc[(ends.end - start).abs() <= TOGETHER]
    return set(near.id) if len(near) > 1 else set()


def without(state: list[dict[str, Any]], ids: set[str]) -> list[dict[str, Any]]:
    return [operation for operation in state if operation["Id"] not in ids]


def epoch(document: Any) -> Any:
    """As AWS CLI v1 and the local server write it: seconds as floats, through JSON."""
    return json.loads(json.dumps(document, default=lambda moment: moment.timestamp()))


def spaced(document: Any) -> Any:
    """As SAM writes it: ISO 8601 with a space."""
    return json.loads(json.dumps(document, default=lambda moment: str(moment)))


FORMS = {"boto3": lambda document: document, "epoch": epoch, "sam": spaced}


@pytest.mark.parametrize(
    ("name", "form"),
    [(name, form) for at, name in enumerate(CASES) for form in FORMS if form == "boto3" or at % 6 == 0],
)
def test_recorded_boundaries(name: str, form: str) -> None:
    recorded = record(CASES[name])
    history = load(FORMS[form](recorded.history))
    assert history.invocation_count == len(recorded.invocations)
    if name in SUMMARY_OF_ITS_OWN:
        return
    for number, invocation in enumerate(recorded.invocations, 1):
        unsure = arrived_together(history, number)
        found = without(plain(history.invocation_state(number)), unsure)
        assert found == without(plain(invocation.operations), unsure)


@pytest.mark.parametrize("name", CASES)
def test_inferred_boundaries(name: str) -> None:
    """The emulator's own history has no start times, drops crashed invocations and the states of polls."""
    recorded = record(CASES[name])
    history = load(recorded.raw)
    if any(invocation.error for invocation in recorded.invocations):
        # Checkpoints of crashed invocations run into those of the next; only that there are no more is certain.
        assert 1 <= history.invocation_count <= len(recorded.invocations)
        return
    assert history.invocation_count == len(recorded.invocations)
    if name in SUMMARY_OF_ITS_OWN:
        return
    polls = set(history.operations.loc[history.operations.sub_type == "WaitForCondition", "id"])
    for number, invocation in enumerate(recorded.invocations, 1):
        unsure = arrived_together(history, number)
        found, received = (
            without(plain(state), unsure)
            for state in (history.invocation_state(number), invocation.operations)
        )
        for operation in received:
            if operation["Id"] in polls and operation["Status"] in {"PENDING", "READY"}:
                operation["StepDetails"].pop("Result", None)
        assert found == received


@pytest.mark.parametrize("name", CASES)
def test_crashed_invocations_without_a_report_are_told_by_their_checkpoints(name: str) -> None:
    """The emulator's store tells when invocations started, but of those only that ended."""
    recorded = record(CASES[name])
    events = [
        event
        for event in recorded.history["Events"]
        if not event.get("InvocationCompletedDetails", {}).get("Error")
    ]
    history = load([{**event, "EventId": number} for number, event in enumerate(events, 1)])
    starts = {plain(invocation.start): invocation for invocation in recorded.invocations}
    for invocation in history.invocations.itertuples():
        if invocation.boundaries == "inferred":
            assert invocation.status in {"FAILED", "RUNNING"}
            continue
        received = next(
            (each for moment, each in starts.items() if abs(moment - plain(invocation.start)) <= 2), None
        )
        assert received is not None
        if name in SUMMARY_OF_ITS_OWN:
            continue
        unsure = arrived_together(history, invocation.invocation)
        found = without(plain(history.invocation_state(invocation.invocation)), unsure)
        assert found == without(plain(received.operations), unsure)


@pytest.mark.parametrize("name", CASES)
def test_final_state(name: str) -> None:
    """The service's own operations at the end, from its store."""
    recorded = record(CASES[name])
    if name in SUMMARY_OF_ITS_OWN:
        return
    found = plain(load(recorded.history).final_state())
    stored = recorded.store["Operations"]
    assert [operation["Id"] for operation in found] == [operation["Id"] for operation in stored]
    for mine, theirs in zip(found, stored, strict=True):
        assert mine == theirs


@pytest.mark.parametrize("name", CASES)
def test_every_operation_has_a_position_that_hashes_to_its_id(name: str) -> None:
    for operation in load(record(CASES[name]).history).tree():
        assert "?" not in operation.position


@pytest.mark.parametrize("name", CASES)
def test_every_case_is_replayable(name: str) -> None:
    load(record(CASES[name]).history).require_replayable()
