"""A call of the handler: noted, shown to who looks on, and answered from the record, or not."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar, cast

from aws_durable_execution_sdk_python.exceptions import SuspendExecution
from aws_durable_execution_sdk_python.lambda_service import (
    OperationType,
)

from durable_debug.engine.guard import unguarded
from durable_debug.engine.ongoing_pass import LeaveBody, OngoingPass, ReplayStop
from durable_debug.engine.origins import here
from durable_debug.engine.placeholder import Unrecorded
from durable_debug.engine.places import place_of
from durable_debug.engine.sdk.calls import SdkCall
from durable_debug.engine.sdk.copies import snapshot
from durable_debug.engine.sdk.counter import Counter
from durable_debug.engine.sdk.frames import user_frame
from durable_debug.engine.sdk.kinds import (
    BATCHES,
    answer_for,
    draws_by_chance,
    would_go_on,
)
from durable_debug.engine.sdk.lines import LINE
from durable_debug.engine.sdk.logger import PassLogger
from durable_debug.engine.sdk.own_errors import meant
from durable_debug.engine.sdk.payloads import TERMINAL
from durable_debug.engine.taken_lines import note_bodies
from durable_debug.engine.users_code import is_users, nearest

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from aws_durable_execution_sdk_python.context import DurableContext

    from durable_debug.engine.ongoing_pass import Matcher


_CONTEXT, _STEP = OperationType.CONTEXT.value, OperationType.STEP.value
_MOST_ASKS = 3_500  # an execution has at most 3,000 operations

if TYPE_CHECKING:
    _Context = DurableContext
else:
    _Context = LINE.context


class Branches(Protocol):
    """A map or parallel, as far as a call in one of its branches is concerned."""

    call: SdkCall
    live: bool


class AnsweringContext(_Context):
    """The SDK's context, with what it takes to answer a call that is made of it.

    Never constructed: `put_over` makes one of a context that the SDK has built.
    """

    _ongoing: OngoingPass
    _path: str  # logical position of this context, "" for the handler's own
    _silent: bool  # re-run by the SDK of what was looked at already: observed by nobody
    _within: SdkCall | None  # the operation whose body this context serves
    _batch: Branches | None  # of the map or parallel that it serves
    _outer: AnsweringContext | None  # the context that this one was made in
    _depth: int
    _asked: SdkCall | None  # the last operation asked of this context
    _last_id: tuple[int, str]

    @property
    def is_seen_already(self) -> bool:
        """Whether its body was looked into before, and the SDK runs it once more."""
        return self._silent

    def _adopted(self, context: DurableContext, path: str, within: SdkCall | None) -> Self:
        """Make a context that was made of this one ours, too."""
        return put_over(context, type(self), self._ongoing, path=path, within=within, outer=self)

    def _create_step_id_for_logical_step(self, step: int) -> str:
        """Give an operation's id; the SDK and we ask for each several times, and hashing is most of a lookup."""
        known, operation_id = self._last_id
        if known != step:
            operation_id = super()._create_step_id_for_logical_step(step)
            self._last_id = (step, operation_id)
        return operation_id

    def _call(  # noqa: PLR0913
        self,
        kind: tuple[str, str],
        name: str | None,
        args: tuple[Any, ...],
        sub_type: str | None = None,
        *,
        virtual: bool = False,
        number: int | None = None,
        operation_id: str | None = None,
    ) -> SdkCall:
        ongoing = self._ongoing
        if ongoing.halt is not None:
            raise ReplayStop(ongoing.halt.message)
        if ongoing.rules.observer is not None and ongoing.here.evaluating:
            raise meant(RuntimeError("An expression can't ask for operations: that would change the replay."))
        if number is None:
            number = self._step_counter._counter + 1
        call = SdkCall(
            args[0],
            operation_id or self._create_step_id_for_logical_step(number),
            self._parent_id,
            self._path,
            number,
            kind[0],
            sub_type or kind[1],
            name,
            virtual,
            self._depth,
            self._within,
        )
        call.args, call.arn = args, self.state.durable_execution_arn
        self._asked = call
        frame = sys._getframe(3)
        if not self._silent:
            frame = self._locate(call, frame)
        if ongoing.rules.matcher is None:
            call.recorded = call.match = ongoing.script.answers.get(call.operation_id)
        else:
            self._align(call, ongoing.rules.matcher)
        if call.recorded is not None:
            note_bodies(args[1:])
        inside_ended = ongoing.here.inside_ended
        if not self._silent:
            call.looked = inside_ended > 0
            self._see(call, frame)
        if call.recorded is None:
            self._unrecorded(call)
        elif inside_ended and call.recorded.status not in TERMINAL and would_go_on(call):
            raise LeaveBody  # what a batch left behind unfinished
        return call

    def _locate(self, call: SdkCall, frame: FrameType) -> FrameType:
        """Note the line that a call comes from; give its frame."""
        batch = self._batch
        if not is_users(frame.f_code.co_filename):
            call.by_chance = call.kind == "wait" and draws_by_chance(frame)
            near, origin = nearest(frame), here()
            if near is None and origin:
                frame, lasti = origin[0]
                call.place = place_of(frame.f_code, lasti)
                return frame
            frame = near or user_frame(frame) or frame
        if batch is not None and batch.live:  # a branch's thread begins here: the call is in another one
            call.place = batch.call.place
            return batch.call.frame or frame
        call.place = place_of(frame.f_code, frame.f_lasti)
        return frame

    def _see(self, call: SdkCall, frame: FrameType) -> None:
        """Note a call, and let the debugger see it, which may hold it here."""
        ongoing = self._ongoing
        ongoing.seen.note(call)
        lines, observer = ongoing.rules.lines, ongoing.rules.observer
        if lines is None and observer is None:
            return
        if call.sub_type in BATCHES:
            call.frame = frame  # its branches' threads do not have it on their stacks
        if lines is not None:
            lines.asked(call, frame)
        if observer is None:
            return
        call.origin = here()
        with unguarded():
            observer.asked(call, frame)

    def _align(self, call: SdkCall, matcher: Matcher) -> None:
        """Put the recorded operation that answers this call where the SDK looks for it."""
        match = matcher(call)
        call.match = self._ongoing.script.answers.get(match) if match is not None else None
        call.recorded = answer_for(call) if call.match is not None else None
        operations = self.state._operations
        with self.state._operations_lock:
            if call.recorded is None:
                operations.pop(call.operation_id, None)
            else:
                operations[call.operation_id] = call.recorded

    def _unrecorded(self, call: SdkCall) -> None:
        ongoing = self._ongoing
        if ongoing.rules.matcher is not None:
            return
        if ongoing.here.inside_ended and not call.virtual:
            raise LeaveBody  # Lambda does not run this body: nothing would happen here
        if call.type == _CONTEXT:
            if len(ongoing.seen.calls) > _MOST_ASKS + 2 * len(ongoing.script.answers):
                raise ongoing.stop(
                    "endless",
                    f"the handler has asked for {len(ongoing.seen.calls):,} operations and goes on",
                    call,
                )
            return  # a context is the user's code outside steps; what it asks for is looked at one by one
        if call.type == _STEP and ongoing.rules.may_run(call):
            return
        self._leave_a_branch()
        if call.operation_id in ongoing.script.later:
            ongoing.seen.beyond = ongoing.seen.beyond or call
            raise SuspendExecution("The recorded invocation was suspended before it asked for this.")
        if ongoing.rules.supposes:
            call.supposed = True
            return
        raise ongoing.stop("would_run", f"{call.deed}: the history has no answer for it", call)

    def _leave_a_branch(self) -> None:
        """Let the other branches go on, where one of them ended the execution while this one was under way."""
        context: AnsweringContext | None = self if self._ongoing.script.branches_were_cut else None
        while context is not None:
            if context._batch is not None and context._batch.live:
                raise SuspendExecution("The execution ended before this.")
            context = context._outer

    def _absent(self, call: SdkCall) -> bool:
        """Whether to step over an operation that was inserted, taking its number as the SDK would."""
        rules = self._ongoing.rules
        aligned = rules.matcher is not None and not rules.may_run(call)
        if call.recorded is not None or not (aligned or call.supposed):
            return False
        self._step_counter.increment()
        return True

    def _guard(self, call: SdkCall, body: Callable[..., Any]) -> Callable[..., Any]:
        """Put a body behind a guard: it runs only where the user allowed it by name."""
        ongoing = self._ongoing

        @functools.wraps(body)
        def guard(*args: Any) -> Any:
            if not ongoing.rules.may_run(call):
                self._leave_a_branch()
                if ongoing.rules.supposes:
                    call.supposed = True
                    return Unrecorded()
                raise ongoing.stop("would_run", f"{call.deed}: it has no recorded answer", call)
            call.ran = True
            if call.operation_id not in ongoing.seen.ran:  # else it ran in an earlier pass
                with ongoing.rules.letting(), unguarded(opens=True):
                    try:
                        ongoing.seen.ran[call.operation_id] = ("returned", body(*args))
                    except Exception as error:  # noqa: BLE001 - raised below
                        ongoing.seen.ran[call.operation_id] = ("raised", error)
            how, value = ongoing.seen.ran[call.operation_id]
            if how == "raised":
                raise value
            return snapshot(value)

        return guard

    def _inject(self, operation_id: str) -> None:
        call = self._asked
        known = call is not None and call.operation_id == operation_id
        recorded = (
            call.recorded if call is not None and known else self._ongoing.script.answers.get(operation_id)
        )
        if recorded is not None:
            with self.state._operations_lock:
                self.state._operations[operation_id] = recorded


_Kind = TypeVar("_Kind", bound=AnsweringContext)


def put_over(  # noqa: PLR0913
    context: DurableContext,
    kind: type[_Kind],
    ongoing: OngoingPass,
    *,
    path: str = "",
    within: SdkCall | None = None,
    outer: AnsweringContext | None = None,
) -> _Kind:
    """Make a context of the SDK's one of ours."""
    context.__class__ = kind
    context = cast("_Kind", context)
    context._ongoing, context._path, context._within, context._outer = ongoing, path, within, outer
    context._depth = outer._depth + 1 if outer is not None else 0
    context._silent, context._batch, context._asked = False, None, None
    context._last_id = (-1, "")
    context._step_counter = cast("Any", Counter(context._step_counter._counter))
    context.logger = PassLogger.over(context.logger, ongoing)
    return context
