"""The service's list of operations, folded from the events.

The rules are the service's: an attempt counts when it ends; a retry (a delay before the next attempt) leaves the step
PENDING and a new start clears the last outcome; a wait ends when its timer does. Two things no event tells. PENDING
becomes READY when the clock passes the next attempt. And ``ReplayChildren``: a child context has it when its recorded
result is empty, a map or parallel when its result is the SDK's summary; a child context with a summary generator of
its own cannot be told from one without.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from durable_debug.history.documents import unicode
from durable_debug.history.timestamps import from_microseconds, microseconds

if TYPE_CHECKING:
    from collections.abc import Iterable

    from durable_debug.history.columns import Columns

__all__ = ["Change", "fold", "operations_at", "operations_at_start", "replays_children", "retry_delay"]

State = dict[str, Any]

_ENDED = frozenset({"SUCCEEDED", "FAILED", "TIMED_OUT", "STOPPED", "CANCELLED"})
_LONGEST_DELAY = 1_000_000_000  # 30 years: more is no delay, and would run out of the calendar
_SUMMARIES = {"Map": "MapResult", "Parallel": "ParallelResult"}


class _Told(NamedTuple):
    """What an event tells besides the new status."""

    details: dict[str, Any]
    payload: str | None
    error: dict[str, Any] | None
    time: datetime


class Change(NamedTuple):
    """What one event made of one operation."""

    at: int  # index of the event
    time: datetime
    id: str
    operation: State


def fold(columns: Columns) -> list[Change]:
    """Every version of every operation, in the order of the events.

    The dicts are shared between calls: copy before handing them out.
    """
    now: dict[str, State] = {}
    changes = []
    rows = zip(
        columns.ids,
        columns.meanings,
        columns.parents,
        columns.names,
        columns.sub_types,
        columns.details,
        columns.payloads,
        columns.errors,
        columns.moments,
        strict=True,
    )
    for at, (id_, meaning, parent, name, sub_type, details, payload, error, time) in enumerate(rows):
        kind, status, _ = meaning
        if id_ is None or kind is None or status is None:
            continue
        before = now.get(id_)
        operation: State = {"Id": id_, "Type": kind, "Status": status}
        if before is not None:
            parent = parent or before.get("ParentId")  # noqa: PLW2901
            name = name or before.get("Name")  # noqa: PLW2901
            sub_type = sub_type or before.get("SubType")  # noqa: PLW2901
        if parent:
            operation["ParentId"] = parent
        if name:
            operation["Name"] = name
        if sub_type:
            operation["SubType"] = sub_type
        if before is not None and "StartTimestamp" in before:
            operation["StartTimestamp"] = before["StartTimestamp"]
        elif status == "STARTED":
            operation["StartTimestamp"] = time
        if status in _ENDED:
            operation["EndTimestamp"] = time
        _DETAILS[kind](operation, before, _Told(details or {}, payload, error, time))
        now[id_] = operation
        changes.append(Change(at, time, id_, operation))
    return changes


def operations_at(changes: Iterable[Change], clock: int | None) -> list[State]:
    """Operations after these changes, in start order, as fresh dicts.

    Parameters
    ----------
    changes
        As many of `fold` as count.
    clock
        Microseconds since 1970: attempts due by then are READY. None: none is.
    """
    return [_handed_out(operation) for operation in states_at(changes, clock)]


def states_at(changes: Iterable[Change], clock: int | None) -> list[State]:
    """Operations after these changes, in start order, to be read only; see `operations_at`."""
    now = from_microseconds(clock) if clock is not None else None
    return [_at_moment(operation, now) for operation in _latest(changes).values()]


def operations_at_start(
    changes: Iterable[Change], clock: int | None, surely: int | None, within: Iterable[Change]
) -> list[State]:
    """Operations at the start of an invocation, in start order, as fresh dicts.

    Parameters
    ----------
    changes
        Those before it.
    clock
        Microseconds since 1970: attempts due by then were READY, if they began in the invocation. None: none was.
    surely
        Attempts due by then were READY whether or not they began.
    within
        Changes that it made. The record decides before any clock: what is due in the moment of the start was READY if it
        began in the invocation, and PENDING if not. What began ahead of time was READY: some emulators skip over delays.
        What fell due after the invocation had begun another attempt was PENDING at its start, and begun later.
    """
    latest = _latest(changes)
    due = {each: _due(operation) for each, operation in latest.items() if operation["Status"] == "PENDING"}
    began: dict[str, datetime] = {}
    for change in within:
        if change.id in due and change.operation["Status"] == "STARTED":
            began.setdefault(change.id, change.time)
    at_work = min(began.values(), default=None)

    def ready_by(each: str) -> datetime | None:
        if each in began and began[each] < due[each]:
            return due[each]
        if each in began and at_work is not None and due[each] > at_work:
            return None
        moment = clock if each in began else surely
        return from_microseconds(moment) if moment is not None else None

    return [
        _handed_out(_at_moment(operation, ready_by(each) if each in due else None))
        for each, operation in latest.items()
    ]


def _latest(changes: Iterable[Change]) -> dict[str, State]:
    return {change.id: change.operation for change in changes}


def _due(operation: State) -> datetime:
    due: datetime = operation["StepDetails"]["NextAttemptTimestamp"]
    return due


def retry_delay(details: dict[str, Any] | None) -> float | None:
    """Seconds before the next attempt, of a step's end; None where it is the last."""
    retry = (details or {}).get("RetryDetails")
    delay = retry.get("NextAttemptDelaySeconds") if isinstance(retry, dict) else None
    return delay if isinstance(delay, int | float) and 0 < delay <= _LONGEST_DELAY else None


def replays_children(operation: State) -> bool | None:
    """Whether a context's body runs again on replay: True, False, or None where the events cannot tell."""
    if operation["Type"] != "CONTEXT" or operation["Status"] != "SUCCEEDED":
        return False
    result: str | None = operation["ContextDetails"].get("Result")
    if not result:
        return result == ""
    sub_type = operation.get("SubType")
    if sub_type in _SUMMARIES:
        return _is_summary(result, _SUMMARIES[sub_type])
    # Branches, and the context of a wait_for_callback, never have a summary generator.
    return None if sub_type not in {"MapIteration", "ParallelBranch", "WaitForCallback"} else False


def _is_summary(result: str, kind: str) -> bool:
    if kind not in result[:64]:  # the SDK writes the type first: no need to parse a large batch
        return False
    try:
        document = orjson.loads(result)
    except orjson.JSONDecodeError:
        return False
    return isinstance(document, dict) and document.get("type") == kind and "totalCount" in document


def _at_moment(operation: State, now: datetime | None) -> State:
    """An operation as it is by then: an attempt that is due is READY."""
    if operation["Status"] != "PENDING" or now is None or _due(operation) > now:
        return operation
    ready = _handed_out(operation)
    ready["Status"] = "READY"
    del ready["StepDetails"]["NextAttemptTimestamp"]
    return ready


def _handed_out(operation: State) -> State:
    copy = operation.copy()
    details = _DETAILS_KEYS[copy["Type"]]
    copy[details] = copy[details].copy()
    return copy


def _outcome(told: _Told) -> State:
    outcome: State = {}
    if told.payload is not None:
        outcome["Result"] = told.payload
    if told.error is not None:
        outcome["Error"] = told.error
    return outcome


def _execution(operation: State, before: State | None, told: _Told) -> None:
    if operation["Status"] != "STARTED" and before:
        operation["ExecutionDetails"] = before["ExecutionDetails"]
    else:
        operation["ExecutionDetails"] = {"InputPayload": told.payload} if told.payload is not None else {}


def _context(operation: State, _: State | None, told: _Told) -> None:
    operation["ContextDetails"] = {"Result": None} | _outcome(
        told
    )  # as the SDK writes it, also while it runs
    known = told.details.get("ReplayChildren")  # not Lambda's: from a store that has the checkpoints
    if known is True or (known is None and replays_children(operation)):
        operation["ContextDetails"]["ReplayChildren"] = True


def _step(operation: State, before: State | None, told: _Told) -> None:
    attempts = before["StepDetails"]["Attempt"] if before else 0
    if operation["Status"] == "STARTED":
        operation["StepDetails"] = {"Attempt": attempts}
        return
    operation["StepDetails"] = {"Attempt": attempts + 1} | _outcome(told)
    delay = retry_delay(told.details)
    if delay is not None:
        operation["Status"] = "PENDING"
        del operation["EndTimestamp"]
        operation["StepDetails"]["NextAttemptTimestamp"] = told.time + timedelta(seconds=delay)


def _wait(operation: State, before: State | None, told: _Told) -> None:
    if operation["Status"] != "STARTED" and before:
        operation["WaitDetails"] = before["WaitDetails"]
        return
    try:
        end = from_microseconds(microseconds(told.details["ScheduledEndTimestamp"]))
    except (KeyError, TypeError, ValueError, OverflowError):
        operation["WaitDetails"] = {}
    else:
        operation["WaitDetails"] = {"ScheduledEndTimestamp": end}


def _callback(operation: State, before: State | None, told: _Told) -> None:
    callback_id = told.details.get("CallbackId") or (before and before["CallbackDetails"].get("CallbackId"))
    callback_id = unicode(callback_id) if isinstance(callback_id, str) else None
    operation["CallbackDetails"] = ({"CallbackId": callback_id} if callback_id else {}) | _outcome(told)


def _chained_invoke(operation: State, _: State | None, told: _Told) -> None:
    # The payload of its start is what was sent, not what came back.
    operation["ChainedInvokeDetails"] = {} if operation["Status"] == "STARTED" else _outcome(told)


_DETAILS = {
    "EXECUTION": _execution,
    "CONTEXT": _context,
    "STEP": _step,
    "WAIT": _wait,
    "CALLBACK": _callback,
    "CHAINED_INVOKE": _chained_invoke,
}
_DETAILS_KEYS = {
    "EXECUTION": "ExecutionDetails",
    "CONTEXT": "ContextDetails",
    "STEP": "StepDetails",
    "WAIT": "WaitDetails",
    "CALLBACK": "CallbackDetails",
    "CHAINED_INVOKE": "ChainedInvokeDetails",
}
