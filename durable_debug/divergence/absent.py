"""What was recorded and is never asked for."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from durable_debug.divergence.findings import END
from durable_debug.divergence.outcome import ended_by_handler
from durable_debug.divergence.slots import numbers
from durable_debug.divergence.values import same_error_objects
from durable_debug.divergence.wording import listed

if TYPE_CHECKING:
    from durable_debug.divergence.matched import Matched
    from durable_debug.divergence.slots import Slot
    from durable_debug.engine.tape import Ask

__all__ = ["find_absent"]


def find_absent(matched: Matched) -> None:
    """Find recorded operations that nobody asks for, those in a row as one."""
    for target, slots in matched.recorded.slots.items():
        path = _entered_as(matched, target)
        if path is None:
            continue
        reached = [i for i, slot in enumerate(slots) if slot.position in matched.asker]
        went_on = _goes_on_after(matched, path)
        end = len(slots) if went_on or _has_ended(matched, path) else max(reached, default=0)
        gone = [
            i
            for i, slot in enumerate(slots[:end])
            if slot.position not in matched.accounted and not _asked_by_a_body(matched, target, slot)
        ]
        for _, run in groupby(enumerate(gone), key=lambda pair: pair[1] - pair[0]):
            row = [i for _, i in run]
            _add(matched, path, slots, (row[0], row[-1]), went_on)


def _asked_by_a_body(matched: Matched, context: str, slot: Slot) -> bool:
    """Whether an operation was asked for by the body of another one that no replay runs: a step, a submitter, a check.

    It began while such a body ran, in the context around it or further out; a context asks for one thing at a time.
    """
    began = slot.operation.start_event_id if slot.operation is not None else None
    if began is None:
        return False
    return any(
        body.type == "STEP"
        and (not context or body.position.startswith(f"{context}-"))
        and numbers(body.position) < numbers(slot.position)
        and (body.start_event_id or began) < began
        and (body.end_event_id is None or began < body.end_event_id)
        for body in matched.recorded.by_position.values()
    )


def _entered_as(matched: Matched, target: str) -> str | None:
    """The context asked for that belongs to a recorded one, if its body was run and is compared."""
    if not target:
        return ""
    ask = matched.asker.get(target)
    if ask is None or ask.position in matched.closed or not matched.is_compared(ask):
        return None
    return ask.position if ask.entered or matched.children.get(ask.position) else None


def _has_ended(matched: Matched, path: str) -> bool:
    """Whether a body came to its end, so that nothing more is to be expected of it."""
    ask, outcome, history = matched.asks.get(path), matched.recording.outcome, matched.recording.history
    if ask is not None and ask.body is not None:
        return ask.body.how == "returned"
    if outcome.status == "FAILED":
        return history.status == "FAILED" and same_error_objects(outcome.error, history.error)
    if outcome.status == "PENDING":  # it waits for what the record waits for, with all before that on record
        return not ended_by_handler(history)
    return outcome.status == "SUCCEEDED"


def _goes_on_after(matched: Matched, path: str) -> Ask | None:
    """The first call behind all that are recorded of a context."""
    found = None
    for ask in reversed(matched.children.get(path, ())):
        if ask.virtual or ask.kind == "branch" or matched.used.get(ask.position) is not None:
            break
        found = ask
    return found


def _add(matched: Matched, path: str, slots: list[Slot], row: tuple[int, int], went_on: Ask | None) -> None:
    first, last = row
    behind = (matched.asker.get(slot.position) for slot in slots[last + 1 :])
    before = (matched.asker.get(slot.position) for slot in reversed(slots[:first]))
    follower = next((ask for ask in behind if ask is not None and ask.parent_path == path), went_on)
    leader = next((ask for ask in before if ask is not None and ask.parent_path == path), None)
    context = matched.asks.get(path)
    place, order = None, END
    if follower is not None:
        order = follower.seq - 0.5
    else:
        place = matched.recording.ends.get(path)
        if path:
            mine = [ask.seq for ask in matched.children[path]]
            order = max(mine, default=context.seq if context else -1) + 0.5
    run = slots[first : last + 1]
    operations = [slot.operation for slot in run if slot.operation is not None]
    matched.add(
        "missing",
        listed([str(slot) for slot in run]),
        None,
        operation=operations[0] if operations else None,
        also=tuple(operations[1:]),
        place=place,
        path=path,
        leader=leader if follower or leader else context,
        follower=follower,
        order=order,
    )
