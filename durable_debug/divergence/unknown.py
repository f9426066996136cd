"""Values that are made of what no history knows, as the answer of an inserted operation: compared as far as known."""

from __future__ import annotations

import json
import re
from typing import Any

from durable_debug.engine.placeholder import UNKNOWN, holds_unknown

__all__ = ["could_be", "same_known"]


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
