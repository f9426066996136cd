"""The recorded operations by the context that they stand in: what calls are aligned with."""

from __future__ import annotations

import functools
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

from durable_debug.divergence.facts import VIRTUAL, Identity

if TYPE_CHECKING:
    from durable_debug.engine.ongoing_pass import Call
    from durable_debug.history import History, Operation

__all__ = ["Node", "RecordedTree", "identity_of", "numbers", "parent_of", "recorded_identity", "tenants_of"]

_NEVER = float("inf")
_BRANCHES = {"MapIteration", "ParallelBranch"}
_CONTEXTS = {"RunInChildContext", "virtual", "Map", "Parallel"}


def identity_of(call: Call) -> Identity:
    """What the SDK would compare of a call."""
    return VIRTUAL if call.virtual else (call.type, call.sub_type, call.name or None)


def recorded_identity(operation: Operation) -> Identity:
    """What the SDK would compare a call with."""
    return operation.type, operation.sub_type, operation.name or None


def parent_of(position: str) -> str:
    """Position of the context that a position is in; empty for the handler's own."""
    return position.rpartition("-")[0]


def numbers(position: str) -> tuple[int, ...]:
    """A position as numbers: they sort in the order of the program."""
    return tuple(map(int, position.split("-"))) if position else ()


class Node(NamedTuple):
    """One recorded operation in its context; a virtual context holds operations and is none itself."""

    number: int
    position: str
    identity: Identity
    operation: Operation | None


class RecordedTree:
    """The recorded operations, by where they stand.

    Parameters
    ----------
    history
        As far as it is compared with.
    whole
        All of it.

    Attributes
    ----------
    by_position
        Operations by logical position.
    nodes
        By the position of the context (``""`` for the handler), its operations in order.
    identities
        All that is recorded anywhere.
    tenants
        By operation id, the tenant that an invoke was sent for.
    later
        Positions of what the whole history holds besides: it is aligned with, but nothing is told of it.
    unfinished
        Positions of contexts that had not ended when the record did.
    """

    def __init__(self, history: History, whole: History | None = None) -> None:
        self.by_position: dict[str, Operation] = {}
        self.later: set[str] = set()
        nodes: dict[str, dict[int, Node]] = defaultdict(dict)
        for operation in _as_known(history, whole, self.later):
            position = operation.position
            if not position.replace("-", "").isdigit():
                continue  # its place can't be recovered from its id: told by `unchecked`
            if position not in self.later:
                self.by_position[position] = operation
            path, _, number = position.rpartition("-")
            nodes[path][int(number)] = Node(int(number), position, recorded_identity(operation), operation)
        for path in list(nodes):
            _add_virtual_contexts(path, nodes)
        self.nodes: dict[str, list[Node]] = {
            path: [by_number[n] for n in sorted(by_number)] for path, by_number in nodes.items()
        }
        self.identities = {node.identity for held in self.nodes.values() for node in held}
        if self.later:
            self.later.update(self._virtual_and_later())
        self.tenants = tenants_of(history)
        self.unfinished = frozenset(
            position
            for position, operation in self.by_position.items()
            if operation.type == "CONTEXT" and operation.end_event_id is None
        )

    def _virtual_and_later(self) -> list[str]:
        virtual = [node for held in self.nodes.values() for node in held if node.operation is None]
        return [
            node.position
            for node in virtual
            if all(one.operation is None or one.position in self.later for one in self.inside(node.position))
        ]

    @functools.cached_property
    def in_bodies(self) -> dict[str, Operation]:
        """What was asked for in the body of a step or a submitter, by position: that step, which was under way.

        The context around it waits for a body: what it is asked for meanwhile, the body asks for.
        """
        steps = [o for o in self.by_position.values() if o.type == "STEP" and o.start_event_id is not None]
        found: dict[str, Operation] = {}
        for path, nodes in self.nodes.items():
            ended: float = 0  # the last event of the operations before, as far as they hold up what follows
            for node in nodes:
                operation = node.operation
                began = operation.start_event_id if operation is not None else None
                if operation is None or began is None or operation.sub_type in _BRANCHES:
                    continue
                if began < ended:
                    inside = (o for o in steps if _holds_up(o, began, path, node.number))
                    body = next(inside, None)
                    if body is not None:
                        found[node.position] = body
                if operation.type in {"STEP", "CONTEXT"}:
                    ended = max(ended, operation.end_event_id or _NEVER)
        return found

    @functools.cached_property
    def contexts(self) -> list[Node]:
        """The contexts that hold a body's operations, the outermost first."""
        found = [node for held in self.nodes.values() for node in held if node.identity[1] in _CONTEXTS]
        return sorted(found, key=lambda node: numbers(node.position))

    def node(self, position: str) -> Node | None:
        """The node at a position."""
        path, _, number = position.rpartition("-")
        return next((node for node in self.nodes.get(path, ()) if node.number == int(number)), None)

    def content(self, position: str) -> Counter[Identity]:
        """What a recorded context holds."""
        return Counter(node.identity for node in self.nodes.get(position, ()))

    def inside(self, position: str) -> list[Node]:
        """Every node in a recorded context, however deep."""
        here = self.nodes.get(position, [])
        return here + [deeper for node in here for deeper in self.inside(node.position)]


def _as_known(history: History, whole: History | None, later: set[str]) -> list[Operation]:
    """All operations, as far as they were known; notes the positions of those that came later."""
    if whole is None or whole is history:
        return list(history.tree())
    known = {operation.id: operation for operation in history.tree()}
    later.update(operation.position for operation in whole.tree() if operation.id not in known)
    return [known.get(operation.id, operation) for operation in whole.tree()]


def _holds_up(step: Operation, event: int, path: str, number: int) -> bool:
    """Whether a step was under way at an event, and stands before this place of a context."""
    if not (step.start_event_id or 0) < event < (step.end_event_id or _NEVER):
        return False
    if path and not step.position.startswith(f"{path}-"):
        return False
    rest = step.position[len(path) + 1 :] if path else step.position
    return int(rest.partition("-")[0]) < number


def _add_virtual_contexts(path: str, nodes: dict[str, dict[int, Node]]) -> None:
    while path:
        above, _, number = path.rpartition("-")
        if int(number) not in nodes[above]:
            nodes[above][int(number)] = Node(int(number), path, VIRTUAL, None)
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
