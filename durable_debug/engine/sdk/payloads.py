"""Payloads, errors and operations, as the SDK writes and reads them."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import TYPE_CHECKING, Any, cast

from aws_durable_execution_sdk_python.concurrency.models import BatchResult
from aws_durable_execution_sdk_python.constants import CHECKPOINT_SIZE_LIMIT_BYTES
from aws_durable_execution_sdk_python.lambda_service import (
    ErrorObject,
    Operation,
    OperationStatus,
)
from aws_durable_execution_sdk_python.serdes import deserialize, serialize
from aws_durable_execution_sdk_python.state import _TERMINAL_OPERATION_STATUSES

from durable_debug.errors import HistoryError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_durable_execution_sdk_python.concurrency.models import BatchItem

    from durable_debug.engine.sdk.given import Given


TERMINAL = _TERMINAL_OPERATION_STATUSES
_NEVER = dt.datetime(2200, 1, 1, tzinfo=dt.UTC)


def sdk_operation(wire: Mapping[str, Any]) -> Operation:
    """Give the SDK's model of an operation in the service's wire shape.

    A retry that is still pending never comes due during a replay: the clock stands still, and the SDK would
    otherwise resume it at once, again and again.
    """
    try:
        operation = Operation.from_dict(cast("Any", wire))
    except ValueError as error:  # of 1.x and 2.x, which know only the sub types of their own
        raise HistoryError(
            f"The installed SDK can't read an operation of this history: {error}.",
            cure="Lambda could not begin an invocation with it either. Replay it with the SDK that recorded it.",
        ) from error
    details = operation.step_details
    if operation.status is OperationStatus.PENDING and details is not None:
        return dataclasses.replace(
            operation, step_details=dataclasses.replace(details, next_attempt_timestamp=_NEVER)
        )
    return operation


def codec_of(call: Given) -> Any:
    """The codec that a context's result is written with; None for the SDK's own."""
    if call.kind == "branch":
        config = cast("Given", call.within).args[-1] if call.within is not None else None
        return (config.item_serdes or config.serdes) if config is not None else None
    return call.args[-1].serdes if call.kind == "run_in_child_context" and call.args[-1] is not None else None


def to_payload(call: Given, value: Any, arn: str) -> str | None:
    """Write a value as its context would."""
    return serialize(codec_of(call), value, call.operation_id, arn)


def to_payload_or_summary(call: Given, value: Any, arn: str) -> str | None:
    """Write a value as its context would, in short where it is too long. Source: `ChildOperationExecutor.execute`."""
    text = to_payload(call, value, arn)
    config = call.args[-1] if call.kind == "run_in_child_context" else None
    if text is None or len(text) <= CHECKPOINT_SIZE_LIMIT_BYTES or config is None:
        return text
    return config.summary_generator(value) if config.summary_generator else ""


def from_payload(call: Given, payload: str | None, arn: str) -> Any:
    """Read a payload as its context would."""
    return None if payload is None else deserialize(codec_of(call), payload, call.operation_id, arn)


def sending_codec_of(call: Given) -> Any:
    """The codec that an invoke writes its payload with; None for the SDK's own."""
    config = call.args[-1]
    return config.serdes_payload if config is not None else None


def from_sent(call: Given, payload: str | None) -> Any:
    """Read an invoke's payload by the codec that it is written with."""
    return None if payload is None else deserialize(sending_codec_of(call), payload, call.operation_id, "")


def batch_items(batch: Given, payload: str | None, arn: str) -> dict[int, BatchItem[Any]]:
    """What each branch of a finished batch gave, by index; nothing where the payload does not tell."""
    if payload is None:
        return {}
    config = batch.args[-1]
    try:
        result = deserialize(config.serdes if config is not None else None, payload, batch.operation_id, arn)
    except Exception:  # noqa: BLE001 - a summary, or a codec of the user's that has changed
        return {}
    return {item.index: item for item in result.all} if isinstance(result, BatchResult) else {}


def written(value: Any) -> str | None:
    """Write a value as the SDK does where nothing else is asked for."""
    return serialize(None, value, "", "")


def error_object(error: BaseException) -> dict[str, Any]:
    """Give the error object that the SDK would send for an exception."""
    return dict(ErrorObject.from_exception(error).to_dict())
