"""The critical path: what the end of an execution waited for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from durable_debug.plots.folding import strands

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from durable_debug.history import Operation
    from durable_debug.plots.activity import Segment, Span

__all__ = ["Piece", "critical_path"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the critical path, in microseconds since 1970.

    `activity` is the kind of a `Segment`, or ``other`` for what lies between operations; then `operation` is the
    context in which it lies, None at the top.
    """

    operation: Operation | None
    activity: str
    start: int
    end: int


def critical_path(
    operations: Sequence[Operation], span: Span, segments: dict[str, list[Segment]]
) -> list[Piece]:
    """Walk back from the end of the record to its start.

    At each moment the path comes from the operation that ended last before it, in the same sequence where there is one:
    in a map or parallel from the item or branch that ended last, back through what came before in it, then, if it had to
    wait for its turn, through the item that ended last before it began. Contexts are walked inside.

    Returns
    -------
    list of Piece
        In time order, each beginning where the one before ends; together they are the whole time.
    """
    return _Walker(operations, span, segments).path()


class _Walker:
    def __init__(
        self, operations: Sequence[Operation], span: Span, segments: dict[str, list[Segment]]
    ) -> None:
        self._span = span
        self._segments = segments
        self._times = {each.id: times for each in operations if (times := span.of(each)) is not None}
        self._children: dict[str | None, list[Operation]] = {}
        for operation in operations:
            if operation.id in self._times:
                parent = operation.parent_id if operation.parent_id in self._times else None
                self._children.setdefault(parent, []).append(operation)

    def path(self) -> list[Piece]:
        pieces = list(self._level(None, self._span.start, self._span.end))
        pieces.reverse()
        return pieces

    def _level(self, parent: Operation | None, low: int, high: int) -> Iterator[Piece]:
        """Pieces that cover a stretch of a context's time, the last one first."""
        at = high
        for operation in self._back_from(parent, high):
            start, end = self._times[operation.id]
            if at <= low:
                break
            if end > at:
                continue
            end, start = max(end, low), max(start, low)
            if end < at:
                yield Piece(parent, "other", end, at)
            yield from self._through(operation, start, end)
            at = start
        if at > low:
            yield Piece(parent, "other", low, at)

    def _through(self, operation: Operation, start: int, end: int) -> Iterator[Piece]:
        if self._children.get(operation.id):
            yield from self._level(operation, start, end)
            return
        at = end
        for segment in reversed(self._segments[operation.id]):
            begin = max(start, min(segment.start, at))
            if begin < at:
                yield Piece(operation, "other" if segment.kind == "context" else segment.kind, begin, at)
                at = begin
        if at > start:
            yield Piece(operation, "other", start, at)

    def _back_from(self, parent: Operation | None, high: int) -> Iterator[Operation]:
        """Operations of a level, those of one strand together, the one that ended last first."""
        children = self._children.get(parent.id if parent else None, [])
        waiting = [self._by_end(strand) for strand in strands(parent, children)]
        at = high
        while waiting := [ended for strand in waiting if (ended := self._until(strand, at))]:
            strand = max(waiting, key=lambda each: self._times[each[-1].id][1])
            waiting.remove(strand)
            for operation in reversed(strand):
                start, end = self._times[operation.id]
                if end <= at:
                    yield operation
                    at = min(at, start)

    def _by_end(self, strand: Sequence[Operation]) -> list[Operation]:
        # Of those that end together the one that began first comes last: the others ran while it did.
        return sorted(strand, key=lambda each: (self._times[each.id][1], -self._times[each.id][0]))

    def _until(self, strand: list[Operation], at: int) -> list[Operation]:
        while strand and self._times[strand[-1].id][1] > at:
            strand.pop()
        return strand
