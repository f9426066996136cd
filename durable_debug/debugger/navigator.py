"""Moving a replay that is held from stop to stop: on to one ahead, or back by a new pass from the top."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import threading
from typing import TYPE_CHECKING

from durable_debug.debugger.line_moves import LineMoves
from durable_debug.debugger.traced_frame import traced_frames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from durable_debug.debugger.breakpoint_list import BreakpointList
    from durable_debug.debugger.breakpoints import Breakpoint
    from durable_debug.debugger.stop import Stop
    from durable_debug.debugger.stop_index import StopIndex
    from durable_debug.engine.line_trace import LineTrace
    from durable_debug.engine.ongoing_pass import Call
    from durable_debug.engine.runner import Decide, Held, HeldFrame, HeldPass

__all__ = ["Navigator"]


class Navigator:
    """Holds one pass, and knows the stop where it stands. One verb at a time may move it, the first by `goto`.

    Parameters
    ----------
    stops
        The stops of the replay.
    breakpoints
        What stops it on the way.
    fresh
        Prepares a new pass; whether it is one for lines.
    traced
        Records the lines of the replay.

    Attributes
    ----------
    stop
        Where it stands, or stood last.
    held
        The handler as it is held there; None at the end, where a verb was interrupted, and where the trace shows what is
        to be seen: `frames` holds it there when an expression needs it.
    moves
        Over the lines of the replay; recorded when they are first asked for.
    """

    stop: Stop

    def __init__(
        self,
        stops: StopIndex,
        breakpoints: BreakpointList,
        fresh: Callable[[bool], HeldPass],
        traced: Callable[[], LineTrace],
    ) -> None:
        self._stops = stops
        self._breakpoints = breakpoints
        self._fresh = fresh
        self._traced = traced
        self._moves: LineMoves | None = None
        self._pass: HeldPass | None = None
        self.held: Held | None = None
        self._by_trace = False  # nothing is held: the trace shows it
        self._replacing = threading.Lock()  # of the stop: an expression may change it while a verb moves on

    # ---- verbs

    def goto(self, target: int, reason: str) -> Stop:
        """Stand at a stop: go on to it if it lies ahead, else begin a new pass."""
        if self._is_shown_by_the_trace(target):
            return self._shown(self._stops.stop(target, reason, ()))
        here = self._pass is not None and self.held is not None and self.stop.line_index is None
        changed = self._pass is not None and self._pass.changed_by is not None
        if here and target == self.stop.index and not changed:
            return self._standing(target, reason)
        with _no_collection():
            if not here or target < self.stop.index + changed:
                self._begin()
            return self._forward(_until(target, reason), target, reason)

    def run(self) -> Stop:
        """Go on to what stops it, or to the end."""
        if self.stop.kind == "end":
            return self.stop
        self.hold()
        return self._forward(self._breakpoints.at_hits(), None, "run")

    def over(self, target: int, reason: str) -> Stop:
        """Go on to a stop or to what stops before it."""
        if self.stop.kind == "end":
            return self.stop
        self.hold()
        at_hits, there = self._breakpoints.at_hits(), _until(target, reason)
        return self._forward(lambda call, frame: at_hits(call, frame) or there(call, frame), target, reason)

    def run_back(self) -> Stop:
        """Go back to what stopped it before here, or to the first stop."""
        here = self.stop.index
        if here == 0:
            return self.goto(0, "run back")
        target, reason = self._last_hit_before(here) or (0, "run back")
        self._begin()
        return self._forward(_until(target, reason), target, reason)

    def stand_again(self) -> None:
        """Come back to where it stood, after a verb that was interrupted."""
        if self.held is None and self.stop.kind != "end" and not self._by_trace:
            self.goto(self.stop.index, self.stop.reason)

    # ---- by line

    @property
    def moves(self) -> LineMoves:
        """See the attributes."""
        if self._moves is None:
            stop, stood = getattr(self, "stop", None), self.held is not None
            self.leave()  # two passes at once would need modules of their own each
            self._moves = LineMoves(self._traced())
            if stood and stop is not None:
                self.goto(stop.index, stop.reason)
        return self._moves

    @property
    def line(self) -> int:
        """Index of the line at which it stands: at an operation, of the line that asks for it."""
        trace, stop = self.moves.trace, self.stop
        if stop.line_index is not None:
            return stop.line_index
        return trace.asked[stop.index] if stop.index < len(trace.asked) else len(trace)

    def to_line(self, index: int, reason: str) -> Stop:
        """Stand before a line; behind the last one is the end, before the first the first."""
        trace = self.moves.trace
        if index >= len(trace):
            return self.goto(self._stops.end, reason)
        return self._shown(self._stops.line(max(0, index), trace, reason))

    def _is_shown_by_the_trace(self, target: int) -> bool:
        """Whether the trace, if there is one, has what is to be seen at a stop."""
        if self._moves is None or not self._breakpoints.are_plain:
            return False
        trace = self._moves.trace
        return target < len(trace.asked) and target not in trace.asked_elsewhere

    def _shown(self, stop: Stop) -> Stop:
        """Stand at a stop without a pass."""
        self.leave()
        self._breakpoints.count_up_to(stop.index - (stop.line_index is not None))
        with self._replacing:
            self.stop, self._by_trace = stop, True
        return stop

    def hold(self) -> None:
        """Have the handler stand where the trace shows it."""
        if not self._by_trace:
            return
        stop, self._by_trace = self.stop, False
        if stop.line_index is None:
            self._begin()
            self._forward(_until(stop.index, stop.reason), stop.index, stop.reason)
            return
        under_way = self._begin(lines=True)
        self.held = under_way.go_to_line(stop.line_index)
        self._breakpoints.count_up_to(stop.index - 1)

    @property
    def is_by_trace(self) -> bool:
        """Whether nothing is held, and the trace shows what is to be seen."""
        return self._by_trace

    def frames(self, live: Callable[[], tuple[HeldFrame, ...]]) -> tuple[HeldFrame, ...]:
        """Give the functions on the stack, the innermost first.

        Parameters
        ----------
        live
            Holds the handler here, and gives its frames.
        """
        if self._by_trace:
            return traced_frames(self.moves.trace, self.line, live)
        return self.held.frames if self.held is not None else ()

    # ---- beside the verbs

    def count_so_far(self, made: Breakpoint) -> None:
        """Count the hits that a new breakpoint would have had on the way to this stop."""
        here = self.stop.index
        if made.when is None:
            made.hit_count = sum(seq <= here for seq in made.stops)
            return
        if not any(seq <= here for seq in made.stops):
            return

        pass_ = self._fresh(False)  # its condition needs the variables of then

        def counting(call: Call, frame: HeldFrame) -> str | None:
            made.hit_count += self._breakpoints.is_hit(made, call, frame)
            return "counted" if call.seq >= here else None

        try:
            pass_.go(counting)
        finally:
            pass_.end()

    @contextlib.contextmanager
    def noticing_changes(self, told: Callable[[], None]) -> Iterator[None]:
        """Say of the stop when an expression changes what the handler holds."""
        stop, under_way = self.stop, self._pass
        before = under_way.changed_by if under_way is not None else None
        try:
            yield
        finally:
            changed_by = under_way.changed_by if under_way is not None else None
            if changed_by != before:
                with self._replacing:
                    if self.stop is stop:  # a verb that has moved on since has said so itself
                        self.stop = dataclasses.replace(stop, changed_by=changed_by)
                told()

    def interrupt(self) -> None:
        """End the pass under a verb that waits for the handler, from another thread."""
        under_way = self._pass
        if under_way is not None:
            under_way.end()

    def leave(self) -> None:
        """End the pass."""
        self.held, self._by_trace = None, False
        self.interrupt()
        self._pass = None

    # ---- moving

    def _begin(self, *, lines: bool = False) -> HeldPass:
        self.leave()
        self._breakpoints.begin_anew()
        self._pass = self._fresh(lines)
        return self._pass

    def _forward(self, decide: Decide, target: int | None, reason: str) -> Stop:
        last = len(self._stops.calls)
        assert self._pass is not None
        self.held = self._pass.go(self._breakpoints.counting(decide))
        while self.held is not None and self.held.call is None and target is not None and target > last:
            self.held = self._pass.go(lambda *_: None)  # past the exception, to the end
        if self.held is None:
            return self._standing(self._stops.end, reason)
        if self.held.call is None:
            return self._standing(last, "exception")
        return self._standing(self.held.call.seq, self.held.reason)

    def _last_hit_before(self, here: int) -> tuple[int, str] | None:
        """Find the stop before, and why, by a pass from the top: conditions need the variables of then."""
        last = len(self._stops.calls)
        found: list[tuple[int, str]] = []
        under_way = self._begin()
        at_hits = self._breakpoints.at_hits()

        def decide(call: Call, frame: HeldFrame) -> str | None:
            reason = at_hits(call, frame)
            if reason is not None and call.seq < here:
                found.append((call.seq, reason))
            return "run back" if call.seq >= min(here, last - 1) else None

        under_way.go(self._breakpoints.counting(decide))
        if here > last and self._stops.raised is not None:
            found.append((last, "exception"))
        return found[-1] if found else None

    def _standing(self, index: int, reason: str) -> Stop:
        frames = self.held.frames if self.held is not None else None
        stop = self._stops.stop(index, reason, frames)
        changed_by = self._pass.changed_by if self._pass is not None else None
        with self._replacing:
            self.stop = stop if changed_by is None else dataclasses.replace(stop, changed_by=changed_by)
        return self.stop


def _until(target: int, reason: str) -> Decide:
    return lambda call, _: reason if call.seq >= target else None


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Put the garbage collector off: over a large history one collection takes as long as going there."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
