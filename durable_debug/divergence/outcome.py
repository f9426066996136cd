"""The end of a replay against the recorded end, and what happened on the way outside operations."""

from __future__ import annotations

import linecache
import re
from typing import TYPE_CHECKING

from durable_debug.divergence.findings import Comparison, Finding
from durable_debug.divergence.values import same_error_objects, same_payload
from durable_debug.replay.asked import Place, place_of

if TYPE_CHECKING:
    from durable_debug.history import History
    from durable_debug.replay.recording import Recording

__all__ = ["goes_on", "outcome_findings"]

_LAST = float("inf")
_SERVICE_ERROR = re.compile(r"RequestId: [0-9a-f-]+ Error:")


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
    if history.status != "FAILED":
        return False
    if _SERVICE_ERROR.match(str((history.error or {}).get("ErrorMessage") or "")):
        return False
    completed = [event for event in history.raw if event.get("EventType") == "InvocationCompleted"]
    if not completed:
        return True
    error = (completed[-1].get("InvocationCompletedDetails") or {}).get("Error") or {}
    return not error.get("Payload") and _between(history, completed[-1]["EventId"]) == 0


def _between(history: History, last_completed: int) -> int:
    """How many of the handler's own events follow its last completed invocation."""
    made = ("StepStarted", "ContextStarted", "WaitStarted", "CallbackStarted", "ChainedInvokeStarted")
    return sum(1 for event in history.raw if event["EventId"] > last_completed and event.get("EventType") in made)


def outcome_findings(first: Recording, complete: Recording, comparison: Comparison) -> list[Finding]:
    """Findings on the outcome.

    Parameters
    ----------
    first
        The replay as Lambda would do it.
    complete
        The pass that went through to the end.
    """
    found = _side_effects(first, complete)
    found += _swallowed(first)
    if comparison.structural:
        return found  # the outcome follows from the operations
    halt = first.halt
    if halt is not None:
        if halt.kind == "would_run" and not goes_on(first) and halt.ask is not None:
            ask = halt.ask
            place = place_of(ask.code, ask.lasti) if ask.code else None
            status = ask.recorded.status.value if ask.recorded else "nothing"
            found.append(Finding("would_run", f"recorded {status}", halt.message, ask=ask, place=place, order=float(ask.seq)))
        return found
    if _is_last(first):
        found += _ends(first, complete)
    return found


def _is_last(recording: Recording) -> bool:
    k = recording.options.invocation
    return k is None or k == len(recording.history.invocations)


def _ends(first: Recording, complete: Recording) -> list[Finding]:
    history, outcome = first.history, first.outcome
    place = _end_place(first, complete)
    if not ended_by_handler(history):
        return []
    if outcome.status != history.status:
        return [Finding("outcome", f"execution {_ended(history.status, history.result, history.error)}", _ended(outcome.status, outcome.result, outcome.error), place=place, order=_LAST)]
    if outcome.status == "SUCCEEDED" and not same_payload(outcome.result, history.result):
        return [Finding("result", f"result {_short(history.result)}", f"result {_short(outcome.result)}", place=place, order=_LAST)]
    if outcome.status == "FAILED" and not same_error_objects(outcome.error, history.error):
        return [Finding("error", _ended("FAILED", None, history.error), _ended("FAILED", None, outcome.error), place=place, order=_LAST)]
    return []


def _ended(status: str, result: str | None, error: dict[str, object] | None) -> str:
    if status == "FAILED" and error:
        return f"FAILED with {error.get('ErrorType')}: {_short(str(error.get('ErrorMessage')))}"
    if status == "SUCCEEDED":
        return f"SUCCEEDED with {_short(result)}"
    if status == "CRASHED" and error:
        return f"ends without an output: {error.get('ErrorType')}: {_short(str(error.get('ErrorMessage')))}"
    return "is suspended (PENDING)" if status == "PENDING" else status


def _end_place(first: Recording, complete: Recording) -> Place | None:
    """Where the handler ended: the line that raised, or the one that returned."""
    if first.exception is not None:
        code = first.handler.code
        trace, found = first.exception.__traceback__, None
        while trace is not None:
            frame = trace.tb_frame
            if code is not None and frame.f_code.co_filename == code.co_filename:
                found = place_of(frame.f_code, trace.tb_lasti)
            trace = trace.tb_next
        if found is not None:
            return found
    return complete.ends.get("")


def _side_effects(first: Recording, complete: Recording) -> list[Finding]:
    effects = dict.fromkeys((*first.side_effects, *complete.side_effects))
    found = []
    for effect in effects:
        if effect.refused:
            place = Place(effect.file, effect.line, effect.line, "") if effect.file and effect.line else None
            found.append(Finding("side_effect", None, effect.detail, place=place, order=len(first.asks) - 0.5))
    return found


def _swallowed(first: Recording) -> list[Finding]:
    """The SDK's objection is an Exception: a handler's `except Exception` can hide it."""
    outcome = first.outcome
    if outcome.status != "SUCCEEDED" and not (outcome.status == "FAILED" and "NonDeterministic" not in str((outcome.error or {}).get("ErrorType"))):
        return []
    for ask in first.asks:
        if ask.failure is not None and type(ask.failure).__name__ == "NonDeterministicExecutionError" and not ask.looked:
            place = place_of(ask.code, ask.lasti) if ask.code else None
            return [Finding("swallowed", "NonDeterministicExecutionError", f"the handler goes on and {_ended(outcome.status, outcome.result, outcome.error)}", ask=ask, place=place, order=ask.seq + 0.25)]
    return []


def _short(text: str | None, limit: int = 160) -> str:
    if text is None:
        return "none"
    return text if len(text) <= limit else text[: limit - 1] + "…"


def source_line(place: Place | None) -> str:
    """Text of a place's line."""
    return linecache.getline(place.file, place.line).strip() if place else ""
