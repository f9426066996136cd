"""Which recorded operation belongs to which call: an alignment that survives insertions, removals and moves.

A call must be answered before the calls after it are known, so a replay is aligned in passes: the first
guesses as it goes; from what it then asked the best alignment is computed, context by context; the next
pass follows that, until nothing changes.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from durable_debug.divergence.arguments import changes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from aws_durable_execution_sdk_python.lambda_service import Operation as SdkOperation

    from durable_debug.history import History, Operation
    from durable_debug.replay.tape import Ask

__all__ = ["Aligner", "Identity", "Plan", "identity_of_ask", "improved"]

Identity = tuple[str, str | None, str | None]  # type, sub-type, name
Plan = dict[str, str | None]  # asked position -> recorded position; None: an insertion

_VIRTUAL: Identity = ("CONTEXT", "virtual", None)
_MOST_CELLS = 2_000_000
_RENAMED, _RETYPED, _OTHER_ARGUMENTS, _ONE_SIDED = 1.05, 1.2, 0.3, 1.0
_UNLIKE_NAMES = 0.6  # added to a rename in proportion: 'pack' is rather 'pack-parcel' now than 'check-address'
_NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class Slot:
    """One recorded operation in its context; a virtual context holds operations and is none itself."""

    number: int
    position: str
    identity: Identity
    operation: Operation | None


def identity_of_ask(ask: Ask) -> Identity:
    """What the SDK would compare of a call."""
    return _VIRTUAL if ask.virtual else (ask.type, ask.sub_type, ask.name or None)


class Recorded:
    """The recorded operations by the context that they stand in.

    Attributes
    ----------
    slots
        By the position of the context (``""`` for the handler), its operations in order.
    placeless
        Operations whose position can't be recovered from their id.
    """

    def __init__(self, history: History) -> None:
        self.by_position: dict[str, Operation] = {}
        self.placeless: list[Operation] = []
        slots: dict[str, dict[int, Slot]] = defaultdict(dict)
        for operation in history.tree():
            position = operation.position
            if not position.replace("-", "").isdigit():
                self.placeless.append(operation)
                continue
            self.by_position[position] = operation
            path, _, number = position.rpartition("-")
            identity = (operation.type, operation.sub_type, operation.name or None)
            slots[path][int(number)] = Slot(int(number), position, identity, operation)
        for position in list(self.by_position):
            self._add_virtual_contexts(position, slots)
        self.slots: dict[str, list[Slot]] = {
            path: [by_number[n] for n in sorted(by_number)] for path, by_number in slots.items()
        }

    @staticmethod
    def _add_virtual_contexts(position: str, slots: dict[str, dict[int, Slot]]) -> None:
        path, _, _ = position.rpartition("-")
        while path:
            above, _, number = path.rpartition("-")
            if int(number) not in slots[above]:
                slots[above][int(number)] = Slot(int(number), path, _VIRTUAL, None)
            path = above


class Aligner:
    """Answers calls by a plan, and by guessing where the plan is silent. Serves one pass."""

    def __init__(self, recorded: Recorded, answers: Mapping[str, SdkOperation], plan: Plan | None = None) -> None:
        self._recorded = recorded
        self._answers = answers
        self._plan = plan or {}
        self._paths: dict[str, str | None] = {"": ""}
        self._next: dict[str, int] = {}  # by asked path, the index of the slot that is due
        self._skipped: dict[str, list[Slot]] = defaultdict(list)
        self.used: Plan = {}

    def __call__(self, ask: Ask) -> SdkOperation | None:
        position = ask.position
        if position in self._plan:
            target = self._plan[position]
        elif position in self.used:
            target = self.used[position]  # asked again by a branch that was resumed
        else:
            target = self._guess(ask)
        self.used[position] = target
        self._paths[position] = target
        if target is None or ask.virtual:
            return None
        operation = self._recorded.by_position.get(target)
        return self._answers.get(operation.id) if operation is not None else None

    def _guess(self, ask: Ask) -> str | None:
        path = self._paths.get(ask.parent_path)
        slots = self._recorded.slots.get(path, []) if path is not None else []
        if ask.args[0] == "branch":
            return next((slot.position for slot in slots if slot.number == ask.number), None)
        wanted = identity_of_ask(ask)
        due = self._next.get(ask.parent_path, 0)
        skipped = self._skipped[ask.parent_path]
        if due < len(slots) and slots[due].identity == wanted:
            self._next[ask.parent_path] = due + 1
            return slots[due].position
        for slot in skipped:
            if slot.identity == wanted:
                skipped.remove(slot)
                return slot.position
        for index in range(due + 1, len(slots)):
            if slots[index].identity == wanted:
                skipped.extend(slots[due:index])
                self._next[ask.parent_path] = index + 1
                return slots[index].position
        if due < len(slots) and slots[due].identity[:2] == wanted[:2]:  # perhaps renamed
            self._next[ask.parent_path] = due + 1
            return slots[due].position
        return None


def improved(asks: Sequence[Ask], recorded: Recorded, used: Plan) -> Plan:
    """Compute the best plan for what a pass asked."""
    groups: dict[str, dict[str, Ask]] = defaultdict(dict)
    for ask in asks:
        groups[ask.parent_path][ask.position] = ask
    plan: Plan = {}
    paths: dict[str, str | None] = {"": ""}
    extra: list[Ask] = []
    taken: set[str] = set()
    for path in sorted(groups, key=lambda p: p.count("-") + bool(p)):
        mine = sorted(groups[path].values(), key=lambda ask: ask.number)
        target = paths.get(path, used.get(path))
        slots = recorded.slots.get(target, []) if target is not None else []
        for ask, slot in _pairs(mine, slots):
            plan[ask.position] = slot.position if slot else None
            paths[ask.position] = slot.position if slot else None
            if slot is None:
                extra.append(ask)
            else:
                taken.add(slot.position)
    _place_moved(extra, recorded, taken, plan)
    return plan


def _place_moved(extra: Iterable[Ask], recorded: Recorded, taken: set[str], plan: Plan) -> None:
    """Match what is left over on both sides and has the same name: it was moved."""
    free: dict[Identity, list[Slot]] = defaultdict(list)
    for slots in recorded.slots.values():
        for slot in slots:
            if slot.position not in taken and slot.identity[2] is not None:
                free[slot.identity].append(slot)
    for ask in extra:
        candidates = free.get(identity_of_ask(ask), [])
        if candidates and ask.args[0] != "branch":
            near = next((s for s in candidates if s.position.rpartition("-")[0] == ask.parent_path), candidates[0])
            candidates.remove(near)
            plan[ask.position] = near.position


def _pairs(asks: list[Ask], slots: list[Slot]) -> list[tuple[Ask, Slot | None]]:
    if asks and asks[0].args[0] == "branch":  # branches are told by their index
        by_number = {slot.number: slot for slot in slots}
        return [(ask, by_number.get(ask.number)) for ask in asks]
    first, last_asks, last_slots = 0, len(asks), len(slots)
    while first < min(last_asks, last_slots) and _cost(asks[first], slots[first]) == 0:
        first += 1
    while last_asks > first and last_slots > first and _cost(asks[last_asks - 1], slots[last_slots - 1]) == 0:
        last_asks, last_slots = last_asks - 1, last_slots - 1
    middle = _aligned(asks[first:last_asks], slots[first:last_slots])
    return [
        *zip(asks[:first], slots[:first], strict=True),
        *middle,
        *zip(asks[last_asks:], slots[last_slots:], strict=True),
    ]


def _cost(ask: Ask, slot: Slot) -> float:
    wanted, held = identity_of_ask(ask), slot.identity
    if wanted == held:
        return _OTHER_ARGUMENTS if slot.operation is not None and changes(ask, slot.operation) else 0.0
    if slot.operation is None or ask.virtual:
        return _NEVER
    if wanted[:2] == held[:2]:
        alike = difflib.SequenceMatcher(None, wanted[2] or "", held[2] or "").ratio()
        return _RENAMED + _UNLIKE_NAMES * (1 - alike) + (0.2 if changes(ask, slot.operation) else 0.0)
    if wanted[2] == held[2] and (wanted[2] is not None or wanted[0] == held[0]):
        return _RETYPED
    return _NEVER


def _aligned(asks: list[Ask], slots: list[Slot]) -> list[tuple[Ask, Slot | None]]:
    """Least-cost alignment of two sequences."""
    rows, columns = len(asks), len(slots)
    if not rows or not columns:
        return [(ask, None) for ask in asks]
    if rows * columns > _MOST_CELLS:
        return _aligned_roughly(asks, slots)
    costs = [[0.0] * (columns + 1) for _ in range(rows + 1)]
    for i in range(rows + 1):
        costs[i][columns] = (rows - i) * _ONE_SIDED
    for j in range(columns + 1):
        costs[rows][j] = (columns - j) * _ONE_SIDED
    pair = [[_cost(ask, slot) for slot in slots] for ask in asks]
    for i in range(rows - 1, -1, -1):
        here, below, pairs = costs[i], costs[i + 1], pair[i]
        for j in range(columns - 1, -1, -1):
            here[j] = min(below[j + 1] + pairs[j], below[j] + _ONE_SIDED, here[j + 1] + _ONE_SIDED)
    found: list[tuple[Ask, Slot | None]] = []
    i = j = 0
    while i < rows:
        if j < columns and costs[i][j] == costs[i + 1][j + 1] + pair[i][j]:
            found.append((asks[i], slots[j]))
            i, j = i + 1, j + 1
        elif j < columns and costs[i][j] == costs[i][j + 1] + _ONE_SIDED:
            j += 1
        else:
            found.append((asks[i], None))
            i += 1
    return found


def _aligned_roughly(asks: list[Ask], slots: list[Slot]) -> list[tuple[Ask, Slot | None]]:
    matcher = difflib.SequenceMatcher(None, [s.identity for s in slots], [identity_of_ask(a) for a in asks], autojunk=False)
    partner: dict[int, Slot] = {}
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal" or (tag == "replace" and i2 - i1 == j2 - j1):
            for i, j in zip(range(i1, i2), range(j1, j2), strict=True):
                if _cost(asks[j], slots[i]) < _NEVER:
                    partner[j] = slots[i]
    return [(ask, partner.get(index)) for index, ask in enumerate(asks)]
