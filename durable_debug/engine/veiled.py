"""Placeholders of a redacted history, as values that notice when the handler decides by them.

A placeholder has its value's type and form, and nothing else of it: what a handler decides by more than the form, it decides
otherwise than it did. So each is given to the handler as a text or number that notes when its value is looked at (compared,
tested, searched …), and hands that on to what is calculated from it; looks that the form answers are none (`known_by_form`).
What comes behind the first look cannot be judged; all before it can.

Not noticed is what C code does with a text or number by itself: ``range``, ``re.match``, ``is``. Hence a second way: other
placeholders (`others`), and what the handler does otherwise with them.
"""

from __future__ import annotations

import contextlib
import functools
import json
import sys
from typing import TYPE_CHECKING, Any

from durable_debug.engine.known_by_form import Known, is_answered, keeps_form
from durable_debug.engine.placeholder import Unrecorded
from durable_debug.stand_ins import json_text
from durable_debug.value_paths import walked

if TYPE_CHECKING:
    from collections.abc import Callable, Sized
    from types import FrameType

    from durable_debug.value_paths import Gone, Path


__all__ = ["Veil", "fences"]

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


class Veil:
    """Gives a handler the values of a redacted history.

    Parameters
    ----------
    asks
        The calls of the pass, so far.
    is_gone
        Whether a value at a path of a payload is a placeholder.
    ignored
        Whether code of a file may look: the SDK's and ours do without meaning to decide anything.
    stands_for
        What gives the placeholder of a value, where the secret of the redaction is at hand: then it is known whether the value
        behind a placeholder is equal to another.

    Attributes
    ----------
    looked_at
        How many operations had been asked for when a placeholder was first looked at; None if none was.
    place
        File and line of that look.
    texts
        Texts that placeholders are, or were written as: an operation's name may be made of one.
    """

    def __init__(
        self,
        calls: Sized,
        is_gone: Gone,
        ignored: Callable[[FrameType], bool | None],
        stands_for: Callable[[Any], Any] | None = None,
    ) -> None:
        self._calls = calls
        self._is_gone = is_gone
        self._ignored = ignored
        self._stands_for = stands_for
        self.looked_at: int | None = None
        self.place: tuple[str, int] | None = None
        self.texts: set[str] = set()

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
        if value is None or not (self._is_gone(path, value) or (kind is str and self._holds(value, path))):
            return value
        if veiled is None:  # dates, decimals, objects of the user's own: what is done with them is not seen
            if not isinstance(value, Unrecorded) and self.looked_at is None:
                self.looked_at = len(self._calls)
            return value
        if kind is str:
            self.written(value)
        made = _of(veiled, value, self, Known.NOTHING if kind is bool else Known.FORM)
        made.path = path
        return made

    def _holds(self, text: str, path: Path) -> bool:
        """Whether a text is JSON with something in it that is gone."""
        found = json_text(text)
        gone: list[Path] = []
        if found is not None:
            walked(found[0], lambda at, held, _: gone.append(at) if self._is_gone(at, held) else None, path)
        return bool(gone)

    def over_error(self, error: BaseException) -> None:
        """Veil what an exception says."""
        error.args = tuple(self.over(held, ("ErrorMessage",)) for held in error.args)
        for name, held in list(vars(error).items()):
            if isinstance(held, str) and name.rpartition("_")[2] not in {"type", "id"}:
                with contextlib.suppress(AttributeError, TypeError):
                    setattr(error, name, self.over(held, ("ErrorMessage",)))

    def equal(self, placeholder: Any, other: Any) -> bool | None:
        """Whether the value that a placeholder stands for is equal to another; None where nobody knows."""
        if self._stands_for is None or not isinstance(other, str | int | float) or isinstance(other, bool):
            return None
        return bool(placeholder == self._stands_for(other))

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
                self.looked_at = len(self._calls)
                self.place = (frame.f_code.co_filename, frame.f_lineno)
                return
            frame = frame.f_back


def _of(kind: Any, value: Any, veil: Veil, known: Known = Known.NOTHING) -> Any:
    made = kind(value)
    made.veil = veil
    made.known = known
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
        equal = self.equals(args[0]) if name in {"__eq__", "__ne__"} else None
        if equal is not None:
            return equal is (name == "__eq__")
        others = tuple(each.known if isinstance(each, _Placeholder) else None for each in args)
        by_form = not options and is_answered(name, self._plain(), self.known, args, others)
        known = Known.NOTHING
        if base is str and self.known and not options and keeps_form(name, self._plain(), args, others):
            known = Known.SIGNS
        if by_form and isinstance(given, list | tuple):
            return type(given)(_of(_Text, part, self.veil, Known.SIGNS) for part in given)
        veiled = _VEILED.get(type(given))
        if name in _LOOKS or veiled is None or veiled is _Truth:
            if not by_form:
                self.veil.look()
            return given
        if by_form:  # where it was found, how often
            return given
        return _of(veiled, given, self.veil, known)

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
    known: Known = Known.NOTHING
    path: Path = ()

    def equals(self, other: Any) -> bool | None:
        """Whether the value behind this is equal to another; None where nobody knows."""
        if self.known is not Known.FORM or isinstance(other, _Placeholder):
            return None
        return self.veil.equal(self._plain(), other)

    def __bool__(self) -> bool:
        if not is_answered("__bool__", self._plain(), self.known, (), ()):
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
        if not isinstance(before, str):
            return NotImplemented
        return _of(_Text, before + self._plain(), self.veil, min(self.known, Known.SIGNS))

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


def fences() -> list[tuple[Any, str, Callable[[Any], Any]]]:
    """Functions of Python that are stood in for while a thread is watched: what is in a veiled text stays veiled."""
    return [(json.JSONDecoder, "decode", _decoding)]


@functools.cache
def _decoding(plain: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(plain)
    def decode(self: Any, s: str, *more: Any) -> Any:
        if not isinstance(s, _Text) or s.known is not Known.FORM:
            return plain(self, s, *more)
        found = plain(self, s._plain(), *more)  # noqa: SLF001
        return s.veil.over(found, s.path)

    return decode
