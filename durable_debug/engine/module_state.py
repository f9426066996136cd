"""What the user's modules hold, before and after a pass: seen to be the same, or put back.

Lambda gives an execution a fresh sandbox whenever it likes, so what a module has kept from an earlier pass is nothing
that a handler may build on. What can be reached from modules is noted once, object by object, with what each holds.
As long as none of these holds anything else, nothing has changed: that is cheap to see. What has changed is put back
in place, so that the user's objects stay what they are.
"""

from __future__ import annotations

import collections
import contextlib
import datetime as dt
import decimal
import enum
import functools
import io
import itertools
import operator
import pathlib
import random
import re
import sys
import threading
import types
import uuid
from typing import TYPE_CHECKING, Any

from durable_debug.engine.users_code import is_users

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["SCALARS", "State", "reached", "written_names"]

_MOST = 50_000  # objects that are looked at
_LEAVES = frozenset(
    {
        *(type(None), bool, int, float, complex, str, bytes, type(...), type(NotImplemented), range, slice),
        *(types.BuiltinFunctionType, types.CodeType, types.GenericAlias, types.UnionType, re.Pattern),
        *(dt.datetime, dt.date, dt.time, dt.timedelta, dt.timezone),
        *(decimal.Decimal, uuid.UUID, pathlib.PosixPath, pathlib.WindowsPath),
        *(types.WrapperDescriptorType, types.MethodDescriptorType, types.GetSetDescriptorType),
        *(types.MemberDescriptorType, types.MethodWrapperType),
    }
)
SCALARS = (bool, int, float, complex, str, bytes, type(None))
_SET_BY_PYTHON = {
    "__builtins__",
    "__spec__",
    "__loader__",
    "__cached__",
    "__file__",
    "__path__",
    "__package__",
}
_MISSING: Any = object()


class State:
    """What is reachable from the user's code, as it stands when this is made.

    Parameters
    ----------
    namespaces
        Names of modules: a dict and those of its names to look after; None for all.
    values
        Further objects to start from.
    closures
        Whether to look into what any function closes over; else only of functions among `values`.
    """

    def __init__(
        self,
        namespaces: Iterable[tuple[dict[str, Any], frozenset[str] | None]],
        values: Iterable[object] = (),
        *,
        closures: bool = True,
    ) -> None:
        self._notes: list[_Note] = []
        self._closed_over: set[int] | None = None
        self._seen: dict[int, object] = {}  # objects, not only their ids, which would be given again
        self.whole = True
        stack = list(values)
        if not closures:
            self._closed_over = {id(one) for one in stack}
        for namespace, names in namespaces:
            note = _Names(namespace, names)
            self._notes.append(note)
            stack += note.inner
        self._walk(stack)

    def _walk(self, stack: list[Any]) -> None:
        seen, notes = self._seen, self._notes
        while stack:
            held = stack.pop()
            kind = type(held)
            if kind in _LEAVES or id(held) in seen:
                continue
            if len(seen) >= _MOST:
                self.whole = False
                return
            seen[id(held)] = held
            for note in _safely(held, kind):
                if isinstance(note, _Cell) and self._closed_over is not None:
                    if id(held) not in self._closed_over:
                        continue
                    self._closed_over.update(map(id, note.inner))
                if note.keeps:
                    notes.append(note)
                stack += note.inner

    def changed(self) -> bool:
        """Whether anything holds something else than it did."""
        return any(note.changed() for note in self._notes)

    @contextlib.contextmanager
    def letting(self) -> Iterator[None]:
        """Let what is changed in here be changed: by a body that the user lets run."""
        as_it_was = [note for note in self._notes if not note.changed()]
        try:
            yield
        finally:
            for note in as_it_was:
                if note.changed():
                    note.take()

    def put_back(self) -> list[str]:
        """Put back what has changed; what can't be put back, in words."""
        left = (note.name for note in self._notes if note.changed() and not note.put_back())
        return list(dict.fromkeys(left))


class _Note:
    """One object and what it holds."""

    keeps = True  # whether it can change
    inner: tuple[Any, ...] = ()
    name = ""

    def take(self) -> None:
        """Note what it holds now."""

    def changed(self) -> bool:
        return False

    def put_back(self) -> bool:
        return True


class _Inner(_Note):
    keeps = False

    def __init__(self, *inner: Any) -> None:
        self.inner = inner


def _same(now: Iterable[Any], then: tuple[Any, ...]) -> bool:
    """Whether these are the same objects, or as good: numbers and texts that are equal."""
    return all(map(operator.is_, now, then)) or all(map(_alike, now, then))


def _alike(now: Any, then: Any) -> bool:
    return now is then or (type(now) is type(then) and type(now) in SCALARS and bool(now == then))


class _Dict(_Note):
    def __init__(self, held: dict[Any, Any]) -> None:
        self._held = held
        self.take()

    def take(self) -> None:
        self._keys, self.inner = tuple(self._held), tuple(self._held.values())

    def changed(self) -> bool:
        held = self._held
        return not (
            len(held) == len(self._keys)
            and all(map(operator.is_, held, self._keys))
            and _same(tuple(held.values()), self.inner)
        )

    def put_back(self) -> bool:
        base: Any = collections.OrderedDict if isinstance(self._held, collections.OrderedDict) else dict
        base.clear(self._held)
        for key, value in zip(self._keys, self.inner, strict=True):
            base.__setitem__(self._held, key, value)
        return True


class _Sequence(_Note):
    def __init__(self, held: Any) -> None:
        self._held = held
        self.take()

    def take(self) -> None:
        self.inner = tuple(self._held)

    def changed(self) -> bool:
        return len(self._held) != len(self.inner) or not _same(tuple(self._held), self.inner)

    def put_back(self) -> bool:
        if isinstance(self._held, list):
            list.__setitem__(self._held, slice(None), self.inner)
        else:
            collections.deque.clear(self._held)
            collections.deque.extend(self._held, self.inner)
        return True


class _Set(_Note):
    def __init__(self, held: set[Any]) -> None:
        self._held = held
        self.take()

    def take(self) -> None:
        self.inner = tuple(self._held)
        self._ids = set(map(id, self.inner))

    def changed(self) -> bool:
        return len(self._held) != len(self.inner) or not self._ids.issuperset(map(id, self._held))

    def put_back(self) -> bool:
        set.clear(self._held)
        set.update(self._held, self.inner)
        return True


class _Bytes(_Note):
    def __init__(self, held: bytearray) -> None:
        self._held = held
        self.take()

    def take(self) -> None:
        self._then = bytes(self._held)

    def changed(self) -> bool:
        return self._held != self._then

    def put_back(self) -> bool:
        self._held[:] = self._then
        return True


class _Named(_Note):
    """Something with attributes that are named: a module, an instance, a class."""

    _then: dict[str, Any] | None = None

    def take(self) -> None:
        self._then = None
        self._then = self._now()
        self.inner = tuple(self._then.values())

    def _now(self) -> dict[str, Any]:
        raise NotImplementedError

    def _set(self, name: str, value: Any) -> None:
        raise NotImplementedError

    def _delete(self, name: str) -> None:
        raise NotImplementedError

    def changed(self) -> bool:
        now, then = self._now(), self._then or {}
        if len(now) == len(then) and all(map(operator.is_, now.values(), then.values())):
            return now.keys() != then.keys()
        return any(not _alike(now.get(name, _MISSING), value) for name, value in then.items()) or any(
            name not in then for name in now
        )

    def put_back(self) -> bool:
        now, then = self._now(), self._then or {}
        with contextlib.suppress(AttributeError, TypeError):
            for name, value in then.items():
                if now.get(name, _MISSING) is not value:
                    self._set(name, value)
            for name in now.keys() - then.keys():
                self._delete(name)
        return not self.changed()


class _Names(_Named):
    """Of a module, all names or some. What a pass has imported stays."""

    def __init__(self, held: dict[str, Any], names: frozenset[str] | None) -> None:
        self._held, self._names = held, names
        self.take()
        self.name = f"module {held.get('__name__')}"

    def _now(self) -> dict[str, Any]:
        if self._names is not None:
            return {name: self._held[name] for name in self._names if name in self._held}
        then = self._then
        return {
            name: value
            for name, value in tuple(self._held.items())
            if name not in _SET_BY_PYTHON
            and (then is None or name in then or type(value) is not types.ModuleType)
        }

    def _set(self, name: str, value: Any) -> None:
        self._held[name] = value

    def _delete(self, name: str) -> None:
        del self._held[name]


class _Instance(_Named):
    def __init__(self, held: Any) -> None:
        self._held = held
        self._slots = [
            name
            for kind in type(held).__mro__
            for name in _texts(kind.__dict__.get("__slots__", ()))
            if isinstance(kind.__dict__.get(name), types.MemberDescriptorType)
        ]
        self.take()

    def _now(self) -> dict[str, Any]:
        now = dict(_own(self._held))
        for name in self._slots:
            with contextlib.suppress(AttributeError):
                now[name] = object.__getattribute__(self._held, name)
        return now

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self._held, name, value)

    def _delete(self, name: str) -> None:
        object.__delattr__(self._held, name)


def _texts(slots: Any) -> tuple[str, ...]:
    return (slots,) if isinstance(slots, str) else tuple(slots)


class _Class(_Named):
    def __init__(self, held: type) -> None:
        self._held = held
        self.take()

    def _now(self) -> dict[str, Any]:
        return {
            name: value
            for name, value in self._held.__dict__.items()
            if not (name.startswith("__") and name.endswith("__")) and not name.startswith("_abc_")
        }

    def _set(self, name: str, value: Any) -> None:
        type.__setattr__(self._held, name, value)

    def _delete(self, name: str) -> None:
        type.__delattr__(self._held, name)


class _Cell(_Note):
    def __init__(self, held: types.CellType) -> None:
        self._held = held
        self.take()

    def take(self) -> None:
        self.inner = self._now()

    def _now(self) -> tuple[Any, ...]:
        try:
            return (self._held.cell_contents,)
        except ValueError:  # empty
            return ()

    def changed(self) -> bool:
        now = self._now()
        return len(now) != len(self.inner) or not _same(now, self.inner)

    def put_back(self) -> bool:
        if self.inner:
            self._held.cell_contents = self.inner[0]
        else:
            del self._held.cell_contents
        return True


class _Cache(_Note):
    """A function behind `functools.lru_cache`: an empty cache can be emptied again, others can't be put back."""

    def __init__(self, held: Any) -> None:
        self._held = held
        self.take()
        self.inner = (held.__wrapped__,) if hasattr(held, "__wrapped__") else ()
        self.name = f"the cache of {getattr(held, '__qualname__', 'a function')}"

    def take(self) -> None:
        self._then = self._held.cache_info()

    def changed(self) -> bool:
        now = self._held.cache_info()
        return (now.misses, now.currsize) != (self._then.misses, self._then.currsize)

    def put_back(self) -> bool:
        if self._then.currsize:
            return False
        self._held.cache_clear()
        self.take()
        return True


class _Chance(_Note):
    def __init__(self, held: random.Random) -> None:
        self._held = held
        self.take()

    def take(self) -> None:
        self._then = self._held.getstate()

    def changed(self) -> bool:
        return self._held.getstate() != self._then

    def put_back(self) -> bool:
        self._held.setstate(self._then)
        return True


class _Iterator(_Note):
    """What only goes forward. Where it is can be seen of some."""

    def __init__(self, held: Any) -> None:
        self._held = held
        self.name = f"{type(held).__name__} object of a module"
        self.take()

    def take(self) -> None:
        self._then = self._now()

    def _now(self) -> object:
        if isinstance(self._held, itertools.count | itertools.repeat):
            return repr(self._held)
        hint: object = operator.length_hint(self._held, -1)
        return _MISSING if hint == -1 else hint

    def changed(self) -> bool:
        return self._then is _MISSING or self._now() != self._then

    def put_back(self) -> bool:
        return False


def _own(held: Any) -> dict[str, Any]:
    """Give an instance's attributes, past whatever it does when it is asked for them."""
    try:
        found = object.__getattribute__(held, "__dict__")
    except (AttributeError, TypeError):
        return {}
    return found if type(found) is dict else {}


def _safely(held: Any, kind: type) -> list[_Note]:
    try:
        return list(_notes_of(held, kind))
    except Exception:  # noqa: BLE001 - of somebody's own class, which may do anything
        return []


def _notes_of(held: Any, kind: type) -> Iterator[_Note]:  # noqa: C901, PLR0912 - one line a kind
    if issubclass(kind, dict):
        yield _Dict(held)
    elif issubclass(kind, list | collections.deque):
        yield _Sequence(held)
    elif issubclass(kind, tuple | frozenset):
        yield _Inner(*held)
    elif issubclass(kind, set):
        yield _Set(held)
    elif issubclass(kind, bytearray):
        yield _Bytes(held)
    elif kind is types.FunctionType:
        if is_users(held.__code__.co_filename):
            yield _Inner(*(held.__defaults__ or ()), held.__kwdefaults__, held.__dict__)
            for cell in held.__closure__ or ():
                yield _Cell(cell)
        else:  # a library's wrapper around something of the user's
            yield _Inner(*(c for cell in held.__closure__ or () for c in _contents(cell) if callable(c)))
    elif issubclass(kind, type):
        if issubclass(held, enum.Enum) or not _is_users_type(held):
            return
        yield _Class(held)
        yield _Inner(*held.__bases__)
    elif kind is functools._lru_cache_wrapper:  # noqa: SLF001
        yield _Cache(held)
    elif kind is types.MethodType:
        yield _Inner(held.__self__, held.__func__)
    elif issubclass(kind, functools.partial):
        yield _Inner(held.func, held.args, held.keywords)
    elif issubclass(kind, staticmethod | classmethod):
        yield _Inner(held.__func__)
    elif issubclass(kind, property):
        yield _Inner(held.fget, held.fset, held.fdel)
    elif issubclass(kind, functools.cached_property):
        yield _Inner(held.func)
    elif issubclass(kind, random.Random) and kind is not random.SystemRandom:
        yield _Chance(held)
    elif issubclass(kind, types.ModuleType | enum.Enum | threading.local):
        return
    elif hasattr(kind, "__next__") and not issubclass(kind, io.IOBase) and not _is_users_type(kind):
        yield _Iterator(held)
    elif kind is types.SimpleNamespace or kind.__module__ == "collections" or _is_users_type(kind):
        yield _Instance(held)
        yield _Inner(kind)
    if issubclass(kind, dict | list | set | tuple) and _is_users_type(kind):
        yield _Instance(held)


def _contents(cell: types.CellType) -> tuple[Any, ...]:
    try:
        return (cell.cell_contents,)
    except ValueError:
        return ()


_PLAIN = (dict, list, set, tuple, frozenset, bytearray, object)


def _is_users_type(kind: type) -> bool:
    if kind in _PLAIN or kind.__module__ == "builtins":
        return False
    for member in tuple(kind.__dict__.values()):
        code = getattr(getattr(member, "__func__", member), "__code__", None)
        if (
            isinstance(code, types.CodeType)
            and not code.co_filename.startswith("<")
            and is_users(code.co_filename)
        ):
            return True
    module = sys.modules.get(kind.__module__)
    file = getattr(module, "__file__", None)
    return kind.__module__ == "__main__" if file is None else is_users(file)


# ------------------------------------------------------------------------------- what a function can reach


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
    while stack and len(reach.seen) < _MOST:
        one = stack.pop()
        if id(one) in reach.seen or type(one) in _LEAVES:
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
        found = [c for cell in one.__closure__ or () for c in _contents(cell) if callable(c)]
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
        return [*one.__dict__.values(), *one.__bases__] if _is_users_type(one) else []
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
    if "__wrapped__" in _own(one):
        return [_own(one)["__wrapped__"]]
    return [type(one)] if _is_users_type(type(one)) else []
