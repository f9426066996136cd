"""What the page may make a debugger do: the verbs, and breakpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from durable_debug.errors import DurableDebugError
from durable_debug.typed_places import BREAK_AT, target

if TYPE_CHECKING:
    from durable_debug.debugger import Breakpoint, Debugger
    from durable_debug.widgets._messages import Done

__all__ = ["do"]

VERBS = frozenset({"run", "run_back", "step", "step_in", "step_out", "step_back", "restart"})

# Keywords of Debugger.break_at that the page may give, and how they are read.
_FIELDS = {key: read for key, read in BREAK_AT.items() if key != "divergence"}


def do(debugger: Debugger, request: dict[str, Any]) -> Done:
    """Pass a command on.

    Raises
    ------
    DurableDebugError
        What was asked for makes no sense; with the cure.
    """
    match request:
        case {"kind": "verb", "verb": str(verb)} if verb in VERBS:
            debugger.post(verb)
        case {"kind": "verb", "verb": "line" | "line_back" as verb}:
            debugger.post("step_line", back=verb == "line_back")
        case {"kind": "goto", "index": int(index)}:
            debugger.post("goto", index=index)
        case {"kind": "goto", "text": str(text)}:
            debugger.post("goto", **target(text))
        case {"kind": "break", "fields": dict(fields)}:
            return {"note": debugger.break_at(**_read(fields)).note}
        case {"kind": "condition", "breakpoint": int(number), "when": str(when)}:
            return {"note": _with_condition(debugger, _found(debugger, number), when)}
        case {"kind": "enable", "breakpoint": int(number), "enabled": bool(enabled)}:
            _found(debugger, number).enabled = enabled
        case {"kind": "clear", "breakpoint": int(number)}:
            debugger.clear(number)
        case _:
            raise DurableDebugError(
                "The panel asked for something unknown.", cure="Reload the page, and run the cell again."
            )
    return {"note": ""}


def _read(fields: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in fields.items():
        if key not in _FIELDS or value in ("", None):
            continue
        try:
            found[key] = _FIELDS[key](value)
        except ValueError:
            raise DurableDebugError(
                f"{value!r:.40} is no number.", cure=f"The {key.replace('_', ' ')} is counted: 1, 2, 3 …"
            ) from None
    return found


def _with_condition(debugger: Debugger, old: Breakpoint, when: str) -> str:
    """Set a breakpoint again with another condition: what it stops at is never changed under way."""
    fields = {key: getattr(old, key) for key in _FIELDS if getattr(old, key) is not None}
    new = debugger.break_at(**fields | {"when": when.strip() or None})
    new.enabled = old.enabled
    debugger.clear(old)
    return new.note


def _found(debugger: Debugger, number: int) -> Breakpoint:
    for one in debugger.breakpoints:
        if one.id == number:
            return one
    raise DurableDebugError(
        f"There is no breakpoint {number} any more.", cure="The list shows those that there are."
    )
