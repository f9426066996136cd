"""The operations of a redacted history with other placeholders: what a handler then does otherwise depends on hidden values.

Of numbers and dates the lowest and the highest of their form are among the first of the others: what grows with a number is, of
the value itself, between what it is of these two.
"""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

from durable_debug.stand_ins import StandIns, dumped, extreme, json_text
from durable_debug.value_paths import walked

if TYPE_CHECKING:
    from durable_debug.value_paths import Gone, Path

__all__ = ["other", "with_others"]

_LOWEST, _HIGHEST = 2, 3
_PAYLOADS = frozenset({"Result", "InputPayload"})


def with_others(operation: dict[str, Any], gone: Gone, number: int) -> dict[str, Any]:
    """Give an operation, in the service's shape, with other placeholders.

    Parameters
    ----------
    gone
        Which values are placeholders.
    number
        Which others: any number from 1 stands for some.
    """
    return {
        key: {name: _held(name, held, gone, number) for name, held in value.items()}
        if key.endswith("Details") and isinstance(value, dict)
        else value
        for key, value in operation.items()
    }


def _held(name: str, held: Any, gone: Gone, number: int) -> Any:
    def leaf(path: Path, value: Any, tag: str) -> Any:
        inner = json_text(value) if isinstance(value, str) and not tag else None
        if inner is not None:
            return inner[1](walked(inner[0], leaf, path))
        if value is None or not gone(path, 0 if tag == "d" else value):
            return value
        if tag == "B" and isinstance(value, str):
            return _stand_ins(number).data(value)
        return other(value, number)

    if name == "Error" and isinstance(held, dict):
        return walked(held, leaf)
    if name not in _PAYLOADS or not isinstance(held, str) or not held:
        return held
    try:
        value = json.loads(held)
    except (ValueError, RecursionError):
        return str(leaf((), held, ""))
    return dumped(walked(value, leaf), held)


def other(value: Any, number: int) -> Any:
    """Give another placeholder for this one; itself for the number 0."""
    if not number:
        return value
    if isinstance(value, bool):
        return (number % 2 == 1) != value
    found = extreme(value, highest=number == _HIGHEST) if number in {_LOWEST, _HIGHEST} else None
    return _stand_ins(number).of(value) if found is None else found


@functools.cache
def _stand_ins(number: int) -> StandIns:
    return StandIns(b"others %d" % number)
