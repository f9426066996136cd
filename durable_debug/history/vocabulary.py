"""What event types say: which kind of operation, which status, and who caused them."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

__all__ = ["KNOWN_EVENT_TYPES", "Meaning", "Origin", "details_key", "meaning"]

KNOWN_EVENT_TYPES = frozenset(
    {
        "CallbackFailed",
        "CallbackStarted",
        "CallbackSucceeded",
        "CallbackTimedOut",
        "ChainedInvokeFailed",
        "ChainedInvokeStarted",
        "ChainedInvokeStopped",
        "ChainedInvokeSucceeded",
        "ChainedInvokeTimedOut",
        "ContextFailed",
        "ContextStarted",
        "ContextSucceeded",
        "ExecutionFailed",
        "ExecutionPaused",
        "ExecutionResumed",
        "ExecutionStarted",
        "ExecutionStopped",
        "ExecutionSucceeded",
        "ExecutionTimedOut",
        "InvocationCompleted",
        "StepFailed",
        "StepStarted",
        "StepSucceeded",
        "WaitCancelled",
        "WaitStarted",
        "WaitSucceeded",
    }
)
"""The event types of botocore's Lambda model (shape ``EventType``, boto3 1.44.5)."""

_TYPES = {
    "ChainedInvoke": "CHAINED_INVOKE",
    "Callback": "CALLBACK",
    "Context": "CONTEXT",
    "Execution": "EXECUTION",
    "Step": "STEP",
    "Wait": "WAIT",
}
_STATUSES = {
    "Started": "STARTED",
    "Succeeded": "SUCCEEDED",
    "Failed": "FAILED",
    "TimedOut": "TIMED_OUT",
    "Stopped": "STOPPED",
    "Cancelled": "CANCELLED",
}
_ENDED_FROM_OUTSIDE = frozenset({"WAIT", "CALLBACK", "CHAINED_INVOKE"})


class Origin(Enum):
    """Who caused an event."""

    HANDLER = "handler"  # a checkpoint of a running invocation
    SERVICE = "service"  # a timer, a caller or another function: may come between invocations
    EXECUTION = "execution"  # the execution's own start and end
    INVOCATION = "invocation"  # InvocationCompleted


class Meaning(NamedTuple):
    """One event type, read.

    ``type`` and ``status`` are those of the operation after the event (botocore's ``OperationType``
    and ``OperationStatus``), None where the event says nothing about an operation.
    """

    type: str | None
    status: str | None
    origin: Origin


def meaning(event_type: str) -> Meaning:
    """Read an event type; one that is new is read by its words, as far as they are known.

    >>> meaning("StepSucceeded")[:2]
    ('STEP', 'SUCCEEDED')
    >>> meaning("SomethingNew")[:2]
    (None, None)
    """
    if event_type == "InvocationCompleted":
        return Meaning(None, None, Origin.INVOCATION)
    for word, operation_type in _TYPES.items():
        status = _STATUSES.get(event_type.removeprefix(word)) if event_type.startswith(word) else None
        if status is not None:
            return Meaning(operation_type, status, _origin(operation_type, status))
    return Meaning(None, None, Origin.SERVICE)


def _origin(operation_type: str, status: str) -> Origin:
    if operation_type == "EXECUTION":
        return Origin.EXECUTION
    if operation_type in _ENDED_FROM_OUTSIDE and status not in {"STARTED", "CANCELLED"}:
        return Origin.SERVICE
    return Origin.HANDLER


def details_key(event_type: str) -> str:
    """The key under which an event of this type keeps its details."""
    return f"{event_type}Details"
