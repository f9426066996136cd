"""The corpus is what it says: each case ends as declared, and what was written down of it is complete."""

from __future__ import annotations

import json

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


@pytest.mark.parametrize("name", CASES)
def test_a_case_ends_as_it_declares(name: str) -> None:
    case, recorded = CASES[name], record(CASES[name])
    assert recorded.status == case.status
    types = [event["EventType"] for event in recorded.history["Events"]]
    assert types[0] == "ExecutionStarted"
    assert types.count("InvocationCompleted") == len(recorded.invocations)
    assert recorded.arn.rpartition("/")[2] == recorded.history["Events"][0]["Id"]


@pytest.mark.parametrize("name", CASES)
def test_events_are_numbered_in_the_order_of_time(name: str) -> None:
    recorded = record(CASES[name])
    for document in (recorded.raw, recorded.history):
        events = document["Events"]
        assert [event["EventId"] for event in events] == list(range(1, len(events) + 1))
        times = [event["EventTimestamp"] for event in events]
        assert times == sorted(times)


@pytest.mark.parametrize("name", CASES)
def test_the_result_in_the_history_is_the_handler_s(name: str) -> None:
    recorded = record(CASES[name])
    *_, last = (event for event in recorded.history["Events"] if event["EventType"] != "InvocationCompleted")
    if recorded.status == "SUCCEEDED":
        result = last["ExecutionSucceededDetails"]["Result"]
        assert result.get("Payload") == recorded.result
        output = recorded.invocations[-1].output
        if output["Result"]:  # "" where it was too large to return and was checkpointed
            json.loads(output["Result"])
    elif recorded.status == "FAILED":
        assert last["ExecutionFailedDetails"]["Error"]["Payload"] == recorded.error


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
