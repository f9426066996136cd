"""Contexts put around operations, taken from around them, or turned into virtual ones and back.

A context is whatever holds operations: a child context, a map or parallel with its branches. A loop that was made a map,
or a parallel that was written out, is one change, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from durable_debug.divergence.facts import VIRTUAL, Operations, Where
from durable_debug.divergence.tree import identity_of, parent_of, recorded_identity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from durable_debug.divergence.pairing import Pairing
    from durable_debug.divergence.tree import Node
    from durable_debug.engine.ongoing_pass import Call

__all__ = ["find_nesting"]


def find_nesting(pairing: Pairing) -> None:
    """Find contexts whose operations are recorded otherwise nested."""
    for call in pairing.contexts:
        if call.position in pairing.explained or pairing.is_later(call):
            continue
        if pairing.used.get(call.position) is None:
            _wrapped(pairing, call)
        elif call.kind == "run_in_child_context":
            _virtual_or_not(pairing, call)
    for node in pairing.recorded.contexts:
        if node.position not in pairing.accounted:
            _unwrapped(pairing, node)


def _wrapped(pairing: Pairing, call: Call) -> None:
    new, inner = _in_new_contexts(pairing, call)
    here = pairing.target(call.parent_path)
    if all(pairing.is_later(a) for a in inner):
        return
    if not any(parent_of(pairing.used[a.position] or "") == here for a in inner):
        return
    if call.kind == "run_in_child_context" and any(
        parent_of(pairing.used[a.position] or "") != here for a in inner
    ):
        return
    was = Operations(tuple(map(identity_of, inner)), Where("alone"))
    pairing.add("nesting_changed", was, Operations(where=Where("inside", identity_of(call))), call=call)
    pairing.explained.update(new)


def _in_new_contexts(pairing: Pairing, call: Call) -> tuple[list[str], list[Call]]:
    """The contexts that are new with one, itself and its branches, and the recorded operations that are in them now."""
    new, inner = [call.position], []
    for child in pairing.children[call.position]:
        if pairing.used.get(child.position) is not None:
            inner.append(child)
        elif child.kind == "branch":
            more, deeper = _in_new_contexts(pairing, child)
            new, inner = new + more, inner + deeper
    return new, inner


def _virtual_or_not(pairing: Pairing, call: Call) -> None:
    operation = pairing.operation(call)
    if call.virtual and operation is not None:
        was = Operations((recorded_identity(operation),))
        pairing.add("nesting_changed", was, Operations((VIRTUAL,)), call=call, operation=operation)
    elif not call.virtual and operation is None:
        pairing.add("nesting_changed", Operations((VIRTUAL,)), Operations((identity_of(call),)), call=call)
        pairing.explained.add(call.position)


def _unwrapped(pairing: Pairing, node: Node) -> None:
    contexts, moved = [node.position], []
    for context, asked in _in_old_contexts(pairing, node):
        contexts.append(context)
        moved += asked
    if not moved:
        return
    was = Operations(tuple(map(identity_of, moved)), Where("inside", node.identity))
    now = Operations(where=Where("without", node.identity))
    pairing.add("nesting_changed", was, now, call=moved[0], operation=node.operation)
    pairing.accounted.update(contexts)
    pairing.unwrapped.update(contexts)


def _in_old_contexts(pairing: Pairing, node: Node) -> Iterator[tuple[str, list[Call]]]:
    """The contexts that are gone with one, itself and its branches, each with the calls that ask for what was in it."""
    inside = pairing.recorded.nodes.get(node.position, ())
    asked = [pairing.caller[inner.position] for inner in inside if inner.position in pairing.caller]
    yield node.position, [call for call in asked if call.kind != "branch"]
    for inner in inside:
        is_branch = inner.identity[1] in {"MapIteration", "ParallelBranch"} or inner.operation is None
        if inner.position not in pairing.caller and is_branch:
            yield from _in_old_contexts(pairing, inner)
