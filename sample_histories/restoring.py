"""What the emulator leaves out of a history, put back from its own store record. README.md lists it."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aws_durable_execution_sdk_python_testing.execution import Execution

    from recording import Invocation

VERSION = "1"  # of every function that is invoked
TIMED_OUT = "Sandbox.Timedout"


def restored(
    events: Sequence[Mapping[str, Any]], execution: Execution, invocations: Sequence[Invocation]
) -> list[dict[str, Any]]:
    """The events as Lambda sends them: what the emulator drops, put back from its store record.

    Parameters
    ----------
    events
        As the emulator gives them.
    execution
        Its record: Updates, InvocationCompletions.
    invocations
        When each began, and which crashed: the emulator keeps no trace of those, or only that they took too long.
    """
    result = [copy.deepcopy(dict(event)) for event in events]
    updates: dict[str, list[Any]] = {}
    for update in execution.updates:
        updates.setdefault(update.operation_id, []).append(update)
    ends: dict[str, int] = {}
    completions = iter(
        sorted(execution.invocation_completions, key=lambda completion: completion.end_timestamp)
    )
    completed = iter([one for one in invocations if one.error is None or _timed_out(one)])
    for event in result:
        kind, operation_id = event["EventType"], event.get("Id")
        for payload in event.get(f"{kind}Details", {}).values():
            if isinstance(payload, dict) and "Payload" in payload:
                payload["Truncated"] = False  # the emulator says True of some errors that it gives in full
        if kind == "InvocationCompleted":
            invocation = next(completed)
            details = event["InvocationCompletedDetails"] = next(completions).to_dict()
            details |= {"StartTimestamp": invocation.start, "RequestId": invocation.request_id}
            if invocation.error is not None:
                details["Error"] = {"Payload": invocation.error, "Truncated": False}
        elif kind in {"StepStarted", "StepSucceeded", "StepFailed"}:
            update = updates[operation_id].pop(0)
            if kind != "StepStarted":
                ends[operation_id] = ends.get(operation_id, 0) + 1
                _restore_step_end(event[f"{kind}Details"], update, ends[operation_id])
        elif kind == "CallbackStarted":
            options = updates[operation_id][0].callback_options
            details = event["CallbackStartedDetails"]
            if options and options.timeout_seconds:
                details["Timeout"] = options.timeout_seconds
            if options and options.heartbeat_timeout_seconds:
                details["HeartbeatTimeout"] = options.heartbeat_timeout_seconds
        elif kind == "ChainedInvokeStarted":
            start = updates[operation_id][0]
            options, details = start.chained_invoke_options, event["ChainedInvokeStartedDetails"]
            if start.payload is not None:  # else the target could not be resolved, and nothing was executed
                details["ExecutedVersion"] = VERSION
            if options and options.tenant_id:
                details["TenantId"] = options.tenant_id
    for invocation in invocations:
        if invocation.error is not None and not _timed_out(invocation):
            result.append(_crashed(invocation))
    result.sort(key=lambda event: event["EventTimestamp"])
    for number, event in enumerate(result, 1):
        event["EventId"] = number
    return result


def _restore_step_end(details: dict[str, Any], update: Any, attempt: int) -> None:
    """Lambda tells the attempt at every end, a delay only before a further one, and the state a poll returned."""
    retry = update.action.value == "RETRY"
    details["RetryDetails"] = {"CurrentAttempt": attempt}
    if retry and update.step_options:
        details["RetryDetails"]["NextAttemptDelaySeconds"] = update.step_options.next_attempt_delay_seconds
    if retry and update.error is None and update.payload is not None:
        details["Result"] = {"Payload": update.payload, "Truncated": False}


def _timed_out(invocation: Invocation) -> bool:
    return invocation.error is not None and invocation.error["ErrorType"] == TIMED_OUT


def _crashed(invocation: Invocation) -> dict[str, Any]:
    return {
        "EventType": "InvocationCompleted",
        "EventTimestamp": invocation.end,
        "EventId": 0,
        "InvocationCompletedDetails": {
            "StartTimestamp": invocation.start,
            "EndTimestamp": invocation.end,
            "RequestId": invocation.request_id,
            "Error": {"Payload": invocation.error, "Truncated": False},
        },
    }
