"""Placeholders of a redacted history, as values that notice when the handler decides by them.

A placeholder has its value's type and form, and nothing else of it: what a handler decides by it, it decides otherwise than it
did. So each is given to the handler as a text or number that notes when its value is looked at (compared, tested, counted,
searched …), and hands that on to what is calculated from it. What comes behind the first look cannot be judged; all before it
can.

Not noticed is what C code does with a text or number by itself: ``range``, ``re.match``, ``is``. Hence a second way: `other`
placeholders, and what the handler does otherwise with them.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from typing import TYPE_CHECKING, Any

from durable_debug.engine.placeholder import Unrecorded

if TYPE_CHECKING:
    from collections.abc import Callable, Sized
    from types import FrameType


__all__ = ["Veil"]

Path = tuple[str | int, ...]
_DEEPEST = 50
_MOST_TEXTS = 10_000
_OF_PYTHON = frozenset(
    f"__{name}__"
    for name in [
        "class",
        "new",
        "init",
        "init_subclass",
        "subclasshook",
        "getattribute",
        "setattr",
        "delattr",
        "dir",
        "doc",
        "sizeof",
        "reduce",
        "reduce_ex",
        "getnewargs",
        "getstate",
        "repr",
        "str",
        "format",
        "getformat",
        "setformat",
    ]
)
# What tells of the value although it gives a text or a number, or has to give one of Python's own.
_LOOKS = frozenset(f"__{name}__" for name in ["bool", "len", "hash", "int", "float", "index", "contains"])
_OTHER = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
    "zyxwvutsrqponmlkjihgfedcbaZYXWVUTSRQPONMLKJIHGFEDCBA9876543210",
)


class Veil:
    """Gives a handler the values of a redacted history.

    Parameters
    ----------
    asks
        The calls of the pass, so far.
    is_gone
        Whether the value at a path of a payload is a placeholder.
    ignored
        Whether code of a file may look: the SDK's and ours do without meaning to decide anything.

    Attributes
    ----------
    looked_at
        How many operations had been asked for when a placeholder was first looked at; None if none was.
    place
        File and line of that look.
    texts
        Texts that placeholders are, or were written as: an operation's name may be made of one.
    other
        Whether to give other placeholders than those in the history.
    """

    def __init__(
        self, asks: Sized, is_gone: Callable[[Path], bool], ignored: Callable[[FrameType], bool | None]
    ) -> None:
        self._asks = asks
        self._is_gone = is_gone
        self._ignored = ignored
        self.looked_at: int | None = None
        self.place: tuple[str, int] | None = None
        self.texts: set[str] = set()
        self.other = False

    def over(self, value: Any, path: Path = ()) -> Any:
        """The same value, with what is gone in it veiled."""
        if len(path) > _DEEPEST:
            return value
        kind = type(value)
        if kind is dict:
            return {key: self.over(held, (*path, key)) for key, held in value.items()}
        if kind is list or kind is tuple:
            return kind(self.over(held, (*path, at)) for at, held in enumerate(value))
        veiled = _VEILED.get(kind)
        if value is None or not self._is_gone(path):
            return value
        if veiled is None:  # dates, decimals, objects of the user's own: what is done with them is not seen
            if not isinstance(value, Unrecorded) and self.looked_at is None:
                self.looked_at = len(self._asks)
            return value
        if self.other:
            value = (
                value.translate(_OTHER) if kind is str else kind(not value) if kind is bool else value + 17
            )
        if kind is str:
            self.written(value)
        return _of(veiled, value, self)

    def over_error(self, error: BaseException) -> None:
        """Veil what an exception says."""
        error.args = tuple(self.over(held, ("ErrorMessage",)) for held in error.args)
        for name, held in list(vars(error).items()):
            if isinstance(held, str) and name.rpartition("_")[2] not in {"type", "id"}:
                with contextlib.suppress(AttributeError, TypeError):
                    setattr(error, name, self.over(held, ("ErrorMessage",)))

    def written(self, text: str) -> None:
        """Note that a placeholder was written as text."""
        if text and len(self.texts) < _MOST_TEXTS:
            self.texts.add(text)

    def look(self) -> None:
        """Note that the handler looked at a placeholder."""
        if self.looked_at is not None:
            return
        frame: FrameType | None = sys._getframe(2)  # noqa: SLF001
        while frame is not None:
            ignored = self._ignored(frame)
            if ignored:
                return
            if ignored is False:
                self.looked_at = len(self._asks)
                self.place = (frame.f_code.co_filename, frame.f_lineno)
                return
            frame = frame.f_back


def _of(kind: Any, value: Any, veil: Veil) -> Any:
    made = kind(value)
    made.veil = veil
    return made


def _method(base: type, name: str) -> Callable[..., Any]:
    plain = getattr(base, name)

    @functools.wraps(plain, assigned=("__name__", "__doc__"))
    def method(self: Any, *args: Any, **options: Any) -> Any:
        given = plain(self, *args, **options)
        if given is NotImplemented:
            if base is not int or not args or not isinstance(args[0], float):
                return given
            given = getattr(float, name)(float(self._plain()), *args)
        veiled = _VEILED.get(type(given))
        if name in _LOOKS or veiled is None or veiled is _Truth:
            self.veil.look()
            return given
        return _of(veiled, given, self.veil)

    return method


def _veiled(base: type) -> Callable[[type], type]:
    def complete(kind: type) -> type:
        for name in dir(base):
            if callable(getattr(base, name)) and name not in _OF_PYTHON and name not in vars(kind):
                setattr(kind, name, _method(base, name))
        return kind

    return complete


class _Placeholder:
    """What all of them have in common."""

    veil: Veil

    def __bool__(self) -> bool:
        self.veil.look()
        return bool(self._plain())

    def __format__(self, spec: str) -> str:
        text = format(self._plain(), spec)
        self.veil.written(text)
        return text

    def __repr__(self) -> str:
        return repr(self._plain())

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, _: Any) -> Any:
        return self

    def __reduce_ex__(self, _: Any) -> Any:
        return _itself, (self._plain(),)

    def _plain(self) -> Any:
        raise NotImplementedError


def _itself(value: Any) -> Any:
    return value


@_veiled(str)
class _Text(_Placeholder, str):  # noqa: SLOT000 - it holds its veil
    def __int__(self) -> int:
        self.veil.look()
        return int(self._plain())

    def __float__(self) -> float:
        self.veil.look()
        return float(self._plain())

    def __radd__(self, before: Any) -> Any:
        return _of(_Text, before + self._plain(), self.veil) if isinstance(before, str) else NotImplemented

    def __str__(self) -> str:
        self.veil.written(self._plain())
        return self

    def _plain(self) -> str:
        return "".join((str.__getitem__(self, slice(None)),))


@_veiled(int)
class _Whole(_Placeholder, int):
    def __str__(self) -> str:
        self.veil.written(int.__repr__(self))
        return int.__repr__(self)

    def _plain(self) -> int:
        return int.__int__(self)


@_veiled(int)
class _Truth(_Placeholder, int):
    """Nothing can be made of ``bool``; a number that is 0 or 1 is written as JSON by `json` as a number."""

    def __str__(self) -> str:
        return str(self._plain())

    def _plain(self) -> bool:
        return int.__int__(self) != 0


@_veiled(float)
class _Number(_Placeholder, float):
    def __str__(self) -> str:
        self.veil.written(float.__repr__(self))
        return float.__repr__(self)

    def _plain(self) -> float:
        return float.__float__(self)


_VEILED: dict[type, Any] = {str: _Text, int: _Whole, bool: _Truth, float: _Number}
