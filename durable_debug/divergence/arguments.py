"""What a call asks for, and how it is tried again, against what the history holds of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from durable_debug.divergence.values import same_sent

if TYPE_CHECKING:
    from durable_debug.divergence.tree import RecordedTree
    from durable_debug.engine.ongoing_pass import Call
    from durable_debug.history import Attempt, Operation

__all__ = ["Change", "changes", "was_tried_again"]


@dataclass(frozen=True, slots=True)
class Change:
    """One argument that is not as recorded."""

    kind: str
    what: str
    recorded: Any
    asked: Any


def changes(call: Call, operation: Operation, recorded: RecordedTree) -> list[Change]:
    """Compare a call's arguments with what the history holds; what it does not hold is passed over."""
    if operation.type != call.type:
        return []
    match call.kind:
        case "wait" if call.by_chance:
            return []
        case "wait":
            seconds = call.arguments.get("seconds")
            return _if_other("wait_duration", "duration in seconds", operation.duration_seconds, seconds)
        case "create_callback":
            return _callback(call, operation)
        case "invoke":
            return _invoke(call, operation, recorded.tenants)
        case "step" | "wait_for_condition" if was_tried_again(operation):
            return _attempts(call, operation)
        case _:
            return []


def _attempts(call: Call, operation: Operation) -> list[Change]:
    kind = "retry_strategy" if call.kind == "step" else "wait_strategy"
    change = _change_of_attempts(call, operation)
    return [Change(kind, *change)] if change is not None else []


def _if_other(kind: str, what: str, recorded: Any, asked: Any) -> list[Change]:
    return (
        []
        if recorded is None or asked is None or recorded == asked
        else [Change(kind, what, recorded, asked)]
    )


def _callback(call: Call, operation: Operation) -> list[Change]:
    timeout, heartbeat = (call.arguments.get(f"{kind}timeout_seconds") for kind in ("", "heartbeat_"))
    kind = "callback_timeout"
    return [
        *_if_other(kind, "timeout in seconds", operation.timeout_seconds, timeout),
        *_if_other(kind, "heartbeat timeout in seconds", operation.heartbeat_timeout_seconds, heartbeat),
    ]


def _invoke(call: Call, operation: Operation, tenants: dict[str, str]) -> list[Change]:
    found: list[Change] = []
    function = call.arguments.get("function_name")
    if None not in {operation.function_name, function} and not _same_function(
        str(operation.function_name), str(function)
    ):
        found.append(Change("invoke_target", "function", operation.function_name, function))
    both = operation.payload is not None and call.payload is not None
    if both and not call.sends_unknown and not same_sent(call, operation.payload):
        found.append(Change("invoke_payload", "payload", operation.payload, call.payload))
    if tenants:  # else the history may be one that does not hold them
        was, now = tenants.get(operation.id), call.arguments.get("tenant_id")
        if was != now:
            found.append(Change("invoke_tenant", "tenant", was or "none", now or "none"))
    return found


def _same_function(recorded: str, asked: str) -> bool:
    """A name and an ARN of the same function are the same target, as far as both say."""
    if recorded == asked:
        return True
    if recorded.startswith("arn:") == asked.startswith("arn:"):
        return False
    arn, name = (recorded, asked) if recorded.startswith("arn:") else (asked, recorded)
    return arn.split(":function:", 1)[-1] in {name, f"{name}:$LATEST"} or arn.endswith(f":{name}")


# ------------------------------------------------------------------------------------------- strategies

_NOT_BY_STRATEGY = {"SerDesError"}  # ends a step at once


def was_tried_again(operation: Operation) -> bool:
    """Whether an operation tells anything of its strategy."""
    return len(operation.all_attempts) > 1 or operation.status in {"FAILED", "PENDING"}


def _change_of_attempts(call: Call, operation: Operation) -> tuple[str, str, str] | None:
    """Give the first thing on record that the strategy would not do; None where there is none, or nobody can tell."""
    if not was_tried_again(operation):
        return None
    strategy = call.strategy
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
    gave_up = call.kind == "step" and bool(ended) and _gave_up(operation, ended[-1])
    if gave_up and strategy.of_any_error and len(ended) < strategy.most:
        return "attempts at most", str(len(ended)), str(strategy.most)
    return None


def _gave_up(operation: Operation, last: Attempt) -> bool:
    kind = str((last.error or {}).get("ErrorType") or "").rpartition(".")[2]
    return operation.status == "FAILED" and kind not in _NOT_BY_STRATEGY
