"""What Lambda does with a handler: the SDK as it is, over the recorded state, with a service that writes down what it is sent.

Nothing of this package takes part, apart from the state that `History` gives.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any
from unittest import mock

import durable_debug as dd
from aws_durable_execution_sdk_python import state
from aws_durable_execution_sdk_python.execution import (
    DurableExecutionInvocationInputWithClient,
    InitialExecutionState,
)
from aws_durable_execution_sdk_python.lambda_service import (
    CallbackDetails,
    CheckpointOutput,
    CheckpointUpdatedExecutionState,
    DurableServiceClient,
    Operation,
    OperationAction,
    OperationStatus,
    OperationType,
    StateOutput,
    StepDetails,
)
from aws_durable_execution_sdk_python_testing.invoker import create_test_lambda_context


@dataclass(frozen=True)
class Truth:
    """How an invocation ended, which bodies ran, and what the service was told of new operations."""

    status: str
    result: str | None
    error_type: str | None
    error_message: str | None
    ran: tuple[str, ...]
    started: tuple[str, ...]


class Service(DurableServiceClient):
    """Takes checkpoints as the service does: what starts is STARTED, and stays so."""

    def __init__(self) -> None:
        self.started: list[str] = []

    def checkpoint(self, durable_execution_arn, checkpoint_token, updates, client_token):
        new = []
        for update in updates:
            if update.action is OperationAction.START:
                self.started.append(f"{getattr(update.sub_type, 'value', update.sub_type)} {update.name}")
                new.append(
                    Operation(
                        operation_id=update.operation_id,
                        operation_type=update.operation_type,
                        status=OperationStatus.STARTED,
                        parent_id=update.parent_id,
                        name=update.name,
                        sub_type=update.sub_type,
                        step_details=StepDetails() if update.operation_type is OperationType.STEP else None,
                        callback_details=CallbackDetails("callback")
                        if update.operation_type is OperationType.CALLBACK
                        else None,
                    )
                )
        return CheckpointOutput("token", CheckpointUpdatedExecutionState(new, None))

    def get_execution_state(self, durable_execution_arn, checkpoint_token, next_marker, max_items=1000):
        return StateOutput([], None)


def what_lambda_does(module_name: str, history: dd.History) -> Truth:
    """Invoke a handler with an execution's last state."""
    module = sys.modules[module_name]
    module.RAN.clear()
    operations = [Operation.from_dict(wire) for wire in history.final_state()]
    service = Service()
    event = DurableExecutionInvocationInputWithClient(
        history.arn, "token", InitialExecutionState(operations, ""), service_client=service
    )
    with mock.patch.object(state, "_STOP_SIGNAL_POLL_SECONDS", 0.005, create=True):
        try:
            output: dict[str, Any] = module.handler(
                event, create_test_lambda_context(function_name="function")
            )
        except BaseException as error:
            output = {"Status": "CRASHED", "Error": {"ErrorType": type(error).__name__}}
    ran = tuple(module.RAN)
    module.RAN.clear()
    error = output.get("Error") or {}
    return Truth(
        output["Status"],
        output.get("Result"),
        error.get("ErrorType"),
        error.get("ErrorMessage"),
        ran,
        tuple(service.started),
    )
