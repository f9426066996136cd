"""The SDK's objections to code that does not ask for what was recorded: of the replay, and those that the record ends with.

Where code was changed in flight, Lambda has met the change itself. The objection then is the recorded end, or an
``except`` made another end of it; what the code would have asked for behind it was never recorded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from durable_debug.divergence.values import same_error_objects, same_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from durable_debug.divergence.tree import RecordedTree
    from durable_debug.engine.ongoing_pass import Call
    from durable_debug.engine.recording import Recording
    from durable_debug.history import History, Operation

__all__ = [
    "Cut",
    "ends_as_recorded",
    "failed_by",
    "failed_in_flight",
    "find_cut",
    "is_of_objection",
    "objected_at",
    "objection",
    "objections",
]

_ERROR = "NonDeterministicExecutionError"


@dataclass(frozen=True, slots=True)
class Cut:
    """Contexts whose record ends with an objection: what comes behind it was never recorded.

    Attributes
    ----------
    contexts
        Their recorded positions, ``""`` for the handler.
    at
        The positions that this replay meets objections at.
    met
        Those of them in which this replay meets an objection, too: they end as recorded.
    """

    contexts: frozenset[str] = frozenset()
    met: frozenset[str] = frozenset()
    at: frozenset[str] = frozenset()


def _is_objection(call: Call) -> bool:
    return call.objection is not None and call.objection.is_identity


def is_of_objection(error: Mapping[str, Any] | None) -> bool:
    """Whether a recorded error is the SDK's objection."""
    return str((error or {}).get("ErrorType") or "").rpartition(".")[2] == _ERROR


def failed_in_flight(history: History) -> bool:
    """Whether the SDK ended the execution: it was replayed with other code, or its code does not do the same twice.

    What the handler would have gone on to do is not on record.
    """
    return history.status == "FAILED" and is_of_objection(history.error)


def objections(recording: Recording) -> list[Call]:
    """The calls that Lambda would object to, in the order of asking, up to the one that ends the execution.

    The branches of a map or parallel may meet one each; the first that none of them catches is the end of all. Where
    threads of the handler's own hand theirs on, it is the one that ends the execution.
    """
    found = [call for call in recording.objected if not call.looked and _is_objection(call)]
    last = next((i for i, call in enumerate(found) if failed_by(recording, call)), None)
    if last is not None and found[0].handed:
        return [found[last]]
    return found if last is None else found[: last + 1]


def objected_at(recording: Recording, call: Call) -> str:
    """Position of the operation that an objection is about: of a map or parallel it may be one of its branches."""
    wanted = call.objection.operation_id if call.objection is not None else None
    if wanted is None or wanted == call.operation_id:
        return call.position
    inside = (a for a in recording.calls if a.operation_id == wanted and a.within is call)
    return next((a.position for a in inside), call.position)


def objection(recording: Recording) -> Call | None:
    """The call that Lambda would object to first: the SDK raises NonDeterministicExecutionError; None if it does not."""
    return next(iter(objections(recording)), None)


def failed_by(recording: Recording, call: Call) -> bool:
    """Whether it was the objection to this call that ended the execution."""
    error, told = recording.outcome.error or {}, call.objection
    return recording.outcome.status == "FAILED" and (
        (told is not None and is_of_objection(error) and error.get("ErrorMessage") == told.text)
        or call.ended_it
    )


def ends_as_recorded(recording: Recording) -> bool:
    """Whether a replay ends just as the execution did."""
    outcome, history = recording.outcome, recording.history
    status = "RUNNING" if outcome.status == "PENDING" else outcome.status
    return (
        recording.halt is None
        and (status, outcome.result) == (history.status, history.result)
        and same_error_objects(outcome.error, history.error)
    )


def find_cut(first: Recording, recorded: RecordedTree) -> Cut:
    """Find where the record ends with an objection.

    Parameters
    ----------
    first
        The replay as Lambda would do it.
    """
    met, history = set[str](), first.history
    contexts = {
        position
        for position, operation in recorded.by_position.items()
        if operation.type == "CONTEXT" and operation.error and is_of_objection(operation.error)
    }
    failed = failed_in_flight(history)
    if not contexts and not failed and not first.objected:
        return Cut()
    calls = objections(first)
    if failed:
        contexts.add("")
        # Which of several branches was the first to be objected to is chance.
        if calls and failed_by(first, calls[-1]) and is_of_objection(first.outcome.error):
            met.add("")
    elif (
        calls
        and ends_as_recorded(first)
        and not _went_further(first, history.tree(), history.invocation_count)
    ):
        met.add("")
    for call in first.objected:
        if call.looked and _is_objection(call):
            context = call.within
            while context is not None and context.body is None:
                context = context.within
            if context is not None and _is_met_in(first, recorded, context):
                met.add(context.position)
    at = {objected_at(first, call) for call in first.objected if _is_objection(call)}
    return Cut(frozenset(contexts | met), frozenset(met), frozenset(at))


def _is_met_in(first: Recording, recorded: RecordedTree, context: Call) -> bool:
    """Whether an ended context ended as its body does now, which meets an objection."""
    operation = recorded.by_position.get(context.position)
    if operation is None or context.body is None:
        return False
    body = context.body
    if body.how != "returned":
        return body.how == "raised" and body.error_type == _ERROR and is_of_objection(operation.error)
    inside = [node.operation for node in recorded.inside(context.position) if node.operation is not None]
    return (
        operation.status == "SUCCEEDED"
        and same_value(body, operation.result)[0] is True
        and not _went_further(first, inside, operation.end_invocation)
    )


def _went_further(first: Recording, operations: Iterable[Operation], last: int | None) -> bool:
    """Whether the handler did something in its last invocation that the replay, which meets an objection, does not come to."""
    reached = {a.match_id for a in first.calls if a.match_id is not None and not _is_objection(a)}
    return any(
        operation.start_invocation == last
        or (operation.end_invocation == last and operation.type in {"STEP", "CONTEXT"})
        for operation in operations
        if operation.id not in reached
    )
