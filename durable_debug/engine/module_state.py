"""What the user's modules hold at one moment: whether a replay changed it, and how to put it back.

On Lambda each cold start imports the modules anew. What they keep between calls (a cache, a list, a counter) must not
lead from one pass of a replay into the next.
"""

from __future__ import annotations

import collections
import contextlib
import functools
import operator
import sys
import types
from typing import TYPE_CHECKING, Any, NamedTuple

from durable_debug.engine.users_code import is_users, is_users_module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["ModuleState"]

_MOST_OBJECTS = 20_000  # of larger states it is not known whether they changed
_MISSING: Any = object()
_OWN = frozenset({"__builtins__", "__warningregistry__", "__annotations__", "__cached__"})

_LEAVES = (
    *(str, bytes, int, float, complex, type(None), type(...), type(NotImplemented), range, slice),
    *(types.CodeType, types.BuiltinFunctionType, types.GetSetDescriptorType, types.MemberDescriptorType),
    *(types.WrapperDescriptorType, types.MethodWrapperType, types.MethodDescriptorType),
)
# Libraries whose objects change by being used, without a meaning for the handler.
_KEPT_BY_LIBRARIES = ("logging", "botocore", "boto3", "aws_durable_execution_sdk_python", "urllib3")
_CACHE = type(functools.lru_cache(lambda: None))


class _Held(NamedTuple):
    """One object that can change: how to read what it holds, what it held, and how to put that back."""

    held: Any
    read: Callable[[Any], tuple[Any, ...]]
    was: tuple[Any, ...]
    put: Callable[[Any, tuple[Any, ...]], None]


class ModuleState:
    """The state that is reached from some objects, as of now.

    Parameters
    ----------
    roots
        Modules of the user's: all of their globals count. Or callables: what their code can reach by name.

    Attributes
    ----------
    known
        Whether a change would be seen: not where something can't be read, such as an iterator, or is too large.
    """

    def __init__(self, roots: Iterable[object]) -> None:
        roots = list(roots)
        self.known = True
        self._held: list[_Held] = []
        self._left: list[tuple[_Held, tuple[Any, ...]]] = []
        # What a function names in a module that counts as a whole need not be looked up by name.
        self._whole = {id(vars(root)) for root in roots if isinstance(root, types.ModuleType)}
        self._walk(roots)

    def is_same(self) -> bool:
        """Whether nothing has changed since; False where that is not known."""
        return self.known and self.changed() is None

    def changed(self) -> Any:
        """Give the first object that has changed, None where all that can be read is the same."""
        return next((held for held, read, was, _ in self._held if not _same(read(held), was)), None)

    @contextlib.contextmanager
    def letting(self) -> Iterator[None]:
        """Let what is changed in here be changed: by a body that the user lets run."""
        as_it_was = [place for place, held in enumerate(self._held) if _same(held.read(held.held), held.was)]
        try:
            yield
        finally:
            for place in as_it_was:
                held = self._held[place]
                now = held.read(held.held)
                if not _same(now, held.was):
                    self._held[place] = held._replace(was=now)

    def note_left(self) -> None:
        """Note what a pass has left behind."""
        self._left = [(held, now) for held in self._held if not _same(now := held.read(held.held), held.was)]

    def put_back(self) -> None:
        """Undo, in place, what the noted pass has left behind, as far as nobody has changed it since."""
        for held, left in self._left:
            if _same(held.read(held.held), left):
                held.put(held.held, held.was)
        self._left = []

    # ---- the way through the objects

    def _walk(self, roots: Iterable[object]) -> None:
        found: list[Any] = list(roots)
        seen: set[int] = set()
        while found:
            one = found.pop()
            if isinstance(one, _LEAVES) or id(one) in seen:
                continue
            seen.add(id(one))
            if len(seen) > _MOST_OBJECTS:
                self.known = False
                return
            for held in self._parts(one):
                self._held.append(held)
                found += (inner for inner in held.was if not isinstance(inner, _LEAVES))

    def _parts(self, one: Any) -> Iterator[_Held]:  # noqa: C901, PLR0912 - a case each
        if isinstance(one, types.ModuleType):
            if is_users_module(one):
                yield _holding(vars(one), _globals, _put_globals)
        elif isinstance(one, types.FunctionType):
            yield from _of_function(one, by_name=id(one.__globals__) not in self._whole)
        elif isinstance(one, type):
            if _is_users_class(one):
                yield _holding(one, _members, _put_members)
        elif isinstance(one, dict):
            yield _holding(one, _items, _put_items)
        elif isinstance(one, list | set | collections.deque):
            yield _holding(one, tuple, _put_elements)
        elif isinstance(one, tuple | frozenset):
            yield _holding(one, tuple, _put_nothing)
        elif isinstance(one, _CACHE):
            yield _holding(one, _cached, _put_cached)
        elif isinstance(one, types.MethodType):
            yield _holding(one, lambda m: (m.__self__, m.__func__), _put_nothing)
        elif isinstance(one, functools.partial):
            yield _holding(one, lambda p: (p.func, *p.args, *p.keywords.values()), _put_nothing)
        elif isinstance(one, property | staticmethod | classmethod):
            yield _holding(one, _wrapped, _put_nothing)
        elif isinstance(one, types.CellType):
            yield _holding(one, _cell, _put_cell)
        else:
            yield from self._of_instance(one)

    def _of_instance(self, one: Any) -> Iterator[_Held]:
        kind = type(one)
        module = str(getattr(kind, "__module__", "")).partition(".")[0]
        if module in _KEPT_BY_LIBRARIES:
            return
        try:
            own = vars(one)
        except TypeError:
            own = None
        if isinstance(own, dict):
            yield _holding(own, _items, _put_items)
        slots = tuple(s for k in kind.__mro__ for s in _slots(k)) if _is_users_class(kind) else ()
        if slots:
            yield _Held(one, *_by_slots(slots, one))
        if own is None and not slots and hasattr(kind, "__next__"):
            self.known = False  # an iterator can't be read without moving it


def _same(now: tuple[Any, ...], was: tuple[Any, ...]) -> bool:
    return len(now) == len(was) and all(map(operator.is_, now, was))


def _holding(
    one: Any, read: Callable[[Any], tuple[Any, ...]], put: Callable[[Any, tuple[Any, ...]], None]
) -> _Held:
    return _Held(one, read, read(one), put)


def _is_users_class(kind: type) -> bool:
    name = getattr(kind, "__module__", None)
    if name == "__main__":
        return True
    return isinstance(name, str) and is_users_module(sys.modules.get(name))


# ---- functions: what they were given when they were made, and the globals that their code names


def _of_function(one: types.FunctionType, *, by_name: bool) -> Iterator[_Held]:
    if one.__closure__:
        for cell in one.__closure__:
            yield _holding(cell, _cell, _put_cell)
    if one.__defaults__ or one.__kwdefaults__:
        yield _holding(one, _defaults, _put_nothing)
    if one.__dict__:
        yield _holding(one.__dict__, _items, _put_items)
    if by_name and is_users(one.__code__.co_filename):
        names = _names(one.__code__)
        yield _Held(one.__globals__, *_by_name(names, one.__globals__))


@functools.lru_cache(maxsize=4096)
def _names(code: types.CodeType) -> tuple[str, ...]:
    """The names that a function's code, and what is defined in it, may look up in its module."""
    found = dict.fromkeys(code.co_names)
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            found |= dict.fromkeys(_names(const))
    return tuple(found)


def _by_name(names: tuple[str, ...], space: dict[str, Any]) -> tuple[Any, Any, Any]:
    def read(space: dict[str, Any]) -> tuple[Any, ...]:
        get = space.get
        return tuple([get(name, _MISSING) for name in names])

    def put(space: dict[str, Any], was: tuple[Any, ...]) -> None:
        for name, value in zip(names, was, strict=True):
            if value is _MISSING:
                space.pop(name, None)
            else:
                space[name] = value

    return read, read(space), put


def _defaults(one: types.FunctionType) -> tuple[Any, ...]:
    return (*(one.__defaults__ or ()), *(one.__kwdefaults__ or {}).values())


def _cell(cell: types.CellType) -> tuple[Any, ...]:
    try:
        return (cell.cell_contents,)
    except ValueError:
        return ()


def _put_cell(cell: types.CellType, was: tuple[Any, ...]) -> None:
    if was:
        cell.cell_contents = was[0]
    else:
        del cell.cell_contents


# ---- everything else


def _globals(space: dict[str, Any]) -> tuple[Any, ...]:
    return tuple([part for item in space.items() if item[0] not in _OWN for part in item])


def _put_globals(space: dict[str, Any], was: tuple[Any, ...]) -> None:
    before = dict(zip(was[::2], was[1::2], strict=True))
    for name in [name for name in space if name not in before and name not in _OWN]:
        del space[name]
    space.update(before)


def _items(one: dict[Any, Any]) -> tuple[Any, ...]:
    return (*dict.keys(one), *dict.values(one))


def _put_items(one: dict[Any, Any], was: tuple[Any, ...]) -> None:
    half = len(was) // 2
    dict.clear(one)
    dict.update(one, zip(was[:half], was[half:], strict=True))


def _put_elements(one: Any, was: tuple[Any, ...]) -> None:
    one.clear()
    (one.update if isinstance(one, set) else one.extend)(was)


def _put_nothing(_: Any, __: tuple[Any, ...]) -> None:
    """Leave what can't change by itself."""


def _cached(one: Any) -> tuple[Any, ...]:
    info = one.cache_info()
    return (info.currsize, info.hits, info.misses)


def _put_cached(one: Any, _: tuple[Any, ...]) -> None:
    one.cache_clear()


def _wrapped(one: Any) -> tuple[Any, ...]:
    if isinstance(one, property):
        return (one.fget, one.fset, one.fdel)
    return (one.__func__,)


def _members(kind: type) -> tuple[Any, ...]:
    return tuple([part for item in vars(kind).items() if _is_member(item[0]) for part in item])


def _is_member(name: str) -> bool:
    """Leave out what the interpreter keeps in a class: a cache of abstract classes, say."""
    return not (name.startswith("__") and name.endswith("__")) and name != "_abc_impl"


def _put_members(kind: type, was: tuple[Any, ...]) -> None:
    before = dict(zip(was[::2], was[1::2], strict=True))
    for name in [name for name in vars(kind) if _is_member(name) and name not in before]:
        delattr(kind, name)
    for name, value in before.items():
        if vars(kind).get(name, _MISSING) is not value:
            setattr(kind, name, value)


def _slots(kind: type) -> tuple[str, ...]:
    slots = kind.__dict__.get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)


def _by_slots(slots: tuple[str, ...], one: Any) -> tuple[Any, Any, Any]:
    def read(one: Any) -> tuple[Any, ...]:
        return tuple([getattr(one, name, _MISSING) for name in slots])

    def put(one: Any, was: tuple[Any, ...]) -> None:
        for name, value in zip(slots, was, strict=True):
            if value is not _MISSING:
                object.__setattr__(one, name, value)

    return read, read(one), put
