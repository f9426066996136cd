"""What SDK 2.x and 3.x do alike."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from aws_durable_execution_sdk_python.config import MapConfig, ParallelConfig
from aws_durable_execution_sdk_python.identifier import OperationIdNamespace
from aws_durable_execution_sdk_python.operation.map import MapExecutor
from aws_durable_execution_sdk_python.operation.parallel import ParallelExecutor
from aws_durable_execution_sdk_python.state import _Signal

from durable_debug.engine.sdk.lines.line import Line, held

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from aws_durable_execution_sdk_python.state import ExecutionState

__all__ = ["Since2"]


class Since2(Line):
    """SDK 2.x and 3.x: branches have ids of their own namespace, and are known by the worker that they run in."""

    branch_worker = "_branch_worker"

    def refuses_child(self, config: Any) -> bool:
        return config is not None and not hasattr(config, "sub_type")

    def refuses_batch(self, config: Any, branches: Sequence[Any]) -> bool:
        if config is None:
            return False
        try:
            config.completion_config._validate_for_total(len(branches))
        except Exception:  # noqa: BLE001 - of the user's values; what the SDK says to them is its own matter
            return True
        return False

    def items(self, inputs: Any) -> Any:
        return inputs if hasattr(type(inputs), "__getitem__") else list(inputs)

    def map_executor(self, inputs: Any, func: Any, config: Any, operation_id: str) -> Any:
        namespace = OperationIdNamespace(operation_id)
        return MapExecutor.from_items(inputs, func, config or MapConfig(), namespace)

    def parallel_executor(self, functions: Any, config: Any, operation_id: str) -> Any:
        namespace = OperationIdNamespace(operation_id)
        return ParallelExecutor.from_callables(functions, config or ParallelConfig(), namespace)

    def map_config(self) -> Any:
        return MapConfig()

    def parallel_config(self) -> Any:
        return ParallelConfig()

    def branch_id(self, executor: Any, operation_id: str, index: int) -> str:  # noqa: ARG002
        return str(executor.operation_id_namespace.create_id_for_step(index))

    def injecting(self, base: type[Any]) -> type[Any]:
        class Injecting(base):  # type: ignore[misc]
            @contextlib.contextmanager
            def _operation_replay_aware(self, *args: Any, **options: Any) -> Iterator[Any]:
                with super()._operation_replay_aware(*args, **options) as identifier:
                    self._inject(
                        identifier.operation_id
                    )  # only now: it was compared with nothing, as it was then
                    yield identifier

        return Injecting

    def hasten(self, state: ExecutionState) -> None:
        """Nothing to do: what a replay sends is few, and awaited by nobody."""

    def wake(self, state: ExecutionState) -> None:
        state._checkpoint_queue.put(_Signal.REFRESH_WAKE)

    def users_function(self, durable: Any) -> Callable[..., Any]:
        return held(durable, "func")  # type: ignore[no-any-return]
