"""The values that a variable, or a part of one, had over a replay, and the lines that set them."""

from __future__ import annotations

import ast
import bisect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from durable_debug.engine.line_trace import GONE
from durable_debug.engine.value_copies import CUT, Instance
from durable_debug.errors import DurableDebugError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from durable_debug.engine.call import Call
    from durable_debug.engine.line_trace import Activation, LineTrace
    from durable_debug.engine.value_copies import Copy

__all__ = ["Change", "changes_of", "frame_of"]

_Step = tuple[str, Any]  # ("item", key) or ("attribute", name)


@dataclass(frozen=True, slots=True)
class Change:
    """One value.

    Attributes
    ----------
    activation
        The call of the function whose variable it is.
    set_at
        Index of the line that set it; of an argument, of the function's first line.
    seen_at
        Index of the line before which it was noticed.
    value
        A copy; `GONE` where there is none any more.
    """

    activation: Activation
    set_at: int
    seen_at: int
    value: Copy


def changes_of(trace: LineTrace, expression: str) -> list[Change]:
    """Give every value of a variable, or of a part of one, in the order of the replay.

    Parameters
    ----------
    expression
        A name, with attributes and constant subscripts: ``total``, ``order['items'][0].price``.

    Raises
    ------
    DurableDebugError
        It is something else.
    """
    name, path = _path_of(expression)
    last: dict[int, Copy] = {}
    found = []
    for activation, seen_at, copy in trace.changes(name):
        value = _inside(copy, path)
        if activation.number in last and _is_alike(last[activation.number], value):
            continue
        if activation.number not in last and value is GONE:
            continue
        last[activation.number] = value
        found.append(Change(activation, _set_at(activation, seen_at), seen_at, value))
    return found


def _set_at(activation: Activation, seen_at: int) -> int:
    at = bisect.bisect_left(activation.steps, seen_at) - 1
    return activation.steps[at] if at >= 0 else seen_at


def _is_alike(one: Copy, other: Copy) -> bool:
    return one is other or (type(one) is type(other) and bool(repr(one) == repr(other)))


def _path_of(expression: str) -> tuple[str, list[_Step]]:
    path: list[_Step] = []
    try:
        node = ast.parse(expression.strip(), mode="eval").body
    except SyntaxError:
        node = ast.Constant(None)
    while not isinstance(node, ast.Name):
        if isinstance(node, ast.Attribute):
            path.append(("attribute", node.attr))
            node = node.value
        elif isinstance(node, ast.Subscript):
            try:
                path.append(("item", ast.literal_eval(node.slice)))
            except ValueError:
                path.clear()
                node = ast.Constant(None)
                continue
            node = node.value
        else:
            raise DurableDebugError(
                f"{expression!r} is no variable, nor a part of one.",
                cure="Name one, with attributes and constant subscripts: order['items'][0].price. "
                "table() takes any expression.",
            )
    return node.id, path[::-1]


def _inside(copy: Copy, path: Sequence[_Step]) -> Copy:
    for how, key in path:
        if copy is CUT:
            return CUT
        try:
            if type(copy) is Instance:
                copy = copy.held[key]
            elif how == "item":
                copy = copy[key]
            else:
                return GONE  # an attribute of what is kept as it is: not looked at
        except (KeyError, IndexError, TypeError):
            return GONE
    return copy


def frame_of(trace: LineTrace, changes: Sequence[Change], calls: Sequence[Call]) -> pd.DataFrame:
    """Give changes as a DataFrame; see `Debugger.history_of`."""
    import pandas as pd

    def rows() -> Iterator[dict[str, Any]]:
        for change in changes:
            file, line, function = trace.place(change.set_at)
            before = trace.operations_before(change.seen_at) - 1
            call = calls[before] if 0 <= before < len(calls) else None
            yield {
                "value": None if change.value is GONE else change.value,
                "text": repr(change.value),
                "file": file,
                "line": line,
                "function": function,
                "call": change.activation.number,
                "line_index": change.set_at,
                "position": call.position if call is not None else None,
                "operation": call.name if call is not None else None,
            }

    kinds = {
        "value": "object",
        "text": "str",
        "file": "str",
        "line": "int64",
        "function": "str",
        "call": "int64",
        "line_index": "int64",
        "position": "str",
        "operation": "str",
    }
    found = list(rows())
    return pd.DataFrame(
        {name: pd.Series([row[name] for row in found], dtype=kind) for name, kind in kinds.items()}
    )
