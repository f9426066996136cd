"""The SDK's record of one invocation, spared what a replay has no use for.

A long replay asks it three times for every operation. There are no plugins to tell of one, and nothing to wait for at
the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_durable_execution_sdk_python.state import (
    CHECKPOINT_NOT_FOUND,
    CheckpointedResult,
    ExecutionState,
)

from durable_debug.engine.sdk.lines import LINE

if TYPE_CHECKING:
    from aws_durable_execution_sdk_python.lambda_service import Operation

__all__ = ["ReplayState"]


class ReplayState(ExecutionState):
    """Never constructed: `spare` makes one of a state that the SDK has built."""

    _last: tuple[Operation, CheckpointedResult] | None

    @classmethod
    def spare(cls, state: ExecutionState) -> None:
        """Make a state of the SDK's one of ours."""
        state.__class__ = cls
        LINE.hasten(state)
        state._last = None  # type: ignore[attr-defined]

    def get_checkpoint_result(self, checkpoint_id: str, *, claim_end_hook: bool = True) -> CheckpointedResult:  # noqa: ARG002
        operation = self._operations.get(checkpoint_id)
        if operation is None:
            return CHECKPOINT_NOT_FOUND
        last = self._last
        if last is not None and last[0] is operation:
            return last[1]
        result = CheckpointedResult.create_from_operation(operation)
        self._last = (operation, result)
        return result

    def emit_operation_replay_hook(self, operation: Operation) -> None:
        """Tell nobody: there are no plugins."""

    def stop_checkpointing(self) -> None:
        """Wake the checkpoint thread when the invocation ends, instead of letting it sleep out its 0.1 s."""
        super().stop_checkpointing()
        LINE.wake(self)
