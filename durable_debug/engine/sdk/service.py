"""What stands where Lambda would be: a client that sends nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_durable_execution_sdk_python.execution import (
    DurableExecutionInvocationInputWithClient,
)
from aws_durable_execution_sdk_python.lambda_service import (
    CallbackDetails,
    CheckpointOutput,
    CheckpointUpdatedExecutionState,
    Operation,
    OperationAction,
    OperationStatus,
    OperationType,
    OperationUpdate,
    StateOutput,
    StepDetails,
)

if TYPE_CHECKING:
    from durable_debug.engine.ongoing_pass import OngoingPass


class Service:
    """A service client that keeps what it is sent, and sends nothing."""

    def __init__(self, ongoing: OngoingPass) -> None:
        self._ongoing = ongoing

    def checkpoint(
        self,
        durable_execution_arn: str,  # noqa: ARG002
        checkpoint_token: str,
        updates: list[OperationUpdate],
        client_token: str | None,  # noqa: ARG002
    ) -> CheckpointOutput:
        self._ongoing.seen.sent.extend(updates)
        started = [_started(u) for u in updates if u.action is OperationAction.START]
        return CheckpointOutput(checkpoint_token, CheckpointUpdatedExecutionState(operations=started))

    def get_execution_state(self, **_: Any) -> StateOutput:
        return StateOutput()


def _started(update: OperationUpdate) -> Operation:
    return Operation(
        operation_id=update.operation_id,
        operation_type=update.operation_type,
        status=OperationStatus.STARTED,
        parent_id=update.parent_id,
        name=update.name,
        sub_type=update.sub_type,
        step_details=StepDetails() if update.operation_type is OperationType.STEP else None,
        callback_details=CallbackDetails("") if update.operation_type is OperationType.CALLBACK else None,
    )


class NoAws:
    """Stands where a boto3 client would, should the event lose our own client on its way in."""

    @staticmethod
    def checkpoint_durable_execution(**kwargs: Any) -> dict[str, Any]:
        return {
            "CheckpointToken": kwargs.get("CheckpointToken", "replay"),
            "NewExecutionState": {"Operations": []},
        }

    @staticmethod
    def get_durable_execution_state(**_: Any) -> dict[str, Any]:
        return {"Operations": []}


class InvocationEvent(DurableExecutionInvocationInputWithClient, dict):  # type: ignore[type-arg]
    """The invocation's input for the SDK, and a dict as on Lambda for decorators around the handler."""
