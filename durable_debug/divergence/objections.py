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
    from durable_debug.engine.recording import Recording
    from durable_debug.engine.tape import Ask
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


def _is_objection(ask: Ask) -> bool:
    return ask.objection is not None and ask.objection.is_identity


def is_of_objection(error: Mapping[str, Any] | None) -> bool:
    """Whether a recorded error is the SDK's objection."""
    return str((error or {}).get("ErrorType") or "").rpartition(".")[2] == _ERROR


def failed_in_flight(history: History) -> bool:
    """Whether the SDK ended the execution: it was replayed with other code, or its code does not do the same twice.

    What the handler would have gone on to do is not on record.
    """
    return history.status == "FAILED" and is_of_objection(history.error)


def objections(recording: Recording) -> list[Ask]:
    """The calls that Lambda would object to, in the order of asking, up to the one that ends the execution.

    The branches of a map or parallel may meet one each; the first that none of them catches is the end of all. Where
    threads of the handler's own hand theirs on, it is the one that ends the execution.
    """
    found = [ask for ask in recording.objected if not ask.looked and _is_objection(ask)]
    last = next((i for i, ask in enumerate(found) if failed_by(recording, ask)), None)
    if last is not None and found[0].handed:
        return [found[last]]
    return found if last is None else found[: last + 1]


def objected_at(recording: Recording, ask: Ask) -> str:
    """Position of the operation that an objection is about: of a map or parallel it may be one of its branches."""
    wanted = ask.objection.operation_id if ask.objection is not None else None
    if wanted is None or wanted == ask.operation_id:
        return ask.position
    inside = (a for a in recording.asks if a.operation_id == wanted and a.within is ask)
    return next((a.position for a in inside), ask.position)


def objection(recording: Recording) -> Ask | None:
    """The call that Lambda would object to first: the SDK raises NonDeterministicExecutionError; None if it does not."""
    return next(iter(objections(recording)), None)


def failed_by(recording: Recording, ask: Ask) -> bool:
    """Whether it was the objection to this call that ended the execution."""
    error, told = recording.outcome.error or {}, ask.objection
    return recording.outcome.status == "FAILED" and (
        (told is not None and is_of_objection(error) and error.get("ErrorMessage") == told.text)
        or ask.ended_it
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
    asks = objections(first)
    if failed:
        contexts.add("")
        # Which of several branches was the first to be objected to is chance.
        if asks and failed_by(first, asks[-1]) and is_of_objection(first.outcome.error):
            met.add("")
    elif (
        asks
        and ends_as_recorded(first)
        and not _went_further(first, history.tree(), history.invocation_count)
    ):
        met.add("")
    for ask in first.objected:
        if ask.looked and _is_objection(ask):
            context = ask.within
            while context is not None and context.body is None:
                context = context.within
            if context is not None and _is_met_in(first, recorded, context):
                met.add(context.position)
    at = {objected_at(first, ask) for ask in first.objected if _is_objection(ask)}
    return Cut(frozenset(contexts | met), frozenset(met), frozenset(at))


def _is_met_in(first: Recording, recorded: RecordedTree, context: Ask) -> bool:
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
    reached = {a.match_id for a in first.asks if a.match_id is not None and not _is_objection(a)}
    return any(
        operation.start_invocation == last
        or (operation.end_invocation == last and operation.type in {"STEP", "CONTEXT"})
        for operation in operations
        if operation.id not in reached
    )
