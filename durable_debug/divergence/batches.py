"""Maps and parallels: how many branches, and whether each has a context of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from durable_debug.divergence.branches import given_names
from durable_debug.divergence.facts import (
    Branch,
    Branches,
    Error,
    Failed,
    Raises,
    Result,
    Said,
    Side,
    error_of,
    text_of,
)
from durable_debug.divergence.tree import identity_of
from durable_debug.divergence.values import same_as_written, same_error_objects

if TYPE_CHECKING:
    from durable_debug.divergence.facts import Identity
    from durable_debug.divergence.pairing import Pairing
    from durable_debug.divergence.tree import Node
    from durable_debug.engine.ongoing_pass import Body, Call
    from durable_debug.history import Operation

__all__ = ["FLAT", "NESTED", "find_in_batches", "is_its_own", "was_left_behind"]

FLAT, NESTED = Said("FLAT branches"), Said("NESTED branches")
_BATCHES = {"Map", "Parallel"}


def find_in_batches(pairing: Pairing) -> None:
    """Compare nesting and number of branches of each map and parallel."""
    for call in pairing.contexts:
        if call.kind == "run_in_child_context":
            continue
        operation = pairing.operation(call)
        if operation is not None and call.entered and operation.sub_type in _BATCHES:
            nodes = pairing.recorded.nodes.get(operation.position, [])
            branches = [inner for inner in pairing.children[call.position] if inner.kind == "branch"]
            _compare_nesting(pairing, call, operation, nodes, branches)
            if not _compare_count(pairing, call, operation, nodes, branches):
                _compare_results(pairing, operation, [branch for branch in branches if branch.virtual])


def _compare_nesting(
    pairing: Pairing, call: Call, operation: Operation, nodes: list[Node], branches: list[Call]
) -> None:
    if not nodes or not branches:
        return
    nested = any(node.operation is not None for node in nodes)
    if nested is branches[0].virtual:
        was, now = (FLAT, NESTED)[nested], (NESTED, FLAT)[nested]
        pairing.add("nesting_changed", was, now, call=call, operation=operation)
        pairing.explained.update(branch.position for branch in branches)
        pairing.accounted.update(node.position for node in nodes)


def _compare_count(
    pairing: Pairing, call: Call, operation: Operation, nodes: list[Node], branches: list[Call]
) -> bool:
    """Find branches that came or went; whether the indices of the others are not what they were."""
    started, complete = _branches_started(call, operation, nodes)
    asked = call.branches or 0
    if started is None or asked == started:
        return False
    new = [branch for branch in branches if pairing.used.get(branch.position) is None]
    gone = [node for node in nodes if node.position not in pairing.caller]
    amid = any(branch.number < max((b.number for b in branches if b not in new), default=0) for branch in new)
    if asked < started or complete or amid:  # else the batch had enough before it came to the others
        now = _which(pairing, asked, branches, new, gone)
        pairing.add("item_count", Branches(started), now, call=call, operation=operation)
    for branch in new:
        pairing.explained.add(branch.position)
        pairing.closed.add(branch.position)
    for node in gone:
        pairing.accounted.add(node.position)
        pairing.account_for(node.position)
    return True


def _which(pairing: Pairing, asked: int, branches: list[Call], new: list[Call], gone: list[Node]) -> Branches:
    """Name the branches that came or went, by their index and by what tells them from others."""
    some = new if len(new) < len(branches) else []
    calls, nodes = pairing.children, pairing.recorded.nodes
    return Branches(
        asked,
        gone=tuple(
            [_branch(g.number, g.identity[2], [s.identity for s in nodes.get(g.position, ())]) for g in gone]
        ),
        new=tuple([_branch(b.number, b.name, [*map(identity_of, calls.get(b.position, ()))]) for b in some]),
    )


def _branch(index: int, name: str | None, inside: list[Identity]) -> Branch:
    return Branch(index, None if name in {None, *given_names(index)} else name, inside[0] if inside else None)


def _compare_results(pairing: Pairing, operation: Operation, flat: list[Call]) -> None:
    """FLAT branches have no operation of their own: what each of them gave is in the batch's result."""
    batch = flat[0].within if flat and operation.end_event_id else None
    items = batch.items if batch is not None else {}
    for branch in flat:
        recorded_as = pairing.used.get(branch.position) or branch.position
        item = items.get(int(recorded_as.rpartition("-")[2]))
        if item is None or branch.body is None or not pairing.is_compared(branch):
            continue
        body = branch.body
        was: Side | None = None
        now: Side | None = None
        if item.status == "SUCCEEDED":
            was = Result(text_of(item.text))
            if body.how == "returned" and same_as_written(body, item.plain) is False:
                now = Result(text_of(body.text))
        elif item.status == "FAILED":
            was = Failed(error_of(item.error))
            now = Said("returns a result") if body.how == "returned" and body.plain[0] else None
        if (
            body.how == "raised"
            and is_its_own(branch, body)
            and not same_error_objects(body.error, item.error)
        ):
            now = Raises(Error(body.error_type, text_of(body.text)))
        if was is not None and now is not None:
            place = pairing.recording.ends.get(branch.position)
            pairing.add("child_result", was, now, call=branch, operation=operation, place=place)


def is_its_own(call: Call, body: Body) -> bool:
    """Whether an error is the body's, and not the SDK's objection to an operation, which is told of."""
    return call.objection is None and body.error_type != "NonDeterministicExecutionError"


def was_left_behind(branch: Call, batch: Operation) -> bool:
    """Whether a branch without an operation of its own had not ended when its batch did."""
    if batch.end_event_id is None:
        return True
    started = _of_payload(batch.result).unfinished
    return (
        branch.number in started
        if started is not None
        else branch.within is not None and branch.within.ends_early
    )


def _branches_started(call: Call, operation: Operation, nodes: list[Node]) -> tuple[int | None, bool]:
    """How many branches a batch started, and whether that was all of them."""
    if operation.end_event_id is None:
        return (len(nodes) if nodes and nodes[-1].number >= (call.branches or 0) else None), False
    told = _of_payload(operation.result)
    count = told.branches
    if count is None and nodes and nodes[0].operation is not None:
        count = nodes[-1].number + 1
    return count, told.reason == "ALL_COMPLETED" or (told.reason is None and not call.ends_early)


class _Told(NamedTuple):
    """What a batch's payload tells of its branches; None where it does not."""

    branches: int | None = None
    reason: str | None = None
    unfinished: set[int] | None = None


def _of_payload(payload: str | None) -> _Told:
    """Read a BatchResult as the SDK writes it, or its summary of one."""
    try:
        data = json.loads(payload or "")
    except ValueError:
        return _Told()
    if not isinstance(data, dict):
        return _Told()
    if isinstance(data.get("totalCount"), int):
        started = data.get("startedIndexes")
        return _Told(
            data["totalCount"],
            data.get("completionReason"),
            set(started) if isinstance(started, list) else None,
        )
    body = data.get("v") if data.get("t") == "br" else data
    if not isinstance(body, dict):
        return _Told()
    items, reason = _plain(body.get("all")), _plain(body.get("completionReason"))
    if not isinstance(items, list):
        return _Told(None, reason)
    branches = [branch for branch in map(_plain, items) if isinstance(branch, dict)]
    unfinished = {
        _plain(branch.get("index")) for branch in branches if _plain(branch.get("status")) == "STARTED"
    }
    return _Told(len(items), reason, unfinished)


def _plain(value: Any) -> Any:
    return value.get("v") if isinstance(value, dict) and "t" in value else value
