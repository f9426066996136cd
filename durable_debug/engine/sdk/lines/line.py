"""The questions that each line of the SDK answers in its own way."""

from __future__ import annotations

import contextlib
import types
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from aws_durable_execution_sdk_python.exceptions import NonDeterministicExecutionError, SerDesError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from aws_durable_execution_sdk_python.context import DurableContext
    from aws_durable_execution_sdk_python.state import ExecutionState

__all__ = ["Line", "durable_wrapper"]


class Line(ABC):
    """A line of the SDK.

    Attributes
    ----------
    context
        The SDK's class of contexts, changed only where it would ask one of ours for what the handler did not ask for.
    branch_worker
        The function that a branch of a map or parallel runs in: by its name a thread is known that is still in one.
    unreadable
        What the SDK raises for a payload that it can't read.
    """

    context: type[DurableContext]
    branch_worker: str
    unreadable: type[Exception] = SerDesError

    # ---- sub types: text here, and in 1.x and 2.x members of an enumeration there

    @abstractmethod
    def sub_type(self, own: Any) -> str | None:
        """A sub type of the SDK's as text."""

    @abstractmethod
    def own_sub_type(self, text: str | None) -> Any:
        """A sub type as the SDK has it."""

    def seen_through(self, config: Any) -> Any:
        """A child context's configuration that the SDK gets to its end with, where it would not with the handler's."""
        return config

    # ---- what the handler asks with

    @abstractmethod
    def label(self, config: Any) -> str | None:
        """The sub type that a configuration gives its operation; None for the usual one."""

    @abstractmethod
    def refuses_step(self, config: Any) -> bool:
        """Whether a step with this raises before it becomes an operation."""

    @abstractmethod
    def refuses_child(self, config: Any) -> bool:
        """Whether a child context with this raises before it becomes an operation."""

    @abstractmethod
    def refuses_batch(self, config: Any, branches: Sequence[Any]) -> bool:
        """Whether a map or parallel with this raises before it becomes an operation."""

    # ---- what the SDK objects to

    def is_unreadable(self, error: BaseException | None) -> bool:
        """Whether the SDK raised this for a payload that it can't read."""
        return type(error) is self.unreadable

    @property
    def objections(self) -> tuple[type[Exception], ...]:
        """What the SDK may raise for another identity, or a payload that it can't read."""
        return NonDeterministicExecutionError, self.unreadable

    def objects(self, error: Exception) -> bool:
        """Whether one of `objections` is an objection."""
        return isinstance(error, NonDeterministicExecutionError) or self.is_unreadable(error)

    # ---- maps and parallels

    @abstractmethod
    def items(self, inputs: Any) -> Any:
        """What is given to a map, as what can be gone through more than once: by us, and by the SDK."""

    @abstractmethod
    def map_executor(self, inputs: Any, func: Any, config: Any, operation_id: str) -> Any:
        """The SDK's executor of a map, to look into its branches with."""

    @abstractmethod
    def parallel_executor(self, functions: Any, config: Any, operation_id: str) -> Any:
        """The SDK's executor of a parallel."""

    @abstractmethod
    def map_config(self) -> Any:
        """The configuration of a map that has none."""

    @abstractmethod
    def parallel_config(self) -> Any:
        """The configuration of a parallel that has none."""

    @abstractmethod
    def branch_id(self, executor: Any, operation_id: str, index: int) -> str:
        """The id of a branch's operation."""

    def in_branch(self) -> AbstractContextManager[None]:
        """Around what is ours or the user's in a branch's thread: how the SDK learns that the replay was stopped in it."""
        return contextlib.nullcontext()

    # ---- an invocation

    @abstractmethod
    def injecting(self, base: type[Any]) -> type[Any]:
        """A class of contexts that calls ``_inject`` with an operation's id as soon as the SDK has taken it for a new one."""

    @abstractmethod
    def hasten(self, state: ExecutionState) -> None:
        """Let a checkpoint be sent at once."""

    @abstractmethod
    def wake(self, state: ExecutionState) -> None:
        """Wake the checkpoint thread, so that it sees that it was stopped."""

    @abstractmethod
    def is_durable(self, candidate: object) -> bool:
        """Whether this is what `durable_execution` makes of a function."""

    @abstractmethod
    def users_function(self, durable: Any) -> Callable[..., Any]:
        """The user's own function, from inside `durable_execution`."""


def durable_wrapper(candidate: object, module: str, *holds: str) -> bool:
    """Whether this is a wrapper of the SDK's, from a module of its and around all of these names."""
    return (
        isinstance(candidate, types.FunctionType)
        and candidate.__code__.co_name == "wrapper"
        and set(holds) <= set(candidate.__code__.co_freevars)
        and candidate.__globals__.get("__name__") == f"aws_durable_execution_sdk_python.{module}"
    )


def held(wrapper: Any, name: str) -> Any:
    """What a wrapper holds by this name."""
    return wrapper.__closure__[wrapper.__code__.co_freevars.index(name)].cell_contents
