"""What a function can reach by the names in its code: of a notebook's state no more than that is looked after."""

from __future__ import annotations

import functools
import sys
import types
from typing import TYPE_CHECKING, Any

from durable_debug.engine.held_objects import own
from durable_debug.engine.module_state import MOST, State
from durable_debug.engine.object_kinds import LEAVES, contents, is_users_type
from durable_debug.engine.users_code import is_users

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["reached", "written_names"]


@functools.lru_cache(maxsize=4096)
def _names(code: types.CodeType) -> tuple[frozenset[str], frozenset[str]]:
    """Names that code reads or writes, as globals or attributes; and those that it writes."""
    import dis

    stored = {
        one.argval
        for one in dis.get_instructions(code)
        if one.opname in {"STORE_GLOBAL", "DELETE_GLOBAL", "STORE_ATTR", "DELETE_ATTR"}
    }
    used = set(code.co_names)
    if used & {"globals", "setattr", "vars"}:
        stored |= {text for text in code.co_consts if isinstance(text, str) and text.isidentifier()}
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            of_inner = _names(inner)
            used |= of_inner[0]
            stored |= of_inner[1]
    return frozenset(used), frozenset(stored)


def written_names(module: types.ModuleType) -> frozenset[str]:
    """Give the names that functions of a module write, as globals or attributes."""
    found: set[str] = set()
    for value in tuple(vars(module).values()):
        for one in (value, *(vars(value).values() if isinstance(value, type) else ())):
            code = getattr(getattr(one, "__func__", one), "__code__", None)
            if isinstance(code, types.CodeType):
                found |= _names(code)[1]
    return frozenset(found)


def reached(functions: Iterable[Any]) -> State:
    """Note the state of what functions can reach by the names in their code: of a notebook no more than that.

    What a function closes over counts where the function itself has a name in its module: what is made inside another
    function, as in a test, belongs to that.
    """
    reach = _Reach()
    stack: list[Any] = list(functions)
    reach.values += [one for one in stack if "<locals>" not in getattr(one, "__qualname__", "<locals>")]
    while stack and len(reach.seen) < MOST:
        one = stack.pop()
        if id(one) in reach.seen or type(one) in LEAVES:
            continue
        reach.seen[id(one)] = one
        stack += reach.of_function(one) if isinstance(one, types.FunctionType) else _parts(one)
    bound = [(space, frozenset(names)) for space, names in reach.spaces.values() if names]
    return State(bound, reach.values, closures=False)


class _Reach:
    def __init__(self) -> None:
        self.seen: dict[int, Any] = {}
        self.spaces: dict[int, tuple[dict[str, Any], set[str]]] = {}  # names that are written, by module
        self.values: list[Any] = []

    def of_function(self, one: types.FunctionType) -> list[Any]:
        """Give what a function names, and what of that is a value of a module."""
        found = [c for cell in one.__closure__ or () for c in contents(cell) if callable(c)]
        if not is_users(one.__code__.co_filename):
            return found
        used, stored = _names(one.__code__)
        self._written(one.__globals__, stored)
        named = [one.__globals__[name] for name in used if name in one.__globals__]
        values = [value for value in named if not isinstance(value, types.ModuleType)]
        modules = [value for value in named if isinstance(value, types.ModuleType)]
        modules += _imported_in(one)
        seen: set[int] = set()
        while modules:
            module = modules.pop()
            if id(module) in seen or not is_users(getattr(module, "__file__", None) or "<frozen"):
                continue
            seen.add(id(module))
            self._written(vars(module), stored)
            held = [vars(module)[name] for name in used if name in vars(module)]
            values += [value for value in held if not isinstance(value, types.ModuleType)]
            modules += [value for value in held if isinstance(value, types.ModuleType)]
        self.values += values
        return found + values

    def _written(self, space: dict[str, Any], names: frozenset[str]) -> None:
        self.spaces.setdefault(id(space), (space, set()))[1].update(names)


def _imported_in(function: types.FunctionType) -> list[types.ModuleType]:
    """Give the modules that a function imports, as far as they are there."""
    within = str(function.__globals__.get("__package__") or "").split(".")
    packages = ["", *(".".join(within[:n]) + "." for n in range(1, len(within) + 1) if within[0])]
    names = (f"{package}{name}" for name in _imports(function.__code__) for package in packages)
    return [module for name in names if (module := sys.modules.get(name.rstrip("."))) is not None]


@functools.lru_cache(maxsize=4096)
def _imports(code: types.CodeType) -> frozenset[str]:
    import dis

    found = {one.argval for one in dis.get_instructions(code) if one.opname == "IMPORT_NAME"}
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            found |= _imports(inner)
    return frozenset(found)


def _parts(one: Any) -> list[Any]:
    """Give what may hold functions in something that is none."""
    if issubclass(type(one), type):
        return [*one.__dict__.values(), *one.__bases__] if is_users_type(one) else []
    if issubclass(type(one), dict):
        return [value for value in one.values() if callable(value)]
    if issubclass(type(one), list | tuple | set | frozenset):
        return [value for value in one if callable(value)]
    if issubclass(type(one), types.MethodType | staticmethod | classmethod):
        return [one.__func__, getattr(one, "__self__", None)]
    if issubclass(type(one), functools.partial):
        return [one.func, *one.args]
    if issubclass(type(one), property):
        return [one.fget, one.fset]
    if "__wrapped__" in own(one):
        return [own(one)["__wrapped__"]]
    return [type(one)] if is_users_type(type(one)) else []
