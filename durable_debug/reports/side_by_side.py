"""The two operation trees of a run side by side: recorded against asked for, unchanged parts folded."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from durable_debug.divergence.objections import objection

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from durable_debug.divergence.run import Run
    from durable_debug.divergence.tree import Node
    from durable_debug.engine.asked import AskedOperation
    from durable_debug.history import Operation

__all__ = ["Fold", "Line", "diff", "folded"]

_CONTEXT = 2  # unchanged lines shown around a change
_MOST_ALIKE = 6  # lines that show the same divergence, before the rest of them is folded
_REGROUPS = {"item_count", "nesting_changed", "retyped"}  # on a context: its inside is others'

FOLDABLE = {"same", "unseen", "unreached"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the two trees.

    Attributes
    ----------
    mark
        ``"same"``, ``"changed"``, ``"added"`` (only asked for), ``"removed"`` (only recorded), ``"moved"`` (its other
        side stands elsewhere), ``"next"`` (asked for where the record ends), ``"unreached"`` (recorded, but the replay
        ended before), ``"unseen"`` (inside a context that was not entered).
    depth
        0 for the handler's own operations.
    recorded, asked
        The two sides; both None for a virtual context.
    numbers
        Of the divergences that show here, from 1.
    last
        Whether Lambda comes no further than this call: it fails here, or would run something.
    """

    mark: str
    depth: int
    recorded: Operation | None
    asked: AskedOperation | None
    numbers: tuple[int, ...] = ()
    last: bool = False


@dataclass(frozen=True, slots=True)
class Fold:
    """Lines left out: how many of each mark."""

    marks: Counter[str]

    @property
    def count(self) -> int:
        """How many in all."""
        return self.marks.total()


def diff(run: Run) -> list[Line]:
    """Align the recorded operations with those asked for, in the order of the code."""
    last = _last_position(run)
    return [
        replace(line, last=True) if last and line.asked is not None and line.asked.position == last else line
        for line in _Differ(run).lines()
    ]


def _last_position(run: Run) -> str | None:
    """Position of the call at which Lambda fails or would run something; None where it comes to the end."""
    halt = run.recording.halt
    call = objection(run.recording) or (halt.call if halt is not None and halt.kind == "would_run" else None)
    return call.position if call is not None else None


def folded(lines: Sequence[Line]) -> list[Line | Fold]:
    """Leave out what is unchanged and far from any change, and what shows a change that was shown often enough.

    The contexts around what is shown are shown too.
    """
    keep = [False] * len(lines)
    for index in _telling(lines):
        for near in range(max(0, index - _CONTEXT), min(len(lines), index + _CONTEXT + 1)):
            keep[near] = keep[near] or near == index or lines[near].mark in FOLDABLE
    around = -1  # the depth of the context that is wanted, looking back
    for index in range(len(lines) - 1, -1, -1):
        if keep[index] or lines[index].depth == around:
            keep[index] = True
            around = lines[index].depth - 1
    return list(_with_folds(lines, keep))


def _telling(lines: Sequence[Line]) -> Iterator[int]:
    """Give the indices of lines that differ, the first of those that differ alike."""
    alike: Counter[object] = Counter()
    for index, line in enumerate(lines):
        if line.last:
            yield index
        if line.mark in FOLDABLE and not line.numbers:
            alike[()] = 0  # what has no divergence of its own belongs to the one above it
            continue
        key = (line.mark, line.numbers) if line.numbers else ()
        alike[key] += 1
        if alike[key] <= _MOST_ALIKE:
            yield index


def _with_folds(lines: Sequence[Line], keep: Sequence[bool]) -> Iterator[Line | Fold]:
    hidden: list[Line] = []
    for line, kept in zip(lines, keep, strict=True):
        if not kept:
            hidden.append(line)
            continue
        yield from _fold(hidden)
        hidden = []
        yield line
    yield from _fold(hidden)


def _fold(hidden: list[Line]) -> Iterator[Line | Fold]:
    if len(hidden) == 1:
        yield hidden[0]
    elif hidden:
        yield Fold(Counter(line.mark for line in hidden))


class _Differ:
    def __init__(self, run: Run) -> None:
        pairing = run.analysis.pairing
        self._nodes = pairing.recorded.nodes
        self._recorded = {operation.position: operation for operation in run.history.tree()}
        known = {node.position for nodes in self._nodes.values() for node in nodes}
        self._used = {asked: target for asked, target in pairing.used.items() if target in known}
        self._caller = {target: call.position for target, call in pairing.caller.items()}
        self._children: dict[str, list[AskedOperation]] = defaultdict(list)
        for one in {one.position: one for one in reversed(run.complete.operations)}.values():
            self._children[one.parent_position].append(one)
        for children in self._children.values():
            children.sort(key=lambda one: int(one.position.rpartition("-")[2]))
        self._numbers: dict[str, list[int]] = defaultdict(list)  # by position asked for
        self._missing: dict[int, int] = {}  # by event
        self._regrouped: set[str] = set()
        for number, divergence in enumerate(run.divergences, 1):
            if divergence.kind == "missing":
                self._missing.update(dict.fromkeys(divergence.event_ids, number))
                continue
            for position in divergence.positions:
                self._numbers[position].append(number)
                if divergence.kind in _REGROUPS:
                    self._regrouped.add(position)

    def lines(self) -> Iterator[Line]:
        yield from self._walk("", "", 0, "unreached", "next")

    def _walk(
        self, asked_path: str | None, path: str | None, depth: int, alone: str, new: str
    ) -> Iterator[Line]:
        """Give the lines inside a context; `alone` and `new` mark what stands on one side without a divergence."""
        asked = self._children.get(asked_path, []) if asked_path is not None else []
        nodes = self._nodes.get(path, []) if path is not None else []
        waiting = 0
        for one in asked:
            target = self._used.get(one.position)
            here = self._index(nodes, waiting, target)
            if here is None:
                yield from self._asked_alone(one, target, depth, new)
                continue
            for node in nodes[waiting:here]:
                yield from self._recorded_alone(node, depth, alone)
            waiting = here + 1
            yield from self._pair(one, nodes[here], depth)
        for node in nodes[waiting:]:
            yield from self._recorded_alone(node, depth, alone)

    @staticmethod
    def _index(nodes: list[Node], waiting: int, target: str | None) -> int | None:
        if target is None:
            return None
        return next((i for i in range(waiting, len(nodes)) if nodes[i].position == target), None)

    def _pair(self, one: AskedOperation, node: Node, depth: int) -> Iterator[Line]:
        numbers = tuple(self._numbers.get(one.position, ()))
        yield Line("changed" if numbers else "same", depth, self._recorded.get(node.position), one, numbers)
        seen = one.entered or bool(self._children.get(one.position))
        alone, new = ("unreached", "next") if seen else ("unseen", "next")
        if one.position in self._regrouped:
            alone, new = "removed", "added"
        yield from self._walk(one.position, node.position, depth + 1, alone, new)

    def _asked_alone(self, one: AskedOperation, target: str | None, depth: int, new: str) -> Iterator[Line]:
        numbers = tuple(self._numbers.get(one.position, ()))
        if target is not None:
            mark = "moved"
        elif numbers:
            mark = "added"
        else:
            mark = "same" if one.answer == "virtual" and new != "added" else new
        yield Line(mark, depth, None, one, numbers)
        yield from self._walk(
            one.position, target, depth + 1, "unreached", "added" if mark == "added" else "next"
        )

    def _recorded_alone(self, node: Node, depth: int, alone: str) -> Iterator[Line]:
        operation = self._recorded.get(node.position)
        if node.position in self._caller:
            caller = self._caller[node.position]
            yield Line("moved", depth, operation, None, tuple(self._numbers.get(caller, ())))
            return
        events = operation.event_ids if operation is not None else ()
        number = next((self._missing[event] for event in events if event in self._missing), None)
        mark = alone if number is None else "removed"
        yield Line(mark, depth, operation, None, () if number is None else (number,))
        yield from self._walk(None, node.position, depth + 1, mark, "next")
