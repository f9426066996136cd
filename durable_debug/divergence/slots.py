"""The recorded operations by the context that they stand in: what calls are aligned with."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

from durable_debug.divergence.wording import described

if TYPE_CHECKING:
    from durable_debug.engine.tape import Ask
    from durable_debug.history import History, Operation

__all__ = ["Identity", "Recorded", "Slot", "identity_of", "numbers", "parent_of", "tenants_of"]

Identity = tuple[str, str | None, str | None]  # type, sub-type, name

_VIRTUAL: Identity = ("CONTEXT", "virtual", None)


def identity_of(ask: Ask) -> Identity:
    """What the SDK would compare of a call."""
    return _VIRTUAL if ask.virtual else (ask.type, ask.sub_type, ask.name or None)


def parent_of(position: str) -> str:
    """Position of the context that a position is in; empty for the handler's own."""
    return position.rpartition("-")[0]


def numbers(position: str) -> tuple[int, ...]:
    """A position as numbers: they sort in the order of the program."""
    return tuple(map(int, position.split("-"))) if position else ()


class Slot(NamedTuple):
    """One recorded operation in its context; a virtual context holds operations and is none itself."""

    number: int
    position: str
    identity: Identity
    operation: Operation | None

    def __str__(self) -> str:
        return "a virtual context" if self.operation is None else described(*self.identity)


class Recorded:
    """The recorded operations, by where they stand.

    Attributes
    ----------
    by_position
        Operations by logical position.
    slots
        By the position of the context (``""`` for the handler), its operations in order.
    identities
        All that is recorded anywhere.
    tenants
        By operation id, the tenant that an invoke was sent for.
    """

    def __init__(self, history: History) -> None:
        self.by_position: dict[str, Operation] = {}
        slots: dict[str, dict[int, Slot]] = defaultdict(dict)
        for operation in history.tree():
            position = operation.position
            if not position.replace("-", "").isdigit():
                continue  # its place can't be recovered from its id: told by `unchecked`
            self.by_position[position] = operation
            path, _, number = position.rpartition("-")
            identity = (operation.type, operation.sub_type, operation.name or None)
            slots[path][int(number)] = Slot(int(number), position, identity, operation)
        for path in list(slots):
            _add_virtual_contexts(path, slots)
        self.slots: dict[str, list[Slot]] = {
            path: [by_number[n] for n in sorted(by_number)] for path, by_number in slots.items()
        }
        self.identities = {slot.identity for held in self.slots.values() for slot in held}
        self.tenants = tenants_of(history)

    def slot(self, position: str) -> Slot | None:
        """The slot at a position."""
        path, _, number = position.rpartition("-")
        return next((slot for slot in self.slots.get(path, ()) if slot.number == int(number)), None)

    def content(self, position: str) -> Counter[Identity]:
        """What a recorded context holds."""
        return Counter(slot.identity for slot in self.slots.get(position, ()))

    def inside(self, position: str) -> list[Slot]:
        """Every slot in a recorded context, however deep."""
        here = self.slots.get(position, [])
        return here + [deeper for slot in here for deeper in self.inside(slot.position)]


def _add_virtual_contexts(path: str, slots: dict[str, dict[int, Slot]]) -> None:
    while path:
        above, _, number = path.rpartition("-")
        if int(number) not in slots[above]:
            slots[above][int(number)] = Slot(int(number), path, _VIRTUAL, None)
        path = above


def tenants_of(history: History) -> dict[str, str]:
    """By operation id, the tenant that an invoke was sent for."""
    found = {}
    for event in history.raw:
        if event.get("EventType") == "ChainedInvokeStarted":
            tenant = (event.get("ChainedInvokeStartedDetails") or {}).get("TenantId")
            if tenant is not None:
                found[event["Id"]] = tenant
    return found
