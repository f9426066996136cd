"""What each operation spent its time on: the one reading of it that timeline and timing share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from durable_debug.history.timestamps import microseconds
from durable_debug.history.vocabulary import Origin, meaning
from durable_debug.plots.style import activity_of, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from durable_debug.history import Attempt, History, Operation

__all__ = [
    "Interval",
    "OtherEvents",
    "Segment",
    "Span",
    "clipped",
    "length",
    "merged",
    "minus",
    "other_events",
]

Interval = tuple[int, int]
"""Start and end in microseconds since 1970."""

OtherEvents = list[tuple[str, list[int]]]
"""Labels of event types, and when there were such events, in microseconds since 1970."""

_MOST_EVENT_ROWS = 8

Kind = Literal["work", "backoff", "wait", "callback", "invoke", "context", "unknown"]


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of an operation's time.

    Attributes
    ----------
    kind
        ``work``: an attempt of a step, or a poll of a wait_for_condition, from its start to its end. ``backoff``: from
        a failed attempt to the next. ``wait``: a timer, or from a poll to the next. ``callback``, ``invoke``: until an
        answer came. ``context``: all of a child context, map, parallel, item or branch. ``unknown``: of a type that
        this version does not know.
    start, end
        Microseconds since 1970.
    attempt
        Number of the attempt, for work and for what follows it; 0 for the rest.
    status
        How it ended: of the attempt, for work; of the operation for the rest. ``STARTED`` where it has no end.
    open
        It has no recorded end: `end` is that of the record, or of the invocation that it was lost with.
    """

    kind: Kind
    start: int
    end: int
    attempt: int
    status: str
    open: bool


class Span:
    """The time that a history covers, and what its operations did in it.

    Parameters
    ----------
    history
        The record.

    Attributes
    ----------
    start, end
        First and last event, microseconds since 1970; both 0 without events.
    invocations
        Start and end of each invocation, in order. One without a recorded end lasts to the start of the next one's
        events, or to the end of the record where it is still running.
    """

    def __init__(self, history: History) -> None:
        self._history = history
        self._times: list[int] = history.events["timestamp"].dt.as_unit("us").astype("int64").tolist()
        self.start = min(self._times, default=0)
        self.end = max(self._times, default=0)

    @cached_property
    def invocations(self) -> list[Interval]:
        """See the class."""
        import pandas as pd

        frame = self._history.invocations
        own: dict[int, list[int]] = {}
        for number, time in zip(self._history.events["invocation"], self._times, strict=True):
            if number is not pd.NA:
                own.setdefault(number, []).append(time)
        running = len(frame) if self._history.status == "RUNNING" else None
        found: list[Interval] = []
        for number, start, end in zip(frame["invocation"], frame["start"], frame["end"], strict=True):
            times = own.get(number, [self.start])
            earliest = found[-1][1] if found else self.start
            begin = max(earliest, min(times) if pd.isna(start) else microseconds(start.to_pydatetime()))
            if not pd.isna(end):
                stop = microseconds(end.to_pydatetime())
            else:
                stop = self.end if number == running else max(times)
            found.append((begin, max(begin, min(stop, self.end))))
        return found

    def of(self, operation: Operation) -> tuple[int, int] | None:
        """Start and end of an operation within the record; None where neither is known."""
        if operation.start is None and operation.end is None:
            return None
        start = _time(operation.start, _time(operation.end, self.start))
        end = _time(operation.end, self.end)
        return start, max(start, end)

    def segments(self, operation: Operation) -> list[Segment]:
        """Segments of one operation, in order, without gaps or overlaps: together they are its whole time."""
        whole = self.of(operation)
        if whole is None:
            return []
        start, end = whole
        if not operation.all_attempts:
            kind: Kind = activity_of(operation.type)  # type: ignore[assignment]
            if kind == "work":
                kind = "unknown"  # a step of which no attempt is recorded
            return [Segment(kind, start, end, 0, operation.status, operation.end is None)]
        return self._of_attempts(
            operation.all_attempts, start, end, polls=operation.sub_type == "WaitForCondition"
        )

    def _of_attempts(
        self, attempts: Sequence[Attempt], start: int, end: int, *, polls: bool
    ) -> list[Segment]:
        found: list[Segment] = []
        at = start
        for i, attempt in enumerate(attempts):
            following = attempts[i + 1] if i + 1 < len(attempts) else None
            # What precedes the first attempt is no pause: the operation began with it.
            begin = at if i == 0 else max(at, min(end, _time(attempt.start, _time(attempt.end, at))))
            until = _time(following.start, _time(following.end, end)) if following else end
            if attempt.end is not None:
                stop = _time(attempt.end, begin)
            else:
                stop = until if following is None else min(until, self._lost(begin, until))
            stop = max(begin, min(end, stop))
            found.append(Segment("work", begin, stop, attempt.number, attempt.status, attempt.end is None))
            pause = max(stop, min(end, until))
            if pause > stop or (following is None and attempt.delay_seconds is not None):
                succeeded = polls and attempt.status == "SUCCEEDED"
                found.append(
                    Segment(
                        "wait" if succeeded else "backoff",
                        stop,
                        pause,
                        attempt.number,
                        "STARTED" if following is None else "SUCCEEDED",
                        following is None,
                    )
                )
            at = pause
        return found

    def _lost(self, begin: int, until: int) -> int:
        """End of an attempt that was lost: that of the invocation it began in."""
        return next((stop for start, stop in self.invocations if start <= begin <= stop), until)


def _time(value: datetime | None, otherwise: int) -> int:
    return microseconds(value) if value is not None else otherwise


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """Intervals joined where they touch or overlap, in order."""
    found: list[Interval] = []
    for start, end in sorted(intervals):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def minus(intervals: Iterable[Interval], without: Iterable[Interval]) -> list[Interval]:
    """What of some intervals is in none of the others, in order, joined."""
    found: list[Interval] = []
    holes = merged(without)
    at = 0
    for start, end in merged(intervals):
        while at < len(holes) and holes[at][1] <= start:
            at += 1
        rest, i = start, at
        while i < len(holes) and holes[i][0] < end:
            if holes[i][0] > rest:
                found.append((rest, holes[i][0]))
            rest = max(rest, holes[i][1])
            i += 1
        if rest < end:
            found.append((rest, end))
    return found


def clipped(intervals: Iterable[Interval], within: Interval) -> list[Interval]:
    """What of some intervals lies within another, in order, joined."""
    return merged(
        (max(start, within[0]), min(end, within[1]))
        for start, end in intervals
        if start < within[1] and end > within[0]
    )


def length(intervals: Iterable[Interval]) -> int:
    """Microseconds that some intervals cover together, what they share counted once."""
    return sum(end - start for start, end in merged(intervals))


def other_events(history: History) -> OtherEvents:
    """Events that are about no operation, by type: microseconds since 1970 of each."""
    found: dict[str, list[int]] = {}
    events = history.events
    times = events["timestamp"].dt.as_unit("us").astype("int64")
    for event_type, time in zip(events["event_type"], times, strict=True):
        read = meaning(event_type)
        if read.type is None and read.origin is not Origin.INVOCATION:
            found.setdefault(event_type, []).append(time)
    rows = [(f"◇ {one_line(event_type, 40)}", each) for event_type, each in found.items()]
    if len(rows) <= _MOST_EVENT_ROWS:
        return rows
    rest = sorted(time for _, each in rows[_MOST_EVENT_ROWS - 1 :] for time in each)
    return [*rows[: _MOST_EVENT_ROWS - 1], ("◇ other events", rest)]
