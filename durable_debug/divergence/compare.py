"""Compare what a pass asked for with what the history holds, fact by fact."""

from __future__ import annotations

from typing import TYPE_CHECKING

from durable_debug.divergence.arguments import changes
from durable_debug.divergence.batches import find_in_batches, is_its_own, was_left_behind
from durable_debug.divergence.facts import (
    Argument,
    Error,
    Failed,
    Operations,
    Raises,
    Result,
    Said,
    Side,
    error_of,
    payload_texts,
    text_of,
)
from durable_debug.divergence.missing import find_missing
from durable_debug.divergence.moves import find_moves
from durable_debug.divergence.nesting import find_nesting
from durable_debug.divergence.outcome import ended_by_handler
from durable_debug.divergence.pairing import Pairing
from durable_debug.divergence.tree import identity_of, recorded_identity
from durable_debug.divergence.values import could_be, same_error_objects, same_value
from durable_debug.wording import called

if TYPE_CHECKING:
    from durable_debug.divergence.align import Plan
    from durable_debug.divergence.objections import Cut
    from durable_debug.divergence.tree import RecordedTree
    from durable_debug.engine.ongoing_pass import Body, Call
    from durable_debug.engine.recording import Recording
    from durable_debug.history import Operation

__all__ = ["compare"]


def compare(
    recording: Recording, recorded: RecordedTree, used: Plan, unreadable: dict[str, str], cut: Cut
) -> Pairing:
    """Compare a pass with the history.

    Parameters
    ----------
    recording
        The pass.
    used
        Which recorded position answered which call.
    unreadable
        By asked position, what the SDK says to a recorded result that the code can't read.
    cut
        Where the record ends with an objection of the SDK.
    """
    pairing = Pairing(recording, recorded, used, unreadable, cut)
    find_in_batches(pairing)
    find_nesting(pairing)
    find_in_calls(pairing)
    find_missing(pairing)
    if pairing.moved:
        find_moves(pairing)
    return pairing


def find_in_calls(pairing: Pairing) -> None:
    """Compare call by call: identity, arguments, and how the body of a context ended."""
    history = pairing.recording.history
    last: Call | None = None  # of several insertions in a row, the last; and the first
    first: Call | None = None
    for position, call in pairing.calls.items():
        if call.virtual or not pairing.is_compared(call):
            continue
        operation = pairing.operations.get(position)
        if operation is None:
            if (
                position in pairing.explained
                or pairing.is_later(call)
                or _is_beyond_the_record(pairing, call)
            ):
                continue
            row = last is not None and last.parent_path == call.parent_path and last.number == call.number - 1
            first, last = (first if row else call), call
            pairing.add("unexpected", None, Operations((identity_of(call),)), call=call, run=first)
            pairing.closed.add(position)
            continue
        if (call.name, call.sub_type, call.type) != (operation.name, operation.sub_type, operation.type):
            _compare_identity(pairing, call, operation)
        if call.type != operation.type:
            continue  # what an operation of another type was asked with and gave is no second difference
        if position in pairing.unreadable:
            if operation.position != position:
                continue  # its codec may be told its id, which is another one here
            was = Result(text_of(history.plain(operation.result, operation)))
            pairing.add(
                "undeserializable", was, Said(pairing.unreadable[position]), call=call, operation=operation
            )
            continue
        for change in changes(call, operation, pairing.recorded):
            texts = payload_texts(history, operation, change.recorded, change.asked)
            sides = (Argument(change.what, text) for text in texts)
            pairing.add(change.kind, *sides, call=call, operation=operation)
        _compare_body(pairing, call, operation)


def _is_beyond_the_record(pairing: Pairing, call: Call) -> bool:
    """Whether a call comes after all that was recorded of a context that had not ended: that is its future."""
    halt = pairing.recording.halt
    if halt is not None and halt.call is call and not ended_by_handler(pairing.recording.history):
        return True
    target, parent = pairing.target(call.parent_path), pairing.calls.get(call.parent_path)
    if target is None:  # as the context that it is in
        return (
            parent is not None
            and parent.position not in pairing.explained
            and _is_beyond_the_record(pairing, parent)
        )
    if not _is_open(pairing, call.parent_path):
        return False
    siblings = pairing.children[call.parent_path]
    return not any(pairing.is_known(other) for other in siblings if other.number > call.number)


def _is_open(pairing: Pairing, path: str) -> bool:
    """Whether a context had not ended when the record did, or was left behind by its batch."""
    call = pairing.calls.get(path)
    if call is None:
        return "" in pairing.cut.contexts or not ended_by_handler(pairing.recording.history)
    operation = pairing.operation(call)
    if operation is not None:
        return operation.end_event_id is None or operation.position in pairing.cut.contexts
    if call.kind == "branch" and call.within is not None:
        batch = pairing.operation(call.within)
        return batch is not None and was_left_behind(call, batch)
    return _is_open(pairing, call.parent_path)


def _compare_identity(pairing: Pairing, call: Call, operation: Operation) -> None:
    was, now = Operations((recorded_identity(operation),)), Operations((identity_of(call),))
    if (call.type, call.sub_type) != (operation.type, operation.sub_type):
        if call.position in pairing.explained:
            return
        pairing.add("retyped", was, now, call=call, operation=operation)
        pairing.closed.add(call.position)
        pairing.account_for(operation.position)
    elif not could_be(call.name, operation.name):
        if call.kind == "branch" and operation.position.rpartition("-")[2] != str(call.number):
            return  # named by its index, and told as reordered
        kind = "branch_name" if call.kind == "branch" else "renamed"
        pairing.add(kind, was, now, call=call, operation=operation)


def _compare_body(pairing: Pairing, call: Call, operation: Operation) -> None:
    """Compare how an entered body ended with what its context recorded."""
    as_recorded = operation.position in pairing.cut.met
    body = call.body
    if body is None or call.type != "CONTEXT" or call.kind in {"map", "parallel"} or as_recorded:
        return
    how = body.how
    was: Side | None = None
    now: Side | None = None
    goes_on = how == "left" and operation.position in pairing.cut.contexts
    if operation.status == "FAILED" and (how == "returned" or goes_on):
        if how == "returned" and not body.writable:
            return  # that is how it failed
        was = Failed(error_of(operation.error))
        now = Said("goes on" if goes_on else "returns a result")
    elif how == "returned" and operation.status == "SUCCEEDED" and not call.replays_children:
        was, now = _other_result(pairing, call, operation, body)
    elif how == "raised" and is_its_own(call, body):
        now = Raises(Error(body.error_type, text_of(body.text)))
        if operation.status == "SUCCEEDED":
            was = Result(text_of(pairing.recording.history.plain(operation.result, operation)))
        elif operation.status == "FAILED" and not same_error_objects(body.error, operation.error):
            was = Failed(error_of(operation.error))
    if was is not None and now is not None:
        place = pairing.recording.ends.get(call.position)
        pairing.add("child_result", was, now, call=call, operation=operation, place=place)


def _other_result(
    pairing: Pairing, call: Call, operation: Operation, body: Body
) -> tuple[Side | None, Side | None]:
    same, text = same_value(body, operation.result)
    if same is None:
        sentence = f"The result of {called(operation)} ({call.position}) could not be compared: {text}."
        pairing.unchecked.append(sentence)
    if same is not False:
        return None, None
    was, now = payload_texts(pairing.recording.history, operation, operation.result, text)
    return Result(was), Result(now)
