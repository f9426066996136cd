"""The DataFrames of a history: what their columns are, and how each is made."""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING, Any

from durable_debug.errors import HistoryError
from durable_debug.history.logs import joined
from durable_debug.history.segments import segments

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    import pandas as pd

    from durable_debug.history.derived import Derived
    from durable_debug.history.invocations import Invocation
    from durable_debug.history.logs import LogEvent, Logs
    from durable_debug.history.operations import Attempt, Operation
    from durable_debug.history.payloads import Payloads
    from durable_debug.history.segments import Segment, Trace

__all__ = ["Frames"]


class Frames:
    """What a `History` says of itself as DataFrames. Each is made once, column by column, when it is first asked for."""

    arn: str | None
    _derived: Derived
    raw_logs: Logs | None
    raw_trace: Trace | None
    _payloads: Payloads

    @cached_property
    def events(self) -> pd.DataFrame:
        """One row per event, in order.

        ==============  =====================  ==============================================================
        column          dtype                  meaning
        ==============  =====================  ==============================================================
        event_id        int64                  counts from 1
        timestamp       datetime64[us, UTC]    when the service recorded it
        event_type      str                    ``StepStarted`` …
        id, parent_id   str                    of the operation; missing for InvocationCompleted
        name            str                    of the operation, or of the execution
        sub_type        str                    ``Step``, ``MapIteration`` …
        position        str                    logical position of the operation: ``3-1``
        invocation      Int64                  in which it fell, or that was the first to see it
        payload         str                    input or result, as the value that it stands for; as it was recorded
                                               it is in `details`
        error_type      str
        error_message   str
        details         object                 the raw details (dict)
        ==============  =====================  ==============================================================

        Examples
        --------
        What ran in invocation 2, and every payload under position 3:

        >>> history.events.query("invocation == 2")[["event_type", "name"]]  # doctest: +SKIP
        >>> history.events.loc[history.events.position.str.match(r"3(-|$)"), ["name", "payload"]].dropna()  # doctest: +SKIP
        """
        columns, of = self._derived.columns, _arrays()
        return of.frame(
            {
                "event_id": of.whole(columns.event_ids),
                "timestamp": of.times(columns.timestamps),
                "event_type": of.strings(columns.types),
                "id": of.strings(columns.ids),
                "parent_id": of.strings(columns.parents),
                "name": of.strings(columns.names),
                "sub_type": of.strings(columns.sub_types),
                "position": of.strings(list(map(self._derived.positions.get, columns.ids))),
                "invocation": of.nullable(self._derived.invocations.of_event),
                "payload": of.strings(self._shown_payloads()),
                **_errors(columns.errors),
                "details": of.objects(columns.details),
            }
        )

    @cached_property
    def operations(self) -> pd.DataFrame:
        """One row per operation, in start order; columns as the attributes of `Operation`.

        ========================================  =====================  ====================================
        column                                    dtype                  meaning
        ========================================  =====================  ====================================
        position                                  str                    logical position: ``3-1``
        name, type, sub_type, status              str                    as the service has them
        depth, attempts                           int64
        began                                     Int64                  how often the body of a step began
        start, end                                datetime64[us, UTC]
        elapsed_seconds                           float64                end - start, waiting included
        start_invocation, end_invocation          Int64                  count from 1
        start_event_id, end_event_id              Int64
        result                                    str                    what came back, as the value that it
                                                                         stands for; as it was recorded it is
                                                                         in ``history.tree()``
        error                                     object                 botocore's ErrorObject (dict)
        payload                                   str                    what an invoke sent
        function_name, callback_id                str                    of an invoke; of a callback
        timeout_seconds,                          Int64                  of a callback
        heartbeat_timeout_seconds
        duration_seconds                          Int64                  of a wait, as it was asked for
        replay_children                           boolean                missing where it cannot be told
        truncated                                 bool                   a payload of it is missing
        id, parent_id                             str
        event_ids                                 object                 tuple of int
        error_type, error_message                 str
        ========================================  =====================  ====================================

        Examples
        --------
        Which step retried most, the slowest operation by name, and time waiting:

        >>> history.operations.nlargest(1, "attempts")[["name", "attempts"]]  # doctest: +SKIP
        >>> history.operations.groupby("name").elapsed_seconds.max().nlargest(1)  # doctest: +SKIP
        >>> history.operations.query("type in ('WAIT', 'CALLBACK')").elapsed_seconds.sum()  # doctest: +SKIP
        """
        operations, of = self._derived.operations, _arrays()
        columns = {
            "position": of.strings,
            "name": of.strings,
            "type": of.strings,
            "sub_type": of.strings,
            "status": of.strings,
            "depth": of.whole,
            "attempts": of.whole,
            "began": of.nullable,
            "start": of.datetimes,
            "end": of.datetimes,
            "elapsed_seconds": of.floats,
            "start_invocation": of.nullable,
            "end_invocation": of.nullable,
            "start_event_id": of.nullable,
            "end_event_id": of.nullable,
            "result": of.strings,
            "error": of.objects,
            "payload": of.strings,
            "function_name": of.strings,
            "callback_id": of.strings,
            "timeout_seconds": of.nullable,
            "heartbeat_timeout_seconds": of.nullable,
            "duration_seconds": of.nullable,
            "replay_children": of.booleans,
            "truncated": of.truths,
            "id": of.strings,
            "parent_id": of.strings,
            "event_ids": of.objects,
        }
        values = {name: [getattr(each, name) for each in operations] for name in columns}
        for name in ("result", "payload"):
            values[name] = [
                self._payloads.text(one, of_) for one, of_ in zip(values[name], operations, strict=True)
            ]
        made = {name: kind(values[name]) for name, kind in columns.items()}
        return of.frame(made | _errors([each.error for each in operations]))

    @cached_property
    def attempts(self) -> pd.DataFrame:
        """One row per attempt of a step and per poll of a wait_for_condition.

        =========================  =====================  ===================================================
        column                     dtype                  meaning
        =========================  =====================  ===================================================
        position, name, sub_type   str                    of the operation
        attempt                    int64                  counts from 1
        status                     str                    ``SUCCEEDED``, ``FAILED``, ``STARTED`` (no end)
        start, end                 datetime64[us, UTC]
        duration_seconds           float64                end - start
        delay_seconds              float64                until the next attempt; NaN for the last
        error_type, error_message  str
        result                     str                    as the value that it stands for
        invocation                 Int64                  in which it ended
        began                      Int64                  how often its body began: more than once where an
                                                          invocation died in it (see `Attempt`)
        start_invocation           Int64                  in which its body first began
        =========================  =====================  ===================================================
        """
        of = _arrays()
        rows = [(each, attempt) for each in self._derived.operations for attempt in each.all_attempts]
        operations, attempts = [each for each, _ in rows], [attempt for _, attempt in rows]
        return of.frame(
            {
                "position": of.strings([each.position for each in operations]),
                "name": of.strings([each.name for each in operations]),
                "sub_type": of.strings([each.sub_type for each in operations]),
                "attempt": of.whole([each.number for each in attempts]),
                "status": of.strings([each.status for each in attempts]),
                "start": of.datetimes([each.start for each in attempts]),
                "end": of.datetimes([each.end for each in attempts]),
                "duration_seconds": of.floats([_seconds(each) for each in attempts]),
                "delay_seconds": of.floats([each.delay_seconds for each in attempts]),
                **_errors([each.error for each in attempts]),
                "result": of.strings([self._payloads.text(attempt.result, each) for each, attempt in rows]),
                "invocation": of.nullable([each.invocation for each in attempts]),
                "began": of.nullable([each.began for each in attempts]),
                "start_invocation": of.nullable([each.start_invocation for each in attempts]),
            }
        )

    @cached_property
    def invocations(self) -> pd.DataFrame:
        """One row per invocation of the handler; see `Invocation` for how they are found.

        =========================  =====================  ===================================================
        column                     dtype                  meaning
        =========================  =====================  ===================================================
        invocation                 int64                  counts from 1
        start, end                 datetime64[us, UTC]
        duration_seconds           float64                end - start: the time that the handler ran
        status                     str                    ``PENDING`` (suspended), ``SUCCEEDED``, ``FAILED``,
                                                          ``RUNNING``
        request_id                 str                    Lambda's
        first_event_id,            Int64
        last_event_id
        operations_started         int64                  that started in it
        operations_completed       int64                  that ended in it, or whose end it was the first to see
        error_type, error_message  str
        boundaries                 str                    ``recorded`` or ``inferred``
        =========================  =====================  ===================================================

        Examples
        --------
        Time working against the time the whole execution took:

        >>> history.invocations.duration_seconds.sum(), history.duration_seconds  # doctest: +SKIP
        """
        of, invocations = _arrays(), self._derived.invocations.all
        started = Counter(each.start_invocation for each in self._derived.operations)
        completed = Counter(each.end_invocation for each in self._derived.operations)
        return of.frame(
            {
                "invocation": of.whole([each.number for each in invocations]),
                "start": of.datetimes([each.start for each in invocations]),
                "end": of.datetimes([each.end for each in invocations]),
                "duration_seconds": of.floats([_seconds(each) for each in invocations]),
                "status": of.strings([each.status for each in invocations]),
                "request_id": of.strings([each.request_id for each in invocations]),
                "first_event_id": of.nullable([each.first_event_id for each in invocations]),
                "last_event_id": of.nullable([each.last_event_id for each in invocations]),
                "operations_started": of.whole([started[each.number] for each in invocations]),
                "operations_completed": of.whole([completed[each.number] for each in invocations]),
                **_errors([each.error for each in invocations]),
                "boundaries": of.strings([each.boundaries for each in invocations]),
            }
        )

    @cached_property
    def log_events(self) -> tuple[LogEvent, ...] | None:
        """What the execution wrote to CloudWatch, in order of time; None where it was loaded without its logs.

        `logs` has them as a DataFrame. What is missing of them is in `warnings`.
        """
        if self.raw_logs is None:
            return None
        found = joined(self.raw_logs.lines, self.arn, self._derived.operations, self._derived.invocations.all)
        return tuple(found)

    @cached_property
    def logs(self) -> pd.DataFrame:
        """One row per log event of CloudWatch, in order of time, joined to invocation, operation and attempt; see `LogEvent`.

        =========================  =====================  ===================================================
        column                     dtype                  meaning
        =========================  =====================  ===================================================
        timestamp                  datetime64[us, UTC]    when it was written
        level                      str                    ``INFO`` …; missing for what was printed
        message                    str                    without what the runtime puts around it
        invocation                 Int64                  that wrote it
        position, name             str                    of the operation that wrote it; missing where the
                                                          handler itself did, or where nothing tells
        attempt                    Int64                  of the operation
        joined                     str                    ``recorded``: the line names its operation;
                                                          ``inferred``: only this attempt ran then
        platform                   bool                   START, END, REPORT …: Lambda itself wrote it
        request_id, stream         str                    Lambda's request id, and the log stream
        operation_id, trace_id     str
        line                       str                    the whole line, as CloudWatch has it
        =========================  =====================  ===================================================

        Raises
        ------
        HistoryError
            The history was loaded without its logs.

        Examples
        --------
        What the last attempt of each operation wrote, and every error:

        >>> history.logs.groupby("position").tail(5)[["timestamp", "name", "attempt", "message"]]  # doctest: +SKIP
        >>> history.logs.query("level in ('ERROR', 'CRITICAL')")  # doctest: +SKIP
        """
        found, of = self.log_events, _arrays()
        if found is None:
            raise HistoryError(
                "This history was loaded without its logs.", cure="dd.load(arn, logs=True) loads both."
            )
        columns = {
            "timestamp": of.datetimes,
            "level": of.strings,
            "message": of.strings,
            "invocation": of.nullable,
            "position": of.strings,
            "name": of.strings,
            "attempt": of.nullable,
            "joined": of.strings,
            "platform": of.truths,
            "request_id": of.strings,
            "stream": of.strings,
            "operation_id": of.strings,
            "trace_id": of.strings,
            "line": of.strings,
        }
        shown: pd.DataFrame = of.frame(
            {name: kind([getattr(each, name) for each in found]) for name, kind in columns.items()}
        )
        return shown

    @cached_property
    def trace_segments(self) -> tuple[Segment, ...] | None:
        """What X-Ray has of the execution, each segment before those inside it; None where it was loaded without its trace.

        `segments` has them as a DataFrame.
        """
        if self.raw_trace is None:
            return None
        return tuple(segments(self.raw_trace.documents, self._derived.invocations.all))

    @cached_property
    def segments(self) -> pd.DataFrame:
        """One row per segment and subsegment of X-Ray, each before those inside it; see `Segment`.

        =========================  =====================  ===================================================
        column                     dtype                  meaning
        =========================  =====================  ===================================================
        name, origin               str                    what was called: ``DynamoDB``; X-Ray's origin or
                                                          namespace
        operation                  str                    of an AWS service: ``PutItem``
        start, end                 datetime64[us, UTC]    `end` is missing while it is in progress
        duration_seconds           float64                end - start
        wrong                      str                    ``fault``, ``error``, ``throttle``; else missing
        http_status                Int64                  of the answer
        error_type, error_message  str                    of the exception
        invocation                 Int64                  that it belongs to
        depth                      int64                  how many segments it lies in
        trace_id, id, parent_id    str
        =========================  =====================  ===================================================

        Raises
        ------
        HistoryError
            The history was loaded without its trace.

        Examples
        --------
        What took longest, by what was called:

        >>> history.segments.groupby(["name", "operation"]).duration_seconds.max()  # doctest: +SKIP
        """
        found, of = self.trace_segments, _arrays()
        if found is None:
            raise HistoryError(
                "This history was loaded without its trace.", cure="dd.load(arn, trace=True) loads both."
            )
        columns = {
            "name": of.strings,
            "origin": of.strings,
            "operation": of.strings,
            "start": of.datetimes,
            "end": of.datetimes,
            "wrong": of.strings,
            "http_status": of.nullable,
            "error_type": of.strings,
            "error_message": of.strings,
            "invocation": of.nullable,
            "depth": of.whole,
            "trace_id": of.strings,
            "id": of.strings,
            "parent_id": of.strings,
        }
        made = {name: kind([getattr(each, name) for each in found]) for name, kind in columns.items()}
        shown: pd.DataFrame = of.frame(made)
        shown.insert(5, "duration_seconds", of.floats([_seconds(each) for each in found]))
        return shown

    def _shown_payloads(self) -> list[str | None]:
        columns = self._derived.columns
        operations: dict[str, Operation] = self._derived.by_key if self._payloads.decode is not None else {}
        return [
            payload
            and self._payloads.shown(
                payload, operations.get(id_ or ""), is_input=kind == "ExecutionStarted"
            ).text
            for payload, id_, kind in zip(columns.payloads, columns.ids, columns.types, strict=True)
        ]


def _arrays() -> ModuleType:
    from durable_debug.history import arrays  # pandas takes longer to load than the rest together

    return arrays


def _errors(errors: Sequence[dict[str, Any] | None]) -> dict[str, Any]:
    """Make the two columns that tell of errors, which are botocore's ErrorObjects."""
    of = _arrays()
    return {
        "error_type": of.strings(_texts(errors, "ErrorType")),
        "error_message": of.strings(_texts(errors, "ErrorMessage")),
    }


def _texts(errors: Sequence[dict[str, Any] | None], field: str) -> list[str | None]:
    if not any(errors):
        return [None] * len(errors)
    found = [error.get(field) if error else None for error in errors]
    return [value if value is None or isinstance(value, str) else str(value) for value in found]


def _seconds(span: Attempt | Invocation | Segment) -> float | None:
    return (
        (span.end - span.start).total_seconds() if span.start is not None and span.end is not None else None
    )
