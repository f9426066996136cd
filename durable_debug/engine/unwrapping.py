"""The layers of decoration around a durable function: found, and put around another one."""

from __future__ import annotations

import contextlib
import copy
import functools
import types
from typing import TYPE_CHECKING, Any

from durable_debug.engine import sdk

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["path_to_durable", "rebuilt"]

# A step of the way from the outermost callable inwards: the object and how it holds the next one.
_Step = tuple[Any, Any]


def path_to_durable(outer: object) -> list[_Step] | None:
    """Look for the SDK's wrapper through closures, partials, bound methods and attributes."""
    queue: list[list[_Step]] = [[(outer, None)]]
    seen: set[int] = set()
    while queue:
        path = queue.pop(0)
        current = path[-1][0]
        if id(current) in seen or len(path) > 12:
            continue
        seen.add(id(current))
        if sdk.is_durable(current):
            return path
        for inner, how in _held(current):
            if callable(inner):
                queue.append([*path[:-1], (current, how), (inner, None)])
    return None


def _held(outer: Any) -> list[tuple[Any, Any]]:
    held: list[tuple[Any, Any]] = []
    if isinstance(outer, functools.partial):
        held.append((outer.func, ("partial",)))
    elif isinstance(outer, types.MethodType):
        held.append((outer.__func__, ("method",)))
        held.append((outer.__self__, ("self",)))
    elif isinstance(outer, types.FunctionType):
        for name, cell in zip(outer.__code__.co_freevars, outer.__closure__ or (), strict=True):
            with contextlib.suppress(ValueError):  # an empty cell
                held.append((cell.cell_contents, ("cell", name)))
        named = ((name, outer.__globals__.get(name)) for name in outer.__code__.co_names)
        held += [
            (value, ("global", name)) for name, value in named if sdk.is_durable(value)
        ]  # it calls the durable one
    elif not isinstance(outer, type | types.ModuleType | types.BuiltinFunctionType):
        slots = (name for kind in type(outer).__mro__ for name in getattr(kind, "__slots__", ()))
        own = {name: getattr(outer, name) for name in slots if hasattr(outer, name)} | getattr(
            outer, "__dict__", {}
        )
        held += [(value, ("attribute", name)) for name, value in own.items()]
        if isinstance(getattr(type(outer), "__call__", None), types.FunctionType):  # noqa: B004 - not whether it has one
            held.append((outer.__call__, ("call",)))
    wrapped = getattr(outer, "__wrapped__", None)
    if wrapped is not None and all(value is not wrapped for value, _ in held):
        held.append((wrapped, ("wrapped",)))
    return held


def rebuilt(path: list[_Step], durable: Callable[..., Any]) -> Callable[..., Any]:
    """Copy the layers around the durable handler, with another one inside; the user's objects stay as they are."""
    inner: Any = durable
    for outer, how in reversed(path[:-1]):
        match how:
            case ("partial",):
                inner = functools.partial(inner, *outer.args, **outer.keywords)
            case ("method",):
                inner = types.MethodType(inner, outer.__self__)
            case ("self",):
                inner = types.MethodType(outer.__func__, inner)
            case ("cell", name):
                inner = _with_cell(outer, name, inner)
            case ("global", name):
                inner = _with_global(outer, name, inner)
            case ("attribute", name):
                twin = copy.copy(outer)
                object.__setattr__(twin, name, inner)
                inner = twin
            case _:
                pass  # reachable by __wrapped__ only: the layer can't be rebuilt and is left out
    return inner  # type: ignore[no-any-return]


def _with_cell(outer: types.FunctionType, name: str, value: Any) -> types.FunctionType:
    closure = tuple(
        types.CellType(value) if free == name else cell
        for free, cell in zip(outer.__code__.co_freevars, outer.__closure__ or (), strict=True)
    )
    return _twin(outer, outer.__globals__, closure)


def _with_global(outer: types.FunctionType, name: str, value: Any) -> types.FunctionType:
    return _twin(outer, {**outer.__globals__, name: value}, outer.__closure__)


def _twin(
    outer: types.FunctionType, namespace: dict[str, Any], closure: tuple[types.CellType, ...] | None
) -> types.FunctionType:
    twin = types.FunctionType(outer.__code__, namespace, outer.__name__, outer.__defaults__, closure)
    twin.__kwdefaults__ = outer.__kwdefaults__
    twin.__dict__.update(outer.__dict__)
    return twin
