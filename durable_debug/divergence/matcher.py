"""Answers the calls of one pass from the operations that they are aligned with."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from durable_debug.divergence.tree import identity_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from durable_debug.divergence.align import Plan
    from durable_debug.divergence.facts import Identity
    from durable_debug.divergence.tree import Node, RecordedTree
    from durable_debug.engine.ongoing_pass import Call

__all__ = ["Aligner", "replaced_at"]

Caller = tuple[object, ...]  # what tells a call of the user's code from others
Kind = tuple[str, str | None]  # type and sub-type of an operation


_WAITED_FOR = {"WAIT", "CALLBACK", "CHAINED_INVOKE"}


class Aligner:
    """Answers calls by a plan, and by guessing where the plan is silent. Serves one pass.

    A guess gives no answer rather than a wrong one: the values that follow from none are harmless, and the next
    pass has a plan.

    Parameters
    ----------
    plan, planned
        Which recorded position answers which call, and what these calls were: a handler that is not
        deterministic may ask for something else this time.
    replaced
        Lines of code that were seen to ask for an operation in the place of another one, with what was recorded
        there: the further turns of a loop are guessed by it.
    unreadable
        Positions whose recorded result the code can't read: they are passed over.
    """

    def __init__(
        self,
        recorded: RecordedTree,
        plan: Plan | None = None,
        planned: Mapping[str, Identity] | None = None,
        *,
        replaced: Mapping[Caller, Kind] | None = None,
        unreadable: Collection[str] = (),
    ) -> None:
        self._recorded = recorded
        self._plan = plan or {}
        self._planned = planned or {}
        self._replaced = replaced or {}
        self._unreadable = unreadable
        self._to_come = set(self._plan.values())
        self._due: dict[str, int] = {}  # by asked path, the index of the node that is due
        self._skipped: dict[str, list[Node]] = defaultdict(list)
        self.used: Plan = {}

    def __call__(self, call: Call) -> str | None:
        """Give the id of the recorded operation that answers a call; None for one that was inserted."""
        position = call.position
        if position not in self.used:  # a branch that is resumed asks again
            planned = self._is_planned(call)
            self.used[position] = self._plan[position] if planned else self._guess(call)
            if planned and self.used[position] is not None:
                self._pass_over(call, self.used[position])
        target = self.used[position]
        if target is None or call.virtual or position in self._unreadable:
            return None
        operation = self._recorded.by_position.get(target)
        if operation is None or (operation.end_event_id is None and self._others_may_follow(target)):
            return None
        return operation.id

    def _others_may_follow(self, target: str) -> bool:
        """Whether what the record waits for is asked for before others that were recorded before it.

        The handler would wait there, and nobody see whether they come behind it.
        """
        operation = self._recorded.by_position[target]
        if operation.type not in _WAITED_FOR:
            return False
        path, _, number = target.rpartition("-")
        asked = set(self.used.values())
        before = [s.position for s in self._recorded.nodes[path] if s.number < int(number)]
        due = [position for position in before if position not in asked]
        return any(position in self._to_come for position in due) if self._plan else bool(due)

    def _is_planned(self, call: Call) -> bool:
        planned, wanted = self._planned.get(call.position), identity_of(call)
        if planned is None or call.position not in self._plan or planned[:2] != wanted[:2]:
            return False
        # A name that is on record nowhere may be made by chance: another one at each pass.
        return planned == wanted or not {planned, wanted} & self._recorded.identities

    def _nodes(self, call: Call) -> Sequence[Node]:
        path = self.used.get(call.parent_path) if call.parent_path else ""
        return self._recorded.nodes.get(path, []) if path is not None else []

    def _pass_over(self, call: Call, target: str | None) -> None:
        """Keep guesses from what a planned call has taken: they go on behind it."""
        nodes, due = self._nodes(call), self._due.get(call.parent_path, 0)
        for index in range(due, len(nodes)):
            if nodes[index].position == target:
                self._skipped[call.parent_path].extend(nodes[due:index])
                self._due[call.parent_path] = index + 1
                return
        skipped = self._skipped[call.parent_path]
        skipped[:] = [node for node in skipped if node.position != target]

    def _guess(self, call: Call) -> str | None:
        nodes = self._nodes(call)
        if call.kind == "branch":
            return next((node.position for node in nodes if node.number == call.number), None)
        wanted = identity_of(call)
        due = self._due.get(call.parent_path, 0)
        skipped = self._skipped[call.parent_path]
        if due < len(nodes) and nodes[due].identity == wanted:
            self._due[call.parent_path] = due + 1
            return nodes[due].position
        for node in skipped:
            if node.identity == wanted:
                skipped.remove(node)
                return node.position
        for index in range(due + 1, len(nodes)):
            if nodes[index].identity == wanted:
                skipped.extend(nodes[due:index])
                self._due[call.parent_path] = index + 1
                return nodes[index].position
        if due < len(nodes) and self._replaced.get(_caller_of(call)) == nodes[due].identity[:2]:
            self._due[call.parent_path] = due + 1
            return nodes[due].position
        return None


def replaced_at(calls: Iterable[Call], plan: Plan, recorded: RecordedTree) -> dict[Caller, Kind]:
    """Lines that ask for an operation in the place of another one, and the kind of what was recorded there."""
    found: dict[Caller, Kind] = {}
    for call in calls:
        operation = recorded.by_position.get(plan.get(call.position) or "")
        if operation is None or call.virtual or call.kind == "branch":
            continue
        held = (operation.type, operation.sub_type, operation.name or None)
        if held != identity_of(call):
            found[_caller_of(call)] = held[:2]
    return found


def _caller_of(call: Call) -> Caller:
    return call.place.call if call.place is not None else ()
