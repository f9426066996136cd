"""One object and what it holds, kind by kind: seen to be the same, or put back in place.

What each method does is said once, in `Note`.
"""

from __future__ import annotations

import collections
import contextlib
import itertools
import operator
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable

__all__ = [
    "SCALARS",
    "BytesNote",
    "CacheNote",
    "CellNote",
    "ChanceNote",
    "ClassNote",
    "DictNote",
    "InnerNote",
    "InstanceNote",
    "IteratorNote",
    "NamesNote",
    "Note",
    "SequenceNote",
    "SetNote",
    "own",
]

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


class Note:
    """One object and what it holds."""

    keeps = True  # whether it can change
    inner: tuple[Any, ...] = ()
    name = ""

    def take(self) -> None:
        """Note what it holds now."""

    def changed(self) -> bool:
        """Whether it holds something else now."""
        return False

    def put_back(self) -> bool:
        """Make it hold what it did; whether that was possible."""
        return True


class InnerNote(Note):
    keeps = False

    def __init__(self, *inner: Any) -> None:
        self.inner = inner


def _same(now: Iterable[Any], then: tuple[Any, ...]) -> bool:
    """Whether these are the same objects, or as good: numbers and texts that are equal."""
    return all(map(operator.is_, now, then)) or all(map(_alike, now, then))


def _alike(now: Any, then: Any) -> bool:
    return now is then or (type(now) is type(then) and type(now) in SCALARS and bool(now == then))


class DictNote(Note):
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


class SequenceNote(Note):
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


class SetNote(Note):
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


class BytesNote(Note):
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


class _Named(Note):
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


class NamesNote(_Named):
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


class InstanceNote(_Named):
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
        now = dict(own(self._held))
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


class ClassNote(_Named):
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


class CellNote(Note):
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


class CacheNote(Note):
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


class ChanceNote(Note):
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


class IteratorNote(Note):
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


def own(held: Any) -> dict[str, Any]:
    """Give an instance's attributes, past whatever it does when it is asked for them."""
    try:
        found = object.__getattribute__(held, "__dict__")
    except (AttributeError, TypeError):
        return {}
    return found if type(found) is dict else {}
