"""Operations and their attempts, as values: what the views and the replay read."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from durable_debug.history.documents import unicode
from durable_debug.history.identity import recover_positions
from durable_debug.history.state import replays_children, retry_delay
from durable_debug.history.vocabulary import Origin

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from durable_debug.history.columns import Columns
    from durable_debug.history.invocations import Invocation, Invocations
    from durable_debug.history.state import State

__all__ = ["Attempt", "Operation", "build_operations", "positions"]

# Error of an attempt that the SDK found begun, and did not begin again: the step runs at most once per retry. By its
# full name in Python.
_INTERRUPTED = "StepInterruptedError"
# Errors of Lambda's runtime with which no line of the handler ran.
_NEVER_LOADED = frozenset(
    {
        "Runtime.HandlerNotFound",
        "Runtime.ImportModuleError",
        "Runtime.MalformedHandlerName",
        "Runtime.UserCodeSyntaxError",
    }
)


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
    began
        How often its body began, as far as the record tells. A start is recorded once: an invocation that dies in the
        body leaves the attempt begun, and the next one begins the body again. One that died before it came there counts
        as well, since nothing tells it apart, unless its error says that the code could not be loaded. An attempt
        that was interrupted (at most once per retry) began once.
    start_invocation, last_invocation
        Numbers of the first and the last invocation in which its body began.
    """

    number: int
    status: str
    start: datetime | None
    end: datetime | None
    delay_seconds: float | None
    result: str | None
    error: dict[str, Any] | None
    invocation: int | None
    began: int
    start_invocation: int | None
    last_invocation: int | None

    @property
    def ended(self) -> bool:
        """Whether its body came to an end that is recorded: an interrupted one did not."""
        return self.status != "STARTED" and not _interrupted(self.error)


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
    began
        How often the body of a step began, over all attempts (see `Attempt`): more than `attempts` where invocations
        died in it. None for everything else.
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
    began: int | None
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
        for at, each in enumerate(columns.types):
            if each == event_type and at not in columns.contradicting:
                seen.pop(columns.ids[at], None)
    return recover_positions(seen)


def build_operations(
    columns: Columns, states: Sequence[State], invocations: Invocations, places: dict[str, str]
) -> tuple[Operation, ...]:
    """Put together all operations but the EXECUTION, in start order.

    Parameters
    ----------
    columns
        The events.
    states
        The service's operations after the last event.
    invocations
        The invocations of the handler.
    places
        Position of each operation by id.
    """
    builder = _Builder(columns, invocations, places)
    return tuple(builder.operation(state) for state in states if state["Type"] != "EXECUTION")


class _Builder:
    def __init__(self, columns: Columns, invocations: Invocations, places: dict[str, str]) -> None:
        self._columns = columns
        self._of_event = invocations.of_event
        self._cuts = [span.cut for span in invocations.spans]
        # How many invocations up to each ran the handler at all.
        self._ran = [0, *accumulate(map(_ran_the_handler, invocations.all))]
        self._closed: dict[
            str | None, int
        ] = {}  # index of the event with which what an operation lies in ended
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
        closed = self._closed.get(state.get("ParentId"), len(columns))
        self._closed[state["Id"]] = closed if ended is None or kind != "CONTEXT" else min(closed, ended)
        attempts = self._attempts(rows, closed) if kind == "STEP" else ()
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
            began=sum([attempt.began for attempt in attempts]) if kind == "STEP" else None,
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

    def _attempts(self, rows: list[int], closed: int) -> tuple[Attempt, ...]:
        attempts: list[Attempt] = []
        begun: int | None = None
        for at in rows:
            status = self._columns.meanings[at].status
            if status == "STARTED":
                if begun is not None:
                    attempts.append(self._attempt(len(attempts) + 1, begun, None, closed))
                begun = at
            elif status is not None:
                attempts.append(self._attempt(len(attempts) + 1, begun, at, at))
                begun = None
        if begun is not None:
            attempts.append(self._attempt(len(attempts) + 1, begun, None, closed))
        return tuple(attempts)

    def _attempt(self, number: int, begun: int | None, ended: int | None, until: int) -> Attempt:
        """Read one attempt; `until` is the index of the event after which no invocation came to it any more."""
        moments, told = self._columns.moments, ended if ended is not None else begun
        error = (self._errors[ended] or None) if ended is not None else None
        first = self._of_event[told if begun is None else begun] if told is not None else None
        began, last = 1, first
        if first is not None and begun is not None and not _interrupted(error):
            # Those that found it begun at their start, and not yet ended.
            last = max(first, bisect_right(self._cuts, until))
            began += self._ran[last] - self._ran[first]
        return Attempt(
            number=number,
            status=(self._columns.meanings[ended].status if ended is not None else None) or "STARTED",
            start=moments[begun] if begun is not None else None,
            end=moments[ended] if ended is not None else None,
            delay_seconds=retry_delay(self._columns.details[ended]) if ended is not None else None,
            result=self._payloads[ended] if ended is not None else None,
            error=error,
            invocation=self._of_event[told] if told is not None else None,
            began=began,
            start_invocation=first,
            last_invocation=last,
        )


def _interrupted(error: dict[str, Any] | None) -> bool:
    return str((error or {}).get("ErrorType")).rpartition(".")[2] == _INTERRUPTED


def _ran_the_handler(invocation: Invocation) -> bool:
    return (invocation.error or {}).get("ErrorType") not in _NEVER_LOADED


def _text(value: Any) -> str | None:
    return unicode(value) if isinstance(value, str) else None


def _whole(value: Any) -> int | None:
    """Give a whole number that a column can hold; no service writes another."""
    return value if type(value) is int and abs(value) < 2**63 else None
