"""Contexts put around operations, taken from around them, or turned into virtual ones and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from durable_debug.divergence.slots import identity_of, parent_of
from durable_debug.divergence.wording import called, described, listed

if TYPE_CHECKING:
    from durable_debug.divergence.matched import Matched
    from durable_debug.divergence.slots import Slot
    from durable_debug.engine.tape import Ask

__all__ = ["find_nesting"]


def find_nesting(matched: Matched) -> None:
    """Find child contexts whose operations are recorded otherwise nested."""
    for ask in list(matched.asks.values()):
        if ask.args[0] == "run_in_child_context":
            if matched.used.get(ask.position) is None:
                _wrapped(matched, ask)
            else:
                _virtual_or_not(matched, ask)
    for slots in matched.recorded.slots.values():
        for slot in slots:
            if slot.position not in matched.accounted and slot.identity[1] in {
                "RunInChildContext",
                "virtual",
            }:
                _unwrapped(matched, slot)


def _wrapped(matched: Matched, ask: Ask) -> None:
    inner = [a for a in matched.children[ask.position] if matched.used.get(a.position) is not None]
    here = matched.target(ask.parent_path)
    if not inner or any(parent_of(matched.used[a.position] or "") != here for a in inner):
        return
    names = listed([described(*identity_of(a)) for a in inner])
    context = "a virtual context" if ask.virtual else described(*identity_of(ask))
    matched.add("nesting_changed", f"{names} without a context of their own", f"inside {context}", ask=ask)
    matched.told.add(ask.position)


def _virtual_or_not(matched: Matched, ask: Ask) -> None:
    operation = matched.operation(ask)
    if ask.virtual and operation is not None:
        matched.add("nesting_changed", called(operation), "a virtual context", ask=ask, operation=operation)
    elif not ask.virtual and operation is None:
        matched.add("nesting_changed", "a virtual context", described(*identity_of(ask)), ask=ask)
        matched.told.add(ask.position)


def _unwrapped(matched: Matched, slot: Slot) -> None:
    inside = [matched.asker.get(inner.position) for inner in matched.recorded.slots.get(slot.position, ())]
    moved = [ask for ask in inside if ask is not None]
    if not moved:
        return
    names = listed([described(*identity_of(ask)) for ask in moved])
    matched.add(
        "nesting_changed", f"{names} inside {slot}", "without it", ask=moved[0], operation=slot.operation
    )
    matched.accounted.add(slot.position)
    matched.unwrapped.add(slot.position)
