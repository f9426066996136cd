"""Whether a value or an error is the recorded one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from durable_debug.divergence.unknown import same_known
from durable_debug.engine import sdk
from durable_debug.engine.foreign import only_exceptions
from durable_debug.engine.guard import harmless
from durable_debug.engine.output import sdk_silent
from durable_debug.engine.placeholder import holds_unknown, marked

if TYPE_CHECKING:
    from durable_debug.engine.recording import Recording
    from durable_debug.engine.tape import Ask

__all__ = [
    "can_be_written",
    "same_as_payload",
    "same_as_written",
    "same_error",
    "same_error_objects",
    "same_payload",
    "same_result",
    "same_sent",
    "same_value",
]


_IDENTITY: Any = object.__eq__


def same_value(ask: Ask, payload: str | None, value: Any, arn: str) -> tuple[bool | None, str]:
    """Compare what a body returned with the payload that its context recorded.

    Returns
    -------
    tuple
        Whether they are the same, None if nobody can tell; and the value as text, or why not.
    """
    try:
        with sdk_silent(), harmless(), only_exceptions():
            text = sdk.to_payload(ask, marked(value), arn)
    except Exception as error:  # noqa: BLE001 - a codec of the user's may do anything
        return None, f"it can't be serialised here ({type(error).__name__}: {error})"
    if text == payload or same_payload(text, payload):
        return True, text or "none"
    if sdk.codec_of(ask) is None:
        return False, text or "none"
    if holds_unknown(value):
        return True, text or "none"
    try:  # a codec need not write the same text twice: compare what it reads
        with sdk_silent(), harmless(), only_exceptions():
            read, recorded = sdk.from_payload(ask, text, arn), sdk.from_payload(ask, payload, arn)
    except Exception as error:  # noqa: BLE001
        return None, f"its codec can't read it back ({type(error).__name__}: {error})"
    if read == recorded:
        return True, text or "none"
    if type(read).__eq__ is _IDENTITY:
        return None, f"{type(read).__name__} objects can't be compared"
    return False, text or "none"


def same_payload(asked: str | None, recorded: str | None, *, any_order: bool = False) -> bool:
    """Compare two payloads, as JSON where they are; what is not known of `asked` is passed over (see `same_known`)."""
    if asked == recorded:
        return True
    if asked is None or recorded is None:
        return False
    try:
        return same_known(json.loads(asked), json.loads(recorded), any_order=any_order)
    except (ValueError, RecursionError):
        return False


def can_be_written(ask: Ask, value: Any, arn: str) -> bool:
    """Whether the SDK could write what a body returned, or a summary of it."""
    try:
        with sdk_silent(), harmless(), only_exceptions():
            sdk.to_payload_or_summary(ask, value, arn)
    except Exception:  # noqa: BLE001 - a codec of the user's may do anything
        return False
    return True


def same_sent(ask: Ask, recorded: str | None) -> bool:
    """Compare what an invoke would send with what it sent; a codec need not write the same text twice."""
    if same_payload(ask.payload, recorded):
        return True
    if sdk.sending_codec_of(ask) is None:
        return False
    try:
        with sdk_silent(), harmless(), only_exceptions():
            return bool(sdk.from_sent(ask, ask.payload) == sdk.from_sent(ask, recorded))
    except Exception:  # noqa: BLE001 - it need not be able to read what it writes: the target does
        return True


def same_as_payload(value: Any, payload: str | None) -> bool | None:
    """Compare a value, as the SDK writes it by itself, with a payload; None if it can't write it."""
    try:
        return same_payload(sdk.written(marked(value)), payload)
    except Exception:  # noqa: BLE001 - a type that only a codec of the user's knows
        return None


def same_as_written(value: Any, recorded: Any) -> bool | None:
    """Compare two values by what the SDK writes of them by itself; None if it can't write them."""
    try:
        return same_payload(sdk.written(marked(value)), sdk.written(recorded))
    except Exception:  # noqa: BLE001 - a type that only a codec of the user's knows
        return None


def same_result(recording: Recording, recorded: str | None, *, any_order: bool) -> bool:
    """Compare what a handler returned with the recorded result; lists in any order, if that is all there is to it."""
    return same_payload(recording.outcome.result or "null", recorded or "null", any_order=any_order)


def same_error(error: BaseException, recorded: dict[str, Any] | None) -> bool:
    """Compare what a body raised with the recorded error: by its class's name and message.

    The module is not compared: the same class is in ``app`` on Lambda and in ``__main__`` in a notebook.
    """
    return same_error_objects(sdk.error_object(error), recorded)


def same_error_objects(one: dict[str, Any] | None, other: dict[str, Any] | None) -> bool:
    """Compare two error objects."""
    one, other = one or {}, other or {}
    return _class(one) == _class(other) and (one.get("ErrorMessage") or "") == (
        other.get("ErrorMessage") or ""
    )


def _class(error: dict[str, Any]) -> str:
    return str(error.get("ErrorType") or "").rpartition(".")[2]
