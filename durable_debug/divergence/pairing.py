"""Which call belongs to which recorded operation: a pass and its history side by side, and what is found of them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from durable_debug.divergence.facts import Finding
from durable_debug.divergence.tree import parent_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from durable_debug.divergence.align import Plan
    from durable_debug.divergence.facts import Side
    from durable_debug.divergence.objections import Cut
    from durable_debug.divergence.tree import RecordedTree
    from durable_debug.engine.ongoing_pass import Call
    from durable_debug.engine.recording import Recording
    from durable_debug.history import Operation

__all__ = ["Pairing"]

_CONTEXTS = {"run_in_child_context", "map", "parallel"}


class Pairing:
    """One pass beside its history, and what is found.

    Whatever explains a difference notes it here, so that what looks later does not tell it again: `explained`, `closed`
    and `accounted`.

    Attributes
    ----------
    findings, unchecked
        The differences, and what could not be compared, a sentence each.
    recording, recorded, cut, unreadable
        What is compared, as it is given.
    asks
        The calls by their position, each once.
    children
        By the position of a context, the calls in it, in the order of asking.
    contexts
        The calls that hold others: child contexts, maps and parallels.
    operations
        The recorded operations that answer the calls, by the position of the call.
    moved
        Whether any call is answered by an operation of another position.
    used, asker
        RecordedTree position by asked position, and the other way round.
    explained
        Positions asked for whose difference is told by another finding.
    closed
        Positions asked for whose inside is not compared.
    accounted
        RecordedTree positions that are asked for, or whose lack is told by another finding.
    unwrapped
        RecordedTree contexts whose operations now stand outside of them.
    """

    def __init__(
        self,
        recording: Recording,
        recorded: RecordedTree,
        used: Plan,
        unreadable: Mapping[str, str],
        cut: Cut,
    ) -> None:
        self.cut = cut
        self.unreadable = unreadable
        self.recording = recording
        self.recorded = recorded
        self.used = used
        self.calls: dict[str, Call] = {}
        self.operations: dict[str, Operation] = {}
        self.children: dict[str, list[Call]] = defaultdict(list)
        self.contexts: list[Call] = []
        self.moved = False
        for call in recording.calls:
            position = call.position
            if position in self.calls:
                continue
            self.calls[position] = call
            self.children[call.parent_path].append(call)
            if call.kind in _CONTEXTS:
                self.contexts.append(call)
            target = used.get(position)
            if target is None:
                continue
            if target != position:
                self.moved = True
            operation = recorded.by_position.get(target)
            if operation is not None:
                self.operations[position] = operation
        self.caller = {
            target: self.calls[p] for p, target in used.items() if target is not None and p in self.calls
        }
        self.accounted = set(self.caller) | recorded.later
        self.explained: set[str] = set()
        self.closed: set[str] = set()
        self.unwrapped: set[str] = set()
        self.findings: list[Finding] = []
        self.unchecked: list[str] = []

    def target(self, path: str) -> str | None:
        """The recorded context that a context asked for belongs to."""
        return self.used.get(path) if path else ""

    def operation(self, call: Call) -> Operation | None:
        """The recorded operation that answers a call."""
        return self.operations.get(call.position)

    def is_later(self, call: Call) -> bool:
        """Whether a call belongs to what was recorded after the invocation that is compared."""
        return self.used.get(call.position) in self.recorded.later

    def is_known(self, call: Call) -> bool:
        """Whether a call belongs to anything else that is recorded."""
        return self.used.get(call.position) is not None and not self.is_later(call)

    def is_compared(self, call: Call) -> bool:
        """Whether no context around a call is closed."""
        path = call.parent_path
        while path and self.closed:
            if path in self.closed:
                return False
            path = parent_of(path)
        return True

    def add(self, kind: str, recorded: Side | None, asked: Side | None, **more: Any) -> None:
        """Note a finding."""
        call: Call | None = more.get("call")
        if call is not None:
            more.setdefault("order", float(call.seq))
        self.findings.append(Finding(kind, recorded, asked, **more))

    def account_for(self, position: str) -> None:
        """Take the inside of a recorded context for told."""
        self.accounted.update(node.position for node in self.recorded.inside(position))
