"""What SDK 1.x and 2.x do alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_durable_execution_sdk_python.context import DurableContext
from aws_durable_execution_sdk_python.lambda_service import OperationSubType

from durable_debug.engine.sdk.copies import replaced
from durable_debug.engine.sdk.lines.line import Line, durable_wrapper, held

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_durable_execution_sdk_python.state import ExecutionState

__all__ = ["Until2"]


class Context(DurableContext):
    """A `wait_for_callback` of these lines asks its context for a child, as a handler would: it is not one's call."""

    def wait_for_callback(self, *args: Any, **options: Any) -> Any:
        return DurableContext.wait_for_callback(_ItsOwnCaller(self), *args, **options)  # type: ignore[arg-type]


class _ItsOwnCaller:
    """A context, whose child contexts are the SDK's own matter."""

    def __init__(self, context: DurableContext) -> None:
        self._context = context

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def run_in_child_context(self, *args: Any, **options: Any) -> Any:
        return DurableContext.run_in_child_context(self._context, *args, **options)


class Until2(Line):
    """SDK 1.x and 2.x: sub types are members of an enumeration, and only child contexts are asked for with one."""

    context = Context

    def sub_type(self, own: Any) -> str | None:
        return None if own is None else getattr(own, "value", own)

    def own_sub_type(self, text: str | None) -> Any:
        if text is None or text in OperationSubType._value2member_map_:
            return None if text is None else OperationSubType(text)
        return OperationSubType.RUN_IN_CHILD_CONTEXT  # of `seen_through`

    def seen_through(self, config: Any) -> Any:
        # With a text for its sub type the SDK's checkpoint thread dies, and the handler waits for it for ever.
        return replaced(config, "sub_type", None) if isinstance(config.sub_type, str) else config

    def label(self, config: Any) -> str | None:
        return self.sub_type(getattr(config, "sub_type", None))

    def refuses_step(self, config: Any) -> bool:  # noqa: ARG002
        return False

    def hasten(self, state: ExecutionState) -> None:
        # Up to 2.0 it goes through all operations each time that one has ended, also where there are no plugins.
        state._plugin_executor.on_operation_update = _tell_nobody  # type: ignore[assignment, method-assign]

    def is_durable(self, candidate: object) -> bool:
        # Up to 2.0 a second wrapper of the SDK's lies around the first, for its plugins.
        return durable_wrapper(candidate, "execution", "func", "plugin_executor") or (
            durable_wrapper(candidate, "plugin", "func", "self") and self.is_durable(held(candidate, "func"))
        )

    def users_function(self, durable: Any) -> Callable[..., Any]:
        func = held(durable, "func")
        return self.users_function(func) if self.is_durable(func) else func


def _tell_nobody(*_: object) -> None:
    """There are no plugins."""
