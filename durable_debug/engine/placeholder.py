"""The value of an operation that the history knows nothing of."""

from __future__ import annotations

from typing import Any

__all__ = ["Unrecorded"]


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
    __enter__ = _again

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
        return "<unrecorded>"

    def __format__(self, spec: str) -> str:
        return str(self)

    def __repr__(self) -> str:
        return "<unrecorded>"

    def __hash__(self) -> int:  # type: ignore[override]
        return id(self)
