"""A context that gives the values of a redacted history (see `Veil`)."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from typing import TYPE_CHECKING, Any, TypeVar

from aws_durable_execution_sdk_python.concurrency.models import BatchResult

from durable_debug.engine.sdk.answering import AnsweringContext

if TYPE_CHECKING:
    from collections.abc import Callable

    from durable_debug.engine.ongoing_pass import OngoingPass


_Kind = TypeVar("_Kind", bound=AnsweringContext)
_VEILED = (
    "step",
    "invoke",
    "wait_for_condition",
    "run_in_child_context",
    "wait_for_callback",
    "map",
    "parallel",
)


@functools.cache
def veiling(kind: type[_Kind]) -> type[_Kind]:
    """Make a context that gives the values of a redacted history (see `Veil`)."""

    def veiled(plain: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(plain)
        def method(self: AnsweringContext, *args: Any, **options: Any) -> Any:
            return _veiled(self._ongoing, lambda: plain(self, *args, **options))

        return method

    def create_callback(self: AnsweringContext, *args: Any, **options: Any) -> Any:
        callback: Any = kind.create_callback(self, *args, **options)
        with contextlib.suppress(AttributeError, TypeError):
            result = callback.result
            callback.result = lambda: _veiled(self._ongoing, result)
        return callback

    members = {name: veiled(getattr(kind, name)) for name in _VEILED}
    return type(f"Veiling{kind.__name__}", (kind,), {**members, "create_callback": create_callback})


def _veiled(ongoing: OngoingPass, call: Callable[[], Any]) -> Any:
    veil = ongoing.veil
    assert veil is not None
    try:
        value = call()
    except Exception as error:
        veil.over_error(error)
        raise
    if isinstance(value, BatchResult):
        return dataclasses.replace(
            value, all=[dataclasses.replace(item, result=veil.over(item.result)) for item in value.all]
        )
    return veil.over(value)
