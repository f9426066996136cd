"""The SDK's contexts, with an eye on what is asked of them."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from aws_durable_execution_sdk_python.concurrency.models import BatchResult
from aws_durable_execution_sdk_python.config import (
    CallbackConfig,
    ChildConfig,
    Duration,
    ParallelBranch,
)
from aws_durable_execution_sdk_python.constants import CHECKPOINT_SIZE_LIMIT_BYTES
from aws_durable_execution_sdk_python.exceptions import SuspendExecution
from aws_durable_execution_sdk_python.lambda_service import (
    OperationStatus,
    OperationType,
)
from aws_durable_execution_sdk_python.operation.callback import wait_for_callback_handler
from aws_durable_execution_sdk_python.serdes import DEFAULT_JSON_SERDES, deserialize, serialize

from durable_debug.engine.guard import harmless, unguarded
from durable_debug.engine.origins import here
from durable_debug.engine.placeholder import Unrecorded, holds_unknown, marked
from durable_debug.engine.places import place_of
from durable_debug.engine.sdk.asks import SdkAsk, SdkBody
from durable_debug.engine.sdk.batches import Batch
from durable_debug.engine.sdk.codecs import keeping
from durable_debug.engine.sdk.copies import as_it_is, once_each, with_
from durable_debug.engine.sdk.counter import Counter
from durable_debug.engine.sdk.frames import user_frame, users_code
from durable_debug.engine.sdk.kinds import (
    BATCHES,
    CALLBACK,
    CHILD,
    CONDITION,
    FOR_CALLBACK,
    INVOKE,
    MAP,
    PARALLEL,
    STEP,
    WAIT,
    as_asked,
    draws_by_chance,
    note,
    noting,
    would_go_on,
)
from durable_debug.engine.sdk.lines import LINE
from durable_debug.engine.sdk.logger import TapeLogger
from durable_debug.engine.sdk.payloads import TERMINAL
from durable_debug.engine.tape import LeaveBody, ReplayStop, Tape
from durable_debug.engine.users_code import is_users, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import FrameType

    from aws_durable_execution_sdk_python.config import (
        InvokeConfig,
        MapConfig,
        ParallelConfig,
        StepConfig,
        WaitForCallbackConfig,
    )
    from aws_durable_execution_sdk_python.context import DurableContext
    from aws_durable_execution_sdk_python.waits import WaitForConditionConfig

    from durable_debug.engine.tape import Matcher

_Method = TypeVar("_Method", bound="Callable[..., Any]")

_OURS = str(Path(__file__).parent.parent) + os.sep
_PLACEHOLDER = str(Path(__file__).parent.parent / "placeholder.py")


def raised_by_us(error: BaseException) -> bool:
    """Whether an error rose in this package's own code: the handler is not to blame for it, whoever catches it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    file = trace.tb_frame.f_code.co_filename if trace is not None else ""
    return (
        file.startswith(_OURS) and file != _PLACEHOLDER and not getattr(error, "_durable_debug_meant", False)
    )


def _ours(method: _Method) -> _Method:
    """Around what the handler calls of a context: an error of ours ends the replay instead of reaching the handler."""

    @functools.wraps(method)
    def operation(self: ReplayContext, *args: Any, **options: Any) -> Any:
        try:
            return method(self, *args, **options)
        except Exception as error:
            if not raised_by_us(error):
                raise
            tape = self._tape
            tape.internal = tape.internal or error
            raise tape.stop("internal", f"{type(error).__name__}: {error}") from error

    return cast("_Method", operation)


_MOST_ASKS = 3_500  # an execution has at most 3,000 operations


if TYPE_CHECKING:
    _Context = DurableContext
else:
    _Context = LINE.context
_label, _refuses_step, _OBJECTIONS = LINE.label, LINE.refuses_step, LINE.objections  # for each step


class ReplayContext(_Context):
    """The SDK's context, with an eye on what is asked of it.

    Never constructed: `adopt` makes one of a context that the SDK has built.
    """

    _tape: Tape
    _path: str  # logical position of this context, "" for the handler's own
    _silent: bool  # re-run by the SDK of what was looked at already: observed by nobody
    _within: SdkAsk | None  # the operation whose body this context serves
    _batch: Batch | None
    _outer: ReplayContext | None  # the context that this one was made in
    _depth: int
    _asked: SdkAsk | None  # the last operation asked of this context
    _last_id: tuple[int, str]

    # ---- operations, as the user calls them

    @_ours
    def step(self, func: Any, name: str | None = None, config: StepConfig | None = None) -> Any:
        if _refuses_step(config):
            return super().step(func, name, config)  # raises before it becomes an operation
        name = name or getattr(func, "_original_name", None)
        ask = self._ask(STEP, name, ("step", func, config), _label(config))
        if ask.recorded is None or ask.recorded.status not in TERMINAL:
            if self._absent(ask):
                return Unrecorded()
            func = self._guard(ask, func)
        try:
            return super().step(func, name, config)
        except _OBJECTIONS as error:  # in a line: steps are many
            note(ask, error)
            raise

    @_ours
    def wait(self, duration: Duration, name: str | None = None) -> None:
        if not isinstance(duration, Duration) or duration.to_seconds() < 1:
            return super().wait(duration, name)  # the SDK refuses it before it becomes an operation
        ask = self._ask(WAIT, name, ("wait", duration))
        if self._absent(ask):
            return None
        with noting(ask):
            return super().wait(duration, name)

    @_ours
    def create_callback(self, name: str | None = None, config: CallbackConfig | None = None) -> Any:
        ask = self._ask(CALLBACK, name, ("create_callback", config), _label(config))
        if self._absent(ask):
            return Unrecorded()
        with noting(ask):
            return super().create_callback(name, config)

    @_ours
    def invoke(
        self,
        function_name: str,
        payload: Any,
        name: str | None = None,
        config: InvokeConfig[Any, Any] | None = None,
    ) -> Any:
        ask = self._ask(INVOKE, name, ("invoke", function_name, payload, config))
        with contextlib.suppress(Exception), harmless():  # the SDK reports what can't be serialised
            codec = (config.serdes_payload if config else None) or DEFAULT_JSON_SERDES
            sent = marked(payload) if holds_unknown(payload) else payload
            ask.payload = serialize(codec, sent, ask.operation_id, self.state.durable_execution_arn)
        if self._absent(ask):
            return Unrecorded()
        with noting(ask):
            return super().invoke(function_name, payload, name, config)

    @_ours
    def wait_for_condition(
        self, check: Any, config: WaitForConditionConfig[Any], name: str | None = None
    ) -> Any:
        if check is None or not config:
            return super().wait_for_condition(check, config, name)
        ask = self._ask(CONDITION, name, ("wait_for_condition", check, config))
        if ask.recorded is None or ask.recorded.status not in TERMINAL:
            if self._absent(ask):
                return Unrecorded()
            check = self._guard(ask, check)
        with noting(ask):
            return super().wait_for_condition(check, config, name)

    @_ours
    def run_in_child_context(
        self, func: Any, name: str | None = None, config: ChildConfig[Any] | None = None
    ) -> Any:
        if LINE.refuses_child(config):
            return super().run_in_child_context(func, name, config)
        name = name or getattr(func, "_original_name", None)
        virtual = bool(getattr(config, "is_virtual", False))
        ask = self._ask(
            CHILD,
            name,
            ("run_in_child_context", func, config),
            _label(config),
            virtual=virtual,
        )
        asked_here = self._look_into(ask, func, config)
        if self._tape.matcher is not None:
            config = keeping(LINE.seen_through(config or ChildConfig()), "serdes")
        with noting(ask), self._counting_also(asked_here):
            return super().run_in_child_context(func, name, config)

    @_ours
    def wait_for_callback(
        self, submitter: Any, name: str | None = None, config: WaitForCallbackConfig | None = None
    ) -> Any:
        name = name or getattr(submitter, "_original_name", None)
        ask = self._ask(FOR_CALLBACK, name, ("wait_for_callback", submitter, config))

        asked_here = self._look_into(
            ask, lambda context: wait_for_callback_handler(context, submitter, name, config), None
        )
        with noting(ask), self._counting_also(asked_here):
            answer = super().wait_for_callback(submitter, name, config)
        # What the SDK made of an answer that there never was is an empty object.
        return Unrecorded() if ask.recorded is None and self._tape.matcher is not None else answer

    @_ours
    def map(
        self, inputs: Sequence[Any], func: Any, name: str | None = None, config: MapConfig[Any] | None = None
    ) -> Any:
        name = name or getattr(func, "_original_name", None)
        if LINE.refuses_batch(config, inputs):
            return super().map(inputs, func, name, config)  # raises before it becomes an operation
        ask = self._ask(MAP, name, ("map", inputs, func, config))
        if config is not None and config.item_namer is not None:
            config = with_(config, "item_namer", once_each(config.item_namer))
        try:
            inputs = LINE.items(inputs)
            ask.branches = len(inputs)
            executor = LINE.map_executor(inputs, func, config, ask.operation_id)
        except Exception:  # noqa: BLE001 - of the inputs or the item_namer: the SDK raises it where it belongs
            with noting(ask):
                return super().map(inputs, func, name, config)
        batch = Batch(ask, executor, self._tape)

        def body(context: DurableContext, item: Any, index: int, items: Sequence[Any]) -> Any:
            with LINE.in_branch(), batch.turn(index), users_code(self._tape):
                return batch.in_thread_of_its_own(func, context, item, index, items)

        if self._tape.matcher is not None:
            config = keeping(config or LINE.map_config(), "serdes", "item_serdes")
        with self._batching(batch), noting(ask):
            return super().map(inputs, body if batch.live else func, name, config)

    @_ours
    def parallel(
        self, functions: Sequence[Any], name: str | None = None, config: ParallelConfig | None = None
    ) -> Any:
        if LINE.refuses_batch(config, functions):
            return super().parallel(functions, name, config)
        ask = self._ask(PARALLEL, name, ("parallel", functions, config))
        try:
            if not hasattr(type(functions), "__getitem__"):
                functions = list(functions)  # perhaps there is but one way through, and we go first
            ask.branches = len(functions)
            executor = LINE.parallel_executor(functions, config, ask.operation_id)
        except Exception:  # noqa: BLE001 - no functions: as above
            with noting(ask):
                return super().parallel(functions, name, config)
        batch = Batch(ask, executor, self._tape)

        def in_turn(index: int, branch: Any) -> Any:
            func = branch.func if isinstance(branch, ParallelBranch) else branch

            @functools.wraps(func)
            def body(context: DurableContext) -> Any:
                with LINE.in_branch(), batch.turn(index), users_code(self._tape):
                    return batch.in_thread_of_its_own(func, context)

            if not isinstance(branch, ParallelBranch):
                return body
            return with_(branch, "func", body)

        if batch.live:
            functions = [in_turn(i, f) for i, f in enumerate(functions)]
        if self._tape.matcher is not None:
            config = keeping(config or LINE.parallel_config(), "serdes", "item_serdes")
        with self._batching(batch), noting(ask):
            return super().parallel(functions, name, config)

    def set_logger(self, new_logger: Any) -> None:
        super().set_logger(new_logger)
        self.logger = TapeLogger.over(self.logger, self._tape)

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
    ) -> SdkAsk:
        tape = self._tape
        if tape.halt is not None:
            raise ReplayStop(tape.halt.message)
        if tape.observer is not None and tape.local.evaluating:
            refusal = RuntimeError("An expression can't ask for operations: that would change the replay.")
            refusal._durable_debug_meant = True  # type: ignore[attr-defined]
            raise refusal
        if number is None:
            number = self._step_counter._counter + 1
        ask = SdkAsk(
            args[0],
            operation_id or self._create_step_id_for_logical_step(number),
            self._parent_id,
            self._path,
            number,
            kind[0].value,
            sub_type or kind[1],
            name,
            virtual,
            self._depth,
            self._within,
            args=args,
            arn=self.state.durable_execution_arn,
        )
        self._asked = ask
        frame = sys._getframe(3)
        if not self._silent:
            frame = self._locate(ask, frame)
        if tape.matcher is None:
            ask.recorded = ask.match = tape.answers.get(ask.operation_id)
        else:
            self._align(ask, tape.matcher)
        looking = tape.looking
        if not self._silent:
            ask.looked = looking > 0
            self._see(ask, frame)
        if ask.recorded is None:
            self._unrecorded(ask)
        elif looking and ask.recorded.status not in TERMINAL and would_go_on(ask):
            raise LeaveBody  # what a batch left behind unfinished
        return ask

    def _locate(self, ask: SdkAsk, frame: FrameType) -> FrameType:
        """Note the line that an ask comes from; give its frame."""
        batch = self._batch
        if not is_users(frame.f_code.co_filename):
            ask.by_chance = ask.kind == "wait" and draws_by_chance(frame)
            near, origin = nearest(frame), here()
            if near is None and origin:
                frame, lasti = origin[0]
                ask.place = place_of(frame.f_code, lasti)
                return frame
            frame = near or user_frame(frame) or frame
        if batch is not None and batch.live:  # a branch's thread begins here: the call is in another one
            ask.place = batch.ask.place
            return batch.ask.frame or frame
        ask.place = place_of(frame.f_code, frame.f_lasti)
        return frame

    def _see(self, ask: SdkAsk, frame: FrameType) -> None:
        """Note an ask, and let the debugger see it, which may hold it here."""
        tape = self._tape
        tape.note(ask)
        if tape.observer is None:
            return
        ask.origin = here()
        if ask.sub_type in BATCHES:
            ask.frame = frame  # its branches' threads do not have it on their stacks
        with unguarded():
            tape.observer.asked(ask, frame)

    def _align(self, ask: SdkAsk, matcher: Matcher) -> None:
        """Put the recorded operation that answers this ask where the SDK looks for it."""
        match = matcher(ask)
        ask.match = self._tape.answers.get(match) if match is not None else None
        ask.recorded = as_asked(ask) if ask.match is not None else None
        operations = self.state._operations
        with self.state._operations_lock:
            if ask.recorded is None:
                operations.pop(ask.operation_id, None)
            else:
                operations[ask.operation_id] = ask.recorded

    def _unrecorded(self, ask: SdkAsk) -> None:
        tape = self._tape
        if tape.matcher is not None:
            return
        if tape.looking and not ask.virtual:
            raise LeaveBody  # Lambda does not run this body: nothing would happen here
        if ask.type == OperationType.CONTEXT.value:
            if len(tape.asks) > _MOST_ASKS + 2 * len(tape.answers):
                raise tape.stop(
                    "endless", f"the handler has asked for {len(tape.asks):,} operations and goes on", ask
                )
            return  # a context is the user's code outside steps; what it asks for is looked at one by one
        if ask.type == OperationType.STEP.value and tape.may_run(ask):
            return
        self._leave_a_branch()
        if ask.operation_id in tape.later:
            tape.beyond = tape.beyond or ask
            raise SuspendExecution("The recorded invocation was suspended before it asked for this.")
        if tape.supposes:
            ask.supposed = True
            return
        raise tape.stop("would_run", f"{ask.deed}: the history has no answer for it", ask)

    def _leave_a_branch(self) -> None:
        """Let the other branches go on, where one of them ended the execution while this one was under way."""
        context: ReplayContext | None = self if self._tape.branches_were_cut else None
        while context is not None:
            if context._batch is not None and context._batch.live:
                raise SuspendExecution("The execution ended before this.")
            context = context._outer

    def _absent(self, ask: SdkAsk) -> bool:
        """Whether to step over an operation that was inserted, taking its number as the SDK would."""
        aligned = self._tape.matcher is not None and not self._tape.may_run(ask)
        if ask.recorded is not None or not (aligned or ask.supposed):
            return False
        self._step_counter.increment()
        return True

    def _guard(self, ask: SdkAsk, body: Callable[..., Any]) -> Callable[..., Any]:
        """Put a body behind a guard: it runs only where the user allowed it by name."""
        tape = self._tape

        @functools.wraps(body)
        def guard(*args: Any) -> Any:
            if not tape.may_run(ask):
                self._leave_a_branch()
                if tape.supposes:
                    ask.supposed = True
                    return Unrecorded()
                raise tape.stop("would_run", f"{ask.deed}: it has no recorded answer", ask)
            ask.ran = True
            if ask.operation_id not in tape.ran:  # else it ran in an earlier pass
                with tape.letting(), unguarded(opens=True):
                    try:
                        tape.ran[ask.operation_id] = ("returned", body(*args))
                    except Exception as error:  # noqa: BLE001 - raised below
                        tape.ran[ask.operation_id] = ("raised", error)
            how, value = tape.ran[ask.operation_id]
            if how == "raised":
                raise value
            return as_it_is(value)

        return guard

    def _look_into(
        self, ask: SdkAsk, body: Callable[[DurableContext], Any], config: ChildConfig[Any] | None
    ) -> int:
        """Run the body of a completed child context over its recorded operations, for the eye only.

        The answer still comes from the SDK and the checkpoint, as on Lambda.

        Returns
        -------
        int
            How many operations the body asked of this context instead of its own.
        """
        recorded = ask.recorded
        if self._silent or recorded is None or recorded.status not in TERMINAL or not self._tape.enter:
            return 0
        details = recorded.context_details
        if details is not None and details.replay_children:
            return 0  # the SDK itself runs the body again: that is the look
        counter = self._step_counter
        counter.increment()  # so it was when the body ran
        here = counter.get_current()
        context = self._body_context(ask, ask.operation_id)
        self._look(ask, lambda: body(context))
        asked_here = counter.get_current() - here
        cast("Counter", counter)._counter = here - 1
        if config is not None and config.summary_generator is not None:
            self._settle_summary(ask, config)
        return asked_here

    @contextlib.contextmanager
    def _counting_also(self, asked_here: int) -> Iterator[None]:
        try:
            yield
        finally:
            cast("Counter", self._step_counter)._counter += asked_here

    def _settle_summary(self, ask: SdkAsk, config: ChildConfig[Any]) -> None:
        """Tell a summary from a result, which the events do not.

        A summary is what can't be read as a result; or else the SDK's own rule tells, the size of what the body gives.
        Source: `ChildOperationExecutor.execute`.
        """
        recorded, arn = ask.recorded, self.state.durable_execution_arn
        details = recorded.context_details if recorded is not None else None
        if recorded is None or details is None or recorded.status is not OperationStatus.SUCCEEDED:
            return
        is_summary = False
        with harmless():
            try:
                deserialize(config.serdes, details.result or "", ask.operation_id, arn)
            except Exception:  # noqa: BLE001 - whatever a codec says to a text that it never wrote
                is_summary = True
            if ask.body is not None and ask.body.how == "returned":
                with contextlib.suppress(Exception):
                    text = serialize(config.serdes, cast("SdkBody", ask.body).value, ask.operation_id, arn)
                    is_summary |= text is not None and len(text) > CHECKPOINT_SIZE_LIMIT_BYTES
        if is_summary:
            self.state._operations[ask.operation_id] = ask.recorded = dataclasses.replace(
                recorded, context_details=dataclasses.replace(details, replay_children=True)
            )
            self._tape.local.silence = ask.operation_id

    def _look(self, ask: SdkAsk, body: Callable[[], Any]) -> None:
        local = self._tape.local
        counted = self._counted()
        local.looking += 1
        ask.entered = True
        try:
            with users_code(self._tape):
                ask.ended("returned", as_it_is(body()))
        except (LeaveBody, SuspendExecution):
            ask.ended("left")
        except Exception as error:  # noqa: BLE001 - kept, and told where it matters
            ask.ended("raised", error)
        finally:
            local.looking -= 1
            if (
                self._tape.matcher is None
            ):  # Lambda does not run this body: whatever it asked of outer contexts is not
                for counter, count in counted:
                    counter._counter = count

    def _counted(self) -> list[tuple[Counter, int]]:
        """The counters of this context and of those around it, as they stand."""
        found: list[tuple[Counter, int]] = []
        context: ReplayContext | None = self
        while context is not None:
            counter = cast("Counter", context._step_counter)
            found.append((counter, counter.get_current()))
            context = context._outer
        return found

    def _adopted(self, context: DurableContext, path: str, within: SdkAsk | None) -> ReplayContext:
        """Make a context that was made of this one ours, too."""
        return adopt(context, self._tape, path=path, within=within, outer=self)

    def _body_context(self, ask: SdkAsk, operation_id: str, *, virtual: bool = False) -> ReplayContext:
        context = super().create_child_context(operation_id, is_virtual=virtual)
        return self._adopted(context, ask.position, ask)

    # ---- contexts that the SDK makes

    def create_child_context(self, operation_id: str, *, is_virtual: bool = False) -> DurableContext:
        context = super().create_child_context(operation_id, is_virtual=is_virtual)
        local = self._tape.local
        if self._batch is not None:
            with LINE.in_branch():
                return self._batch.branch(self, context, operation_id)
        batch: Batch | None = local.batch
        if batch is not None and batch.ask.operation_id == operation_id:
            inner = self._adopted(context, batch.ask.position, batch.ask)
            inner._batch, inner._silent = batch, self._silent
            batch.ask.entered = batch.live or self._tape.enter
            batch.prepare(inner)
            return inner
        ask = self._asked
        assert ask is not None  # the SDK makes it for what was just asked
        ask.entered = True
        inner = self._adopted(context, ask.position, ask)
        inner._silent = self._silent or local.silence == operation_id
        return inner

    @contextlib.contextmanager
    def _batching(self, batch: Batch) -> Iterator[None]:
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
            with self.state._operations_lock:
                self.state._operations[operation_id] = recorded


# Gives answers to the SDK only when it has taken the operation for a new one, as it was then.
_InjectingContext: type[ReplayContext] = LINE.injecting(ReplayContext)
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
def _veiling(kind: type[ReplayContext]) -> type[ReplayContext]:
    """Make a context that gives the values of a redacted history (see `Veil`)."""

    def veiled(plain: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(plain)
        def method(self: ReplayContext, *args: Any, **options: Any) -> Any:
            return _veiled(self._tape, lambda: plain(self, *args, **options))

        return method

    def create_callback(self: ReplayContext, *args: Any, **options: Any) -> Any:
        callback = kind.create_callback(self, *args, **options)
        with contextlib.suppress(AttributeError, TypeError):
            result = callback.result
            callback.result = lambda: _veiled(self._tape, result)
        return callback

    members = {name: veiled(getattr(kind, name)) for name in _VEILED}
    return type(f"Veiling{kind.__name__}", (kind,), {**members, "create_callback": create_callback})


def _veiled(tape: Tape, ask: Callable[[], Any]) -> Any:
    veil = tape.veil
    assert veil is not None
    try:
        value = ask()
    except Exception as error:
        veil.over_error(error)
        raise
    if isinstance(value, BatchResult):
        return dataclasses.replace(
            value, all=[dataclasses.replace(item, result=veil.over(item.result)) for item in value.all]
        )
    return veil.over(value)


def adopt(
    context: DurableContext,
    tape: Tape,
    *,
    path: str = "",
    within: SdkAsk | None = None,
    outer: ReplayContext | None = None,
) -> ReplayContext:
    """Make a context of the SDK's one of ours."""
    kind = _InjectingContext if tape.inject else ReplayContext
    context.__class__ = kind if tape.veil is None else _veiling(kind)
    context = cast("ReplayContext", context)
    context._tape, context._path, context._within, context._outer = tape, path, within, outer
    context._depth = outer._depth + 1 if outer is not None else 0
    context._silent, context._batch, context._asked = False, None, None
    context._last_id = (-1, "")
    context._step_counter = cast("Any", Counter(context._step_counter._counter))
    context.logger = TapeLogger.over(context.logger, tape)
    return context
