"""A record of the testing SDK's stores as a history: the whole checkpoint log, which is more than a history.

The record is what ``Execution.to_json_dict()`` of aws-durable-execution-sdk-python-testing 1.4.0 gives: the files of its
filesystem store, the column ``data`` of its sqlite store, which SAM keeps too. Its own server makes a history of it that
leaves out things that Lambda sends; they are put in here: details of InvocationCompleted, what a poll of wait_for_condition
returned, RetryDetails of every end, timeouts of callbacks, tenants. And one thing that no history holds: ReplayChildren.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from durable_debug.errors import HistoryError
from durable_debug.history import History
from durable_debug.history.timestamps import from_microseconds, microseconds

__all__ = ["from_record"]

_WORDS = {
    "EXECUTION": "Execution",
    "CONTEXT": "Context",
    "STEP": "Step",
    "WAIT": "Wait",
    "CALLBACK": "Callback",
    "CHAINED_INVOKE": "ChainedInvoke",
}
_ENDS = {
    "SUCCEEDED": "Succeeded",
    "FAILED": "Failed",
    "TIMED_OUT": "TimedOut",
    "STOPPED": "Stopped",
    "CANCELLED": "Cancelled",
}
_ACTIONS = {"SUCCEED": "SUCCEEDED", "FAIL": "FAILED", "CANCEL": "CANCELLED"}


class _Dated(NamedTuple):
    """An event and where it belongs.

    Operations are dated to the millisecond and checkpoints to the microsecond: within one, what the handler did comes
    before what happened to it, and that before the end of the invocation.
    """

    millisecond: int
    rank: int
    event: dict[str, Any]


_START, _CHECKPOINT, _OUTSIDE, _COMPLETED, _END = range(5)


def from_record(record: dict[str, Any], **options: Any) -> History:
    """Make a history of a store's record.

    Parameters
    ----------
    record
        With ``StartInput``, ``Operations``, ``Updates`` …
    **options
        Of `History`.

    Raises
    ------
    HistoryError
        It is of another shape.
    """
    try:
        events = _Log(record).events()
        arn = record["DurableExecutionArn"]
        status = record.get("CloseStatus")
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise HistoryError(
            f"The record of the local testing library cannot be read: {type(error).__name__} {error!s:.100}.",
            cure="Save its history instead: `runner.get_execution_history(arn, include_execution_data=True).to_dict()`.",
        ) from None
    execution = {"Status": status} if status else {}
    return History(
        events, arn=arn, execution=execution, not_replayable=record.get("NotReplayable", ""), **options
    )


class _Log:
    def __init__(self, record: dict[str, Any]) -> None:
        self._record = record
        self._updates: list[dict[str, Any]] = record.get("Updates") or []
        self._children: dict[str, str] = record.get("ChainedInvokeChildren") or {}
        self._operations = {operation["Id"]: operation for operation in record["Operations"]}
        self._ends: dict[str, int] = {}

    def events(self) -> list[dict[str, Any]]:
        dated = [*self._checkpoints(), *self._from_outside(), *self._completions()]
        dated.sort(key=lambda each: each[:2])
        return [{"EventId": number, **each.event} for number, each in enumerate(dated, 1)]

    def _checkpoints(self) -> list[_Dated]:
        times = [microseconds(time) for time in self._record.get("UpdateTimestamps") or ()]
        dated = []
        for update, time in zip(self._updates, times, strict=True):
            operation = self._operations.get(update["Id"])
            if operation is not None:  # of an update that the service did not take
                dated.append(_Dated(time // 1000, _CHECKPOINT, self._checkpoint(update, operation, time)))
        return dated

    def _checkpoint(self, update: dict[str, Any], operation: dict[str, Any], time: int) -> dict[str, Any]:
        action = update["Action"]
        if action == "START":
            return _event(operation, "Started", time, self._asked(update, operation))
        retried = "FAILED" if update.get("Error") else "SUCCEEDED"
        status = retried if action == "RETRY" else _ACTIONS[action]
        details = _outcome(
            update.get("Payload"), update.get("Error"), needed=status == "SUCCEEDED" and action != "RETRY"
        )
        if update["Type"] == "STEP":
            attempt = self._ends[update["Id"]] = self._ends.get(update["Id"], 0) + 1
            details["RetryDetails"] = {"CurrentAttempt": attempt}
            if action == "RETRY":
                delay = (update.get("StepOptions") or {}).get("NextAttemptDelaySeconds")
                details["RetryDetails"]["NextAttemptDelaySeconds"] = delay or 0
        elif update["Type"] == "CONTEXT" and status == "SUCCEEDED":
            details["ReplayChildren"] = bool((update.get("ContextOptions") or {}).get("ReplayChildren"))
        return _event(operation, _ENDS[status], time, details)

    def _asked(self, update: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
        """Details of a start: what the handler asked for."""
        details: dict[str, Any] = {}
        if update["Type"] == "WAIT":
            details["Duration"] = (update.get("WaitOptions") or {}).get("WaitSeconds")
            if end := (operation.get("WaitDetails") or {}).get("ScheduledEndTimestamp"):
                details["ScheduledEndTimestamp"] = _moment(microseconds(end))
        elif update["Type"] == "CALLBACK":
            options = update.get("CallbackOptions") or {}
            details["CallbackId"] = (operation.get("CallbackDetails") or {}).get("CallbackId")
            details["Timeout"] = options.get("TimeoutSeconds")
            details["HeartbeatTimeout"] = options.get("HeartbeatTimeoutSeconds")
        elif update["Type"] == "CHAINED_INVOKE":
            options = update.get("ChainedInvokeOptions") or {}
            details |= {"FunctionName": options.get("FunctionName"), "TenantId": options.get("TenantId")}
            details["DurableExecutionArn"] = self._children.get(update["Id"])
            if update.get("Payload") is not None:
                details["Input"] = {"Payload": update["Payload"], "Truncated": False}
        return {key: value for key, value in details.items() if value}

    def _from_outside(self) -> list[_Dated]:
        """What no checkpoint tells: the execution's own start and end, and what timers, callers and other functions ended."""
        last = {update["Id"]: update["Action"] for update in self._updates}
        dated = []
        for operation in self._operations.values():
            if operation["Type"] == "EXECUTION":
                dated += self._execution(operation)
                continue
            if operation["Id"] not in last and operation.get("StartTimestamp") is not None:
                dated.append(_snapshot(operation, "Started", operation["StartTimestamp"], {}))
            ended = operation.get("EndTimestamp") is not None and operation["Status"] in _ENDS
            if ended and last.get(operation["Id"]) not in _ACTIONS:
                dated.append(
                    _snapshot(
                        operation,
                        _ENDS[operation["Status"]],
                        operation["EndTimestamp"],
                        _result_of(operation),
                    )
                )
        return dated

    def _execution(self, operation: dict[str, Any]) -> list[_Dated]:
        started = self._record.get("StartInput") or {}
        told = (operation.get("ExecutionDetails") or {}).get("InputPayload")
        payload = told if told is not None else started.get("Input")
        details: dict[str, Any] = {"ExecutionTimeout": started.get("ExecutionTimeoutSeconds")}
        if payload is not None:
            details["Input"] = {"Payload": payload, "Truncated": False}
        named = {"Name": started.get("ExecutionName"), **operation}
        start = microseconds(operation["StartTimestamp"])
        dated = [_Dated(start // 1000, _START, _event(named, "Started", start, details))]
        if self._record.get("IsComplete") and operation.get("EndTimestamp") is not None:
            result = self._record.get("Result") or {}
            status = self._record.get("CloseStatus") or operation["Status"]
            end = microseconds(operation["EndTimestamp"])
            outcome = _outcome(result.get("Result"), result.get("Error"), needed=status == "SUCCEEDED")
            dated.append(_Dated(end // 1000, _END, _event(named, _ENDS[status], end, outcome)))
        return dated

    def _completions(self) -> list[_Dated]:
        dated = []
        for completion in self._record.get("InvocationCompletions") or ():
            start, end = microseconds(completion["StartTimestamp"]), microseconds(completion["EndTimestamp"])
            details = {
                "StartTimestamp": _moment(start),
                "EndTimestamp": _moment(end),
                "RequestId": completion["RequestId"],
            }
            event = {
                "EventType": "InvocationCompleted",
                "EventTimestamp": _moment(end),
                "InvocationCompletedDetails": details,
            }
            dated.append(_Dated(end // 1000, _COMPLETED, event))
        return dated


def _snapshot(operation: dict[str, Any], word: str, time: Any, details: dict[str, Any]) -> _Dated:
    moment = microseconds(time)
    return _Dated(moment // 1000, _OUTSIDE, _event(operation, word, moment, details))


def _event(operation: dict[str, Any], word: str, time: int, details: dict[str, Any]) -> dict[str, Any]:
    event_type = f"{_WORDS[operation['Type']]}{word}"
    event = {"EventType": event_type, "EventTimestamp": _moment(time), "Id": operation["Id"]}
    event |= {key: operation[key] for key in ("Name", "ParentId", "SubType") if operation.get(key)}
    event[f"{event_type}Details"] = details
    return event


def _result_of(operation: dict[str, Any]) -> dict[str, Any]:
    details: dict[str, Any] = next(
        (operation[key] for key in operation if key.endswith("Details") and operation[key]), {}
    )
    return _outcome(details.get("Result"), details.get("Error"), needed=False)


def _outcome(payload: str | None, error: dict[str, Any] | None, *, needed: bool) -> dict[str, Any]:
    outcome: dict[str, Any] = {}
    if error is not None:
        outcome["Error"] = {"Payload": error, "Truncated": False}
    elif payload is not None or needed:
        outcome["Result"] = {"Truncated": False} | ({"Payload": payload} if payload is not None else {})
    return outcome


def _moment(time: int) -> str:
    return from_microseconds(time).isoformat(timespec="microseconds")
