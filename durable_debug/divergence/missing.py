"""What was recorded and is never asked for."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from durable_debug.divergence.facts import END, Identity, Operations
from durable_debug.divergence.outcome import ended_by_handler
from durable_debug.divergence.tree import recorded_identity
from durable_debug.divergence.values import same_error_objects
from durable_debug.wording import called, named

if TYPE_CHECKING:
    from durable_debug.divergence.pairing import Pairing
    from durable_debug.divergence.tree import Node
    from durable_debug.engine.ongoing_pass import Call

__all__ = ["find_missing"]


def find_missing(pairing: Pairing) -> None:
    """Find recorded operations that nobody asks for, those in a row as one."""
    for target, nodes in pairing.recorded.nodes.items():
        path = _entered_as(pairing, target)
        if path is None:
            continue
        reached = [i for i, node in enumerate(nodes) if node.position in pairing.caller]
        went_on = _goes_on_after(pairing, path)
        end = len(nodes) if went_on or _has_ended(pairing, path) else max(reached, default=0)
        gone = [
            i
            for i, node in enumerate(nodes[:end])
            if node.position not in pairing.accounted and not _may_be_asked_in_a_body(pairing, node)
        ]
        for _, run in groupby(enumerate(gone), key=lambda pair: pair[1] - pair[0]):
            row = [i for _, i in run]
            _add(pairing, path, nodes, (row[0], row[-1]), went_on)


def _may_be_asked_in_a_body(pairing: Pairing, node: Node) -> bool:
    """Whether it was asked for by a body that does not run again, and Lambda does not mind."""
    body = pairing.recorded.in_bodies.get(node.position)
    if body is None or node.position in pairing.cut.at or body.position not in pairing.accounted:
        return False
    pairing.unchecked.append(
        f"{named(node.identity)} ({node.position}): it was asked for in the body of {called(body)}, which does not run again."
    )
    return True


def _entered_as(pairing: Pairing, target: str) -> str | None:
    """The context asked for that belongs to a recorded one, if its body was run and is compared."""
    if not target:
        return ""
    call = pairing.caller.get(target)
    if call is None or call.position in pairing.closed or not pairing.is_compared(call):
        return None
    return call.position if call.entered or pairing.children.get(call.position) else None


def _has_ended(pairing: Pairing, path: str) -> bool:
    """Whether a body came to its end, so that nothing more is to be expected of it."""
    call, outcome, history = pairing.calls.get(path), pairing.recording.outcome, pairing.recording.history
    if call is not None and call.body is not None:
        return call.body.how == "returned"
    if outcome.status == "FAILED":
        return history.status == "FAILED" and same_error_objects(outcome.error, history.error)
    if outcome.status == "PENDING":  # it waits for what the record waits for, with all before that on record
        return not ended_by_handler(history)
    return outcome.status == "SUCCEEDED"


def _goes_on_after(pairing: Pairing, path: str) -> Call | None:
    """The first call behind all that are recorded of a context."""
    found = None
    for call in reversed(pairing.children.get(path, ())):
        if call.virtual or call.kind == "branch" or pairing.used.get(call.position) is not None:
            break
        found = call
    return found


def _in_body_of(pairing: Pairing, run: list[Node]) -> Identity | None:
    """The step in whose body all of them were asked for."""
    bodies = [pairing.recorded.in_bodies.get(node.position) for node in run]
    return None if bodies[0] is None or None in bodies else recorded_identity(bodies[0])


def _add(pairing: Pairing, path: str, nodes: list[Node], row: tuple[int, int], went_on: Call | None) -> None:
    first, last = row
    behind = (pairing.caller.get(node.position) for node in nodes[last + 1 :])
    before = (pairing.caller.get(node.position) for node in reversed(nodes[:first]))
    follower = next((call for call in behind if call is not None and call.parent_path == path), went_on)
    leader = next((call for call in before if call is not None and call.parent_path == path), None)
    context = pairing.calls.get(path)
    place, order = None, END
    if follower is not None:
        order = follower.seq - 0.5
    else:
        place = pairing.recording.ends.get(path)
        if context is not None and context.place is not None and context.sub_type in {"Map", "Parallel"}:
            place = context.place  # it has no body of its own
        if path:
            mine = [call.seq for call in pairing.children[path]]
            order = max(mine, default=context.seq if context else -1) + 0.5
    run = nodes[first : last + 1]
    operations = [node.operation for node in run if node.operation is not None]
    pairing.add(
        "missing",
        Operations(tuple([node.identity for node in run])),
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
