"""What the page may make a session do: the verbs, and breakpoints. All of it is posted; nothing waits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from durable_debug.errors import DurableDebugError, NoSuchStopError

if TYPE_CHECKING:
    from durable_debug.debugger import Breakpoint, Debugger

__all__ = ["KINDS", "do", "target"]

VERBS = frozenset({"run", "run_back", "step", "step_in", "step_out", "step_back", "restart"})
KINDS = frozenset({"verb", "goto", "break", "enable", "clear"})
"""Requests that end up here; they are answered at once."""

# Keywords of Debugger.break_at that the page may give, and their types.
_FIELDS: dict[str, type] = {
    "name": str,
    "type": str,
    "sub_type": str,
    "status": str,
    "attempt": int,
    "position": str,
    "event_id": int,
    "line": int,
    "file": str,
    "invocation": int,
    "when": str,
    "hits": int,
    "divergence": bool,
}
_EVENT = re.compile(r"(?:event|#)\s*(\d+)", re.IGNORECASE)
_POSITION = re.compile(r"\d+(-\d+)*")


def do(session: Debugger, request: dict[str, Any]) -> None:
    """Pass a command on."""
    match request:
        case {"kind": "verb", "verb": str(verb)} if verb in VERBS:
            session.post(verb)
        case {"kind": "goto", "index": int(index)}:
            session.post("goto", index=index)
        case {"kind": "goto", "text": str(text)}:
            session.post("goto", **target(text))
        case {"kind": "break", "fields": dict(fields)}:
            session.break_at(**_read(fields))
        case {"kind": "enable", "breakpoint": int(number), "enabled": bool(enabled)}:
            _found(session, number).enabled = enabled
        case {"kind": "clear", "breakpoint": int(number)}:
            session.clear(_found(session, number))
        case {"kind": "clear", "breakpoint": None}:
            session.clear()
        case _:
            raise DurableDebugError("The panel asked for something unknown.", cure="Reload the page, and run the cell again.")


def target(text: str) -> dict[str, Any]:
    """Read what was typed into the box: a position, ``event 17``, or a name.

    >>> target("2-0-1"), target("#17"), target("charge-card")
    ({'position': '2-0-1'}, {'event_id': 17}, {'name': 'charge-card'})
    """
    text = text.strip()
    if not text:
        raise NoSuchStopError("Nowhere to go.", cure="Type a position (2-0-1), an event (event 17) or a name.")
    event = _EVENT.fullmatch(text)
    if event:
        return {"event_id": int(event[1])}
    return {"position": text} if _POSITION.fullmatch(text) else {"name": text}


def _read(fields: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for key, value in fields.items():
        if key not in _FIELDS or value in ("", None):
            continue
        try:
            found[key] = _FIELDS[key](value)
        except ValueError:
            raise DurableDebugError(f"{key.replace('_', ' ')} must be a number, not {value!r:.40}.", cure="") from None
    return found


def _found(session: Debugger, number: int) -> Breakpoint:
    for one in session.breakpoints:
        if one.id == number:
            return one
    raise DurableDebugError(f"There is no breakpoint {number} any more.", cure="The list shows those that there are.")
