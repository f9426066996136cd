"""Answers the calls of one pass from the operations that they are aligned with."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from durable_debug.divergence.slots import identity_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from aws_durable_execution_sdk_python.lambda_service import Operation as SdkOperation

    from durable_debug.divergence.align import Plan
    from durable_debug.divergence.slots import Identity, Recorded, Slot
    from durable_debug.replay.tape import Ask

__all__ = ["Aligner"]


class Aligner:
    """Answers calls by a plan, and by guessing where the plan is silent. Serves one pass.

    A guess gives no answer rather than a wrong one: the values that follow from none are harmless, and the next
    pass has a plan.

    Parameters
    ----------
    plan, planned
        Which recorded position answers which call, and what these calls were: a handler that is not
        deterministic may ask for something else this time.
    unreadable
        Positions whose recorded result the code can't read: they are passed over.
    """

    def __init__(
        self,
        recorded: Recorded,
        answers: Mapping[str, SdkOperation],
        plan: Plan | None = None,
        planned: Mapping[str, Identity] | None = None,
        unreadable: Collection[str] = (),
    ) -> None:
        self._recorded = recorded
        self._answers = answers
        self._plan = plan or {}
        self._planned = planned or {}
        self._unreadable = unreadable
        self._due: dict[str, int] = {}  # by asked path, the index of the slot that is due
        self._skipped: dict[str, list[Slot]] = defaultdict(list)
        self.used: Plan = {}

    def __call__(self, ask: Ask) -> SdkOperation | None:
        """Give the recorded operation that answers a call; None for one that was inserted."""
        position = ask.position
        if position not in self.used:  # a branch that is resumed asks again
            planned = position in self._plan and self._planned.get(position) == identity_of(ask)
            self.used[position] = self._plan[position] if planned else self._guess(ask)
        target = self.used[position]
        if target is None or ask.virtual or position in self._unreadable:
            return None
        operation = self._recorded.by_position.get(target)
        return self._answers.get(operation.id) if operation is not None else None

    def _guess(self, ask: Ask) -> str | None:
        path = self.used.get(ask.parent_path) if ask.parent_path else ""
        slots = self._recorded.slots.get(path, []) if path is not None else []
        if ask.args[0] == "branch":
            return next((slot.position for slot in slots if slot.number == ask.number), None)
        wanted = identity_of(ask)
        due = self._due.get(ask.parent_path, 0)
        skipped = self._skipped[ask.parent_path]
        if due < len(slots) and slots[due].identity == wanted:
            self._due[ask.parent_path] = due + 1
            return slots[due].position
        for slot in skipped:
            if slot.identity == wanted:
                skipped.remove(slot)
                return slot.position
        for index in range(due + 1, len(slots)):
            if slots[index].identity == wanted:
                skipped.extend(slots[due:index])
                self._due[ask.parent_path] = index + 1
                return slots[index].position
        return None
