"""Whether an expression changed what the handler holds: then what follows is not what was recorded.

What a function's variables and the module's containers hold is noted before and compared after. Both are bounded: in
very much data a change may not be seen.
"""

from __future__ import annotations

import ast
import builtins
import collections
import functools
import operator
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["Changes"]

_MOST = 50_000  # references that are followed where the expression calls something
_FEW = 2_000  # where it only looks: a property or a default may change something, too
_IMPURE = {"delattr", "eval", "exec", "filter", "getattr", "map", "next", "setattr", "__import__"}
_PURE = frozenset(dir(builtins)) - _IMPURE
_CONTAINERS = (list, dict, set, collections.deque, bytearray)
_NOT_ENTERED = (
    type,
    types.ModuleType,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    str,
    bytes,
)


@functools.lru_cache(maxsize=256)
def _bound(expression: str) -> int:
    """How much to look at: nothing for what can't change anything."""
    try:
        nodes = list(ast.walk(ast.parse(expression.strip(), mode="eval")))
    except (SyntaxError, ValueError, RecursionError):
        return 0
    calls = [node.func for node in nodes if isinstance(node, ast.Call)]
    hands_on = any(isinstance(node, ast.keyword) and node.arg == "key" for node in nodes)
    if hands_on or any(not (isinstance(func, ast.Name) and func.id in _PURE) for func in calls):
        return _MOST
    return _FEW if calls or any(isinstance(node, ast.Attribute | ast.Subscript) for node in nodes) else 0


class Changes:
    """What a function's variables hold now, to be compared with what they hold later."""

    def __init__(self, frame: FrameType, expression: str) -> None:
        self._noted: list[tuple[str, Any, Any]] = []
        self._left = _bound(expression)
        if not self._left:
            return
        seen: set[int] = set()
        roots = [(name, value) for name, value in frame.f_locals.items() if not name.startswith("__")]
        roots += [
            (name, value)
            for name, value in frame.f_globals.items()
            if isinstance(value, _CONTAINERS) and not name.startswith("__")
        ]
        for name, value in roots:
            self._note(name, value, seen)

    def _note(self, name: str, root: Any, seen: set[int]) -> None:
        pending = [root]
        while pending and self._left > 0:
            value = pending.pop()
            if id(value) in seen or isinstance(value, _NOT_ENTERED) or _is_of_the_engine(value):
                continue
            seen.add(id(value))
            if isinstance(value, tuple | frozenset):
                inside = list(value)
            else:
                state = _state(value)
                if state is None:
                    continue
                self._noted.append((name, value, state))
                inside = state if isinstance(state, list) else []
            self._left -= 1 + len(inside)
            pending += inside[: max(self._left, 0)]

    def changed(self) -> str | None:
        """Name a variable that holds something else now; None if none does."""
        for name, value, before in self._noted:
            now = _state(value)
            if isinstance(before, list) and isinstance(now, list):
                if len(before) != len(now) or any(map(operator.is_not, before, now)):
                    return name
            elif before != now:
                return name
        return None


def _is_of_the_engine(value: object) -> bool:
    return type(value).__module__.partition(".")[0] in {"aws_durable_execution_sdk_python", "durable_debug"}


def _state(value: Any) -> Any:
    """Give what a value holds: a list of references, something to be compared, or None where it can't change."""
    if isinstance(value, dict):
        return [part for item in dict.items(value) for part in item]
    if isinstance(value, list):
        return list.copy(value)
    if isinstance(value, set):
        return sorted(set.copy(value), key=id)
    if isinstance(value, collections.deque):
        return list(collections.deque.copy(value))
    if isinstance(value, bytearray):
        return bytes(value)
    if isinstance(value, types.GeneratorType):
        return value.gi_frame.f_lasti if value.gi_frame is not None else -2
    if hasattr(type(value), "__next__"):
        return operator.length_hint(value, -1)
    return _attributes(value)


def _attributes(value: Any) -> list[Any] | None:
    try:
        own = object.__getattribute__(value, "__dict__")
    except AttributeError:
        own = None
    found = [part for item in own.items() for part in item] if isinstance(own, dict) else []
    for kind in type(value).__mro__:
        slots = vars(kind).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            member = vars(kind).get(name)
            if isinstance(member, types.MemberDescriptorType):
                try:
                    found.append(member.__get__(value))
                except AttributeError:
                    found.append(None)
    return found or ([] if isinstance(own, dict) else None)
