"""The SDK's contexts, with an eye on what is asked of them: each operation as the user calls it."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any

from aws_durable_execution_sdk_python.config import (
    CallbackConfig,
    ChildConfig,
    Duration,
    ParallelBranch,
)
from aws_durable_execution_sdk_python.operation.callback import wait_for_callback_handler
from aws_durable_execution_sdk_python.serdes import DEFAULT_JSON_SERDES, serialize

from durable_debug.engine.guard import harmless
from durable_debug.engine.placeholder import Unrecorded, holds_unknown, marked
from durable_debug.engine.sdk.answering import put_over
from durable_debug.engine.sdk.batches import Batch
from durable_debug.engine.sdk.codecs import keeping
from durable_debug.engine.sdk.copies import memoised, replaced
from durable_debug.engine.sdk.entering import EnteringContext
from durable_debug.engine.sdk.frames import users_code
from durable_debug.engine.sdk.kinds import (
    CALLBACK,
    CHILD,
    CONDITION,
    FOR_CALLBACK,
    INVOKE,
    MAP,
    PARALLEL,
    STEP,
    WAIT,
    record_objection,
    recording_objection,
)
from durable_debug.engine.sdk.lines import LINE
from durable_debug.engine.sdk.logger import PassLogger
from durable_debug.engine.sdk.own_errors import own_errors_apart
from durable_debug.engine.sdk.payloads import TERMINAL
from durable_debug.engine.sdk.veiling import veiling

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_durable_execution_sdk_python.config import (
        InvokeConfig,
        MapConfig,
        ParallelConfig,
        StepConfig,
        WaitForCallbackConfig,
    )
    from aws_durable_execution_sdk_python.context import DurableContext
    from aws_durable_execution_sdk_python.waits import WaitForConditionConfig

    from durable_debug.engine.ongoing_pass import OngoingPass


_label, _refuses_step, _OBJECTIONS = LINE.label, LINE.refuses_step, LINE.objections  # for each step


class ReplayContext(EnteringContext):
    """The SDK's context, with an eye on what is asked of it.

    Never constructed: `adopt` makes one of a context that the SDK has built.
    """

    _batch: Batch | None

    # ---- operations, as the user calls them

    @own_errors_apart
    def step(self, func: Any, name: str | None = None, config: StepConfig | None = None) -> Any:
        if _refuses_step(config):
            return super().step(func, name, config)  # raises before it becomes an operation
        name = name or getattr(func, "_original_name", None)
        call = self._call(STEP, name, ("step", func, config), _label(config))
        if call.recorded is None or call.recorded.status not in TERMINAL:
            if self._absent(call):
                return Unrecorded()
            func = self._guard(call, func)
        try:
            return super().step(func, name, config)
        except _OBJECTIONS as error:  # in a line: steps are many
            record_objection(call, error)
            raise

    @own_errors_apart
    def wait(self, duration: Duration, name: str | None = None) -> None:
        if not isinstance(duration, Duration) or duration.to_seconds() < 1:
            return super().wait(duration, name)  # the SDK refuses it before it becomes an operation
        call = self._call(WAIT, name, ("wait", duration))
        if self._absent(call):
            return None
        with recording_objection(call):
            return super().wait(duration, name)

    @own_errors_apart
    def create_callback(self, name: str | None = None, config: CallbackConfig | None = None) -> Any:
        call = self._call(CALLBACK, name, ("create_callback", config), _label(config))
        if self._absent(call):
            return Unrecorded()
        with recording_objection(call):
            return super().create_callback(name, config)

    @own_errors_apart
    def invoke(
        self,
        function_name: str,
        payload: Any,
        name: str | None = None,
        config: InvokeConfig[Any, Any] | None = None,
    ) -> Any:
        call = self._call(INVOKE, name, ("invoke", function_name, payload, config))
        with contextlib.suppress(Exception), harmless():  # the SDK reports what can't be serialised
            codec = (config.serdes_payload if config else None) or DEFAULT_JSON_SERDES
            sent = marked(payload) if holds_unknown(payload) else payload
            call.payload = serialize(codec, sent, call.operation_id, self.state.durable_execution_arn)
        if self._absent(call):
            return Unrecorded()
        with recording_objection(call):
            return super().invoke(function_name, payload, name, config)

    @own_errors_apart
    def wait_for_condition(
        self, check: Any, config: WaitForConditionConfig[Any], name: str | None = None
    ) -> Any:
        if check is None or not config:
            return super().wait_for_condition(check, config, name)
        call = self._call(CONDITION, name, ("wait_for_condition", check, config))
        if call.recorded is None or call.recorded.status not in TERMINAL:
            if self._absent(call):
                return Unrecorded()
            check = self._guard(call, check)
        with recording_objection(call):
            return super().wait_for_condition(check, config, name)

    @own_errors_apart
    def run_in_child_context(
        self, func: Any, name: str | None = None, config: ChildConfig[Any] | None = None
    ) -> Any:
        if LINE.refuses_child(config):
            return super().run_in_child_context(func, name, config)
        name = name or getattr(func, "_original_name", None)
        virtual = bool(getattr(config, "is_virtual", False))
        call = self._call(
            CHILD,
            name,
            ("run_in_child_context", func, config),
            _label(config),
            virtual=virtual,
        )
        asked_here = self._enter_ended(call, func, config)
        if self._ongoing.rules.matcher is not None:
            config = keeping(LINE.seen_through(config or ChildConfig()), "serdes")
        with recording_objection(call), self._counting_also(asked_here):
            return super().run_in_child_context(func, name, config)

    @own_errors_apart
    def wait_for_callback(
        self, submitter: Any, name: str | None = None, config: WaitForCallbackConfig | None = None
    ) -> Any:
        name = name or getattr(submitter, "_original_name", None)
        call = self._call(FOR_CALLBACK, name, ("wait_for_callback", submitter, config))

        asked_here = self._enter_ended(
            call, lambda context: wait_for_callback_handler(context, submitter, name, config), None
        )
        with recording_objection(call), self._counting_also(asked_here):
            answer = super().wait_for_callback(submitter, name, config)
        # What the SDK made of an answer that there never was is an empty object.
        return Unrecorded() if call.recorded is None and self._ongoing.rules.matcher is not None else answer

    @own_errors_apart
    def map(
        self, inputs: Sequence[Any], func: Any, name: str | None = None, config: MapConfig[Any] | None = None
    ) -> Any:
        name = name or getattr(func, "_original_name", None)
        if LINE.refuses_batch(config, inputs):
            return super().map(inputs, func, name, config)  # raises before it becomes an operation
        call = self._call(MAP, name, ("map", inputs, func, config))
        if config is not None and config.item_namer is not None:
            config = replaced(config, "item_namer", memoised(config.item_namer))
        try:
            inputs = LINE.items(inputs)
            call.branches = len(inputs)
            executor = LINE.map_executor(inputs, func, config, call.operation_id)
        except Exception:  # noqa: BLE001 - of the inputs or the item_namer: the SDK raises it where it belongs
            with recording_objection(call):
                return super().map(inputs, func, name, config)
        batch = Batch(call, executor, self._ongoing)

        def body(context: DurableContext, item: Any, index: int, items: Sequence[Any]) -> Any:
            with LINE.in_branch(), batch.turn(index), users_code(self._ongoing):
                return batch.in_thread_of_its_own(func, context, item, index, items)

        if self._ongoing.rules.matcher is not None:
            config = keeping(config or LINE.map_config(), "serdes", "item_serdes")
        with self._batching(batch), recording_objection(call):
            return super().map(inputs, body if batch.live else func, name, config)

    @own_errors_apart
    def parallel(
        self, functions: Sequence[Any], name: str | None = None, config: ParallelConfig | None = None
    ) -> Any:
        if LINE.refuses_batch(config, functions):
            return super().parallel(functions, name, config)
        call = self._call(PARALLEL, name, ("parallel", functions, config))
        try:
            if not hasattr(type(functions), "__getitem__"):
                functions = list(functions)  # perhaps there is but one way through, and we go first
            call.branches = len(functions)
            executor = LINE.parallel_executor(functions, config, call.operation_id)
        except Exception:  # noqa: BLE001 - no functions: as above
            with recording_objection(call):
                return super().parallel(functions, name, config)
        batch = Batch(call, executor, self._ongoing)

        def in_turn(index: int, branch: Any) -> Any:
            func = branch.func if isinstance(branch, ParallelBranch) else branch

            @functools.wraps(func)
            def body(context: DurableContext) -> Any:
                with LINE.in_branch(), batch.turn(index), users_code(self._ongoing):
                    return batch.in_thread_of_its_own(func, context)

            if not isinstance(branch, ParallelBranch):
                return body
            return replaced(branch, "func", body)

        if batch.live:
            functions = [in_turn(i, f) for i, f in enumerate(functions)]
        if self._ongoing.rules.matcher is not None:
            config = keeping(config or LINE.parallel_config(), "serdes", "item_serdes")
        with self._batching(batch), recording_objection(call):
            return super().parallel(functions, name, config)

    def set_logger(self, new_logger: Any) -> None:
        super().set_logger(new_logger)
        self.logger = PassLogger.over(self.logger, self._ongoing)

    # ---- contexts that the SDK makes

    def create_child_context(self, operation_id: str, *, is_virtual: bool = False) -> DurableContext:
        context = super().create_child_context(operation_id, is_virtual=is_virtual)
        local = self._ongoing.here
        if self._batch is not None:
            with LINE.in_branch():
                return self._batch.branch(self, context, operation_id)
        batch: Batch | None = local.batch
        if batch is not None and batch.call.operation_id == operation_id:
            inner = self._adopted(context, batch.call.position, batch.call)
            inner._batch, inner._silent = batch, self._silent
            batch.call.entered = batch.live or self._ongoing.rules.enter
            batch.prepare(inner)
            return inner
        call = self._asked
        assert call is not None  # the SDK makes it for what was just asked
        call.entered = True
        inner = self._adopted(context, call.position, call)
        inner._silent = self._silent or local.silence == operation_id
        return inner

    @contextlib.contextmanager
    def _batching(self, batch: Batch) -> Iterator[None]:
        local = self._ongoing.here
        before = local.batch
        local.batch = batch
        try:
            yield
        finally:
            local.batch = before


# Gives answers to the SDK only when it has taken the operation for a new one, as it was then.
_InjectingContext: type[ReplayContext] = LINE.injecting(ReplayContext)


def adopt(context: DurableContext, ongoing: OngoingPass) -> ReplayContext:
    """Make the handler's context one of ours."""
    kind = _InjectingContext if ongoing.script.inject else ReplayContext
    return put_over(context, kind if ongoing.veil is None else veiling(kind), ongoing)
