"""What people type for a place: where to stop, and where to go. Read into keywords of `Debugger.break_at` and `Debugger.goto`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from durable_debug.errors import NoSuchStopError, OptionError
from durable_debug.options import meant

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BREAK_AT", "break_place", "line_place", "target"]


def _flag(text: str) -> bool:
    flags = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    return flags[text.lower()]


BREAK_AT: dict[str, Callable[[str], object]] = {
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
    "divergence": _flag,
}
"""Keywords of `Debugger.break_at` that can be typed, and how a value is read."""

_LINE = re.compile(r"(?:(?P<file>.+\.py):)?(?P<line>\d+)")
_EVENT = re.compile(r"(?:event|#)\s*(\d+)", re.IGNORECASE)
_POSITION = re.compile(r"\d+(-\d+)*")


def line_place(text: str) -> dict[str, Any] | None:
    """Read ``orders.py:54``, or ``54`` for a line of the handler's own file; None where it is neither."""
    found = _LINE.fullmatch(text)
    if found is None:
        return None
    file = {} if found["file"] is None else {"file": found["file"]}
    return {**file, "line": int(found["line"])}


def break_place(text: str) -> dict[str, Any]:
    """Read what to stop at: a name or glob, ``FILE:LINE``, or ``KEY=VALUE``; then ``,KEY=VALUE`` … or ``, CONDITION``.

    What follows ``when=`` is one Python expression, commas and all.

    Raises
    ------
    OptionError
        It is none of these.

    Examples
    --------
    >>> break_place("charge-*"), break_place("orders.py:54, total > 100")
    ({'name': 'charge-*'}, {'file': 'orders.py', 'line': 54, 'when': 'total > 100'})
    >>> break_place("status=FAILED,type=STEP")
    {'status': 'FAILED', 'type': 'STEP'}
    """
    first, comma, rest = text.partition(",")
    if _is_pair(first):
        return _pairs(text)
    first, rest = first.strip(), rest.strip()
    if not first or (comma and not rest):
        raise OptionError(
            f"{text!r:.80} is nothing to stop at.",
            cure="Give a name, FILE:LINE or KEY=VALUE, such as 'charge-*', 'orders.py:54' or status=FAILED.",
        )
    place = line_place(first) or {"name": first}
    if not rest:
        return place
    return {**place, **(_pairs(rest) if _is_pair(rest.partition(",")[0]) else {"when": rest})}


def _is_pair(text: str) -> bool:
    """Whether it is ``KEY=VALUE``, and no comparison."""
    key, equals, value = text.partition("=")
    return bool(equals) and (key.strip().isidentifier() or not key.strip()) and not value.startswith("=")


def _pairs(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    rest: str | None = text
    while rest is not None:
        key, equals, value = rest.partition("=")
        key = key.strip()
        value, comma, after = (value, "", "") if key == "when" else value.partition(",")
        if not equals or key not in BREAK_AT:
            raise OptionError(f"{key!r:.80} is none of {', '.join(BREAK_AT)}.", cure=meant(key, BREAK_AT))
        try:
            found[key] = BREAK_AT[key](value.strip())
        except (ValueError, KeyError):
            wanted = "true or false" if BREAK_AT[key] is _flag else "a number"
            raise OptionError(f"{key}={value!r:.80} is not {wanted}.") from None
        rest = after if comma else None
    return found


def target(text: str) -> dict[str, Any]:
    """Read where to go: a position, ``event 17``, or a name.

    Raises
    ------
    NoSuchStopError
        Nothing is typed.

    Examples
    --------
    >>> target("2-0-1"), target("#17"), target("charge-card")
    ({'position': '2-0-1'}, {'event_id': 17}, {'name': 'charge-card'})
    """
    text = text.strip()
    if not text:
        raise NoSuchStopError(
            "Nowhere to go.", cure="Type a position (2-0-1), an event (event 17) or a name."
        )
    event = _EVENT.fullmatch(text)
    if event:
        return {"event_id": int(event[1])}
    return {"position": text} if _POSITION.fullmatch(text) else {"name": text}
