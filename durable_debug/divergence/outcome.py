"""The end of a replay against the recorded end, and what happened on the way outside operations."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from durable_debug.divergence.findings import STRUCTURE, VALUE_KEEPING, Finding
from durable_debug.divergence.values import same_error_objects, same_result
from durable_debug.divergence.wording import error_side, side
from durable_debug.engine import sdk
from durable_debug.engine.asked import Place, place_of
from durable_debug.engine.users_code import is_users

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from durable_debug.engine.guard import SideEffect
    from durable_debug.engine.recording import Recording
    from durable_debug.history import History

__all__ = ["ended_by_handler", "failed_by", "find_in_outcome", "find_side_effects", "goes_on", "objection"]

_SERVICE_ERROR = re.compile(r"RequestId: [0-9a-f-]+ Error:")
_EMULATOR = "aws_durable_execution_sdk_python_testing."  # the emulator's own objection to what it was sent
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


def failed_in_flight(history: History) -> bool:
    """Whether the SDK ended the execution: it was replayed with other code, or its code does not do the same twice.

    What the handler would have gone on to do is not on record.
    """
    return history.status == "FAILED" and _is_non_deterministic((history.error or {}).get("ErrorType"))


def _is_non_deterministic(error_type: object) -> bool:
    return str(error_type).rpartition(".")[2] == "NonDeterministicExecutionError"


def ends_as_recorded(recording: Recording) -> bool:
    """Whether a replay ends just as the execution did."""
    outcome, history = recording.outcome, recording.history
    status = "RUNNING" if outcome.status == "PENDING" else outcome.status
    return (
        recording.halt is None
        and (status, outcome.result) == (history.status, history.result)
        and same_error_objects(outcome.error, history.error)
    )


def recorded_objection(recording: Recording) -> Any:
    """The call that the SDK objected to when the execution was recorded, too; None where it did not.

    That is known where a replay meets an objection and ends just as the execution did.
    """
    return objection(recording) if ends_as_recorded(recording) else None


def objection(recording: Recording) -> Any:
    """The call that Lambda would object to: the SDK raises NonDeterministicExecutionError; None if it does not.

    The first; but where threads of the handler's own hand theirs on, the one that ends the execution.
    """
    calls = [ask for ask in recording.asks if not ask.looked and _is_objection(ask.failure)]
    first = calls[0] if calls else None
    if first is None or not first.handed:
        return first
    return next((ask for ask in calls if failed_by(recording, ask)), first)


def failed_by(recording: Recording, ask: Any) -> bool:
    """Whether it was the objection to this call that ended the execution."""
    error = recording.outcome.error or {}
    return recording.outcome.status == "FAILED" and (
        ("NonDeterministic" in str(error.get("ErrorType")) and error.get("ErrorMessage") == str(ask.failure))
        or _is_handed_on(recording.exception, ask.failure)
    )


def _is_handed_on(raised: BaseException | None, failure: object) -> bool:
    """Whether an exception is this one, or a group of what tasks raised that it is in."""
    if isinstance(raised, BaseExceptionGroup):
        return any(_is_handed_on(one, failure) for one in raised.exceptions)
    return raised is not None and raised is failure


def _is_objection(error: BaseException | None) -> bool:
    return type(error).__name__ == "NonDeterministicExecutionError"


def find_in_outcome(first: Recording, complete: Recording, others: Sequence[Finding]) -> list[Finding]:
    """Findings on the outcome.

    Parameters
    ----------
    first
        The replay as Lambda would do it.
    complete
        The pass that went through to the end.
    others
        What else was found: causes of another outcome are told already.
    """
    found = _swallowed(first) + _unexplained(first, others)
    if failed_in_flight(first.history) and _is_last(first):
        told = any(finding.kind in STRUCTURE for finding in others)
        return found if told else found + _meets_no_objection(first, complete)
    if complete.halt is not None:
        return found + _halted(complete)
    followed = any(finding.kind not in VALUE_KEEPING | {"unexpected", "child_result"} for finding in others)
    if not followed and _is_last(first):
        by_itself = first.halt is None and objection(first) is None
        other_end = _ends(first if by_itself else complete, complete, others)
        if other_end and by_itself and any(finding.kind in STRUCTURE for finding in others):
            # The SDK may have answered calls with what belongs to others: then that is the cause, and is told.
            other_end = _ends(complete, complete, others)
        found += other_end
    return found


def _is_last(recording: Recording) -> bool:
    k = recording.options.invocation
    return k is None or k == recording.history.invocation_count


def _halted(complete: Recording) -> list[Finding]:
    """A run that was ended: because it would not end itself, or because a body would run again."""
    halt = complete.halt
    assert halt is not None
    if halt.kind == "timeout":
        was = _recorded_end(complete.history)
        place = place_of(*halt.at) if halt.at is not None else complete.ends.get("")
        return [Finding("outcome", was, f"does not end: {halt.message}", place=place)]
    if halt.kind == "would_run" and halt.ask is not None and not goes_on(complete):
        ask = halt.ask
        if ask.match is None:
            return []  # told as unexpected
        status = ask.match.status.value
        return [Finding("would_run", f"recorded {status}", halt.message, ask=ask, order=float(ask.seq))]
    return []


def _ends(ended: Recording, complete: Recording, others: Sequence[Finding]) -> list[Finding]:
    """Another end than the recorded one: of the pass that Lambda would make, if it came to one."""
    history, outcome = ended.history, ended.outcome
    if not ended_by_handler(history):
        return _ends_instead_of_waiting(complete)
    kind = ""
    reordered = any(finding.kind == "reordered" for finding in others)
    if outcome.status != history.status:
        kind = "outcome"
    elif outcome.status == "SUCCEEDED" and not same_result(ended, history.result, any_order=reordered):
        kind = "result"
    elif outcome.status == "FAILED" and not same_error_objects(outcome.error, history.error):
        kind = "error"
    if not kind:
        return []
    place = _end_place(complete)
    if sdk.is_unreadable(ended.exception):  # of a callback: its result is read by the handler
        return [Finding("undeserializable", "result of a callback", str(ended.exception), place=place)]
    replayed = _end(outcome.status, outcome.result, outcome.error)
    return [Finding(kind, _recorded_end(history), replayed, place=place)]


def _meets_no_objection(first: Recording, complete: Recording) -> list[Finding]:
    """An execution that the SDK ended, and a handler to which it does not object: other code, or another state."""
    if objection(first) is not None:
        return []
    last = first.asks[-1] if first.asks else None
    now = (
        "meets no objection"
        if first.halt is not None
        else _end(first.outcome.status, first.outcome.result, first.outcome.error)
    )
    place = (
        place_of(last.code, last.lasti)
        if last is not None and last.code is not None
        else _end_place(complete)
    )
    return [Finding("outcome", _recorded_end(first.history), now, place=place)]


def _ends_instead_of_waiting(complete: Recording) -> list[Finding]:
    """An execution that waits for something, and a handler that no longer does."""
    history, outcome = complete.history, complete.outcome
    if history.status != "RUNNING" or outcome.status not in {"SUCCEEDED", "FAILED"} or not history.raw:
        return []
    last = history.raw[-1]
    error = ((last.get("InvocationCompletedDetails") or {}).get("Error") or {}).get("Payload")
    if last.get("EventType") != "InvocationCompleted" or error or complete.options.invocation is not None:
        return []
    began = history.invocation(history.invocation_count).first_event_id or 0
    seen_in_vain = any(
        o.end_event_id is not None
        and o.end_event_id >= began
        and o.type in {"WAIT", "CALLBACK", "CHAINED_INVOKE"}
        for o in history.tree()
    )
    if seen_in_vain:  # it may have ended while the handler was about to be suspended
        return []
    replayed = _end(outcome.status, outcome.result, outcome.error)
    return [Finding("outcome", _recorded_end(history), replayed, place=_end_place(complete))]


def _recorded_end(history: History) -> str:
    return _end(history.status, history.result, history.error)


def _end(status: str, result: str | None, error: Mapping[str, Any] | None) -> str:
    if status == "FAILED" and error:
        return error_side("FAILED with ", error)
    if status == "SUCCEEDED":
        return side("SUCCEEDED with ", result)
    if status == "CRASHED" and error:
        return error_side("ends without an output: ", error)
    return "is suspended" if status in {"PENDING", "RUNNING"} else f"is {status}"


def _end_place(complete: Recording) -> Place | None:
    """Where the handler ended: the line that raised, or the one that returned."""
    error, found = complete.exception, None
    trace = error.__traceback__ if error is not None else None
    while trace is not None:
        frame = trace.tb_frame
        if is_users(frame.f_code.co_filename):
            found = place_of(frame.f_code, trace.tb_lasti)
        trace = trace.tb_next
    return found or complete.ends.get("")


def find_side_effects(effects: Iterable[tuple[SideEffect, float]]) -> list[Finding]:
    """Findings on what was refused outside steps, each with its place among the calls."""
    found = []
    for effect, order in effects:
        place = Place.at(effect.file, effect.line) if effect.file and effect.line else None
        found.append(
            Finding("side_effect", None, effect.detail, place=place, order=order, looked=effect.looked)
        )
    return found


def _unexplained(first: Recording, others: Sequence[Finding]) -> list[Finding]:
    """An objection of the SDK though the handler asks for what was recorded.

    Such a handler counts otherwise once a context has ended: its body asked the context around it for operations.
    """
    ask = objection(first)
    if ask is None or ask.code is None:
        return []
    for finding in others:
        seen = finding.ask is None or not finding.ask.looked or finding.ask.position == ask.position
        if finding.kind == "reparented" or (finding.kind in STRUCTURE and seen):
            return []
    now = _end("FAILED", None, sdk.error_object(ask.failure))
    place = place_of(ask.code, ask.lasti)
    return [Finding("outcome", _recorded_end(first.history), now, ask=ask, place=place, order=float(ask.seq))]


def _swallowed(first: Recording) -> list[Finding]:
    """The SDK's objection is an Exception: a handler's ``except Exception`` can hide it."""
    outcome, ask = first.outcome, objection(first)
    if ask is None or failed_by(first, ask):
        return []
    now = f"the handler goes on: {_end(outcome.status, outcome.result, outcome.error)}"
    return [Finding("swallowed", "NonDeterministicExecutionError", now, ask=ask, order=ask.seq + 0.25)]
