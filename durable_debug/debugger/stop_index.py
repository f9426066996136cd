"""The stops of one replay, known before the first is shown: what comes before and after, and where a place is."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from durable_debug.debugger.stop import Stop
from durable_debug.engine.places import Place
from durable_debug.errors import NoSuchStopError
from durable_debug.spelling import read_by

if TYPE_CHECKING:
    from collections.abc import Callable

    from durable_debug.divergence import Divergence, Run
    from durable_debug.engine.line_trace import LineTrace
    from durable_debug.engine.recording import Raised
    from durable_debug.engine.runner import HeldFrame
    from durable_debug.history import Operation

__all__ = ["StopIndex"]


class StopIndex:
    """All operations that a replay asks for, in order, then an exception that leaves the handler, then the end.

    Parameters
    ----------
    run
        The complete replay.

    Attributes
    ----------
    asks
        Stop `i` is about to answer ``asks[i]``.
    answers
        By number of the stop, the recorded operation that answers.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self.calls = run.complete.calls
        by_id = {operation.id: operation for operation in run.history.tree()}
        self.answers: dict[int, Operation] = {
            call.seq: by_id[call.match_id]
            for call in self.calls
            if call.match_id is not None and call.match_id in by_id
        }

    @property
    def raised(self) -> Raised | None:
        """What leaves the handler."""
        return self._run.complete.raised

    @property
    def end(self) -> int:
        """Number of the last stop."""
        return len(self.calls) + (self.raised is not None)

    @property
    def hangs_after(self) -> int | None:
        """After how many operations the handler had to be ended because it asked for nothing more."""
        halt = self._run.complete.halt
        return len(self.calls) if halt is not None and halt.kind == "timeout" else None

    @property
    def handler_file(self) -> str | None:
        """The file that the handler is in."""
        return self._run.recording.runner.file

    @functools.cached_property
    def boundaries(self) -> dict[int, int]:
        """By number of the stop, the invocation that begins with it."""
        first: dict[int, int] = {}
        for seq in sorted(self.answers):
            invocation = self.answers[seq].start_invocation
            if invocation is not None:
                first.setdefault(invocation, seq)
        return {seq: invocation for invocation, seq in first.items()}

    @functools.cached_property
    def diverging(self) -> dict[int, tuple[Divergence, ...]]:
        """By number of the stop, what the replay does otherwise there."""
        found: dict[int, list[Divergence]] = {}
        by_position = {call.position: call.seq for call in self.calls}
        for divergence in self._run.divergences:
            at = set()
            if divergence.position is not None:
                at = {by_position[p] for p in divergence.positions if p in by_position}
            if not at:
                here = divergence.index
                at = {here if here is not None and here < len(self.calls) else self.end}
            for index in at:
                found.setdefault(index, []).append(divergence)
        return {index: tuple(divergences) for index, divergences in found.items()}

    # ---- from one stop to another

    def after(self, here: int) -> int:
        """Give the next stop of the same context or one around it."""
        return self._next(here, lambda depth, here: depth <= here)

    def outside(self, here: int) -> int:
        """Give the next stop outside this context."""
        return self._next(here, lambda depth, here: depth < here)

    def _next(self, here: int, wanted: Callable[[int, int], bool]) -> int:
        if here >= len(self.calls):
            return self.end
        depth = self.calls[here].depth
        later = range(here + 1, len(self.calls))
        return next((i for i in later if wanted(self.calls[i].depth, depth)), len(self.calls))

    def before(self, here: int) -> int:
        """Give the stop before, of the same context or one around it."""
        if here > len(self.calls):
            return len(self.calls)
        depth = self.calls[here].depth if here < len(self.calls) else 0
        return next((i for i in range(here - 1, -1, -1) if self.calls[i].depth <= depth), 0)

    def find(
        self,
        here: int,
        *,
        event_id: int | None = None,
        position: str | None = None,
        name: str | None = None,
        index: int | None = None,
    ) -> int:
        """Give the number of a stop; see `Debugger.goto`.

        Raises
        ------
        NoSuchStopError
            There is none.
        """
        if index is not None:
            wanted = index if index >= 0 else self.end + 1 + index
            if 0 <= wanted <= self.end:
                return wanted
            raise NoSuchStopError(
                f"There is no stop {index}.", cure=f"They go from 0 to {self.end}, the end."
            )
        listed = "`run_result.operations` lists what it asks for."
        if position is not None:
            found = [call.seq for call in self.calls if call.position == str(position)]
            if found:
                return found[0]
            raise NoSuchStopError(f"This replay asks for nothing at position {position!r}.", cure=listed)
        if name is not None:
            found = [call.seq for call in self.calls if call.name == name]
            if found:
                return next((seq for seq in found if seq > here), found[0])
            raise NoSuchStopError(f"This replay asks for no operation named {name!r}.", cure=listed)
        assert event_id is not None
        return self._of_event(event_id)

    def _of_event(self, event_id: int) -> int:
        history = self._run.history
        if event_id not in {event["EventId"] for event in history.raw}:
            raise NoSuchStopError(
                f"The history has no event {event_id}.", cure=f"It has {len(history)} events."
            )
        for seq, operation in self.answers.items():
            if event_id in operation.event_ids:
                return seq
        if any(event_id in operation.event_ids for operation in history.tree()):
            raise NoSuchStopError(
                f"Event {event_id} belongs to an operation that this replay does not ask for.",
                cure=read_by(
                    python="See `run_result.divergences`.",
                    terminal="`durable-debug replay` says what it does instead.",
                ),
            )
        started = ((operation.start_event_id, seq) for seq, operation in self.answers.items())
        later = [(event, seq) for event, seq in started if event is not None and event > event_id]
        return min(later)[1] if later else self.end

    # ---- what is shown

    def stop(self, index: int, reason: str, frames: tuple[HeldFrame, ...] | None) -> Stop:
        """Describe a stop.

        Parameters
        ----------
        frames
            Where an exception leaves the handler; None at the end.
        """
        diverging = self.diverging.get(index, ())
        if index < len(self.calls):
            call = self.calls[index]
            assert call.place is not None
            return Stop(
                index=index,
                kind="operation",
                reason=reason,
                operation=self.answers.get(index),
                asked=self._run.complete.operations[index],
                source=call.place,
                divergences=diverging,
                error=None,
                state_event_id=self._state_event(index),
            )
        at_end = frames is None
        return Stop(
            index=index,
            kind="end" if at_end else "exception",
            reason=reason if at_end else "exception",
            operation=None,
            asked=None,
            source=frames[0].place if frames else None,
            divergences=diverging,
            error=self._error(),
            state_event_id=self._last_event(),
            status=self._run.complete.outcome.status if at_end else None,
        )

    def line(self, index: int, trace: LineTrace, reason: str) -> Stop:
        """Describe a stop at a line, between operations."""
        file, line, function = trace.place(index)
        coming = trace.operations_before(index)
        return Stop(
            index=min(coming, len(self.calls)),
            kind="line",
            reason=reason,
            operation=None,
            asked=None,
            source=Place.at(file, line, function=function),
            divergences=(),
            error=None,
            state_event_id=self._state_event(coming) if coming < len(self.calls) else self._last_event(),
            line_index=index,
        )

    def _error(self) -> str | None:
        complete = self._run.complete
        if self.raised is not None:
            return f"{self.raised.type}: {self.raised.text}"
        if complete.halt is not None:
            return complete.halt.message
        error = complete.outcome.error
        return f"{error.get('ErrorType')}: {error.get('ErrorMessage')}" if error else None

    def _state_event(self, index: int) -> int:
        operation = self.answers.get(index)
        if operation is not None and operation.start_event_id is not None:
            return max(1, operation.start_event_id - 1)
        earlier = [self.answers[i] for i in range(index) if i in self.answers]
        return max((o.end_event_id or o.start_event_id or 1 for o in earlier), default=1)

    def _last_event(self) -> int:
        number = self._run.recording.options.invocation
        if number is not None:
            return self._run.history.invocation(number).last_event_id or 0
        return max((event["EventId"] for event in self._run.history.raw), default=0)
