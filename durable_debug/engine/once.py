"""An attribute that is worked out when it is first asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

__all__ = ["once"]

_Value = TypeVar("_Value")


class once(Generic[_Value]):  # noqa: N801 - reads as what it replaces
    """A `functools.cached_property` without the lock that it takes up to Python 3.11: calls are many."""

    __slots__ = ("_find", "_name")

    def __init__(self, find: Callable[[Any], _Value]) -> None:
        self._find = find
        self._name = find.__name__

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...

    @overload
    def __get__(self, instance: object, owner: type) -> _Value: ...

    def __get__(self, instance: object | None, owner: type) -> _Value | Self:
        if instance is None:
            return self
        value = instance.__dict__[self._name] = self._find(instance)
        return value
