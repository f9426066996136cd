"""What was recorded and is never asked for."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from durable_debug.divergence.facts import END, Identity, Operations
from durable_debug.divergence.outcome import ended_by_handler
from durable_debug.divergence.slots import recorded_identity
from durable_debug.divergence.values import same_error_objects
from durable_debug.wording import called, named

if TYPE_CHECKING:
    from durable_debug.divergence.pairing import Pairing
    from durable_debug.divergence.slots import Slot
    from durable_debug.engine.tape import Ask

__all__ = ["find_absent"]


def find_absent(pairing: Pairing) -> None:
    """Find recorded operations that nobody asks for, those in a row as one."""
    for target, slots in pairing.recorded.slots.items():
        path = _entered_as(pairing, target)
        if path is None:
            continue
        reached = [i for i, slot in enumerate(slots) if slot.position in pairing.asker]
        went_on = _goes_on_after(pairing, path)
        end = len(slots) if went_on or _has_ended(pairing, path) else max(reached, default=0)
        gone = [
            i
            for i, slot in enumerate(slots[:end])
            if slot.position not in pairing.accounted and not _may_be_asked_in_a_body(pairing, slot)
        ]
        for _, run in groupby(enumerate(gone), key=lambda pair: pair[1] - pair[0]):
            row = [i for _, i in run]
            _add(pairing, path, slots, (row[0], row[-1]), went_on)


def _may_be_asked_in_a_body(pairing: Pairing, slot: Slot) -> bool:
    """Whether it was asked for by a body that does not run again, and Lambda does not mind."""
    body = pairing.recorded.in_bodies.get(slot.position)
    if body is None or slot.position in pairing.cut.at or body.position not in pairing.accounted:
        return False
    pairing.unchecked.append(
        f"{named(slot.identity)} ({slot.position}): it was asked for in the body of {called(body)}, which does not run again."
    )
    return True


def _entered_as(pairing: Pairing, target: str) -> str | None:
    """The context asked for that belongs to a recorded one, if its body was run and is compared."""
    if not target:
        return ""
    ask = pairing.asker.get(target)
    if ask is None or ask.position in pairing.closed or not pairing.is_compared(ask):
        return None
    return ask.position if ask.entered or pairing.children.get(ask.position) else None


def _has_ended(pairing: Pairing, path: str) -> bool:
    """Whether a body came to its end, so that nothing more is to be expected of it."""
    ask, outcome, history = pairing.asks.get(path), pairing.recording.outcome, pairing.recording.history
    if ask is not None and ask.body is not None:
        return ask.body.how == "returned"
    if outcome.status == "FAILED":
        return history.status == "FAILED" and same_error_objects(outcome.error, history.error)
    if outcome.status == "PENDING":  # it waits for what the record waits for, with all before that on record
        return not ended_by_handler(history)
    return outcome.status == "SUCCEEDED"


def _goes_on_after(pairing: Pairing, path: str) -> Ask | None:
    """The first call behind all that are recorded of a context."""
    found = None
    for ask in reversed(pairing.children.get(path, ())):
        if ask.virtual or ask.kind == "branch" or pairing.used.get(ask.position) is not None:
            break
        found = ask
    return found


def _in_body_of(pairing: Pairing, run: list[Slot]) -> Identity | None:
    """The step in whose body all of them were asked for."""
    bodies = [pairing.recorded.in_bodies.get(slot.position) for slot in run]
    return None if bodies[0] is None or None in bodies else recorded_identity(bodies[0])


def _add(pairing: Pairing, path: str, slots: list[Slot], row: tuple[int, int], went_on: Ask | None) -> None:
    first, last = row
    behind = (pairing.asker.get(slot.position) for slot in slots[last + 1 :])
    before = (pairing.asker.get(slot.position) for slot in reversed(slots[:first]))
    follower = next((ask for ask in behind if ask is not None and ask.parent_path == path), went_on)
    leader = next((ask for ask in before if ask is not None and ask.parent_path == path), None)
    context = pairing.asks.get(path)
    place, order = None, END
    if follower is not None:
        order = follower.seq - 0.5
    else:
        place = pairing.recording.ends.get(path)
        if context is not None and context.place is not None and context.sub_type in {"Map", "Parallel"}:
            place = context.place  # it has no body of its own
        if path:
            mine = [ask.seq for ask in pairing.children[path]]
            order = max(mine, default=context.seq if context else -1) + 0.5
    run = slots[first : last + 1]
    operations = [slot.operation for slot in run if slot.operation is not None]
    pairing.add(
        "missing",
        Operations(tuple([slot.identity for slot in run])),
        None,
        operation=operations[0] if operations else None,
        also=tuple(operations[1:]),
        in_body_of=_in_body_of(pairing, run),
        place=place,
        path=path,
        leader=leader if follower or leader else context,
        follower=follower,
        order=order,
    )
