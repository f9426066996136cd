"""Runs handlers of this process's own Python: functions of a notebook, and files that it can import."""

from __future__ import annotations

import dataclasses
import dis
from dataclasses import dataclass
from types import CodeType
from typing import TYPE_CHECKING, Any

from durable_debug.engine import sdk, taken_lines
from durable_debug.engine.engine import Replay, prepare
from durable_debug.engine.environment import missing_variable, named_by
from durable_debug.engine.expressions import compiled as expression
from durable_debug.engine.frames import Frame
from durable_debug.engine.line_recorder import LineRecorder
from durable_debug.engine.live import Live
from durable_debug.engine.placeholder import UNKNOWN
from durable_debug.engine.places import place_of
from durable_debug.engine.recording import Looks, Raised, Recording
from durable_debug.engine.stack_recorder import StackRecorder
from durable_debug.engine.unseen import unseen_libraries
from durable_debug.engine.users_code import is_users

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import FrameType

    from durable_debug.engine.engine import Outcome
    from durable_debug.engine.handlers import Handler
    from durable_debug.engine.line_trace import LineTrace
    from durable_debug.engine.ongoing_pass import Matcher, Ran
    from durable_debug.engine.places import Place, Stack
    from durable_debug.engine.runner import Pass
    from durable_debug.engine.script import Script
    from durable_debug.engine.value_copies import Copy
    from durable_debug.history import History
    from durable_debug.options import Options

__all__ = ["InProcess", "record"]

_RAISING = frozenset({dis.opmap["RAISE_VARARGS"], dis.opmap["RERAISE"]})


def record(handler: object, history: History, options: Options) -> Recording:
    """Run a handler over a history as Lambda would; see `Runner.record`."""
    found, script = prepare(handler, history, options)
    return InProcess(found, script, options, {}).record(history, options)


@dataclass(frozen=True)
class InProcess:
    """One handler and one history, run in this process.

    Attributes
    ----------
    handler, script, options
        What is run, over what, and how.
    ran
        By operation id, how the bodies ended that the user let run: they run once.
    """

    handler: Handler
    script: Script
    options: Options
    ran: dict[str, Ran]

    @property
    def name(self) -> str:
        """How to call the handler in messages."""
        return self.handler.name

    @property
    def file(self) -> str | None:
        """The file that the handler is in."""
        code = self.handler.code
        return code.co_filename if code is not None else None

    @property
    def asks_whether_it_replays(self) -> bool:
        """Whether the handler's own code says ``is_replaying``."""
        return self.says("is_replaying")

    def says(self, name: str) -> bool:
        """Whether the handler's own code has a name."""
        code = self.handler.code
        return code is not None and _says(code, name)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What it can't see or do for this handler."""
        told = []
        untested = sdk.contract.remark()
        if untested:
            told.append(untested)
        unseen = unseen_libraries(self.handler.func)
        if unseen:
            told.append(
                f"What {', '.join(unseen)} may send or write: that happens in C or in threads of its own, where a replay "
                "can neither see nor refuse it."
            )
        return (*told, *self.handler.remarks)

    def record(self, history: History, options: Options) -> Recording:
        """Run the handler over the history as Lambda would."""
        ran_before = None
        while True:
            replay = Replay(self.handler, self.script, options, ran_before=ran_before)
            with taken_lines.replayed():
                outcome = replay.run()
            self.ran.update(replay.ongoing.seen.ran)
            missing = missing_variable(replay.ongoing.seen.error)
            if (
                missing is None
                or missing[0] in self.handler.assumed
                or _is_recorded(self.script.error, missing[0])
            ):
                if self.handler.assumed and any(
                    UNKNOWN in (call.name or "") for call in replay.ongoing.seen.calls
                ):
                    raise named_by(self.name, self.handler.assumed)
                return self._recorded(replay, history, outcome, {})
            name, where = missing  # Lambda's environment had it: else the execution had ended so
            self.handler.assumed[name] = where
            ran_before = self.ran if replay.ongoing.seen.ran else None

    def again(self, first: Recording, how: Pass) -> Recording:
        """Run it once more over the same history."""
        options = first.options
        if how.timeout is not None:
            options = dataclasses.replace(options, timeout=how.timeout)
        if how.branches_were_cut and not self.script.branches_were_cut:  # and so in all passes that follow
            cut = dataclasses.replace(self, script=dataclasses.replace(self.script, branches_were_cut=True))
            return cut.again(first, how)
        recorder = StackRecorder(how.most) if how.most is not None else None
        replay = Replay(
            self.handler,
            self.script.with_other_values(how.other_values),
            options,
            observer=recorder,
            matcher=how.matcher,
            trace=how.trace,
            jumps=how.jumps,
            supposes=how.supposes,
            ran_before=self.ran,
        )
        if recorder is not None:
            recorder.ongoing = replay.ongoing
        outcome = replay.run()
        return self._recorded(replay, first.history, outcome, recorder.stacks if recorder is not None else {})

    def trace(self, first: Recording, matcher: Matcher | None) -> LineTrace:
        """Run it once more, and note every line that runs."""
        lines = LineRecorder()
        replay = Replay(
            self.handler, self.script, first.options, matcher=matcher, ran_before=self.ran, lines=lines
        )
        replay.run()
        for call in replay.ongoing.seen.calls:
            call.frame = None  # it would keep the handler's variables alive
        return lines.found

    def look(
        self, first: Recording, matcher: Matcher | None, lines: frozenset[int], expressions: Sequence[str]
    ) -> dict[int, tuple[Copy, ...]]:
        """Run it once more, and evaluate expressions where lines are about to run."""
        found: dict[int, tuple[Copy, ...]] = {}
        compiled = [(one, expression(one)) for one in expressions]

        def looking(index: int, frame: FrameType) -> None:
            if index in lines:
                here = Frame(frame, frame.f_lasti, replay.ongoing)
                found[index] = here.values(compiled)

        recorder = LineRecorder(values=False, held=looking)
        replay = Replay(
            self.handler, self.script, first.options, matcher=matcher, ran_before=self.ran, lines=recorder
        )
        replay.run()
        for call in replay.ongoing.seen.calls:
            call.frame = None
        return found

    def hold(
        self, first: Recording, matcher: Matcher | None, *, hangs_after: int | None, lines: bool = False
    ) -> Live:
        """Prepare a pass that can be held at any operation."""
        return Live(
            self.handler,
            self.script,
            first.options,
            matcher,
            hangs_after=hangs_after,
            ran_before=self.ran,
            lines=lines,
        )

    def without_looking(self, looked: Recording) -> Recording:
        """Run it once more without looking into the bodies of ended contexts."""
        contexts = frozenset({call.operation_id for call in looked.calls if call.replays_children})
        return self.replaying(looked.history, looked.options, contexts)

    def replaying(self, history: History, options: Options, contexts: frozenset[str]) -> Recording:
        """Run it once more without looking into bodies; of these contexts no result is on record."""
        options = dataclasses.replace(options, enter=False)
        replay = Replay(self.handler, self.script.replaying(contexts), options, ran_before=self.ran)
        return self._recorded(replay, history, replay.run(), {})

    def _recorded(
        self, replay: Replay, history: History, outcome: Outcome, stacks: Mapping[int, Stack]
    ) -> Recording:
        ongoing, seen = replay.ongoing, replay.ongoing.seen
        if seen.error is not None:
            for call in seen.calls:
                call.ended_it = isinstance(call, sdk.SdkCall) and _is_handed_on(seen.error, call.failure)
        return Recording(
            runner=self,
            history=history,
            options=replay.options,
            outcome=outcome,
            calls=tuple(seen.calls),
            logs=tuple(seen.logs),
            side_effects=tuple(seen.side_effects),
            halt=ongoing.halt,
            beyond=seen.beyond,
            raised=_raised(seen.error) if seen.error is not None else None,
            ends=dict(seen.ends),
            ran=frozenset(seen.ran),
            stacks=stacks,
            looks=_looks(replay),
        )


def _is_recorded(error: Mapping[str, Any] | None, name: str) -> bool:
    """Whether the execution itself failed for want of a variable."""
    error = error or {}
    return str(error.get("ErrorType")).endswith("KeyError") and name in str(error.get("ErrorMessage"))


def _says(code: CodeType, name: str) -> bool:
    return name in code.co_names or any(
        isinstance(inner, CodeType) and _says(inner, name) for inner in code.co_consts
    )


def _raised(error: BaseException) -> Raised:
    place: Place | None = None
    by_a_raise = False
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        users = is_users(code.co_filename)
        if users:
            place = place_of(code, trace.tb_lasti)
        by_a_raise = users and code.co_code[trace.tb_lasti] in _RAISING
        trace = trace.tb_next
    of_a_value = isinstance(error, ValueError | ArithmeticError) and not by_a_raise
    return Raised(type(error).__name__, str(error), place, sdk.is_unreadable(error), of_a_value)


def _is_handed_on(raised: BaseException | None, failure: object) -> bool:
    """Whether an exception is this one, or a group of what tasks raised that it is in."""
    if isinstance(raised, BaseExceptionGroup):
        return any(_is_handed_on(one, failure) for one in raised.exceptions)
    return raised is not None and raised is failure


def _looks(replay: Replay) -> Looks | None:
    veil = replay.ongoing.veil
    return Looks(veil.looked_at, veil.place, frozenset(veil.texts)) if veil is not None else None
