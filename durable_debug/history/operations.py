"""Operations and their attempts, as values: what the views and the replay read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from durable_debug.history.identity import recover_positions
from durable_debug.history.state import replays_children, retry_delay
from durable_debug.history.timestamps import from_microseconds

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from durable_debug.history.columns import Columns
    from durable_debug.history.state import State

__all__ = ["Attempt", "Operation", "build_operations", "positions"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of a step, or one poll of a wait_for_condition.

    Attributes
    ----------
    number
        Counts from 1.
    status
        ``SUCCEEDED``, ``FAILED``, or ``STARTED`` where it has no end. A poll that did not find its condition met
        is ``SUCCEEDED`` with a `delay_seconds`.
    start, end
        Aware UTC. `start` is None where an attempt has only an end.
    delay_seconds
        Seconds until the next attempt, None where there is none to come.
    result, error
        As on `Operation`.
    invocation
        Number of the invocation in which it ended, or began where it has no end.
    """

    number: int
    status: str
    start: datetime | None
    end: datetime | None
    delay_seconds: float | None
    result: str | None
    error: dict[str, Any] | None
    invocation: int | None


@dataclass(frozen=True, slots=True)
class Operation:
    """One durable operation, as the whole history has it.

    Attributes
    ----------
    id, parent_id
        The service's ids. `parent_id` is None at the top.
    position
        Logical position: ``"3"``, ``"3-1"``; branches of a map or parallel count from 0. An operation inside a FLAT
        branch or virtual context carries the branch, ``"2-0-1"``. ``"?"`` and a short id where the id is no known hash.
    depth
        How many recorded operations it lies in; 0 at the top.
    name, type, sub_type, status
        As the service has them (botocore's ``Operation``); `status` is that after the last event.
    attempts
        Attempts begun, for a step; 1 for everything else.
    start_event_id, end_event_id, event_ids
        Its first start, its terminal event, and all its events. None where there is none.
    start, end
        Aware UTC; None where not recorded.
    start_invocation, end_invocation
        Number of the invocation in which it started and ended. Of an end that came from outside (a timer, a callback,
        an invoke's result) it is the invocation that was the first to see it; None where none did.
    result, error
        Last recorded result (text as the serdes wrote it) and error (botocore's ``ErrorObject``).
    payload, function_name
        Input and target of a chained invoke.
    callback_id, timeout_seconds, heartbeat_timeout_seconds
        Of a callback.
    duration_seconds
        Of a wait: the seconds that were asked for. `elapsed_seconds` is what any operation took.
    replay_children
        Whether its body runs again when the finished context is replayed; None where the events cannot tell (a child
        context with a summary generator of its own looks like one without).
    truncated
        A payload of it is missing from the history.
    all_attempts
        Attempts of a step; empty for everything else.
    """

    id: str
    position: str
    depth: int
    parent_id: str | None
    name: str | None
    type: str
    sub_type: str | None
    status: str
    attempts: int
    start_event_id: int | None
    end_event_id: int | None
    event_ids: tuple[int, ...]
    start: datetime | None
    end: datetime | None
    start_invocation: int | None
    end_invocation: int | None
    result: str | None
    error: dict[str, Any] | None
    payload: str | None
    function_name: str | None
    callback_id: str | None
    timeout_seconds: int | None
    heartbeat_timeout_seconds: int | None
    duration_seconds: int | None
    replay_children: bool | None
    truncated: bool
    all_attempts: tuple[Attempt, ...] = field(default=(), repr=False)

    @property
    def elapsed_seconds(self) -> float | None:
        """Seconds from start to end, None where either is not recorded."""
        return (self.end - self.start).total_seconds() if self.start and self.end else None


def positions(columns: Columns) -> dict[str, str]:
    """Logical position of every operation by id, in start order."""
    seen: dict[str, str | None] = {}
    for operation, parent, meaning in zip(columns.ids, columns.parents, columns.meanings, strict=True):
        if operation is not None and operation not in seen and meaning.type not in {None, "EXECUTION"}:
            seen[operation] = parent
    return recover_positions(seen.items())


def build_operations(
    columns: Columns, states: Sequence[State], of_event: Sequence[int | None], places: dict[str, str]
) -> tuple[Operation, ...]:
    """Put together all operations but the EXECUTION, in start order.

    Parameters
    ----------
    columns
        The events.
    states
        The service's operations after the last event.
    of_event
        Invocation of each event.
    places
        Position of each operation by id.
    """
    rows: dict[str, list[int]] = {}
    for at, operation in enumerate(columns.ids):
        if operation is not None:
            rows.setdefault(operation, []).append(at)
    depths: dict[str, int] = {}
    built = []
    for state in states:
        if state["Type"] == "EXECUTION":
            continue
        depth = depths[state["Id"]] = depths.get(state.get("ParentId", ""), -1) + 1
        built.append(_operation(columns, state, rows[state["Id"]], of_event, (places[state["Id"]], depth)))
    return tuple(built)


def _operation(
    columns: Columns, state: State, rows: list[int], of_event: Sequence[int | None], place: tuple[str, int]
) -> Operation:
    payloads, errors = columns.outcomes
    statuses = [columns.meanings[at].status for at in rows]
    started = next((at for at, status in zip(rows, statuses, strict=True) if status == "STARTED"), None)
    ended = rows[-1] if "EndTimestamp" in state else None
    asked = (columns.details[started] if started is not None else None) or {}
    attempts = _attempts(columns, rows, of_event) if state["Type"] == "STEP" else ()
    outcome = next(
        (at for at in reversed(rows) if columns.meanings[at].status not in {"STARTED", None}), None
    )
    return Operation(
        id=state["Id"],
        position=place[0],
        depth=place[1],
        parent_id=state.get("ParentId"),
        name=state.get("Name"),
        type=state["Type"],
        sub_type=state.get("SubType"),
        status=state["Status"],
        attempts=len(attempts) if state["Type"] == "STEP" else 1,
        start_event_id=columns.event_ids[started] if started is not None else None,
        end_event_id=columns.event_ids[ended] if ended is not None else None,
        event_ids=tuple(columns.event_ids[at] for at in rows),
        start=state.get("StartTimestamp"),
        end=state.get("EndTimestamp"),
        start_invocation=of_event[started] if started is not None else None,
        end_invocation=of_event[ended] if ended is not None else None,
        result=payloads[outcome] if outcome is not None else None,
        error=(errors[outcome] or None) if outcome is not None else None,
        payload=payloads[started] if started is not None and state["Type"] == "CHAINED_INVOKE" else None,
        function_name=_text(asked.get("FunctionName")),
        callback_id=_text(asked.get("CallbackId")),
        timeout_seconds=_whole(asked.get("Timeout")),
        heartbeat_timeout_seconds=_whole(asked.get("HeartbeatTimeout")),
        duration_seconds=_whole(asked.get("Duration")) if state["Type"] == "WAIT" else None,
        replay_children=replays_children(state),
        truncated=any(columns.lacks_data(at) for at in rows),
        all_attempts=attempts,
    )


def _attempts(columns: Columns, rows: list[int], of_event: Sequence[int | None]) -> tuple[Attempt, ...]:
    payloads, errors = columns.outcomes
    attempts: list[Attempt] = []
    begun: int | None = None
    for at in rows:
        status = columns.meanings[at].status
        if status is None:
            continue
        if status == "STARTED":
            if begun is not None:
                attempts.append(_open_attempt(columns, begun, of_event, len(attempts) + 1))
            begun = at
            continue
        attempts.append(
            Attempt(
                number=len(attempts) + 1,
                status=status,
                start=from_microseconds(columns.times[begun]) if begun is not None else None,
                end=from_microseconds(columns.times[at]),
                delay_seconds=retry_delay(columns.details[at]),
                result=payloads[at],
                error=errors[at] or None,
                invocation=of_event[at],
            )
        )
        begun = None
    if begun is not None:
        attempts.append(_open_attempt(columns, begun, of_event, len(attempts) + 1))
    return tuple(attempts)


def _open_attempt(columns: Columns, at: int, of_event: Sequence[int | None], number: int) -> Attempt:
    start = from_microseconds(columns.times[at])
    return Attempt(number, "STARTED", start, None, None, None, None, of_event[at])


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
