"""The corpus is what it says: each case ends as declared, and what was written down of it is complete."""

from __future__ import annotations

from typing import Any

import pytest
from aws_durable_execution_sdk_python import state
from aws_durable_execution_sdk_python.execution import (
    DurableExecutionInvocationInputWithClient,
    InitialExecutionState,
)
from aws_durable_execution_sdk_python.lambda_service import (
    CheckpointOutput,
    CheckpointUpdatedExecutionState,
    DurableServiceClient,
    OperationType,
)
from aws_durable_execution_sdk_python_testing.execution import Execution
from aws_durable_execution_sdk_python_testing.invoker import create_test_lambda_context

from corpus import CASES, RAN
from corpus.recorder import record
from corpus.shape import faults_of_events


@pytest.mark.parametrize("name", CASES)
def test_a_case_ends_as_it_declares(name: str) -> None:
    case, recorded = CASES[name], record(CASES[name])
    assert recorded.status == case.status
    *_, last = (event for event in recorded.history["Events"] if event["EventType"] != "InvocationCompleted")
    if recorded.status == "SUCCEEDED":
        assert last["ExecutionSucceededDetails"]["Result"].get("Payload") == recorded.result
        returned = recorded.invocations[-1].output["Result"]
        assert returned in {recorded.result, ""}  # "" where it was too large to return and was checkpointed
    elif recorded.status == "FAILED":
        assert last["ExecutionFailedDetails"]["Error"]["Payload"] == recorded.error


@pytest.mark.parametrize("name", CASES)
def test_a_history_is_as_lambda_gives_it_and_the_emulator_s_own(name: str) -> None:
    recorded = record(CASES[name])
    raw, events = recorded.raw["Events"], recorded.history["Events"]
    assert faults_of_events(events) == []
    assert recorded.arn.rpartition("/")[2] == events[0]["Id"]
    assert [event["EventId"] for event in events] == list(range(1, len(events) + 1))
    times = [event["EventTimestamp"] for event in events]
    assert times == sorted(times)
    ends = [event for event in events if event["EventType"] == "InvocationCompleted"]
    assert len(ends) == len(recorded.invocations)

    # Without details that Lambda adds, the events are the emulator's; only it forgets invocations that crashed.
    crashed = {event["EventTimestamp"] for event in ends if "Error" in event["InvocationCompletedDetails"]}
    assert [bare(event) for event in events if event["EventTimestamp"] not in crashed] == [
        bare(event) for event in raw if event["EventTimestamp"] not in crashed
    ]


def bare(event: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(
        event.get(key) for key in ("EventType", "EventTimestamp", "Id", "ParentId", "Name", "SubType")
    )


class Refuses(DurableServiceClient):
    """The service, where a replay of something finished should ask nothing of it."""

    def checkpoint(self, durable_execution_arn, checkpoint_token, updates, client_token):
        if any(update.operation_type is not OperationType.EXECUTION for update in updates):
            raise AssertionError(f"checkpoint of {[update.name for update in updates]}")
        # A result too large for a response is sent again, at every end.
        return CheckpointOutput("token", CheckpointUpdatedExecutionState([], None))

    def get_execution_state(self, durable_execution_arn, checkpoint_token, next_marker, max_items=1000):
        raise AssertionError("get_execution_state")


@pytest.mark.parametrize("name", [name for name in CASES if CASES[name].ended_by_the_handler])
def test_the_plain_sdk_replays_a_case_to_the_same_end(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """So a case is deterministic, and the record of it is whole: no body of it runs, nothing is sent."""
    monkeypatch.setattr(
        state, "_STOP_SIGNAL_POLL_SECONDS", 0.005
    )  # a tenth of a second each makes half a minute
    case, recorded = CASES[name], record(CASES[name])
    operations = Execution.from_json_dict(recorded.store).operations
    event = DurableExecutionInvocationInputWithClient(
        recorded.arn, "token", InitialExecutionState(operations, ""), service_client=Refuses()
    )
    RAN.clear()
    output = case.handler(event, create_test_lambda_context(function_name=recorded.function_name))
    assert output["Status"] == recorded.status
    if output["Status"] == "SUCCEEDED":
        assert output.get("Result") == recorded.invocations[-1].output.get("Result")
    else:
        assert output["Error"] == recorded.error
    assert RAN == []
