"""Where each Lambda invocation of the handler begins and ends in the events.

A history has no event for the start of an invocation. Four things tell of it.

*What it was started for.* The service starts an invocation for the first thing that arrives from outside (a timer, a
callback, the end of an invoke) or for the first attempt that falls due. What arrives a moment later finds it running.

*When it began.* ``InvocationCompletedDetails.StartTimestamp``, where the source keeps it (Lambda does, the local
emulator does not). What arrived well before it was there when the invocation began, whatever that was started for. Not
so in the last moment before it: the service looked at its record before it started the handler, and the emulator's
clock even jumps to its next timer in between.

*What it did.* A callback or invoke whose context the invocation ended had been answered when it began, however close the
two are: see `_Cutter._with_what_it_answered`.

*Its checkpoints.* An invocation that crashed in the emulator leaves no ``InvocationCompleted``: checkpoints that lie
before the start of the invocation that followed are all that tells of it. One that left no checkpoint cannot be told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from durable_debug.history.state import retry_delay
from durable_debug.history.timestamps import microseconds
from durable_debug.history.vocabulary import Origin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from durable_debug.history.columns import Columns

__all__ = ["RETURNED", "Span", "find_spans"]

# Sources cut timestamps to milliseconds, and some only part of them: a start without microseconds may lie anywhere in
# its millisecond, and so may an event of the invocation seem to lie just before it.
_MILLISECOND = 1_000
# How long it takes from the look at the record to the start of the handler, or from a timer to what it sets off.
_MOMENT = 20_000
_ANSWERED = frozenset({"CALLBACK", "CHAINED_INVOKE"})
# What is inside these is asked for in order: they end when all of it did. Not so a map or parallel with FLAT branches.
_ENDED_BY_THEMSELVES = frozenset({"WaitForCallback", "ParallelBranch", "MapIteration", "RunInChildContext"})
RETURNED = frozenset({"SUCCEEDED", "FAILED"})
"""Statuses with which the handler's return, or the service giving up on it, ends an execution."""


@dataclass(frozen=True, slots=True)
class Span:
    """One invocation as indexes into the events.

    Attributes
    ----------
    cut
        The service's record at its start was made of the events before this index.
    stop
        Events from `cut` to before this index fell into the invocation.
    clock
        Microseconds since 1970: attempts due by then were READY at its start. None: there was none to be so.
    surely
        Attempts due by then were READY though nothing was done about them in the invocation; between this and `clock`
        only that tells.
    start
        Recorded start, in microseconds since 1970.
    reported
        Index of its InvocationCompleted.
    """

    cut: int
    stop: int
    clock: int | None
    surely: int | None = None
    start: int | None = None
    reported: int | None = None


def _ends_a_context(columns: Columns, at: int) -> bool:
    meaning = columns.meaning(at)
    return (
        meaning.type == "CONTEXT"
        and meaning.status != "STARTED"
        and columns.sub_types[at] in _ENDED_BY_THEMSELVES
    )


def find_spans(columns: Columns) -> list[Span]:
    """Cut the events into invocations, in order."""
    return list(_Cutter(columns).spans())


class _Cutter:
    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._checkpoints = columns.types_of(Origin.HANDLER)
        self._due: dict[str | None, int] = {}  # attempts to come, as far as the events were read
        self._read = 0
        self._parents: dict[str | None, str] | None = None  # of what began, once that is asked for
        # Only a failed step and a poll are tried again: most histories need not be read for that.
        self._retries = "StepFailed" in self._checkpoints or "WaitForCondition" in columns.sub_types

    def spans(self) -> Iterator[Span]:
        columns, after, first = (
            self._columns,
            0,
            True,
        )  # events before `after` belong to invocations already found
        for at in [at for at, event_type in enumerate(columns.types) if event_type == "InvocationCompleted"]:
            start = self._recorded_start(at)
            cut, stop, clock, surely = self._span(after, at, start, stop=at + 1)
            if any(columns.types[each] in self._checkpoints for each in range(after, cut)):
                yield Span(*self._span(after, cut, None, stop=cut))
            yield Span(cut, stop, clock, surely, start, at)
            after, first = at + 1, False
        if self._one_more(after, first=first):
            yield Span(*self._span(after, len(columns), None, stop=len(columns)))

    def _recorded_start(self, at: int) -> int | None:
        details = self._columns.details[at]
        try:
            return microseconds(details["StartTimestamp"]) if details else None
        except (KeyError, TypeError, ValueError, OverflowError):
            return None

    def _span(  # noqa: C901
        self, after: int, end: int, start: int | None, *, stop: int
    ) -> tuple[int, int, int | None, int | None]:
        """Find the first event between two that an invocation did not find at its start, and its clocks: see `Span`."""
        columns = self._columns
        latest = start + _MILLISECOND - 1 if start is not None and start % _MILLISECOND == 0 else start
        due = min(self._attempts_due(after), default=None)
        woken = due if due is None or latest is None or due <= latest else None
        last = woken + _MOMENT if woken is not None else None
        cut = end
        for at in range(after, end):
            time, meaning = columns.time(at), columns.meaning(at)
            if columns.types[at] == "ExecutionStarted":
                continue  # no invocation is before it, though the JavaScript SDK stamps the first a millisecond earlier
            if latest is not None and time > latest:
                cut = at
                break
            if meaning.origin is Origin.HANDLER:
                if start is None or time > start - _MILLISECOND:
                    cut = at
                    break
            elif meaning.origin is Origin.EXECUTION:
                if start is None and meaning.status != "STARTED":
                    cut = at
                    break
            elif meaning.type is not None:
                if woken is None or time < woken:
                    woken = last = time
                elif last is not None and time > last and (latest is None or time > latest - _MOMENT):
                    cut = at
                    break
        surely = woken if latest is None else max(woken or 0, latest - _MOMENT)
        # Without a recorded start: measured, it comes a millisecond after what it was started for.
        by = latest if latest is not None or woken is None else woken + _MILLISECOND
        cut = self._with_what_it_answered(cut, end, by)
        return cut, stop, self._clock(woken, latest), surely

    def _with_what_it_answered(self, cut: int, end: int, by: int | None) -> int:
        """Move a cut behind the answers with which the invocation ended a context: those were there when it began.

        A handler that has gone to sleep on a callback or an invoke is not woken by its answer: only the next
        invocation goes on from it. Not so for timers, which the SDK waits out where other branches are at work.
        """
        columns = self._columns
        answers = []
        for at in range(cut, end):
            origin = columns.meaning(at).origin
            if origin is Origin.HANDLER or (by is not None and columns.time(at) > by):
                break
            if origin is Origin.SERVICE and columns.meaning(at).type in _ANSWERED:
                answers.append(at)
        if not answers:
            return cut
        if self._parents is None:
            known = zip(columns.ids, columns.parents, columns.types, strict=True)
            self._parents = {}
            for id_, parent, type_ in known:
                if parent and type_.endswith("Started"):
                    self._parents[id_] = parent
        ended = {columns.ids[at] for at in range(cut, end) if _ends_a_context(columns, at)}
        return max([cut, *(at + 1 for at in answers if self._parents.get(columns.ids[at]) in ended)])

    @staticmethod
    def _clock(woken: int | None, latest: int | None) -> int | None:
        if woken is None:
            return latest
        if latest is None:
            return woken + _MOMENT
        return max(min(woken + _MOMENT, latest), latest - _MOMENT)

    def _attempts_due(self, before: int) -> list[int]:
        """When the attempts fall due that the events before this index announce."""
        columns = self._columns
        for at in range(self._read, before) if self._retries else ():
            if columns.meaning(at).type == "STEP":
                delay = retry_delay(columns.details[at])
                if delay is not None:
                    self._due[columns.ids[at]] = columns.time(at) + round(delay * 1_000_000)
                else:
                    self._due.pop(columns.ids[at], None)
        self._read = max(self._read, before)
        return list(self._due.values())

    def _one_more(self, after: int, *, first: bool) -> bool:
        """Whether there was an invocation without InvocationCompleted after the last one with it."""
        outside = False
        for at in range(after, len(self._columns)):
            meaning = self._columns.meaning(at)
            if meaning.origin is Origin.HANDLER:
                return True
            if meaning.origin is Origin.EXECUTION:
                if meaning.status in RETURNED and outside:
                    return True
            elif meaning.type is not None:
                outside = True
        return first and len(self._columns) > 0
