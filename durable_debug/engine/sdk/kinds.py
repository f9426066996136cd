"""Kinds of operations as the SDK writes them, and what it would do with one."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from aws_durable_execution_sdk_python.config import JitterStrategy
from aws_durable_execution_sdk_python.lambda_service import (
    ChainedInvokeDetails,
    Operation,
    OperationStatus,
    OperationSubType,
    OperationType,
    StepDetails,
)

from durable_debug.engine.origins import here
from durable_debug.engine.sdk.lines import LINE

if TYPE_CHECKING:
    from types import FrameType, TracebackType

    from durable_debug.engine.sdk.calls import SdkCall

# Type and sub type.
STEP = (OperationType.STEP.value, OperationSubType.STEP.value)
CONDITION = (OperationType.STEP.value, OperationSubType.WAIT_FOR_CONDITION.value)
WAIT = (OperationType.WAIT.value, OperationSubType.WAIT.value)
CALLBACK = (OperationType.CALLBACK.value, OperationSubType.CALLBACK.value)
INVOKE = (OperationType.CHAINED_INVOKE.value, OperationSubType.CHAINED_INVOKE.value)
MAP = (OperationType.CONTEXT.value, OperationSubType.MAP.value)
PARALLEL = (OperationType.CONTEXT.value, OperationSubType.PARALLEL.value)
CHILD = (OperationType.CONTEXT.value, OperationSubType.RUN_IN_CHILD_CONTEXT.value)
FOR_CALLBACK = (OperationType.CONTEXT.value, OperationSubType.WAIT_FOR_CALLBACK.value)
BATCHES = {MAP[1], PARALLEL[1]}


def answer_for(call: SdkCall) -> Operation | None:
    """Give the matched operation the identity that the SDK will check; None where its answer does not fit."""
    match = call.match
    assert match is not None
    if match.operation_type.value != call.type:
        match = _of_other_type(match, call.type)
    if match is None:
        return None
    sub_type = LINE.sub_type(match.sub_type)
    if sub_type != call.sub_type and ({sub_type, call.sub_type} & BATCHES) not in (set(), BATCHES):
        return None  # one of them has branches, the other has not
    return dataclasses.replace(
        match,
        operation_id=call.operation_id,
        name=call.name,
        sub_type=LINE.own_sub_type(call.sub_type),
        parent_id=call.parent_id,
    )


def _of_other_type(match: Operation, asked: str) -> Operation | None:
    """Give a step's answer for that of an invoke, or the other way round: both are a value, or an error."""
    told = match.step_details or match.chained_invoke_details
    if told is None or match.status not in {OperationStatus.SUCCEEDED, OperationStatus.FAILED}:
        return None
    if asked == OperationType.STEP.value:
        step = StepDetails(attempt=1, result=told.result, error=told.error)
        return dataclasses.replace(
            match, operation_type=OperationType.STEP, step_details=step, chained_invoke_details=None
        )
    if asked == OperationType.CHAINED_INVOKE.value:
        invoke = ChainedInvokeDetails(result=told.result, error=told.error)
        return dataclasses.replace(
            match,
            operation_type=OperationType.CHAINED_INVOKE,
            chained_invoke_details=invoke,
            step_details=None,
        )
    return None


def would_go_on(call: SdkCall) -> bool:
    """Whether the SDK would run something of an unfinished operation; of the others it awaits the end."""
    return call.type == OperationType.STEP.value or call.sub_type in BATCHES


class recording_objection:  # noqa: N801 - reads as a statement
    """Note with a call what the SDK itself objects to: another identity, or a payload that it can't read."""

    __slots__ = ("_call",)

    def __init__(self, call: SdkCall) -> None:
        self._call = call

    def __enter__(self) -> None:
        return

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, LINE.objections):
            record_objection(self._call, error)


def record_objection(call: SdkCall, error: Exception) -> None:
    """Note with a call what the SDK objects to."""
    if not hasattr(error, "_durable_debug_noted") and LINE.objects(
        error
    ):  # on its way out it passes the enclosing operations, too
        error._durable_debug_noted = True  # type: ignore[attr-defined]
        call.failure, call.handed = error, bool(here())


def draws_by_chance(frame: FrameType) -> bool:
    """Whether the SDK's `with_retry`, which is about to pause here, has a strategy with jitter."""
    strategy = frame.f_locals.get("retry_strategy")
    cells = [cell.cell_contents for cell in getattr(strategy, "__closure__", None) or ()]
    return any(
        getattr(held, "jitter_strategy", JitterStrategy.NONE) is not JitterStrategy.NONE for held in cells
    )
