"""The DataFrames of a history, each made column by column from lists.

This module is imported when the first frame is asked for: pandas takes longer to load than the rest together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from durable_debug.history.columns import Columns
    from durable_debug.history.invocations import Invocation
    from durable_debug.history.operations import Operation

__all__ = ["attempts_frame", "events_frame", "invocations_frame", "operations_frame"]


def events_frame(columns: Columns, places: dict[str, str], of_event: Sequence[int | None]) -> pd.DataFrame:
    """See `History.events`."""
    return _frame(
        {
            "event_id": _whole(columns.event_ids),
            "timestamp": _times(columns.timestamps),
            "event_type": _strings(columns.types),
            "id": _strings(columns.ids),
            "parent_id": _strings(columns.parents),
            "name": _strings(columns.names),
            "sub_type": _strings(columns.sub_types),
            "position": _strings(list(map(places.get, columns.ids))),
            "invocation": _nullable(of_event),
            "payload": _strings(columns.payloads),
            "error_type": _strings(_of_errors(columns.errors, "ErrorType")),
            "error_message": _strings(_of_errors(columns.errors, "ErrorMessage")),
            "details": _objects(columns.details),
        }
    )


def operations_frame(operations: Sequence[Operation]) -> pd.DataFrame:
    """See `History.operations`."""
    columns: dict[str, Any] = {}
    for field, convert in _OPERATION_COLUMNS.items():
        columns[field] = convert([getattr(operation, field) for operation in operations])
    columns["error_type"] = _strings(_of_errors([each.error for each in operations], "ErrorType"))
    columns["error_message"] = _strings(_of_errors([each.error for each in operations], "ErrorMessage"))
    return _frame(columns)


def attempts_frame(operations: Iterable[Operation]) -> pd.DataFrame:
    """See `History.attempts`."""
    rows = [(operation, attempt) for operation in operations for attempt in operation.all_attempts]
    attempts = [attempt for _, attempt in rows]
    errors = [attempt.error for attempt in attempts]
    return _frame(
        {
            "position": _strings([operation.position for operation, _ in rows]),
            "name": _strings([operation.name for operation, _ in rows]),
            "sub_type": _strings([operation.sub_type for operation, _ in rows]),
            "attempt": _whole([attempt.number for attempt in attempts]),
            "status": _strings([attempt.status for attempt in attempts]),
            "start": _datetimes([attempt.start for attempt in attempts]),
            "end": _datetimes([attempt.end for attempt in attempts]),
            "duration_seconds": _floats([_seconds(attempt.start, attempt.end) for attempt in attempts]),
            "delay_seconds": _floats([attempt.delay_seconds for attempt in attempts]),
            "error_type": _strings(_of_errors(errors, "ErrorType")),
            "error_message": _strings(_of_errors(errors, "ErrorMessage")),
            "result": _strings([attempt.result for attempt in attempts]),
            "invocation": _nullable([attempt.invocation for attempt in attempts]),
            "began": _nullable([attempt.began for attempt in attempts]),
            "start_invocation": _nullable([attempt.start_invocation for attempt in attempts]),
        }
    )


def invocations_frame(invocations: Sequence[Invocation], operations: Sequence[Operation]) -> pd.DataFrame:
    """See `History.invocations`."""
    started = _counts(operation.start_invocation for operation in operations)
    completed = _counts(operation.end_invocation for operation in operations)
    errors = [each.error for each in invocations]
    return _frame(
        {
            "invocation": _whole([each.number for each in invocations]),
            "start": _datetimes([each.start for each in invocations]),
            "end": _datetimes([each.end for each in invocations]),
            "duration_seconds": _floats([_seconds(each.start, each.end) for each in invocations]),
            "status": _strings([each.status for each in invocations]),
            "request_id": _strings([each.request_id for each in invocations]),
            "first_event_id": _nullable([each.first_event_id for each in invocations]),
            "last_event_id": _nullable([each.last_event_id for each in invocations]),
            "operations_started": _whole([started.get(each.number, 0) for each in invocations]),
            "operations_completed": _whole([completed.get(each.number, 0) for each in invocations]),
            "error_type": _strings(_of_errors(errors, "ErrorType")),
            "error_message": _strings(_of_errors(errors, "ErrorMessage")),
            "boundaries": _strings([each.boundaries for each in invocations]),
        }
    )


def _frame(columns: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(columns, copy=False)


def _strings(values: Sequence[str | None]) -> Any:
    if not any(values) and values.count(None) == len(
        values
    ):  # pandas takes its time over None: mostly whole columns
        return pd.array([None], dtype="str").repeat(len(values))
    return pd.array(_objects(values), dtype="str")


def _whole(values: Sequence[int]) -> Any:
    return np.array(values, dtype="int64")


def _nullable(values: Sequence[int | None]) -> Any:
    if None in values:
        return pd.array(values, dtype="Int64")
    return pd.arrays.IntegerArray(np.array(values, dtype="int64"), np.zeros(len(values), dtype=bool))


def _floats(values: Sequence[float | None]) -> Any:
    return np.array([float("nan") if value is None else value for value in values], dtype="float64")


def _times(values: Sequence[float] | Sequence[int]) -> Any:
    column = np.array(values)
    if column.dtype == np.float64:
        column = np.rint(column * 1_000_000)
    return pd.DatetimeIndex(column.astype("int64").view("M8[us]")).tz_localize("UTC")


def _datetimes(values: Sequence[Any]) -> Any:
    return pd.DatetimeIndex(values, dtype="datetime64[us, UTC]")


def _objects(values: Sequence[Any]) -> Any:
    return np.fromiter(values, dtype=object, count=len(values))


def _bools(values: Sequence[bool | None]) -> Any:
    return pd.array(values, dtype="boolean")


def _of_errors(errors: Sequence[dict[str, Any] | None], field: str) -> list[str | None]:
    if not any(errors):
        return [None] * len(errors)
    found = [error.get(field) if error else None for error in errors]
    return [value if value is None or isinstance(value, str) else str(value) for value in found]


def _seconds(start: Any, end: Any) -> float | None:
    return (end - start).total_seconds() if start is not None and end is not None else None


def _counts(numbers: Iterable[int | None]) -> dict[int, int]:
    counts: dict[int, int] = {}
    for number in numbers:
        if number is not None:
            counts[number] = counts.get(number, 0) + 1
    return counts


_OPERATION_COLUMNS: dict[str, Any] = {
    "position": _strings,
    "name": _strings,
    "type": _strings,
    "sub_type": _strings,
    "status": _strings,
    "depth": _whole,
    "attempts": _whole,
    "began": _nullable,
    "start": _datetimes,
    "end": _datetimes,
    "elapsed_seconds": _floats,
    "start_invocation": _nullable,
    "end_invocation": _nullable,
    "start_event_id": _nullable,
    "end_event_id": _nullable,
    "result": _strings,
    "error": _objects,
    "payload": _strings,
    "function_name": _strings,
    "callback_id": _strings,
    "timeout_seconds": _nullable,
    "heartbeat_timeout_seconds": _nullable,
    "duration_seconds": _nullable,
    "replay_children": _bools,
    "truncated": lambda values: _bools(values).astype(bool),
    "id": _strings,
    "parent_id": _strings,
    "event_ids": _objects,
}
