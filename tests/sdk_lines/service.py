"""A service that remembers, and time that passes: what comes of an execution under the SDK as it is, until it ends."""

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
    CheckpointOutput,
    CheckpointUpdatedExecutionState,
    DurableServiceClient,
    Operation,
    StateOutput,
)
from aws_durable_execution_sdk_python_testing.invoker import create_test_lambda_context

DETAILS = {
    "STEP": "StepDetails",
    "CONTEXT": "ContextDetails",
    "WAIT": "WaitDetails",
    "CALLBACK": "CallbackDetails",
    "CHAINED_INVOKE": "ChainedInvokeDetails",
    "EXECUTION": "ExecutionDetails",
}
ENDS = {"SUCCEED": "SUCCEEDED", "FAIL": "FAILED", "CANCEL": "CANCELLED"}
MOST_INVOCATIONS = 12


@dataclass(frozen=True)
class Future:
    """How an execution ended, which bodies ran from then on, and what else began: waits, callbacks, invokes."""

    status: str
    error_type: str | None
    ran: tuple[str, ...]
    begun: tuple[str, ...]


class Service(DurableServiceClient):
    """Keeps the state of an execution."""

    def __init__(self, wires: list[dict[str, Any]]) -> None:
        self.wires = {wire["Id"]: wire for wire in wires}
        self.begun: list[str] = []

    def checkpoint(self, durable_execution_arn, checkpoint_token, updates, client_token):
        changed = [self._take(update) for update in updates]
        return CheckpointOutput("token", CheckpointUpdatedExecutionState(changed, None))

    def _take(self, update: Any) -> Operation:
        kind, action = update.operation_type.value, update.action.value
        wire = self.wires.setdefault(
            update.operation_id,
            {
                "Id": update.operation_id,
                "Type": kind,
                "Name": update.name,
                "ParentId": update.parent_id,
                "SubType": getattr(update.sub_type, "value", update.sub_type),
            },
        )
        details = wire.setdefault(DETAILS[kind], {})
        if action == "START":
            wire["Status"] = "STARTED"
            if kind == "CALLBACK":
                details["CallbackId"] = "callback"
            if kind in {"WAIT", "CALLBACK", "CHAINED_INVOKE"} and update.name:
                self.begun.append(update.name)
        elif action == "RETRY":
            wire["Status"] = "PENDING"
            details["Attempt"] = details.get("Attempt", 1) + 1
        else:
            wire["Status"] = ENDS[action]
            details["Result"] = update.payload
            if update.error is not None:
                details["Error"] = update.error.to_dict()
            if update.context_options is not None and update.context_options.replay_children:
                details["ReplayChildren"] = True
        return Operation.from_dict(wire)

    def get_execution_state(self, durable_execution_arn, checkpoint_token, next_marker, max_items=1000):
        return StateOutput([], None)

    def time_passes(self, answers: dict[str, str]) -> None:
        """Let waits end, callbacks and invokes be answered, and retries come due."""
        for wire in self.wires.values():
            if wire["Type"] == "STEP" and wire["Status"] == "PENDING":
                wire["Status"] = "READY"
            if wire["Status"] != "STARTED" or wire["Type"] not in {"WAIT", "CALLBACK", "CHAINED_INVOKE"}:
                continue
            wire["Status"] = "SUCCEEDED"
            if wire["Type"] != "WAIT":
                name = str(wire.get("Name")).split(" ")[0]
                details = wire.setdefault(DETAILS[wire["Type"]], {})
                details["Result"] = answers.get(name, '"no"')


def as_time_goes_on(module_name: str, history: dd.History, answers: dict[str, str]) -> Future:
    """Invoke a handler with an execution's state, until it has ended."""
    module = sys.modules[module_name]
    module.RAN.clear()
    service = Service(history.final_state())
    output: dict[str, Any] = {"Status": "PENDING"}
    for _ in range(MOST_INVOCATIONS):
        operations = [Operation.from_dict(wire) for wire in service.wires.values()]
        event = DurableExecutionInvocationInputWithClient(
            history.arn, "token", InitialExecutionState(operations, ""), service_client=service
        )
        with mock.patch.object(state, "_STOP_SIGNAL_POLL_SECONDS", 0.005, create=True):
            try:
                context = create_test_lambda_context(function_name="function")
                output = module.handler(event, context)
            except BaseException as error:
                output = {"Status": "CRASHED", "Error": {"ErrorType": type(error).__name__}}
        if output["Status"] != "PENDING":
            break
        service.time_passes(answers)
    ran = tuple(module.RAN)
    module.RAN.clear()
    error = output.get("Error") or {}
    return Future(output["Status"], error.get("ErrorType"), ran, tuple(service.begun))
