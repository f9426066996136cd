"""How a step is tried again, and a condition polled: what is on record of it against the strategy in the code."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from durable_debug.engine.tape import Ask
    from durable_debug.history import Attempt, Operation

__all__ = ["AttemptsChange", "change_of_attempts", "was_tried_again"]

AttemptsChange = tuple[str, str, str]  # what, as recorded, as asked

_NOT_BY_STRATEGY = {"SerDesError"}  # ends a step at once


def was_tried_again(operation: Operation) -> bool:
    """Whether an operation tells anything of its strategy."""
    return len(operation.all_attempts) > 1 or operation.status in {"FAILED", "PENDING"}


def change_of_attempts(ask: Ask, operation: Operation) -> AttemptsChange | None:
    """Give the first thing on record that the strategy would not do; None where there is none, or nobody can tell."""
    if not was_tried_again(operation):
        return None
    strategy = ask.strategy
    if strategy is None:
        return None
    ended = [attempt for attempt in operation.all_attempts if attempt.status != "STARTED"]
    for number, attempt in enumerate(ended, 1):
        if attempt.delay_seconds is None:
            continue
        if number >= strategy.most:
            return "attempts at most", f"more than {number}", str(strategy.most)
        shortest, longest = strategy.delays(number)
        if not shortest <= attempt.delay_seconds <= longest:
            now = str(longest) if shortest == longest else f"{shortest} to {longest}"
            return f"seconds before attempt {number + 1}", f"{attempt.delay_seconds:g}", now
    gave_up = ask.kind == "step" and bool(ended) and _gave_up(operation, ended[-1])
    if gave_up and strategy.of_any_error and len(ended) < strategy.most:
        return "attempts at most", str(len(ended)), str(strategy.most)
    return None


def _gave_up(operation: Operation, last: Attempt) -> bool:
    kind = str((last.error or {}).get("ErrorType") or "").rpartition(".")[2]
    return operation.status == "FAILED" and kind not in _NOT_BY_STRATEGY
