"""What an invocation found at its start, where only what it did tells: by histories written by hand."""

from __future__ import annotations

from typing import Any

import pytest

from durable_debug.history import History
from tests.history.by_hand import completed, failed, written


def statuses(history: History, invocation: int) -> dict[str, str]:
    return {each["Name"]: each["Status"] for each in history.invocation_state(invocation)[1:]}


@pytest.mark.parametrize("recorded", [True, False], ids=["recorded", "inferred"])
def test_a_retry_that_fell_due_after_another_had_begun_was_pending(recorded: bool) -> None:
    """The SDK waits a retry out where another branch is at work, and begins it in the same invocation."""
    history = written(
        (0, "ExecutionStarted", "execution"),
        (2, "StepStarted", "a", None, "Step"),
        (2, "StepStarted", "b", None, "Step"),
        (2, "StepStarted", "c", None, "Step"),
        failed(3, "a"),
        failed(5, "b"),
        failed(14, "c"),
        completed(100, 1),
        (1007, "StepStarted", "a", None, "Step"),
        (1007, "StepStarted", "b", None, "Step"),
        (1008, "StepSucceeded", "a", None, "Step"),
        (1015, "StepStarted", "c", None, "Step"),
        (1016, "StepSucceeded", "b", None, "Step"),
        (1016, "StepSucceeded", "c", None, "Step"),
        completed(1100, 1006),
        (1101, "ExecutionSucceeded", "execution"),
        recorded=recorded,
    )
    assert statuses(history, 2) == {"a": "READY", "b": "READY", "c": "PENDING"}


def test_a_retry_that_did_not_begin_was_pending_however_close_it_was() -> None:
    history = written(
        (0, "ExecutionStarted", "execution"),
        (2, "StepStarted", "a", None, "Step"),
        (2, "StepStarted", "b", None, "Step"),
        failed(3, "a"),
        failed(4, "b"),
        completed(100, 1),
        (1007, "StepStarted", "a", None, "Step"),
        (1008, "StepSucceeded", "a", None, "Step"),
        completed(1020, 1005),
        (1030, "StepStarted", "b", None, "Step"),
        (1031, "StepSucceeded", "b", None, "Step"),
        completed(1100, 1025),
        (1101, "ExecutionSucceeded", "execution"),
    )
    assert statuses(history, 2) == {"a": "READY", "b": "PENDING"}
    assert statuses(history, 3) == {"a": "SUCCEEDED", "b": "READY"}


@pytest.mark.parametrize("recorded", [True, False], ids=["recorded", "inferred"])
@pytest.mark.parametrize("ends_in", [2, 3])
def test_an_answer_whose_branch_ended_in_an_invocation_was_there_when_that_began(
    recorded: bool, ends_in: int
) -> None:
    def branch(name: str) -> list[tuple[Any, ...]]:
        return [
            (2, "ContextStarted", name, "p", "ParallelBranch"),
            (2, "CallbackStarted", f"{name} answer", name, "Callback", {"CallbackId": name}),
        ]

    def ended(at: int, name: str) -> tuple[Any, ...]:
        return at, "ContextSucceeded", name, "p", "ParallelBranch"

    rest = [completed(1200, 1105)] if ends_in == 3 else []
    history = written(
        (0, "ExecutionStarted", "execution"),
        (2, "ContextStarted", "p", None, "Parallel"),
        *branch("one"),
        *branch("two"),
        completed(100, 1),
        (1002, "CallbackSucceeded", "one answer", "one", "Callback"),
        (1003, "CallbackSucceeded", "two answer", "two", "Callback"),
        ended(1010, "one"),
        *([completed(1100, 1003)] if ends_in == 3 else []),
        ended(1110, "two"),
        (1111, "ContextSucceeded", "p", None, "Parallel"),
        *(rest or [completed(1200, 1003)]),
        (1201, "ExecutionSucceeded", "execution"),
        recorded=recorded,
    )
    found = statuses(history, 2)
    assert found["one answer"] == "SUCCEEDED"
    assert found["two answer"] == ("SUCCEEDED" if ends_in == 2 else "STARTED")
    assert history.invocation_count == ends_in
    if ends_in == 3:
        assert statuses(history, 3)["two answer"] == "SUCCEEDED"


def test_an_answer_in_a_flat_branch_is_no_evidence_when_the_map_ends() -> None:
    """It may have ended early, without that branch."""
    history = written(
        (0, "ExecutionStarted", "execution"),
        (2, "ContextStarted", "m", None, "Map"),
        (2, "CallbackStarted", "one", "m", "Callback", {"CallbackId": "1"}),
        (2, "CallbackStarted", "two", "m", "Callback", {"CallbackId": "2"}),
        completed(100, 1),
        (1002, "CallbackSucceeded", "one", "m", "Callback"),
        (1003, "CallbackSucceeded", "two", "m", "Callback"),
        (1010, "ContextSucceeded", "m", None, "Map"),
        completed(1100, 1003),
        (1101, "ExecutionSucceeded", "execution"),
    )
    assert statuses(history, 2)["two"] == "STARTED"


def test_a_first_invocation_may_be_stamped_before_its_execution() -> None:
    """As histories of JavaScript's testing library are."""
    history = written(
        (1, "ExecutionStarted", "execution"),
        (2, "StepStarted", "a", None, "Step"),
        (3, "StepSucceeded", "a", None, "Step"),
        completed(10, 0),
        (11, "ExecutionSucceeded", "execution"),
    )
    assert [each["Name"] for each in history.invocation_state(1)] == ["execution"]
    frame = history.invocations
    assert (len(frame), frame.first_event_id[0], frame.status[0]) == (1, 2, "SUCCEEDED")
    assert (frame.duration_seconds >= 0).all()
    assert history.events.invocation.tolist() == [1, 1, 1, 1, 1]
    assert history.timing().total >= history.timing().running >= 0
