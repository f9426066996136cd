"""Which recorded operation belongs to which call: an alignment that survives insertions, removals and moves.

Context by context, the calls and the recorded operations are aligned as two sequences, at the least cost. What is
left over on both sides, and is the same operation, was moved; what is left over at the same place was replaced.
"""

from __future__ import annotations

import difflib
import functools
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from durable_debug.divergence.arguments import changes
from durable_debug.divergence.branches import given_names, paired_by_content
from durable_debug.divergence.sequences import Costs, Sequences
from durable_debug.divergence.tree import identity_of, numbers, parent_of
from durable_debug.wording import abridged

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from durable_debug.divergence.facts import Identity
    from durable_debug.divergence.tree import Node, RecordedTree
    from durable_debug.engine.ongoing_pass import Call

__all__ = ["Plan", "aligned"]

Plan = dict[str, str | None]  # asked position -> recorded position; None: an insertion

_MOST_CELLS = 10_000  # for an exact alignment; longer sequences are cut at what is the same in both
_MOST_ROUNDS = 3

# Costs. A rename or another type is cheaper than an insertion and a removal (2), dearer than one of them.
_ONE_SIDED = 1.0
_DOUBTFUL = (
    0.9  # instead, behind a call without an answer: what follows from that may not be what the code does
)
# Where the record of a context does not go to its end, calls behind the last that it holds are to be expected: rather
# that one was renamed, and they follow, than that it is gone or one of them is it.
_TO_COME = 0.57
_LAST_GONE = 1.3
_RENAMED = 1.05
_UNLIKE_NAMES = 0.6  # added in proportion: 'pack' is rather 'pack-parcel' now than 'check-address'
_RETYPED = 1.2
_OTHER_ARGUMENTS = 0.3
_RENAMED_AND_OTHER = 0.2  # added
_OTHER_CONTENT = 0.3
_NEVER = float("inf")

_Pairs = list[tuple["Call", "Node | None"]]

_CHILD_KINDS = {"RunInChildContext", "virtual"}


def aligned(calls: Sequence[Call], recorded: RecordedTree, unfinished: Collection[str] = ()) -> Plan:
    """Compute the best plan for what a pass asked.

    Parameters
    ----------
    unfinished
        RecordedTree positions of contexts whose record does not go to their end.
    """
    return _Alignment(calls, recorded, unfinished).plan()


class _Alignment:
    def __init__(self, calls: Sequence[Call], recorded: RecordedTree, unfinished: Collection[str]) -> None:
        self._recorded = recorded
        self._unfinished = unfinished
        self._groups: dict[str, dict[str, Call]] = defaultdict(dict)
        for call in calls:
            self._groups[call.parent_path][call.position] = call
        self._paths = sorted(self._groups, key=numbers)  # a context before what is in it
        self._moved: dict[str, Node] = {}
        self._moved_to: set[str] = set()
        self._pairs: dict[str, _Pairs] = {}
        asked = Counter(identity_of(call) for group in self._groups.values() for call in group.values())
        held = Counter(node.identity for nodes in recorded.nodes.values() for node in nodes)
        unanswered = (a.seq for a in calls if not a.answered and not a.virtual)
        self._in_doubt_from = min(unanswered, default=len(calls))
        self._sequences = Sequences(
            self._cost, self._alone, identity_of, lambda node: node.identity, _MOST_CELLS
        )
        self._surplus_asked = asked - held
        self._surplus_held = held - asked

    def plan(self) -> Plan:
        for _ in range(_MOST_ROUNDS):
            plan = self._by_context()
            found = self._exchanged() | self._displaced(plan)
            if not found:
                break
            self._moved |= found
            self._moved_to = {node.position for node in self._moved.values()}
        else:
            plan = self._by_context()
        self._replaced(plan)
        return plan

    # ---- one context after the other

    def _by_context(self) -> Plan:
        plan: Plan = {"": ""}
        for path in self._paths:
            group = sorted(self._groups[path].values(), key=lambda call: call.number)
            target = plan.get(path)
            nodes = self._recorded.nodes.get(target, []) if target is not None else []
            pairs: _Pairs = [
                (call, self._moved[call.position]) for call in group if call.position in self._moved
            ]
            calls = [call for call in group if call.position not in self._moved]
            nodes = [node for node in nodes if node.position not in self._moved_to]
            pairs += (
                self._branches(calls, nodes)
                if calls and calls[0].kind == "branch"
                else self._sequences.aligned(calls, nodes)
            )
            self._pairs[path] = sorted(pairs, key=lambda pair: pair[0].number)
            plan.update({call.position: node.position if node else None for call, node in pairs})
        del plan[""]
        return plan

    def _branches(self, calls: list[Call], nodes: list[Node]) -> _Pairs:
        """Branches are told by their index; by their names or contents, if some came or went, or the order is another."""
        if len(calls) != len(nodes) and nodes:
            return paired_by_content(
                sorted(calls, key=lambda call: call.number), nodes, self._groups, self._recorded
            )
        by_number = {node.number: node for node in nodes}
        names = [call.name for call in calls], [node.identity[2] for node in nodes]
        found = _in_other_order(calls, nodes, *names)
        if found is None and all(call.name in {None, *given_names(call.number)} for call in calls):
            contents = [
                tuple(s.identity for s in self._recorded.nodes.get(node.position, ())) for node in nodes
            ]
            found = _in_other_order(calls, nodes, [self._asked_in(call.position) for call in calls], contents)
        return found or [(call, by_number.get(call.number)) for call in calls]

    def _asked_in(self, position: str) -> tuple[Identity, ...]:
        inside = self._groups.get(position, {}).values()
        return tuple(identity_of(call) for call in sorted(inside, key=lambda call: call.number))

    def _cost(self, call: Call, node: Node) -> float:
        """What it costs to take a recorded operation for the one that is asked for."""
        wanted, held = identity_of(call), node.identity
        if wanted == held:
            return _OTHER_ARGUMENTS * self._has_changed(call, node) + _OTHER_CONTENT * self._unlike_content(
                call, node
            )
        if node.position in self._recorded.in_bodies:
            return _NEVER  # the code around that body never asked for it
        if {wanted[1], held[1]} == _CHILD_KINDS:
            return _RETYPED
        if not self._surplus_asked[wanted] or not self._surplus_held[held]:
            return _NEVER  # one of them is where it belongs, or elsewhere
        if wanted[:2] == held[:2]:
            unlike = 1 - _likeness(abridged(wanted[2] or ""), abridged(held[2] or ""))  # as they are shown
            return _RENAMED + _UNLIKE_NAMES * unlike + _RENAMED_AND_OTHER * self._has_changed(call, node)
        if wanted[2] == held[2] and (wanted[2] is not None or wanted[0] == held[0]):
            return _RETYPED
        return _NEVER

    def _has_changed(self, call: Call, node: Node) -> bool:
        return node.operation is not None and bool(changes(call, node.operation, self._recorded))

    def _unlike_content(self, call: Call, node: Node) -> float:
        """How much of what is in a context is not what was recorded in it, 0 to 1."""
        if call.type != "CONTEXT" or call.position not in self._groups:
            return 0.0
        held = self._recorded.content(node.position)
        asked = Counter(identity_of(inner) for inner in self._groups[call.position].values())
        most = max(held.total(), asked.total())
        return 1 - (held & asked).total() / most if held else 0.0

    def _alone(self, calls: Sequence[Call], nodes: Sequence[Node]) -> Costs:
        """What it costs that a call is new, and that a recorded operation is gone."""
        beyond = _DOUBTFUL if calls[-1].seq >= self._in_doubt_from else _ONE_SIDED
        to_come, last_gone = self._at_the_edge(nodes[-1])
        return Costs(
            [_DOUBTFUL if call.seq > self._in_doubt_from else _ONE_SIDED for call in calls],
            [*[_ONE_SIDED] * (len(nodes) - 1), last_gone],
            beyond,
            to_come,
        )

    def _at_the_edge(self, node: Node) -> tuple[float, float]:
        """What it costs that a call is to come behind a recorded operation, and that this one is gone."""
        path = parent_of(node.position)
        if path in self._unfinished and node is self._recorded.nodes[path][-1]:
            return _TO_COME, _LAST_GONE
        return _ONE_SIDED, _ONE_SIDED

    # ---- what was moved

    def _exchanged(self) -> dict[str, Node]:
        """Operations of one identity whose arguments or contents are each other's."""
        found: dict[str, Node] = {}
        for pairs in self._pairs.values():
            unlike: dict[Identity, list[tuple[Call, Node]]] = defaultdict(list)
            for call, node in pairs:
                if (
                    node
                    and call.kind != "branch"
                    and identity_of(call) == node.identity
                    and self._cost(call, node)
                ):
                    unlike[node.identity].append((call, node))
            for group in unlike.values():
                found |= self._exchange(group)
        return found

    def _exchange(self, group: list[tuple[Call, Node]]) -> dict[str, Node]:
        free = [node for _, node in group]
        found: dict[str, Node] = {}
        for call, _ in group:
            own = next((node for node in free if self._cost(call, node) == 0), None)
            if own is not None:
                free.remove(own)
                found[call.position] = own
        given = {node.position for call, node in group if call.position in found}
        return found if given == {node.position for node in found.values()} else {}

    def _displaced(self, plan: Plan) -> dict[str, Node]:
        """What is left over on both sides and is the same operation."""
        taken = {target for target in plan.values() if target is not None}
        free: dict[Identity, list[Node]] = defaultdict(list)
        for nodes in self._recorded.nodes.values():
            for spare in nodes:
                if spare.position not in taken and spare.operation is not None:
                    free[spare.identity].append(spare)
        found: dict[str, Node] = {}
        for path in self._paths:
            home = plan.get(path) if path else ""
            for call, node in self._pairs[path]:
                candidates = free.get(identity_of(call), [])
                if node is not None or call.kind == "branch" or not candidates:
                    continue
                if not call.name:  # only its siblings can be told from it, and what a context was put around
                    candidates = [
                        c
                        for c in candidates
                        if parent_of(c.position) == home or self._is_rewrapped(call, path, c, plan, taken)
                    ]
                    if not candidates:
                        continue
                nearest = max(candidates, key=functools.partial(_nearness, home=home, path=path))
                free[identity_of(call)].remove(nearest)
                found[call.position] = nearest
        return found

    def _is_rewrapped(self, call: Call, path: str, node: Node, plan: Plan, taken: set[str]) -> bool:
        """Whether an operation without a name may be one that lost or got a context around it, asked with the same."""
        was, now = parent_of(node.position), path
        inlined = was not in taken and parent_of(was) == (plan.get(now) if now else "")
        wrapped = bool(now) and plan.get(now) is None and was == (plan.get(parent_of(now)) or "")
        return ((bool(was) and inlined) or wrapped) and not self._has_changed(call, node)

    # ---- what was replaced

    def _replaced(self, plan: Plan) -> None:
        """Pair what is left over on both sides between the same neighbours: another operation took its place."""
        taken = {target for target in plan.values() if target is not None}
        for path in self._paths:
            target = plan.get(path) if path else ""
            if target is None or any(call.kind == "branch" for call, _ in self._pairs[path][:1]):
                continue
            nodes = self._recorded.nodes.get(target, [])
            index = {node.position: i for i, node in enumerate(nodes)}
            due = 0
            for call, node in self._pairs[path]:
                if node is not None:
                    due = index.get(node.position, due - 1) + 1
                elif (
                    due < len(nodes)
                    and nodes[due].position not in taken
                    and self._fit(call, nodes[due], plan, taken)
                ):
                    plan[call.position] = nodes[due].position
                    taken.add(nodes[due].position)
                    due += 1

    def _fit(self, call: Call, node: Node, plan: Plan, taken: set[str]) -> bool:
        """Whether neither of them is a context put around operations, or taken from around them."""
        if call.virtual or node.operation is None or node.operation.end_event_id is None:
            return False  # behind what had not ended nothing was recorded: any call may be the next
        if self._at_the_edge(node)[0] == _TO_COME:
            return False
        wanted, held = identity_of(call), node.identity
        if not self._surplus_asked[wanted] or not self._surplus_held[held]:
            return False
        holds = any(plan.get(inner) is not None for inner in self._groups.get(call.position, ()))
        return not holds and not any(
            inner.position in taken for inner in self._recorded.inside(node.position)
        )


@functools.lru_cache(maxsize=100_000)
def _likeness(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other).ratio()


def _in_other_order(
    calls: list[Call], nodes: list[Node], asked: Sequence[object], held: Sequence[object]
) -> _Pairs | None:
    """Pair by signs that are all different and the same on both sides, if the order is not."""
    by_sign = dict(zip(held, nodes, strict=True))
    if (
        list(asked) == list(held)
        or None in by_sign
        or len(by_sign) != len(calls)
        or by_sign.keys() != set(asked)
    ):
        return None
    return [(call, by_sign[sign]) for call, sign in zip(calls, asked, strict=True)]


def _nearness(node: Node, home: str | None, path: str) -> tuple[bool, int]:
    candidate = parent_of(node.position)
    wanted = numbers(home if home is not None else path)
    shared = 0
    for one, other in zip(numbers(candidate), wanted, strict=False):
        if one != other:
            break
        shared += 1
    return candidate == home, shared
