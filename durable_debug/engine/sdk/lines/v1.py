"""SDK 1.x: nothing is compared on replay, and branches take their ids from their map's or parallel's context."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
from typing import TYPE_CHECKING, Any

from aws_durable_execution_sdk_python.config import MapConfig, ParallelConfig
from aws_durable_execution_sdk_python.exceptions import ExecutionError, SuspendExecution
from aws_durable_execution_sdk_python.operation import map as maps
from aws_durable_execution_sdk_python.operation import parallel as parallels
from aws_durable_execution_sdk_python.state import QueuedOperation

from durable_debug.engine.ongoing_pass import ReplayStop
from durable_debug.engine.sdk.lines.until_2 import Until2

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from aws_durable_execution_sdk_python.state import ExecutionState

__all__ = ["LINE"]


@contextlib.contextmanager
def _suspended() -> Iterator[None]:
    """Let a branch that was stopped end as one that waits: the SDK waits for ever for one that ends in another way."""
    try:
        yield
    except ReplayStop as stop:
        raise SuspendExecution(str(stop)) from stop


class Line1(Until2):
    unreadable = ExecutionError

    def is_unreadable(self, error: BaseException | None) -> bool:
        return type(error) is ExecutionError and str(error).startswith("Deserialization failed")

    def hasten(self, state: ExecutionState) -> None:
        super().hasten(
            state
        )  # it collects checkpoints for a second, while the handler waits for some of them
        state._batcher_config = dataclasses.replace(state._batcher_config, max_batch_time_seconds=0)

    branch_worker = "_execute_item_in_child_context"

    def refuses_child(self, config: Any) -> bool:
        return bool(config) and not hasattr(config, "sub_type")

    def refuses_batch(self, config: Any, branches: Sequence[Any]) -> bool:  # noqa: ARG002
        return False

    def items(self, inputs: Any) -> Any:
        return inputs  # each is taken by its index

    def map_executor(self, inputs: Any, func: Any, config: Any, operation_id: str) -> Any:  # noqa: ARG002
        return maps.MapExecutor.from_items(inputs, func, config or self.map_config())  # type: ignore[call-arg]

    def parallel_executor(self, functions: Any, config: Any, operation_id: str) -> Any:  # noqa: ARG002
        return parallels.ParallelExecutor.from_callables(functions, config or self.parallel_config())  # type: ignore[call-arg]

    def map_config(self) -> Any:
        return MapConfig(summary_generator=maps.MapSummaryGenerator())  # type: ignore[attr-defined]

    def parallel_config(self) -> Any:
        return ParallelConfig(summary_generator=parallels.ParallelSummaryGenerator())  # type: ignore[attr-defined]

    def branch_id(self, executor: Any, operation_id: str, index: int) -> str:  # noqa: ARG002
        # As a context's own operations: `DurableContext._create_step_id_for_logical_step`.
        return hashlib.blake2b(f"{operation_id}-{index}".encode()).hexdigest()[:64]

    def in_branch(self) -> AbstractContextManager[None]:
        return _suspended()

    def injecting(self, base: type[Any]) -> type[Any]:
        class Injecting(base):  # type: ignore[misc]
            @contextlib.contextmanager
            def _replay_aware(self) -> Iterator[None]:
                with super()._replay_aware():
                    self._inject(self._peek_next_operation_id())  # only now: it found nothing, as it was then
                    yield

        return Injecting

    def wake(self, state: ExecutionState) -> None:
        state._checkpoint_queue.put(QueuedOperation(None))


LINE = Line1()
