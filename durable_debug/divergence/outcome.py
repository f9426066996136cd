"""The end of a replay against the recorded end, and what happened on the way outside operations."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from durable_debug.divergence.batches import FLAT, NESTED
from durable_debug.divergence.facts import (
    STRUCTURE,
    VALUE_KEEPING,
    VIRTUAL,
    Ending,
    Finding,
    Operations,
    Said,
    error_of,
    text_of,
)
from durable_debug.divergence.objections import (
    Cut,
    failed_by,
    failed_in_flight,
    objection,
    objections,
)
from durable_debug.divergence.values import same_error_objects, same_result
from durable_debug.engine.places import Place
from durable_debug.wording import shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from durable_debug.engine.engine import Outcome
    from durable_debug.engine.guard import SideEffect
    from durable_debug.engine.ongoing_pass import Call
    from durable_debug.engine.recording import Recording
    from durable_debug.history import History

__all__ = ["ended_by_handler", "find_in_outcome", "find_side_effects", "goes_on"]

_SERVICE_ERROR = re.compile(r"RequestId: [0-9a-f-]+ Error:")
_EMULATOR = "aws_durable_execution_sdk_python_testing."  # the emulator's own objection to what it was sent
_WHOLE = Cut()
_MADE_BY_HANDLER = {"StepStarted", "ContextStarted", "WaitStarted", "CallbackStarted", "ChainedInvokeStarted"}


def goes_on(recording: Recording) -> bool:
    """Whether a replay halted where the record itself ends: of a running execution, or a cut-off invocation."""
    halt = recording.halt
    if halt is None or halt.kind != "would_run":
        return False
    return recording.options.invocation is not None or not ended_by_handler(recording.history)


def ended_by_handler(history: History) -> bool:
    """Whether the handler's own end is on record: it returned or raised, and no crash or time limit was first.

    Where the service gives up on an execution, its last invocation has completed with an error, or not at all.
    """
    if history.status == "SUCCEEDED":
        return True
    if history.status != "FAILED" or failed_in_flight(history):
        return False
    error = history.error or {}
    if _SERVICE_ERROR.match(str(error.get("ErrorMessage") or "")):
        return False
    if str(error.get("ErrorType")).startswith(_EMULATOR):
        return False
    completed = [event for event in history.raw if event.get("EventType") == "InvocationCompleted"]
    if not completed:
        return True
    crash = (completed[-1].get("InvocationCompletedDetails") or {}).get("Error") or {}
    last = completed[-1]["EventId"]
    made_since = any(e["EventId"] > last and e.get("EventType") in _MADE_BY_HANDLER for e in history.raw)
    return not crash.get("Payload") and not made_since


def find_in_outcome(
    first: Recording, complete: Recording, others: Sequence[Finding], cut: Cut = _WHOLE
) -> list[Finding]:
    """Findings on the outcome.

    Parameters
    ----------
    first
        The replay as Lambda would do it.
    complete
        The pass that went through to the end.
    others
        What else was found: causes of another outcome are told already.
    cut
        Where the record ends with an objection of the SDK.
    """
    found = _unexplained(first, others)
    if "" in cut.met:
        return found  # it ends as recorded, by what is told
    calls = objections(first)
    found += [_swallowed(first, call) for call in calls if not failed_by(first, call)][:1]
    followed = any(finding.kind not in VALUE_KEEPING | {"unexpected", "child_result"} for finding in others)
    if not followed and not calls and not _goes_on_by_what_is_told(first, others):
        found += _goes_on_instead(first, complete)
    if any(finding.kind == "outcome" for finding in found):
        return found
    if complete.halt is not None:
        return found + _halted(complete)
    if not followed:
        by_itself = first.halt is None and not calls
        other_end = _ends(first, first if by_itself else complete, complete, others)
        if other_end and by_itself and any(finding.kind in STRUCTURE for finding in others):
            # The SDK may have answered calls with what belongs to others: then that is the cause, and is told.
            other_end = _ends(first, complete, complete, others)
        found += other_end
    return found


def _halted(complete: Recording) -> list[Finding]:
    """A run that was ended: because it would not end itself, or because a body would run again."""
    halt = complete.halt
    assert halt is not None
    if halt.kind == "timeout":
        was = _recorded_end(complete.history)
        place = halt.at or complete.ends.get("")
        return [Finding("outcome", was, Said(f"does not end: {halt.message}"), place=place)]
    if halt.kind == "would_run" and halt.call is not None and not goes_on(complete):
        call = halt.call
        if call.match_status is None:
            return []  # told as unexpected
        return [
            Finding(
                "would_run",
                Said(f"recorded {call.match_status}"),
                Said(halt.message),
                call=call,
                order=float(call.seq),
            )
        ]
    return []


def _ends(
    first: Recording, ended: Recording, complete: Recording, others: Sequence[Finding]
) -> list[Finding]:
    """Another end than the recorded one: of the pass that Lambda would make, if it came to one."""
    history, outcome = ended.history, ended.outcome
    reordered = any(finding.kind == "reordered" for finding in others)
    if not ended_by_handler(history):
        return [] if reordered else _ends_instead_of_waiting(complete)
    kind = ""
    if outcome.status != history.status:
        if _goes_on_by_what_is_told(first, others):
            return []
        kind = "outcome"
    elif outcome.status == "SUCCEEDED" and not same_result(ended, history.result, any_order=reordered):
        kind = "result"
    elif outcome.status == "FAILED" and not same_error_objects(outcome.error, history.error):
        kind = "error"
    if not kind:
        return []
    place = _end_place(complete)
    if (
        ended.raised is not None and ended.raised.is_unreadable
    ):  # of a callback, whose result the handler reads
        text = Said(ended.raised.text)
        return [Finding("undeserializable", Said("result of a callback"), text, place=place)]
    replayed = _replayed_end(history, outcome)
    return [Finding(kind, _recorded_end(history), replayed, place=place)]


def _goes_on_by_what_is_told(first: Recording, others: Sequence[Finding]) -> bool:
    """Whether the replay asks for more where the execution had ended: no end, known by nobody, is another change."""
    halt = first.halt
    if halt is None or halt.kind != "would_run" or halt.call is None:
        return False
    at = halt.call.position
    return any(f.kind == "unexpected" and f.call is not None and f.call.position == at for f in others)


def _ends_instead_of_waiting(complete: Recording) -> list[Finding]:
    """An execution that waits for something, and a handler that no longer does."""
    history, outcome = complete.history, complete.outcome
    if outcome.status not in {"SUCCEEDED", "FAILED"} or not _is_at_rest(history):
        return []
    replayed = _replayed_end(history, outcome)
    return [Finding("outcome", _recorded_end(history), replayed, place=_end_place(complete))]


def _goes_on_instead(first: Recording, complete: Recording) -> list[Finding]:
    """A handler that goes beyond where the record says that it was suspended, or that the SDK objected."""
    halt, history, call = first.halt, first.history, first.beyond
    objected = failed_in_flight(history)
    if halt is None and call is None and not objected:
        return []  # how it ends is compared
    if first.options.run or not (objected or _is_at_rest(history)):
        return []
    if halt is not None:
        if halt.kind != "would_run" or halt.call is None or (halt.call.match_id is not None and not objected):
            return []
        call = halt.call
    recorded = _recorded_end(history)
    if call is not None:
        place = call.place
        now = Said(f"{'meets no objection and ' if objected else ''}goes on: {shortened(call.deed, 600)}")
        return [Finding("outcome", recorded, now, call=call, place=place, order=float(call.seq))]
    outcome = first.outcome
    replayed, place = _replayed_end(history, outcome), _end_place(complete)
    return [Finding("outcome", recorded, replayed, place=place)]


def _is_at_rest(history: History) -> bool:
    """Whether a handler was suspended in order, and nothing has happened since that it could go on from."""
    if history.status != "RUNNING" or not history.raw:
        return False
    last = history.raw[-1]
    error = ((last.get("InvocationCompletedDetails") or {}).get("Error") or {}).get("Payload")
    if last.get("EventType") != "InvocationCompleted" or error:
        return False
    going_on: set[str | None] = {None}  # contexts, outermost first
    going_on.update(o.id for o in history.tree() if o.end_event_id is None and o.parent_id in going_on)
    contexts = {o.id for o in history.tree() if o.type == "CONTEXT"}
    if not going_on - contexts - {None}:
        return False  # it waits for nothing: it has ended, and that is not on record yet
    began = history.invocation(history.invocation_count).first_event_id or 0
    return not any(  # else it may have ended while the handler was about to be suspended
        o.end_event_id is not None
        and o.end_event_id >= began
        and o.type in {"WAIT", "CALLBACK", "CHAINED_INVOKE"}
        for o in history.tree()
    )


def _recorded_end(history: History) -> Ending:
    return _end(history.status, history.plain(history.result), history.error)


def _replayed_end(history: History, outcome: Outcome, *, goes_on: bool = False) -> Ending:
    return _end(outcome.status, history.plain(outcome.result), outcome.error, goes_on=goes_on)


def _end(
    status: str, result: str | None, error: Mapping[str, Any] | None, *, goes_on: bool = False
) -> Ending:
    return Ending(
        status,
        text_of(result) if status == "SUCCEEDED" else None,
        error_of(error) if status in {"FAILED", "CRASHED"} else None,
        goes_on,
    )


def _end_place(complete: Recording) -> Place | None:
    """Where the handler ended: the line that raised, or the one that returned."""
    raised = complete.raised
    return (raised.place if raised is not None else None) or complete.ends.get("")


def find_side_effects(effects: Iterable[tuple[SideEffect, float]]) -> list[Finding]:
    """Findings on what was refused outside steps, each with its place among the calls."""
    found = []
    for effect, order in effects:
        place = Place.at(effect.file, effect.line) if effect.file and effect.line else None
        found.append(
            Finding("side_effect", None, Said(effect.detail), place=place, order=order, looked=effect.looked)
        )
    return found


def _unexplained(first: Recording, others: Sequence[Finding]) -> list[Finding]:
    """An objection of the SDK though the handler asks for what was recorded.

    Such a handler counts otherwise once a context has ended: its body asked the context around it for operations.
    """
    call = objection(first)
    if call is None or call.place is None or call.objection is None:
        return []
    for finding in others:
        seen = finding.call is None or not finding.call.looked or finding.call.position == call.position
        if finding.kind == "reparented" or (finding.kind in STRUCTURE and seen):
            return []
    nesting = _other_nesting(call)
    if nesting is not None:
        return [nesting]
    now = _end("FAILED", None, call.objection.error)
    place = call.place
    return [
        Finding("outcome", _recorded_end(first.history), now, call=call, place=place, order=float(call.seq))
    ]


def _other_nesting(call: Call) -> Finding | None:
    """An operation that the SDK finds in another parent, at the same place: what is around it is virtual no more.

    Lambda has begun the new context by then, so that the record holds both.
    """
    context = call.within
    if context is None or call.match_id is None or call.match_parent_id == call.parent_id:
        return None
    if context.kind == "branch" and context.within is not None:
        batch = context.within
        return Finding("nesting_changed", FLAT, NESTED, call=batch, order=float(batch.seq))
    now = Operations(((context.type, context.sub_type, context.name or None),))
    return Finding("nesting_changed", Operations((VIRTUAL,)), now, call=context, order=float(context.seq))


def _swallowed(first: Recording, call: Call) -> Finding:
    """The SDK's objection is an Exception: a handler's ``except Exception`` can hide it."""
    outcome = first.outcome
    now = _replayed_end(first.history, outcome, goes_on=True)
    return Finding("swallowed", Said("NonDeterministicExecutionError"), now, call=call, order=call.seq + 0.25)
