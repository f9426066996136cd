"""Whether a value or an error is the recorded one."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from durable_debug.engine.placeholder import UNKNOWN, holds_unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from durable_debug.engine.ongoing_pass import Body, Call
    from durable_debug.engine.recording import Recording

__all__ = [
    "could_be",
    "same_as_payload",
    "same_as_written",
    "same_error_objects",
    "same_payload",
    "same_result",
    "same_sent",
    "same_value",
]


def same_value(body: Body, payload: str | None) -> tuple[bool | None, str]:
    """Compare what a body returned with the payload that its context recorded.

    Returns
    -------
    tuple
        Whether they are the same, None if nobody can tell; and the value as text, or why not.
    """
    text, unwritable = body.written
    if unwritable:
        return None, unwritable
    told = text or "none"
    if text == payload or same_payload(text, payload):
        return True, told
    if not body.has_codec:
        return False, told
    if body.is_unknown:
        return True, told
    same, why = body.reads_as(payload)  # a codec need not write the same text twice: compare what it reads
    return same, why if same is None else told


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


def same_sent(call: Call, recorded: str | None) -> bool:
    """Compare what an invoke would send with what it sent."""
    return same_payload(call.payload, recorded) or call.would_send(recorded)


def same_as_payload(body: Body, payload: str | None) -> bool | None:
    """Compare what a body returned, as the SDK writes it by itself, with a payload; None if it can't write it."""
    can_write, text = body.plain
    return same_payload(text, payload) if can_write else None


def same_as_written(body: Body, recorded: tuple[bool, str | None]) -> bool | None:
    """Compare what a body returned with another value, by what the SDK writes of them by itself; None if it can't."""
    return same_as_payload(body, recorded[1]) if recorded[0] else None


def same_result(recording: Recording, recorded: str | None, *, any_order: bool) -> bool:
    """Compare what a handler returned with the recorded result; lists in any order, if that is all there is to it."""
    return same_payload(recording.outcome.result or "null", recorded or "null", any_order=any_order)


def same_error_objects(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> bool:
    """Compare two error objects: by the class's name and the message.

    The module is not compared: the same class is in ``app`` on Lambda and in ``__main__`` in a notebook.
    """
    one, other = one or {}, other or {}
    return _class(one) == _class(other) and (one.get("ErrorMessage") or "") == (
        other.get("ErrorMessage") or ""
    )


def _class(error: Mapping[str, Any]) -> str:
    return str(error.get("ErrorType") or "").rpartition(".")[2]


# ------------------------------------------------------------------- what nobody knows: it follows from no answer


def could_be(name: str | None, recorded: str | None) -> bool:
    """Whether a name, or a text, is the recorded one as far as it is known."""
    if not name or UNKNOWN not in name:
        return (name or None) == (recorded or None)
    return re.fullmatch(".*".join(map(re.escape, name.split(UNKNOWN))), recorded or "", re.DOTALL) is not None


def same_known(value: Any, recorded: Any, *, any_order: bool = False) -> bool:
    """Compare JSON values, `value` with marks: True is not 1, and what is only there because of a mark is passed over.

    Parameters
    ----------
    any_order
        Whether lists may be in another order.
    """
    if isinstance(value, str) and UNKNOWN in value:
        return not isinstance(recorded, str) or could_be(value, recorded)
    if isinstance(value, dict) and isinstance(recorded, dict):
        if isinstance(value.get("v"), str) and UNKNOWN in value["v"] and value.keys() == {"t", "v"}:
            return True  # as the SDK writes a value with its type
        extra = value.keys() - recorded.keys()
        return (
            recorded.keys() <= value.keys()
            and all(holds_unknown(value[key]) for key in extra)
            and all(same_known(value[key], recorded[key], any_order=any_order) for key in recorded)
        )
    if isinstance(value, list) and isinstance(recorded, list):
        if len(value) > len(recorded):
            value = [inner for inner in value if not holds_unknown(inner)]
        if any_order:
            value, recorded = sorted(value, key=_text), sorted(recorded, key=_text)
        return len(value) == len(recorded) and all(
            same_known(one, other, any_order=any_order) for one, other in zip(value, recorded, strict=True)
        )
    if isinstance(value, bool) or isinstance(recorded, bool):
        return value is recorded
    return bool(value == recorded)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
