"""The value of an operation that the history knows nothing of."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

__all__ = ["UNKNOWN", "Unrecorded", "holds_unknown", "marked", "remade"]

UNKNOWN = "<unrecorded>"  # how it reads wherever it is shown
_DEEPEST = 50


class Unrecorded(dict[str, Any]):
    """Stands for a result that was never recorded, so that a replay can go on behind an inserted operation.

    It is an empty dict that also has every key, every attribute and every number's operations, each again
    unrecorded. Nothing that follows from it is certain.
    """

    def __missing__(self, key: object) -> Unrecorded:
        return self

    def __getattr__(self, name: str) -> Unrecorded:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *_: object, **__: object) -> Unrecorded:  # noqa: D102
        return self

    def get(self, key: object, default: object = None) -> Any:  # noqa: ARG002
        """Give this again, whatever the key."""
        return self

    def _again(self, *_: object) -> Unrecorded:
        return self

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _again
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = __rpow__ = __neg__ = __abs__ = _again
    __enter__ = copy = pop = _again

    def _no(self, _: object) -> bool:
        return False

    __lt__ = __le__ = __gt__ = __ge__ = _no

    def __exit__(self, *_: object) -> None:
        return

    def __int__(self) -> int:
        return 0

    __index__ = __int__

    def __float__(self) -> float:
        return 0.0

    def __str__(self) -> str:
        return UNKNOWN

    def __format__(self, spec: str) -> str:
        return str(self)

    def __repr__(self) -> str:
        return UNKNOWN

    def __hash__(self) -> int:  # type: ignore[override]
        return id(self)


def holds_unknown(value: Any, depth: int = 0) -> bool:
    """Whether a value is made of one that nobody knows."""
    if isinstance(value, Unrecorded):
        return True
    if isinstance(value, str):
        return UNKNOWN in value
    if depth > _DEEPEST:
        return False
    if isinstance(value, dict):
        return any(holds_unknown(inner, depth + 1) for inner in value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return any(holds_unknown(inner, depth + 1) for inner in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = (getattr(value, field.name, None) for field in dataclasses.fields(value))
        return any(holds_unknown(inner, depth + 1) for inner in fields)
    return False


def marked(value: Any) -> Any:
    """Put a text in place of each value that nobody knows: written as JSON it would be an empty object."""
    if isinstance(value, Unrecorded):
        return UNKNOWN
    if type(value) is dict:
        return {key: marked(inner) for key, inner in value.items()}
    if type(value) is list or type(value) is tuple:
        return type(value)(map(marked, value))
    return value


def remade(value: Any, read: Any, depth: int = 0) -> Any:
    """Put what nobody knows back into a value that was written and read again: a codec makes an empty object of it.

    Parameters
    ----------
    value
        What was written.
    read
        What came of it.
    """
    if isinstance(value, Unrecorded):
        return value if read == {} else read
    if depth > _DEEPEST:
        return read
    if isinstance(value, dict) and isinstance(read, dict):
        return {key: remade(value.get(key), inner, depth + 1) for key, inner in read.items()}
    if isinstance(value, list | tuple) and type(read) in {list, tuple} and len(value) == len(read):
        return type(read)([remade(*pair, depth + 1) for pair in zip(value, read, strict=True)])
    if dataclasses.is_dataclass(value) and type(read) is type(value):
        read = copy.copy(read)
        for field in dataclasses.fields(value):
            if hasattr(read, field.name):
                inner = remade(getattr(value, field.name, None), getattr(read, field.name), depth + 1)
                object.__setattr__(read, field.name, inner)
    return read
