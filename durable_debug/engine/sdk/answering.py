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
from durable_debug.engine.origins import here
from durable_debug.engine.placeholder import Unrecorded
from durable_debug.engine.places import place_of
from durable_debug.engine.sdk.asks import SdkAsk
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
from durable_debug.engine.sdk.logger import TapeLogger
from durable_debug.engine.sdk.own_errors import meant
from durable_debug.engine.sdk.payloads import TERMINAL
from durable_debug.engine.taken_lines import note_bodies
from durable_debug.engine.tape import LeaveBody, ReplayStop, Tape
from durable_debug.engine.users_code import is_users, nearest

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from aws_durable_execution_sdk_python.context import DurableContext

    from durable_debug.engine.tape import Matcher


_CONTEXT, _STEP = OperationType.CONTEXT.value, OperationType.STEP.value
_MOST_ASKS = 3_500  # an execution has at most 3,000 operations

if TYPE_CHECKING:
    _Context = DurableContext
else:
    _Context = LINE.context


class Branches(Protocol):
    """A map or parallel, as far as a call in one of its branches is concerned."""

    ask: SdkAsk
    live: bool


class AnsweringContext(_Context):
    """The SDK's context, with what it takes to answer a call that is made of it.

    Never constructed: `put_over` makes one of a context that the SDK has built.
    """

    _tape: Tape
    _path: str  # logical position of this context, "" for the handler's own
    _silent: bool  # re-run by the SDK of what was looked at already: observed by nobody
    _within: SdkAsk | None  # the operation whose body this context serves
    _batch: Branches | None  # of the map or parallel that it serves
    _outer: AnsweringContext | None  # the context that this one was made in
    _depth: int
    _asked: SdkAsk | None  # the last operation asked of this context
    _last_id: tuple[int, str]

    @property
    def is_seen_already(self) -> bool:
        """Whether its body was looked into before, and the SDK runs it once more."""
        return self._silent

    def _adopted(self, context: DurableContext, path: str, within: SdkAsk | None) -> Self:
        """Make a context that was made of this one ours, too."""
        return put_over(context, type(self), self._tape, path=path, within=within, outer=self)

    def _create_step_id_for_logical_step(self, step: int) -> str:
        """Give an operation's id; the SDK and we ask for each several times, and hashing is most of a lookup."""
        known, operation_id = self._last_id
        if known != step:
            operation_id = super()._create_step_id_for_logical_step(step)
            self._last_id = (step, operation_id)
        return operation_id

    def _ask(  # noqa: PLR0913
        self,
        kind: tuple[str, str],
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
        if tape.rules.observer is not None and tape.here.evaluating:
            raise meant(RuntimeError("An expression can't ask for operations: that would change the replay."))
        if number is None:
            number = self._step_counter._counter + 1
        ask = SdkAsk(
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
        ask.args, ask.arn = args, self.state.durable_execution_arn
        self._asked = ask
        frame = sys._getframe(3)
        if not self._silent:
            frame = self._locate(ask, frame)
        if tape.rules.matcher is None:
            ask.recorded = ask.match = tape.script.answers.get(ask.operation_id)
        else:
            self._align(ask, tape.rules.matcher)
        if ask.recorded is not None:
            note_bodies(args[1:])
        inside_ended = tape.here.inside_ended
        if not self._silent:
            ask.looked = inside_ended > 0
            self._see(ask, frame)
        if ask.recorded is None:
            self._unrecorded(ask)
        elif inside_ended and ask.recorded.status not in TERMINAL and would_go_on(ask):
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
        tape.seen.note(ask)
        lines, observer = tape.rules.lines, tape.rules.observer
        if lines is None and observer is None:
            return
        if ask.sub_type in BATCHES:
            ask.frame = frame  # its branches' threads do not have it on their stacks
        if lines is not None:
            lines.asked(ask, frame)
        if observer is None:
            return
        ask.origin = here()
        with unguarded():
            observer.asked(ask, frame)

    def _align(self, ask: SdkAsk, matcher: Matcher) -> None:
        """Put the recorded operation that answers this ask where the SDK looks for it."""
        match = matcher(ask)
        ask.match = self._tape.script.answers.get(match) if match is not None else None
        ask.recorded = answer_for(ask) if ask.match is not None else None
        operations = self.state._operations
        with self.state._operations_lock:
            if ask.recorded is None:
                operations.pop(ask.operation_id, None)
            else:
                operations[ask.operation_id] = ask.recorded

    def _unrecorded(self, ask: SdkAsk) -> None:
        tape = self._tape
        if tape.rules.matcher is not None:
            return
        if tape.here.inside_ended and not ask.virtual:
            raise LeaveBody  # Lambda does not run this body: nothing would happen here
        if ask.type == _CONTEXT:
            if len(tape.seen.asks) > _MOST_ASKS + 2 * len(tape.script.answers):
                raise tape.stop(
                    "endless",
                    f"the handler has asked for {len(tape.seen.asks):,} operations and goes on",
                    ask,
                )
            return  # a context is the user's code outside steps; what it asks for is looked at one by one
        if ask.type == _STEP and tape.rules.may_run(ask):
            return
        self._leave_a_branch()
        if ask.operation_id in tape.script.later:
            tape.seen.beyond = tape.seen.beyond or ask
            raise SuspendExecution("The recorded invocation was suspended before it asked for this.")
        if tape.rules.supposes:
            ask.supposed = True
            return
        raise tape.stop("would_run", f"{ask.deed}: the history has no answer for it", ask)

    def _leave_a_branch(self) -> None:
        """Let the other branches go on, where one of them ended the execution while this one was under way."""
        context: AnsweringContext | None = self if self._tape.script.branches_were_cut else None
        while context is not None:
            if context._batch is not None and context._batch.live:
                raise SuspendExecution("The execution ended before this.")
            context = context._outer

    def _absent(self, ask: SdkAsk) -> bool:
        """Whether to step over an operation that was inserted, taking its number as the SDK would."""
        rules = self._tape.rules
        aligned = rules.matcher is not None and not rules.may_run(ask)
        if ask.recorded is not None or not (aligned or ask.supposed):
            return False
        self._step_counter.increment()
        return True

    def _guard(self, ask: SdkAsk, body: Callable[..., Any]) -> Callable[..., Any]:
        """Put a body behind a guard: it runs only where the user allowed it by name."""
        tape = self._tape

        @functools.wraps(body)
        def guard(*args: Any) -> Any:
            if not tape.rules.may_run(ask):
                self._leave_a_branch()
                if tape.rules.supposes:
                    ask.supposed = True
                    return Unrecorded()
                raise tape.stop("would_run", f"{ask.deed}: it has no recorded answer", ask)
            ask.ran = True
            if ask.operation_id not in tape.seen.ran:  # else it ran in an earlier pass
                with tape.rules.letting(), unguarded(opens=True):
                    try:
                        tape.seen.ran[ask.operation_id] = ("returned", body(*args))
                    except Exception as error:  # noqa: BLE001 - raised below
                        tape.seen.ran[ask.operation_id] = ("raised", error)
            how, value = tape.seen.ran[ask.operation_id]
            if how == "raised":
                raise value
            return snapshot(value)

        return guard

    def _inject(self, operation_id: str) -> None:
        ask = self._asked
        known = ask is not None and ask.operation_id == operation_id
        recorded = ask.recorded if ask is not None and known else self._tape.script.answers.get(operation_id)
        if recorded is not None:
            with self.state._operations_lock:
                self.state._operations[operation_id] = recorded


_Kind = TypeVar("_Kind", bound=AnsweringContext)


def put_over(  # noqa: PLR0913
    context: DurableContext,
    kind: type[_Kind],
    tape: Tape,
    *,
    path: str = "",
    within: SdkAsk | None = None,
    outer: AnsweringContext | None = None,
) -> _Kind:
    """Make a context of the SDK's one of ours."""
    context.__class__ = kind
    context = cast("_Kind", context)
    context._tape, context._path, context._within, context._outer = tape, path, within, outer
    context._depth = outer._depth + 1 if outer is not None else 0
    context._silent, context._batch, context._asked = False, None, None
    context._last_id = (-1, "")
    context._step_counter = cast("Any", Counter(context._step_counter._counter))
    context.logger = TapeLogger.over(context.logger, tape)
    return context
