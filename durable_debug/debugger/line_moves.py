"""From one line of the user's code to another, forward and back: where each verb goes, by the recorded trace."""

from __future__ import annotations

import bisect
from typing import TYPE_CHECKING

from durable_debug.debugger.breakpoints import same_file
from durable_debug.debugger.value_history import changes_of
from durable_debug.errors import NoSuchStopError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from durable_debug.engine.line_trace import Activation, LineTrace

__all__ = ["LineMoves"]


class LineMoves:
    """The lines that a replay ran, and how to move between them.

    A place is the index of a line, which is about to run there; ``len(trace)`` is behind the last.

    Parameters
    ----------
    trace
        All of them.
    """

    def __init__(self, trace: LineTrace) -> None:
        self.trace = trace

    def step(self, here: int, *, back: bool) -> int:
        """Give the line that ran next, or before, in whichever function."""
        return here - 1 if back else here + 1

    def over(self, here: int, *, back: bool) -> int:
        """Give the next line of the same function, or of one that called it."""
        around = {activation.number for activation in self._around(here)}
        return self._first((i for i in self._on(here, back=back) if self.trace.of[i] in around), back=back)

    def into(self, here: int, *, back: bool) -> int:
        """Give the first line of a function that this line calls; back: the last of one that was called just before.

        Raises
        ------
        NoSuchStopError
            It calls none of the user's.
        """
        mine = self._activation(here)
        callers = self.trace.activations
        for index in self._on(here, back=back):
            if self.trace.of[index] == mine.number:
                break
            if callers[self.trace.of[index]].caller == mine.number:
                return index
        raise NoSuchStopError(
            f"Line {self.trace.lines[min(here, len(self.trace) - 1)]} calls no function of yours.",
            cure="Libraries are stepped over, and the bodies of steps that are on record do not run: next_line() goes on.",
        )

    def out(self, here: int, *, back: bool) -> int:
        """Give the next line of a function that called this one; back: the line that called it."""
        mine = self._activation(here)
        around = {activation.number for activation in self._around(here)} - {mine.number}
        if back:
            here = mine.steps[0] if mine.steps else here
        return self._first((i for i in self._on(here, back=back) if self.trace.of[i] in around), back=back)

    def to(self, here: int, file: str | None, line: int, *, back: bool) -> int:
        """Give where a line runs next, or ran before.

        Raises
        ------
        NoSuchStopError
            It does not.
        """
        places = self.at(file, line)
        at = bisect.bisect_left(places, here) - 1 if back else bisect.bisect_right(places, here)
        if 0 <= at < len(places):
            return places[at]
        where = f"{file}:{line}" if file else f"Line {line}"
        when = f"{'before' if back else 'after'} here" if places else "in this replay"
        raise NoSuchStopError(
            f"{where} does not run {when}.",
            cure="Bodies of operations that are on record do not run in a replay."
            if not places
            else f"It runs {len(places)} times in all: run_to({line}, back={not back}) goes the other way.",
        )

    def at(self, file: str | None, line: int) -> list[int]:
        """Give all places of a line."""
        trace = self.trace
        fits = [file is None or same_file(activation.file, file) for activation in trace.activations]
        return [i for i, ran in enumerate(trace.lines) if ran == line and fits[trace.of[i]]]

    def to_change(self, here: int, expression: str, *, back: bool) -> int:
        """Give the line that set a value before here, or the one that sets the next; of this function's own, if it has it.

        Raises
        ------
        NoSuchStopError
            There is none.
        """
        changes = changes_of(self.trace, expression)
        around = {activation.number for activation in self._around(here)}
        changes = [one for one in changes if one.activation.number in around] or changes
        places = [one.set_at for one in changes if (one.set_at < here if back else one.set_at > here)]
        if places:
            return max(places) if back else min(places)
        raise NoSuchStopError(
            f"Nothing {'set' if back else 'sets'} {expression} {'before' if back else 'after'} here.",
            cure=f"history_of({expression!r}) lists all of its values.",
        )

    # ---- by the trace

    def _activation(self, here: int) -> Activation:
        return self.trace.activation(min(here, len(self.trace) - 1))

    def _around(self, here: int) -> list[Activation]:
        return list(self.trace.stack(min(here, len(self.trace) - 1)))

    def _on(self, here: int, *, back: bool) -> Iterable[int]:
        return range(here - 1, -1, -1) if back else range(here + 1, len(self.trace))

    def _first(self, found: Iterable[int], *, back: bool) -> int:
        return next(iter(found), 0 if back else len(self.trace))
