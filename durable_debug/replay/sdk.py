"""The seam to the AWS SDK: the only module that knows its insides.

State goes in as an invocation input; the SDK decides what to do with it; what it asks of us comes out. Two
things are ours: a context class through which we see what the handler asks for (put over the SDK's own
contexts, which are the handler's alone, so nothing is patched), and a service client that sends nothing.

Written against `aws-durable-execution-sdk-python` 3.0.0.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import functools
import os
import sys
import threading
from typing import TYPE_CHECKING, Any, cast

from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.concurrency.models import BatchResult
from aws_durable_execution_sdk_python.config import (
    CallbackConfig,
    ChildConfig,
    MapConfig,
    NestingType,
    ParallelBranch,
    ParallelConfig,
)
from aws_durable_execution_sdk_python.constants import CHECKPOINT_SIZE_LIMIT_BYTES
from aws_durable_execution_sdk_python.context import DurableContext
from aws_durable_execution_sdk_python.exceptions import (
    NonDeterministicExecutionError,
    SerDesError,
    SuspendExecution,
)
from aws_durable_execution_sdk_python.execution import (
    DurableExecutionInvocationInputWithClient,
    InitialExecutionState,
)
from aws_durable_execution_sdk_python.identifier import OperationIdNamespace
from aws_durable_execution_sdk_python.lambda_service import (
    CallbackDetails,
    CheckpointOutput,
    CheckpointUpdatedExecutionState,
    ErrorObject,
    Operation,
    OperationAction,
    OperationStatus,
    OperationSubType,
    OperationType,
    OperationUpdate,
    StateOutput,
    StepDetails,
)
from aws_durable_execution_sdk_python.logger import Logger
from aws_durable_execution_sdk_python.operation.callback import wait_for_callback_handler
from aws_durable_execution_sdk_python.operation.map import MapExecutor
from aws_durable_execution_sdk_python.operation.parallel import ParallelExecutor
from aws_durable_execution_sdk_python.serdes import DEFAULT_JSON_SERDES, deserialize, serialize
from aws_durable_execution_sdk_python.state import _TERMINAL_OPERATION_STATUSES, _Signal

from durable_debug.replay import output
from durable_debug.replay.guard import guarded, unguarded
from durable_debug.replay.placeholder import Unrecorded
from durable_debug.replay.tape import Ask, LeaveBody, ReplayStop, Tape
from durable_debug.replay.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import FrameType, TracebackType

    from aws_durable_execution_sdk_python.config import (
        Duration,
        InvokeConfig,
        StepConfig,
        WaitForCallbackConfig,
    )
    from aws_durable_execution_sdk_python.context import Callback
    from aws_durable_execution_sdk_python.identifier import OperationIdentifier
    from aws_durable_execution_sdk_python.waits import WaitForConditionConfig

    from durable_debug.replay.tape import Matcher

TERMINAL = _TERMINAL_OPERATION_STATUSES
_SDK_FOLDER = os.path.dirname(sys.modules[durable_execution.__module__].__file__ or "") + os.sep
_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_NEVER = dt.datetime(2200, 1, 1, tzinfo=dt.UTC)

# Types and sub-types as the SDK writes them.
_STEP = (OperationType.STEP, OperationSubType.STEP.value)
_CONDITION = (OperationType.STEP, OperationSubType.WAIT_FOR_CONDITION.value)
_WAIT = (OperationType.WAIT, OperationSubType.WAIT.value)
_CALLBACK = (OperationType.CALLBACK, OperationSubType.CALLBACK.value)
_INVOKE = (OperationType.CHAINED_INVOKE, OperationSubType.CHAINED_INVOKE.value)
_MAP = (OperationType.CONTEXT, OperationSubType.MAP.value)
_PARALLEL = (OperationType.CONTEXT, OperationSubType.PARALLEL.value)
_CHILD = (OperationType.CONTEXT, OperationSubType.RUN_IN_CHILD_CONTEXT.value)
_BATCHES = {_MAP[1], _PARALLEL[1]}
_FOR_CALLBACK = (OperationType.CONTEXT, OperationSubType.WAIT_FOR_CALLBACK.value)


def sdk_operation(wire: Mapping[str, Any]) -> Operation:
    """Give the SDK's model of an operation in the service's wire shape.

    A retry that is still pending never comes due during a replay: the clock stands still, and the SDK would
    otherwise resume it at once, again and again.
    """
    operation = Operation.from_dict(cast("Any", wire))
    details = operation.step_details
    if operation.status is OperationStatus.PENDING and details is not None:
        return dataclasses.replace(
            operation, step_details=dataclasses.replace(details, next_attempt_timestamp=_NEVER)
        )
    return operation


@functools.cache
def is_user_code(filename: str) -> bool:
    """Whether a file is neither the SDK's nor this package's replay engine."""
    return (
        not filename.startswith((_SDK_FOLDER, _HERE))
        and "concurrent/futures" not in filename
        and filename != _THREADING
    )


_THREADING = threading.__file__


def user_frame(frame: FrameType | None) -> FrameType | None:
    """Give the nearest frame of the user's code, from `frame` outwards."""
    while frame is not None and not is_user_code(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


# -------------------------------------------------------------------------------------------- the contexts


class ReplayContext(DurableContext):
    """The SDK's context, with an eye on what is asked of it.

    Never constructed: `adopt` makes one of a context that the SDK has built.
    """

    _tape: Tape
    _path: str  # logical position of this context, "" for the handler's own
    _silent: bool  # re-run by the SDK of what was looked at already: observed by nobody
    _within: Ask | None  # the operation whose body this context serves
    _batch: _Batch | None
    _depth: int
    _asked: Ask | None  # the last operation asked of this context
    _last_id: tuple[int, str]

    # ---- operations, as the user calls them

    def step(self, func: Any, name: str | None = None, config: StepConfig | None = None) -> Any:
        name = name or getattr(func, "_original_name", None)
        ask = self._ask(_STEP, name, ("step", func, config), config.sub_type if config else None)
        if ask.recorded is None or ask.recorded.status not in TERMINAL:
            if self._absent(ask):
                return Unrecorded()
            func = self._guard(ask, func)
        try:
            return super().step(func, name, config)
        except (NonDeterministicExecutionError, SerDesError) as error:  # in a line: steps are many
            _note(ask, error)
            raise

    def wait(self, duration: Duration, name: str | None = None) -> None:
        if duration.to_seconds() < 1:  # the SDK refuses it before it becomes an operation
            return super().wait(duration, name)
        ask = self._ask(_WAIT, name, ("wait", duration))
        if self._absent(ask):
            return None
        with _noting(ask):
            return super().wait(duration, name)

    def create_callback(self, name: str | None = None, config: CallbackConfig | None = None) -> Callback[Any]:
        ask = self._ask(_CALLBACK, name, ("create_callback", config), config.sub_type if config else None)
        if self._absent(ask):
            return cast("Any", Unrecorded())
        with _noting(ask):
            return super().create_callback(name, config)

    def invoke(
        self,
        function_name: str,
        payload: Any,
        name: str | None = None,
        config: InvokeConfig[Any, Any] | None = None,
    ) -> Any:
        ask = self._ask(_INVOKE, name, ("invoke", function_name, payload, config))
        with contextlib.suppress(Exception):  # the SDK reports what can't be serialised
            codec = (config.serdes_payload if config else None) or DEFAULT_JSON_SERDES
            ask.payload = serialize(codec, payload, ask.operation_id, self.state.durable_execution_arn)
        if self._absent(ask):
            return Unrecorded()
        with _noting(ask):
            return super().invoke(function_name, payload, name, config)

    def wait_for_condition(
        self, check: Any, config: WaitForConditionConfig[Any], name: str | None = None
    ) -> Any:
        if check is None or not config:
            return super().wait_for_condition(check, config, name)
        ask = self._ask(_CONDITION, name, ("wait_for_condition", check, config))
        if ask.recorded is None or ask.recorded.status not in TERMINAL:
            if self._absent(ask):
                return Unrecorded()
            check = self._guard(ask, check)
        with _noting(ask):
            return super().wait_for_condition(check, config, name)

    def run_in_child_context(
        self, func: Any, name: str | None = None, config: ChildConfig[Any] | None = None
    ) -> Any:
        name = name or getattr(func, "_original_name", None)
        virtual = bool(config and config.is_virtual)
        ask = self._ask(
            _CHILD,
            name,
            ("run_in_child_context", func, config),
            config.sub_type if config else None,
            virtual=virtual,
        )
        self._look_into(ask, func, config)
        with _noting(ask):
            return super().run_in_child_context(func, name, config)

    def wait_for_callback(
        self, submitter: Any, name: str | None = None, config: WaitForCallbackConfig | None = None
    ) -> Any:
        name = name or getattr(submitter, "_original_name", None)
        ask = self._ask(_FOR_CALLBACK, name, ("wait_for_callback", submitter, config))
        self._look_into(
            ask, lambda context: wait_for_callback_handler(context, submitter, name, config), None
        )
        with _noting(ask):
            return super().wait_for_callback(submitter, name, config)

    def map(
        self, inputs: Sequence[Any], func: Any, name: str | None = None, config: MapConfig[Any] | None = None
    ) -> Any:
        name = name or getattr(func, "_original_name", None)
        if config is not None:
            config.completion_config._validate_for_total(len(inputs))  # raises before it becomes an operation  # noqa: SLF001
        ask = self._ask(_MAP, name, ("map", inputs, func, config))
        ask.branches = len(inputs)
        try:
            executor: Any = MapExecutor.from_items(
                inputs, func, config or MapConfig(), OperationIdNamespace(ask.operation_id)
            )
        except Exception:  # noqa: BLE001 - the user's item_namer: the SDK raises it where it belongs
            with _noting(ask):
                return super().map(inputs, func, name, config)
        batch = _Batch(ask, executor, self._tape)

        def body(context: DurableContext, item: Any, index: int, items: Sequence[Any]) -> Any:
            with batch.turn(index), _users_code(self._tape):
                return func(context, item, index, items)

        with self._batching(batch), _noting(ask):
            return super().map(inputs, body if batch.live else func, name, config)

    def parallel(
        self, functions: Sequence[Any], name: str | None = None, config: ParallelConfig | None = None
    ) -> Any:
        if config is not None:
            config.completion_config._validate_for_total(len(functions))  # noqa: SLF001
        ask = self._ask(_PARALLEL, name, ("parallel", functions, config))
        ask.branches = len(functions)
        executor = ParallelExecutor.from_callables(
            functions, config or ParallelConfig(), OperationIdNamespace(ask.operation_id)
        )
        batch = _Batch(ask, executor, self._tape)

        def in_turn(index: int, branch: Any) -> Any:
            func = branch.func if isinstance(branch, ParallelBranch) else branch

            @functools.wraps(func)
            def body(context: DurableContext) -> Any:
                with batch.turn(index), _users_code(self._tape):
                    return func(context)

            return dataclasses.replace(branch, func=body) if isinstance(branch, ParallelBranch) else body

        if batch.live:
            functions = [in_turn(i, f) for i, f in enumerate(functions)]
        with self._batching(batch), _noting(ask):
            return super().parallel(functions, name, config)

    def set_logger(self, new_logger: Any) -> None:
        super().set_logger(new_logger)
        self.logger = _TapeLogger.over(self.logger, self._tape)

    # ---- seeing and answering

    def _create_step_id_for_logical_step(self, step: int) -> str:
        """Give an operation's id; the SDK and we ask for each several times, and hashing is most of a lookup."""
        known, operation_id = self._last_id
        if known != step:
            operation_id = super()._create_step_id_for_logical_step(step)
            self._last_id = (step, operation_id)
        return operation_id

    def _ask(  # noqa: PLR0913
        self,
        kind: tuple[OperationType, str],
        name: str | None,
        args: tuple[Any, ...],
        sub_type: str | None = None,
        *,
        virtual: bool = False,
        number: int | None = None,
        operation_id: str | None = None,
    ) -> Ask:
        tape = self._tape
        if tape.halt is not None:
            raise ReplayStop(tape.halt.message)
        if number is None:
            number = self._step_counter._counter + 1  # noqa: SLF001 - this context's next, read without its lock
        ask = Ask(
            operation_id or self._create_step_id_for_logical_step(number),
            self._parent_id,
            self._path,
            number,
            kind[0].value,
            sub_type or kind[1],
            name,
            args,
            virtual,
            self._depth,
            self._within,
        )
        self._asked = ask
        if tape.matcher is None:
            ask.recorded = ask.match = tape.answers.get(ask.operation_id)
        else:
            self._align(ask, tape.matcher)
        looking = tape.looking
        if not self._silent:
            frame = sys._getframe(2)  # noqa: SLF001
            if not is_user_code(frame.f_code.co_filename):
                frame = user_frame(frame) or frame
            ask.code, ask.lasti = frame.f_code, frame.f_lasti
            if looking:
                ask.looked = True
            tape.note(ask)
            if tape.observer is not None:
                self._show(ask, frame)
        if ask.recorded is None:
            self._unrecorded(ask)
        elif looking and ask.recorded.status not in TERMINAL and _would_go_on(ask):
            raise LeaveBody  # what a batch left behind unfinished
        return ask

    def _show(self, ask: Ask, frame: FrameType) -> None:
        """Let the debugger see it, which may hold it here."""
        tape = self._tape
        if tape.local.evaluating:
            raise RuntimeError("An expression can't ask for operations: that would change the replay.")
        if ask.sub_type in _BATCHES:
            ask.frame = frame  # its branches' threads do not have it on their stacks
        with unguarded():
            tape.observer.asked(ask, frame)  # type: ignore[union-attr]

    def _align(self, ask: Ask, matcher: Matcher) -> None:
        """Put the recorded operation that answers this ask where the SDK looks for it."""
        ask.match = matcher(ask)
        ask.recorded = _as_asked(ask) if ask.match is not None else None
        operations = self.state._operations  # noqa: SLF001
        with self.state._operations_lock:  # noqa: SLF001
            if ask.recorded is None:
                operations.pop(ask.operation_id, None)
            else:
                operations[ask.operation_id] = ask.recorded

    def _unrecorded(self, ask: Ask) -> None:
        tape = self._tape
        if tape.matcher is not None:
            return
        if tape.looking and not ask.virtual:
            raise LeaveBody  # Lambda does not run this body: nothing would happen here
        if ask.type == OperationType.CONTEXT.value:
            return  # a context is the user's code outside steps; what it asks for is looked at one by one
        if ask.type == OperationType.STEP.value and tape.may_run(ask.name):
            return
        if ask.operation_id in tape.later:
            raise SuspendExecution("The recorded invocation was suspended before it asked for this.")
        raise tape.stop("would_run", f"{_deed(ask)}: the history has no answer for it", ask)

    def _absent(self, ask: Ask) -> bool:
        """Whether to step over an operation that was inserted, taking its number as the SDK would."""
        if ask.recorded is not None or self._tape.matcher is None or self._tape.may_run(ask.name):
            return False
        self._step_counter.increment()
        return True

    def _guard(self, ask: Ask, body: Callable[..., Any]) -> Callable[..., Any]:
        """Put a body behind a guard: it runs only where the user allowed it by name."""
        tape = self._tape

        @functools.wraps(body)
        def guard(*args: Any) -> Any:
            if not tape.may_run(ask.name):
                raise tape.stop("would_run", f"{_deed(ask)}: it has no recorded answer", ask)
            ask.ran = True
            with unguarded():
                return body(*args)

        return guard

    def _look_into(
        self, ask: Ask, body: Callable[[DurableContext], Any], config: ChildConfig[Any] | None
    ) -> None:
        """Run the body of a completed child context over its recorded operations, for the eye only.

        The answer still comes from the SDK and the checkpoint, as on Lambda.
        """
        recorded = ask.recorded
        if self._silent or recorded is None or recorded.status not in TERMINAL or not self._tape.enter:
            return
        details = recorded.context_details
        if details is not None and details.replay_children:
            return  # the SDK itself runs the body again: that is the look
        context = self._body_context(ask, ask.operation_id)
        self._look(ask, lambda: body(context))
        if (
            config is not None
            and config.summary_generator is not None
            and ask.inner
            and ask.inner[0] == "returned"
        ):
            self._settle_summary(ask, config)

    def _settle_summary(self, ask: Ask, config: ChildConfig[Any]) -> None:
        """Tell a summary from a result, which the events do not: by the SDK's own rule, the size.

        Source: `ChildOperationExecutor.execute`.
        """
        recorded = ask.recorded
        assert recorded is not None and ask.inner is not None
        with contextlib.suppress(Exception):
            text = serialize(config.serdes, ask.inner[1], ask.operation_id, self.state.durable_execution_arn)
            if (
                text is not None
                and len(text) > CHECKPOINT_SIZE_LIMIT_BYTES
                and recorded.context_details is not None
            ):
                self.state._operations[ask.operation_id] = ask.recorded = dataclasses.replace(  # noqa: SLF001
                    recorded,
                    context_details=dataclasses.replace(recorded.context_details, replay_children=True),
                )
                self._tape.local.silence = ask.operation_id

    def _look(self, ask: Ask, body: Callable[[], Any]) -> None:
        local = self._tape.local
        local.looking += 1
        ask.entered = True
        try:
            with _users_code(self._tape):
                ask.inner = ("returned", body())
        except (LeaveBody, SuspendExecution):
            ask.inner = ("left", None)
        except Exception as error:  # noqa: BLE001 - kept, and told where it matters
            ask.inner = ("raised", error)
        finally:
            local.looking -= 1

    def _body_context(self, ask: Ask, operation_id: str, *, virtual: bool = False) -> ReplayContext:
        context = super().create_child_context(operation_id, is_virtual=virtual)
        return adopt(context, self._tape, path=ask.position, within=ask, depth=self._depth + 1)

    # ---- contexts that the SDK makes

    def create_child_context(self, operation_id: str, *, is_virtual: bool = False) -> DurableContext:
        context = super().create_child_context(operation_id, is_virtual=is_virtual)
        local = self._tape.local
        if self._batch is not None:
            return self._batch.branch(self, context, operation_id)
        batch: _Batch | None = local.batch
        if batch is not None and batch.ask.operation_id == operation_id:
            inner = adopt(
                context, self._tape, path=batch.ask.position, within=batch.ask, depth=self._depth + 1
            )
            inner._batch, inner._silent = batch, self._silent  # noqa: SLF001
            batch.ask.entered = batch.live or self._tape.enter
            batch.prepare(inner)
            return inner
        ask = self._asked
        assert (
            ask is not None and ask.operation_id == operation_id
        )  # the SDK makes it for what was just asked
        ask.entered = True
        inner = adopt(context, self._tape, path=ask.position, within=ask, depth=self._depth + 1)
        inner._silent = self._silent or local.silence == operation_id  # noqa: SLF001
        return inner

    @contextlib.contextmanager
    def _batching(self, batch: _Batch) -> Iterator[None]:
        local = self._tape.local
        before = local.batch
        local.batch = batch
        try:
            yield
        finally:
            local.batch = before

    def _inject(self, operation_id: str) -> None:
        ask = self._asked
        known = ask is not None and ask.operation_id == operation_id
        recorded = ask.recorded if ask is not None and known else self._tape.answers.get(operation_id)
        if recorded is not None:
            with self.state._operations_lock:  # noqa: SLF001
                self.state._operations[operation_id] = recorded  # noqa: SLF001


class _InjectingContext(ReplayContext):
    """Gives answers to the SDK only when it has taken the operation for a new one, as it was then."""

    @contextlib.contextmanager
    def _operation_replay_aware(
        self,
        sub_type: str,
        name: str | None = None,
        *,
        operation_type: OperationType,
        is_virtual: bool = False,
    ) -> Iterator[OperationIdentifier]:
        with super()._operation_replay_aware(
            sub_type, name, operation_type=operation_type, is_virtual=is_virtual
        ) as identifier:
            self._inject(identifier.operation_id)
            yield identifier


class _noting:  # noqa: N801 - reads as a statement
    """Note with an ask what the SDK itself objects to: another identity, or a payload that it can't read."""

    __slots__ = ("_ask",)

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def __enter__(self) -> None:
        return

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, NonDeterministicExecutionError | SerDesError):
            _note(self._ask, error)


def _note(ask: Ask, error: Exception) -> None:
    if not hasattr(error, "_durable_debug_noted"):  # on its way out it passes the enclosing operations, too
        error._durable_debug_noted = True  # type: ignore[attr-defined]  # noqa: SLF001
        ask.failure = error


class _Batch:
    """A map or parallel of this run: its branches, one at a time and in index order."""

    def __init__(self, ask: Ask, executor: Any, tape: Tape) -> None:
        self.ask = ask
        self.executor = executor
        self.tape = tape
        recorded = ask.recorded
        self.live = recorded is None or recorded.status not in TERMINAL
        self.flat = executor.nesting_type is NestingType.FLAT
        self.turns = Turns(lambda: tape.halt is not None)
        self._index: dict[str, int] = {}

    def turn(self, index: int) -> Turns.Turn:
        return self.turns.taken(index)

    def identity(self, index: int) -> str:
        return cast("str", self.executor.operation_id_namespace.create_id_for_step(index))

    def prepare(self, context: ReplayContext) -> None:
        """Look into the branches of a completed batch."""
        recorded = self.ask.recorded
        if self.tape.inject and not self.live:  # the SDK looks for them before it asks
            for index in range(len(self.executor.executables)):
                context._inject(self.identity(index))  # noqa: SLF001
        if context._silent or self.live or recorded is None or not self.tape.enter:  # noqa: SLF001
            return
        for index in self._recorded_branches(context, recorded):
            self._look(context, index, self._branch_ask(context, index))
        context._silent = True  # whatever the SDK runs again of it has been looked at  # noqa: SLF001

    def _recorded_branches(self, context: ReplayContext, recorded: Operation) -> list[int]:
        count = len(self.executor.executables)
        if self.tape.matcher is not None:
            return list(range(count))
        if not self.flat:
            return [i for i in range(count) if self.identity(i) in self.tape.answers]
        details = recorded.context_details
        try:
            result = deserialize(
                self.executor.serdes,
                cast("str", details and details.result),
                self.ask.operation_id,
                context.state.durable_execution_arn,
            )
        except Exception:  # noqa: BLE001 - a summary, or a codec of the user's that has changed
            result = None
        if isinstance(result, BatchResult):
            started = {item.index for item in result.all}
            return [i for i in range(count) if i in started]
        return list(range(count))

    def _branch_ask(self, context: ReplayContext, index: int) -> Ask:
        return context._ask(  # noqa: SLF001
            (OperationType.CONTEXT, self.executor.sub_type_iteration),
            self.executor.get_iteration_name(index),
            ("branch", index),
            virtual=self.flat,
            number=index,
            operation_id=self.identity(index),
        )

    def _look(self, context: ReplayContext, index: int, ask: Ask) -> None:
        child = context._body_context(ask, ask.operation_id, virtual=self.flat)  # noqa: SLF001
        executable = self.executor.executables[index]
        context._look(ask, lambda: self.executor.execute_item(child, executable))  # noqa: SLF001

    def branch(self, context: ReplayContext, child: DurableContext, operation_id: str) -> DurableContext:
        """Take a branch's context, as the SDK makes it: in a live batch in the branch's own thread."""
        if not self._index:
            self._index = {self.identity(i): i for i in range(len(self.executor.executables))}
        index = self._index[operation_id]
        if not self.live or context._silent:  # noqa: SLF001
            inner = adopt(
                child,
                self.tape,
                path=f"{self.ask.position}-{index}",
                within=self.ask,
                depth=context._depth + 1,
            )  # noqa: SLF001
            inner._silent = True  # noqa: SLF001
            return inner
        self.turns.enter(index)
        self.tape.watch()
        output.listen(self.tape)
        ask = self._branch_ask(context, index)
        if self.tape.inject:
            context._inject(operation_id)  # noqa: SLF001
        recorded = ask.recorded
        inner = adopt(child, self.tape, path=ask.position, within=ask, depth=context._depth + 1)  # noqa: SLF001
        if recorded is not None and recorded.status in TERMINAL:
            if self.tape.enter:
                self._look(context, index, ask)
            inner._silent = True  # noqa: SLF001
            details = recorded.context_details
            if details is None or not details.replay_children:
                self.turns.leave(index)  # the SDK answers from the checkpoint: the body does not run
        else:
            ask.entered = True
        return inner


def adopt(context: DurableContext, tape: Tape, *, path: str, within: Ask | None, depth: int) -> ReplayContext:
    """Make a context of the SDK's one of ours."""
    context.__class__ = _InjectingContext if tape.inject else ReplayContext
    context = cast("ReplayContext", context)
    context._tape, context._path, context._within, context._depth = tape, path, within, depth  # noqa: SLF001
    context._silent, context._batch, context._asked = False, None, None  # noqa: SLF001
    context._last_id = (0, "")  # noqa: SLF001
    context.logger = _TapeLogger.over(context.logger, tape)
    return context


def _as_asked(ask: Ask) -> Operation | None:
    """Give the matched operation the identity that the SDK will check; None where its answer does not fit."""
    match = ask.match
    assert match is not None
    if match.operation_type.value != ask.type:
        return None
    if match.sub_type != ask.sub_type and ({match.sub_type, ask.sub_type} & _BATCHES) not in (
        set(),
        _BATCHES,
    ):
        return None  # one of them has branches, the other has not
    return dataclasses.replace(
        match, operation_id=ask.operation_id, name=ask.name, sub_type=ask.sub_type, parent_id=ask.parent_id
    )


def _would_go_on(ask: Ask) -> bool:
    """Whether the SDK would run something of an unfinished operation; of the others it awaits the end."""
    return ask.type == OperationType.STEP.value or ask.sub_type in _BATCHES


def _deed(ask: Ask) -> str:
    what = f" {ask.name!r}" if ask.name else ""
    match ask.type, ask.sub_type:
        case ("STEP", "WaitForCondition"):
            return f"the check of wait_for_condition{what} would run"
        case ("STEP", _):
            return f"the body of step{what} would run"
        case ("CHAINED_INVOKE", _):
            return f"invoke{what} would call {ask.args[1]!r}"
        case ("WAIT", _):
            return f"wait{what} would start"
        case _:
            return f"callback{what} would be created"


class _TapeLogger(Logger):
    """The SDK's context logger, writing to the tape, also what Lambda does not log again on replay."""

    _tape: Tape

    @classmethod
    def over(cls, logger: Logger, tape: Tape) -> _TapeLogger:
        made = cls(logger._logger, logger._default_extra, logger._is_replaying)  # noqa: SLF001
        made._tape = tape
        return made

    def with_log_info(self, info: Any) -> Logger:
        return self.over(super().with_log_info(info), self._tape)

    def with_is_replaying(self, is_replaying: Callable[[], bool]) -> Logger:
        return self.over(super().with_is_replaying(is_replaying), self._tape)

    def _log(
        self,
        log_func: Callable[..., Any],
        msg: object,
        *args: object,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        try:
            text = str(msg) % args if args else str(msg)
        except (TypeError, ValueError):
            text = f"{msg} {args}"
        level = getattr(log_func, "__name__", "info").upper()
        output.keep(
            self._tape, "ERROR" if level == "EXCEPTION" else level, text, replayed=not self._should_log()
        )


@contextlib.contextmanager
def _users_code(tape: Tape) -> Iterator[None]:
    """Around the user's own code: side effects are reported, and on request the lines that bodies end at."""
    if not tape.trace:
        with guarded(tape.report):
            yield
        return
    before = sys.gettrace()
    sys.settrace(_body_tracer(tape))
    try:
        with guarded(tape.report):
            yield
    finally:
        sys.settrace(before)


def _body_tracer(tape: Tape) -> Callable[[FrameType, str, Any], Any]:
    def called(frame: FrameType, event: str, _: Any) -> Any:
        code, caller = frame.f_code, frame.f_back
        if event != "call" or not is_user_code(code.co_filename):
            return None
        if caller is None or is_user_code(caller.f_code.co_filename):
            return None  # not a body, but something that a body calls
        path = next((v._path for v in frame.f_locals.values() if isinstance(v, ReplayContext)), None)  # noqa: SLF001
        if path is None:
            return None
        frame.f_trace_lines = False

        def returned(frame: FrameType, event: str, _: Any) -> Any:
            if event == "return":
                tape.ends[path] = (code, frame.f_lasti)
            return returned

        return returned

    return called


# --------------------------------------------------------------------------------------------- the service


class _Service:
    """A service client that keeps what it is sent, and sends nothing."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape

    def checkpoint(
        self,
        durable_execution_arn: str,  # noqa: ARG002
        checkpoint_token: str,
        updates: list[OperationUpdate],
        client_token: str | None,  # noqa: ARG002
    ) -> CheckpointOutput:
        self._tape.sent.extend(updates)
        started = [_started(u) for u in updates if u.action is OperationAction.START]
        return CheckpointOutput(checkpoint_token, CheckpointUpdatedExecutionState(operations=started))

    def get_execution_state(self, **_: Any) -> StateOutput:
        return StateOutput()


def _started(update: OperationUpdate) -> Operation:
    return Operation(
        operation_id=update.operation_id,
        operation_type=update.operation_type,
        status=OperationStatus.STARTED,
        parent_id=update.parent_id,
        name=update.name,
        sub_type=update.sub_type,
        step_details=StepDetails() if update.operation_type is OperationType.STEP else None,
        callback_details=CallbackDetails("") if update.operation_type is OperationType.CALLBACK else None,
    )


class _NoAws:
    """Stands where a boto3 client would, should the event lose our own client on its way in."""

    @staticmethod
    def checkpoint_durable_execution(**kwargs: Any) -> dict[str, Any]:
        return {
            "CheckpointToken": kwargs.get("CheckpointToken", "replay"),
            "NewExecutionState": {"Operations": []},
        }

    @staticmethod
    def get_durable_execution_state(**_: Any) -> dict[str, Any]:
        return {"Operations": []}


class InvocationEvent(DurableExecutionInvocationInputWithClient, dict):  # type: ignore[type-arg]
    """The invocation's input for the SDK, and a dict as on Lambda for decorators around the handler."""


# ------------------------------------------------------------------------------------------ one invocation


def invoke(  # noqa: PLR0913
    func: Callable[[Any, DurableContext], Any],
    around: Callable[[Callable[..., Any]], Callable[..., Any]] | None,
    *,
    arn: str,
    operations: list[Operation],
    tape: Tape,
    lambda_context: Any,
) -> dict[str, Any]:
    """Run a handler once, in this thread and those that the SDK makes, and give the invocation's output.

    Parameters
    ----------
    func
        The user's own function, from inside `durable_execution`.
    around
        Puts the user's other decorators around a durable handler; None if there are none.
    operations
        What the service sends at the invocation's start, the EXECUTION operation first.

    Raises
    ------
    BaseException
        Whatever ends the invocation without an output, `ReplayStop` and SystemExit included.
    """

    @functools.wraps(func)
    def seen(event: Any, context: DurableContext) -> Any:
        _end_at_once(context.state)
        root = adopt(context, tape, path="", within=None, depth=0)

        tape.watch()
        output.listen(tape)
        with _users_code(tape):
            try:
                result = func(event, root)
            except Exception as error:
                tape.error = error
                if tape.observer is not None:
                    with unguarded():
                        tape.observer.raised(error)
                raise
        tape.returned = (result,)
        return result

    hidden = os.environ.pop("DURABLE_EXECUTION_PLUGINS", None)  # instrumentation has no part in a replay
    try:
        durable = durable_execution(seen, boto3_client=cast("Any", _NoAws()), plugins=[])
    finally:
        if hidden is not None:
            os.environ["DURABLE_EXECUTION_PLUGINS"] = hidden
    event = InvocationEvent(
        durable_execution_arn=arn,
        checkpoint_token="replay",  # noqa: S106
        initial_execution_state=InitialExecutionState(operations, ""),
        service_client=cast("Any", _Service(tape)),
    )
    if around is not None:
        event.update(event.to_json_dict())
        durable = around(durable)
    return cast("dict[str, Any]", durable(event, lambda_context))


# ------------------------------------------------------------------------------------- payloads and errors


def codec_of(ask: Ask) -> Any:
    """The codec that a context's result is written with; None for the SDK's own."""
    if ask.args[0] == "branch":
        config = ask.within.args[-1] if ask.within is not None else None
        return (config.item_serdes or config.serdes) if config is not None else None
    return ask.args[-1].serdes if ask.args[0] == "run_in_child_context" and ask.args[-1] is not None else None


def to_payload(ask: Ask, value: Any, arn: str) -> str | None:
    """Write a value as its context would."""
    return serialize(codec_of(ask), value, ask.operation_id, arn)


def from_payload(ask: Ask, payload: str | None, arn: str) -> Any:
    """Read a payload as its context would."""
    return None if payload is None else deserialize(codec_of(ask), payload, ask.operation_id, arn)


def error_object(error: BaseException) -> dict[str, Any]:
    """Give the error object that the SDK would send for an exception."""
    return dict(ErrorObject.from_exception(error).to_dict())


def _end_at_once(state: Any) -> None:
    """Wake the SDK's checkpoint thread when the invocation ends, instead of letting it sleep out its 0.1 s."""
    stop = state.stop_checkpointing

    def stop_checkpointing() -> None:
        stop()
        state._checkpoint_queue.put(_Signal.REFRESH_WAKE)  # noqa: SLF001

    state.stop_checkpointing = stop_checkpointing
