"""What a call asks for against what the history holds of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from durable_debug.history import Operation
    from durable_debug.replay.tape import Ask

__all__ = ["Change", "changes"]


@dataclass(frozen=True, slots=True)
class Change:
    """One argument that is not as recorded."""

    kind: str
    what: str
    recorded: Any
    asked: Any


def changes(ask: Ask, recorded: Operation) -> list[Change]:
    """Compare a call's arguments with what the history holds; what it does not hold is passed over."""
    if recorded.type != ask.type:
        return []
    match ask.args[0]:
        case "wait":
            return _if_changed("wait_duration", "duration in seconds", recorded.duration_seconds, ask.args[1].to_seconds())
        case "create_callback":
            return _callback(ask.args[1], recorded)
        case "invoke":
            return _invoke(ask, recorded)
        case _:
            return []


def _if_changed(kind: str, what: str, recorded: Any, asked: Any) -> list[Change]:
    return [] if recorded is None or recorded == asked else [Change(kind, what, recorded, asked)]


def _callback(config: Any, recorded: Operation) -> list[Change]:
    timeout = config.timeout_seconds if config is not None else 0
    heartbeat = config.heartbeat_timeout_seconds if config is not None else 0
    return [
        *_if_changed("callback_timeout", "timeout in seconds", recorded.timeout_seconds, timeout),
        *_if_changed(
            "callback_timeout", "heartbeat timeout in seconds", recorded.heartbeat_timeout_seconds, heartbeat
        ),
    ]


def _invoke(ask: Ask, recorded: Operation) -> list[Change]:
    found = []
    if recorded.function_name is not None and not _same_function(recorded.function_name, ask.args[1]):
        found.append(Change("invoke_target", "function", recorded.function_name, ask.args[1]))
    if recorded.payload is not None and ask.payload is not None and not _same_payload(recorded.payload, ask.payload):
        found.append(Change("invoke_payload", "payload", recorded.payload, ask.payload))
    return found


def _same_function(recorded: str, asked: str) -> bool:
    """A name and an ARN of the same function are the same target, as far as both say."""
    if recorded == asked:
        return True
    if recorded.startswith("arn:") == asked.startswith("arn:"):
        return False
    arn, name = (recorded, asked) if recorded.startswith("arn:") else (asked, recorded)
    return arn.split(":function:", 1)[-1] in {name, f"{name}:$LATEST"} or arn.endswith(f":{name}")


def _same_payload(recorded: str, asked: str) -> bool:
    if recorded == asked:
        return True
    if "unrecorded" in asked:
        return True  # made of a value that nobody knows
    try:
        return bool(json.loads(recorded) == json.loads(asked))
    except ValueError:
        return False
