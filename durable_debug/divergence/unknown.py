"""Values that are made of what no history knows, as the answer of an inserted operation: compared as far as known."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

from durable_debug.engine.placeholder import Unrecorded

__all__ = ["could_be", "holds_unknown", "marked", "same_known"]

_UNKNOWN = str(Unrecorded())
_DEEPEST = 50


def holds_unknown(value: Any, depth: int = 0) -> bool:
    """Whether a value is made of one that nobody knows."""
    if isinstance(value, Unrecorded):
        return True
    if isinstance(value, str):
        return _UNKNOWN in value
    if depth > _DEEPEST:
        return False
    if isinstance(value, dict):
        return any(holds_unknown(inner, depth + 1) for inner in value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return any(holds_unknown(inner, depth + 1) for inner in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = (getattr(value, field.name, None) for field in dataclasses.fields(value))
        return any(holds_unknown(inner, depth + 1) for inner in fields)
    return False


def marked(value: Any) -> Any:
    """Put a text in place of each value that nobody knows: written as JSON it would be an empty object."""
    if isinstance(value, Unrecorded):
        return _UNKNOWN
    if type(value) is dict:
        return {key: marked(inner) for key, inner in value.items()}
    if type(value) is list or type(value) is tuple:
        return type(value)(map(marked, value))
    return value


def could_be(name: str | None, recorded: str | None) -> bool:
    """Whether a name, or a text, is the recorded one as far as it is known."""
    if not name or _UNKNOWN not in name:
        return (name or None) == (recorded or None)
    return (
        re.fullmatch(".*".join(map(re.escape, name.split(_UNKNOWN))), recorded or "", re.DOTALL) is not None
    )


def same_known(value: Any, recorded: Any, *, any_order: bool = False) -> bool:
    """Compare JSON values, `value` with marks: True is not 1, and what is only there because of a mark is passed over.

    Parameters
    ----------
    any_order
        Whether lists may be in another order.
    """
    if isinstance(value, str) and _UNKNOWN in value:
        return not isinstance(recorded, str) or could_be(value, recorded)
    if isinstance(value, dict) and isinstance(recorded, dict):
        if isinstance(value.get("v"), str) and _UNKNOWN in value["v"] and value.keys() == {"t", "v"}:
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
