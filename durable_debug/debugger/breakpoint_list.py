"""The breakpoints of one debugger: which stops each fits, how often each was hit, and which of them stops here."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from durable_debug.debugger.breakpoints import Breakpoint, same_file
from durable_debug.errors import DurableDebugError
from durable_debug.spelling import read_by

if TYPE_CHECKING:
    from durable_debug.debugger.stop_index import StopIndex
    from durable_debug.engine.ongoing_pass import Call
    from durable_debug.engine.runner import Decide, HeldFrame

__all__ = ["BreakpointList"]


class BreakpointList:
    """Breakpoints in the order in which they were set; number 0 stops at divergences and stays.

    The handler's thread goes through them while a cell sets one and a panel shows them. So the tuple of them is
    replaced, never changed, and whoever reads it has it whole without waiting.

    Parameters
    ----------
    stops
        The stops of the replay.
    diverges
        Whether the replay does anything otherwise than the history.
    """

    def __init__(self, stops: StopIndex, *, diverges: bool) -> None:
        self._stops = stops
        self._lock = threading.Lock()
        self._last_id = 0
        self.all: tuple[Breakpoint, ...] = (Breakpoint(0, divergence=True, bound=diverges),)

    @property
    def at_divergences(self) -> Breakpoint:
        """The one that stops at divergences."""
        return self.all[0]

    def add(self, made: Breakpoint) -> None:
        """Add one, which gets its number here."""
        with self._lock:
            self._last_id += 1
            made.id = self._last_id
            self.all = (*self.all, made)

    def remove(self, number: int | None) -> None:
        """Remove one by its number; None: all that were set."""
        with self._lock:
            self.all = tuple(b for b in self.all if b.id == 0 or number not in {None, b.id})

    # ---- what they fit

    def bind(self, made: Breakpoint) -> None:
        """Find the stops that one fits; a line without an operation gives way to the next that has one.

        Raises
        ------
        DurableDebugError
            It says nothing to stop at.
        """
        if not made.stops_at_something:
            raise DurableDebugError(
                "A breakpoint needs something to stop at.",
                cure=read_by(
                    python='For example name="charge-*", status="FAILED" or line=42.',
                    terminal="For example charge-*, status=FAILED or line=42.",
                ),
            )
        if made.line is not None:
            self._bind_line(made, made.line)
        made.stops = tuple(call.seq for call in self._stops.calls if self._fits(made, call))
        made.bound = bool(made.stops)
        if not made.bound and not made.note:
            made.note = "no operation of this replay fits it"

    def _bind_line(self, made: Breakpoint, line: int) -> None:
        wanted = made.file or self._stops.handler_file
        places = {call.place for call in self._stops.calls if call.place is not None}
        here = [p for p in places if wanted is None or same_file(p.file, wanted)]
        if any(p.line <= line <= p.end_line for p in here):
            return
        later = [p.line for p in here if p.line > line]
        if later:
            made.note = f"line {line} has no operation: moved to line {min(later)}"
            made.line = min(later)

    def _fits(self, known: Breakpoint, call: Call) -> bool:
        return known.fits(
            call,
            self._stops.answers.get(call.seq),
            handler_file=self._stops.handler_file,
            diverges=call.seq in self._stops.diverging,
            boundary=self._stops.boundaries.get(call.seq),
        )

    # ---- hits, and which of them stops

    def begin_anew(self) -> None:
        """Count from the first stop again: a new pass begins."""
        for known in self.all:
            known.hit_count = 0

    @property
    def are_plain(self) -> bool:
        """Whether all hits can be counted without the variables of then."""
        return all(known.when is None for known in self.all)

    def count_up_to(self, here: int) -> None:
        """Count the hits up to a stop, as a pass from the top would."""
        for known in self.all[1:]:
            if known.when is None:
                known.hit_count = sum(seq <= here for seq in known.stops)

    def is_hit(self, known: Breakpoint, call: Call, frame: HeldFrame) -> bool:
        """Whether a stop is a hit: it fits, and the condition is true there."""
        return self._fits(known, call) and known.holds(frame)

    def counting(self, decide: Decide) -> Decide:
        """Count hits on the way, so that they are the same whichever way a stop is reached."""
        counted = self.all[1:]

        def counting(call: Call, frame: HeldFrame) -> str | None:
            for known in counted:
                known.hit_count += self.is_hit(known, call, frame)
            return decide(call, frame)

        return counting if counted else decide

    def at_hits(self) -> Decide:
        """Hold where an enabled breakpoint is hit, after the hits there were counted."""
        counts = {known.id: known.hit_count for known in self.all}

        def decide(call: Call, _: HeldFrame) -> str | None:
            reason = self._stopping(call, counts)
            counts.update({known.id: known.hit_count for known in self.all})
            return reason

        return decide

    def _stopping(self, call: Call, counts: dict[int, int]) -> str | None:
        for known in self.all:
            if not known.enabled:
                continue
            if known.id == 0:
                if call.seq in self._stops.diverging:
                    return "divergence"
            elif known.hit_count > counts.get(known.id, 0) and known.hit_count >= known.hits:
                return f"breakpoint {known.id}: {known.spec}"
        return None
