"""Maps and parallels of a replay: their branches, looked into or run one at a time."""

from __future__ import annotations

import contextlib
import contextvars
import functools
from typing import TYPE_CHECKING, Any, cast

from aws_durable_execution_sdk_python.concurrency.models import BatchResult
from aws_durable_execution_sdk_python.config import (
    NestingType,
)
from aws_durable_execution_sdk_python.exceptions import ExecutionError, SuspendExecution
from aws_durable_execution_sdk_python.lambda_service import (
    Operation,
    OperationType,
)
from aws_durable_execution_sdk_python.serdes import deserialize

from durable_debug.engine import capture
from durable_debug.engine.branch_scheduler import BranchScheduler
from durable_debug.engine.sdk.lines import LINE
from durable_debug.engine.sdk.payloads import TERMINAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aws_durable_execution_sdk_python.context import DurableContext

    from durable_debug.engine.ongoing_pass import OngoingPass
    from durable_debug.engine.sdk.calls import SdkCall
    from durable_debug.engine.sdk.entering import EnteringContext


class Batch:
    """A map or parallel of this run: its branches, one at a time and in index order."""

    def __init__(self, call: SdkCall, executor: Any, ongoing: OngoingPass) -> None:
        self.call = call
        self.executor = executor
        self.ongoing = ongoing
        recorded = call.recorded
        self.live = recorded is None or recorded.status not in TERMINAL
        self.flat = executor.nesting_type is NestingType.FLAT
        self.scheduler = BranchScheduler(lambda: ongoing.halt is not None, LINE.branch_worker)
        self._index: dict[str, int] = {}
        self._of_one_thread: contextvars.Context | None = None

    @contextlib.contextmanager
    def turn(self, index: int) -> Iterator[None]:
        try:
            yield
        except ExecutionError:  # the SDK ends the execution, whatever the other branches do meanwhile
            self.scheduler.end_with(index)
            raise
        finally:
            self.scheduler.leave(index)

    def identity(self, index: int) -> str:
        return LINE.branch_id(self.executor, self.call.operation_id, index)

    def prepare(self, context: EnteringContext) -> None:
        """Look into the branches of a completed batch."""
        recorded = self.call.recorded
        if self.ongoing.script.inject and not self.live:  # the SDK looks for them before it asks
            for index in range(len(self.executor.executables)):
                context._inject(self.identity(index))
        if context._silent or self.live or recorded is None or not self.ongoing.rules.enter:
            return
        for index in self._recorded_branches(context, recorded):
            self._enter(context, index, self._branch_call(context, index))
        context._silent = True  # whatever the SDK runs again of it has been looked at

    def _recorded_branches(self, context: EnteringContext, recorded: Operation) -> list[int]:
        count = len(self.executor.executables)
        if self.ongoing.rules.matcher is not None:
            return list(range(count))
        if not self.flat:
            return [i for i in range(count) if self.identity(i) in self.ongoing.script.answers]
        details = recorded.context_details
        try:
            result = deserialize(
                self.executor.serdes,
                cast("str", details and details.result),
                self.call.operation_id,
                context.state.durable_execution_arn,
            )
        except Exception:  # noqa: BLE001 - a summary, or a codec of the user's that has changed
            result = None
        if isinstance(result, BatchResult):
            started = {item.index for item in result.all}
            return [i for i in range(count) if i in started]
        return list(range(count))

    def _branch_call(self, context: EnteringContext, index: int) -> SdkCall:
        return context._call(
            (OperationType.CONTEXT.value, cast("str", LINE.sub_type(self.executor.sub_type_iteration))),
            self.executor.get_iteration_name(index),
            ("branch", index),
            virtual=self.flat,
            number=index,
            operation_id=self.identity(index),
        )

    def _enter(self, context: EnteringContext, index: int, call: SdkCall) -> None:
        child = context._body_context(call, call.operation_id, virtual=self.flat)
        executable = self.executor.executables[index]
        context._run_ended(
            call, functools.partial(self._variables().run, self.executor.execute_item, child, executable)
        )

    def _variables(self) -> contextvars.Context:
        """The context variables that a branch sees: the SDK runs it in a thread, which has none of its caller's.

        As many threads as branches may run at once; a single one keeps what they set. Source: `ConcurrentExecutor.execute`.
        """
        if self._of_one_thread is None or self.executor.max_concurrency != 1:
            self._of_one_thread = contextvars.Context()
        return self._of_one_thread

    def in_thread_of_its_own(self, body: Callable[..., Any], *args: Any) -> Any:
        """Run a branch in the pool's thread; one that is done with another branch is as good as new, as on Lambda."""
        if self.executor.max_concurrency == 1:
            return body(*args)
        return contextvars.Context().run(body, *args)

    def _fits(self, call: SdkCall, recorded: Operation) -> bool:
        return not self.flat and (recorded.name, recorded.sub_type) == (call.name, call.sub_type)

    def branch(self, context: EnteringContext, child: DurableContext, operation_id: str) -> DurableContext:
        """Take a branch's context, as the SDK makes it: in a live batch in the branch's own thread."""
        if not self._index:
            self._index = {self.identity(i): i for i in range(len(self.executor.executables))}
        index = self._index[operation_id]
        if not self.live or context._silent:
            inner = context._adopted(child, f"{self.call.position}-{index}", self.call)
            inner._silent = True
            return inner
        if not self.scheduler.enter(index):
            raise SuspendExecution("Another branch has ended the execution.")
        self.ongoing.seen.note_thread()
        capture.attach(self.ongoing)
        call = self._branch_call(context, index)
        if self.ongoing.script.inject:
            context._inject(operation_id)
        recorded = call.recorded
        if recorded is not None and self.ongoing.rules.matcher is None and not self._fits(call, recorded):
            self.scheduler.end_with(index)  # the SDK will object
        inner = context._adopted(child, call.position, call)
        if recorded is not None and recorded.status in TERMINAL:
            if self.ongoing.rules.enter:
                self._enter(context, index, call)
            inner._silent = True
            details = recorded.context_details
            if details is None or not details.replay_children:
                self.scheduler.leave(index)  # the SDK answers from the checkpoint: the body does not run
        else:
            call.entered = True
        return inner
