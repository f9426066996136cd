"""Operations and their attempts, as values: what the views and the replay read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from durable_debug.history.identity import recover_positions
from durable_debug.history.state import replays_children, retry_delay
from durable_debug.history.vocabulary import Origin

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from durable_debug.history.columns import Columns
    from durable_debug.history.state import State

__all__ = ["Attempt", "Operation", "build_operations", "positions"]


class Attempt(NamedTuple):
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


class Operation(NamedTuple):
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
    all_attempts: tuple[Attempt, ...]

    @property
    def elapsed_seconds(self) -> float | None:
        """Seconds from start to end, None where either is not recorded."""
        return (self.end - self.start).total_seconds() if self.start and self.end else None


def positions(columns: Columns) -> dict[str, str]:
    """Logical position of every operation by id, in start order."""
    seen = dict(zip(columns.ids, columns.parents, strict=True))
    seen.pop(None, None)
    for event_type in columns.types_of(Origin.EXECUTION):
        seen.pop(columns.ids[columns.types.index(event_type)], None)
    return recover_positions(seen)


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
    builder = _Builder(columns, of_event, places)
    return tuple(builder.operation(state) for state in states if state["Type"] != "EXECUTION")


class _Builder:
    def __init__(self, columns: Columns, of_event: Sequence[int | None], places: dict[str, str]) -> None:
        self._columns = columns
        self._of_event = of_event
        self._places = places
        self._payloads, self._errors = columns.payloads, columns.errors
        self._lacking = frozenset(columns.lacking)
        self._depths: dict[str, int] = {}
        self._rows: dict[str, list[int]] = {}
        for at, operation in enumerate(columns.ids):
            if operation is not None:
                self._rows.setdefault(operation, []).append(at)

    def operation(self, state: State) -> Operation:
        columns, rows, kind = self._columns, self._rows[state["Id"]], state["Type"]
        # An operation may be the parent of those that come after it only.
        depth = self._depths[state["Id"]] = self._depths.get(state.get("ParentId", ""), -1) + 1
        started = answered = None  # its first start, its last answer
        for at in rows:
            status = columns.meanings[at].status
            if status != "STARTED":
                answered = at if status is not None else answered
            elif started is None:
                started = at
        ended = answered if "EndTimestamp" in state else None
        asked = (columns.details[started] if started is not None else None) or {}
        known = ((columns.details[ended] if ended is not None else None) or {}).get("ReplayChildren")
        attempts = self._attempts(rows) if kind == "STEP" else ()
        return Operation(
            id=state["Id"],
            position=self._places[state["Id"]],
            depth=depth,
            parent_id=state.get("ParentId"),
            name=state.get("Name"),
            type=kind,
            sub_type=state.get("SubType"),
            status=state["Status"],
            attempts=len(attempts) if kind == "STEP" else 1,
            start_event_id=columns.event_ids[started] if started is not None else None,
            end_event_id=columns.event_ids[ended] if ended is not None else None,
            event_ids=tuple([columns.event_ids[at] for at in rows]),
            start=state.get("StartTimestamp"),
            end=state.get("EndTimestamp"),
            start_invocation=self._of_event[started] if started is not None else None,
            end_invocation=self._of_event[ended] if ended is not None else None,
            result=self._payloads[answered] if answered is not None else None,
            error=(self._errors[answered] or None) if answered is not None else None,
            payload=self._payloads[started] if started is not None and kind == "CHAINED_INVOKE" else None,
            function_name=_text(asked.get("FunctionName")),
            callback_id=_text(asked.get("CallbackId")),
            timeout_seconds=_whole(asked.get("Timeout")),
            heartbeat_timeout_seconds=_whole(asked.get("HeartbeatTimeout")),
            duration_seconds=_whole(asked.get("Duration")),
            replay_children=known if isinstance(known, bool) else replays_children(state),
            truncated=not self._lacking.isdisjoint(rows),
            all_attempts=attempts,
        )

    def _attempts(self, rows: list[int]) -> tuple[Attempt, ...]:
        attempts: list[Attempt] = []
        begun: int | None = None
        for at in rows:
            status = self._columns.meanings[at].status
            if status == "STARTED":
                if begun is not None:
                    attempts.append(self._attempt(len(attempts) + 1, begun, None))
                begun = at
            elif status is not None:
                attempts.append(self._attempt(len(attempts) + 1, begun, at))
                begun = None
        if begun is not None:
            attempts.append(self._attempt(len(attempts) + 1, begun, None))
        return tuple(attempts)

    def _attempt(self, number: int, begun: int | None, ended: int | None) -> Attempt:
        moments, told = self._columns.moments, ended if ended is not None else begun
        return Attempt(
            number=number,
            status=(self._columns.meanings[ended].status if ended is not None else None) or "STARTED",
            start=moments[begun] if begun is not None else None,
            end=moments[ended] if ended is not None else None,
            delay_seconds=retry_delay(self._columns.details[ended]) if ended is not None else None,
            result=self._payloads[ended] if ended is not None else None,
            error=(self._errors[ended] or None) if ended is not None else None,
            invocation=self._of_event[told] if told is not None else None,
        )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
