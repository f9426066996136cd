"""Runs handlers in another interpreter: the `Runner` on this side."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import threading
from typing import TYPE_CHECKING, Any

from durable_debug.engine.elsewhere.process import EndedError, Process, interpreter, process_of
from durable_debug.engine.elsewhere.wire import call_of, stacks_of
from durable_debug.engine.ongoing_pass import Halt
from durable_debug.engine.recording import Recording
from durable_debug.engine.runner import Held
from durable_debug.engine.script import script_for

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from durable_debug.engine.call import Call
    from durable_debug.engine.elsewhere.wire import Tuple, WireRecording
    from durable_debug.engine.line_trace import LineTrace
    from durable_debug.engine.ongoing_pass import Matcher
    from durable_debug.engine.places import Place
    from durable_debug.engine.read_files import CodeState
    from durable_debug.engine.runner import Decide, Pass, Truth
    from durable_debug.engine.value_copies import Copy
    from durable_debug.engine.variables import Variable
    from durable_debug.history import History
    from durable_debug.options import Options

__all__ = ["Elsewhere", "record"]


def record(python: str, handler: object, history: History, options: Options) -> Recording:
    """Run a handler over a history in another interpreter, as Lambda would."""
    script = script_for(history, options.invocation)
    process = process_of(interpreter(python), options.sdk)
    about, wire = process.request("begin", handler, script, options, limit=_limit(options))
    return Elsewhere(process, **about).recorded(wire, history, options)


def find(python: str, handler: object, options: Options) -> None:
    """Find a handler there.

    Raises
    ------
    HandlerError, OptionError
        It can't be had.
    """
    process_of(interpreter(python), options.sdk).request("find", handler, options)


def count_lines(python: str, options: Options, *, on: bool) -> None:
    """Count there from now on which lines are taken, or not any more."""
    process_of(interpreter(python), options.sdk).request("count_lines", on)


def code(python: str, options: Options) -> CodeState:
    """Give what replays there depend on: the files that were read since this was asked for last."""
    found: CodeState = process_of(interpreter(python), options.sdk).request("code")
    return found


@dataclasses.dataclass(frozen=True)
class Elsewhere:
    """One handler and one history, run in another interpreter.

    Attributes
    ----------
    number
        Its number there.
    name, file, remarks
        See `Runner`.
    """

    process: Process
    number: int
    name: str
    file: str | None
    remarks: tuple[str, ...]

    @functools.cached_property
    def asks_whether_it_replays(self) -> bool:
        """Whether the handler's own code says ``is_replaying``."""
        return bool(self.process.request("says", self.number, "is_replaying"))

    def record(self, history: History, options: Options) -> Recording:
        """Run the handler over the history as Lambda would."""
        return self.recorded(self._request(options, "record", options), history, options)

    def again(self, first: Recording, how: Pass) -> Recording:
        """Run it once more over the same history."""
        options, matcher = first.options, how.matcher
        if how.timeout is not None:
            options = dataclasses.replace(options, timeout=how.timeout)
        plain = dataclasses.replace(how, matcher=None)
        asked = {"match": _matching(matcher)} if matcher is not None else {}
        wire = self._request(options, "again", first.options, plain, matcher is not None, asked=asked)
        return self.recorded(wire, first.history, options)

    def without_looking(self, looked: Recording) -> Recording:
        """Run it once more without looking into the bodies of ended contexts."""
        contexts = frozenset(call.operation_id for call in looked.calls if call.replays_children)
        wire = self._request(looked.options, "without_looking", looked.options, contexts)
        return self.recorded(wire, looked.history, dataclasses.replace(looked.options, enter=False))

    def trace(self, first: Recording, matcher: Matcher | None) -> LineTrace:
        """Run it once more, and note every line that runs."""
        asked = {"match": _matching(matcher)} if matcher is not None else {}
        found: LineTrace = self._request(
            first.options, "trace", first.options, matcher is not None, asked=asked
        )
        return found

    def look(
        self, first: Recording, matcher: Matcher | None, lines: frozenset[int], expressions: Sequence[str]
    ) -> dict[int, tuple[Copy, ...]]:
        """Run it once more, and evaluate expressions where lines are about to run."""
        asked = {"match": _matching(matcher)} if matcher is not None else {}
        found: dict[int, tuple[Copy, ...]] = self._request(
            first.options, "look", first.options, matcher is not None, lines, tuple(expressions), asked=asked
        )
        return found

    def hold(
        self, first: Recording, matcher: Matcher | None, *, hangs_after: int | None, lines: bool = False
    ) -> FarLive:
        """Prepare a pass that can be held at any operation."""
        number = self._request(first.options, "hold", first.options, matcher is not None, hangs_after, lines)
        return FarLive(self, number, matcher, first.options)

    def _request(self, options: Options, name: str, *arguments: Any, asked: Any = None) -> Any:
        return self.process.request(name, self.number, *arguments, asked=asked, limit=_limit(options))

    def recorded(self, wire: WireRecording, history: History, options: Options) -> Recording:
        """Give the recording that it sent."""
        more = functools.partial(self.process.request, "more", wire.number)
        calls: dict[int, Call] = {}
        for one in wire.calls:
            call = call_of(one, calls, wire.places, more)
            calls[call.seq] = call
        halt = None
        if wire.halt is not None:
            kind, message, seq, at = wire.halt
            halt = Halt(kind, message, calls.get(seq) if seq is not None else None, at)
        return Recording(
            runner=self if wire.runner == self.number else dataclasses.replace(self, number=wire.runner),
            history=history,
            options=options,
            outcome=wire.outcome,
            calls=tuple(calls.values()),
            logs=wire.logs,
            side_effects=wire.side_effects,
            halt=halt,
            beyond=calls.get(wire.beyond) if wire.beyond is not None else None,
            raised=wire.raised,
            ends=wire.ends,
            ran=wire.ran,
            stacks=stacks_of(wire.stacks, wire.places),
            looks=wire.looks,
        )


def _limit(options: Options) -> float | None:
    """Seconds without a word after which a process is ended: the replay's own limit had its chance."""
    return None if options.timeout is None else 2 * options.timeout + 10


def _matching(matcher: Matcher) -> Callable[[Tuple], str | None]:
    return lambda wire: matcher(_alone(wire))


def _alone(wire: Tuple) -> Call:
    def more(*_: object) -> None:
        raise LookupError("a call that is under way")

    return call_of(wire, {}, (), more)


class FarLive:
    """One pass in another interpreter that can be held at any operation."""

    def __init__(self, runner: Elsewhere, number: int, matcher: Matcher | None, options: Options) -> None:
        self._runner = runner
        self._number = number
        self._asked: dict[str, Callable[..., Any]] = {}
        if matcher is not None:
            self._asked["match"] = _matching(matcher)
        self._limit = _limit(options)
        self._over = False
        self._counted_out = False
        runner.process.held += 1
        self._going: int | None = None  # the thread that waits for it
        self.changed_by: str | None = None
        self.held: Held | None = None

    def go(self, decide: Decide) -> Held | None:
        """Go on until `decide` gives a reason to hold, an exception leaves the handler, or it ends."""

        def asked(wire: Tuple) -> str | None:
            call = _alone(wire)
            assert call.place is not None
            return decide(call, FarFrame(self, 0, call.place))

        return self._gone(None, {**self._asked, "decide": asked})

    def go_to_line(self, index: int) -> Held | None:
        """Go on until a line is about to run."""
        return self._gone(index, self._asked)

    def _gone(self, line: int | None, answers: dict[str, Callable[..., Any]]) -> Held | None:
        self._going = threading.get_ident()
        try:
            found = self._runner.process.request("go", self._number, line, asked=answers, limit=self._limit)
        finally:
            self._going = None
        if found is None:
            self._over = True
            self.held = None
            return None
        reason, wire, places = found
        frames = tuple([FarFrame(self, at, place) for at, place in enumerate(places)])
        self.held = Held(reason, _alone(wire) if wire is not None else None, frames, line)
        return self.held

    def end(self) -> None:
        """End the pass and its threads."""
        process = self._runner.process
        if not self._counted_out:
            self._counted_out = True
            process.held -= 1
        if self._over:
            return
        self._over = True
        if self._going not in {None, threading.get_ident()}:
            process.end()  # another thread waits for a handler that may never come to its next operation
        elif process.alive:
            with contextlib.suppress(EndedError):  # then the pass has ended, too
                process.soon("end", self._number, limit=self._limit)

    def call(self, at: int, what: str, *arguments: Any) -> Any:
        """Ask about one of the functions that stand still."""
        try:
            return self._runner.process.request(
                "frame", self._number, at, what, *arguments, limit=self._limit
            )
        finally:
            if what in {"evaluate", "text", "holds"}:
                self.changed_by = self._runner.process.request("changed_by", self._number)


class FarFrame:
    """One function on the stack of a replay that stands still in another interpreter."""

    def __init__(self, live: FarLive, at: int, place: Place) -> None:
        self._live = live
        self._at = at
        self.place = place

    def locals(self) -> dict[str, Any]:
        """Give its variables by name: plain values as they are, others as what is shown of them."""
        found: dict[str, Any] = self._live.call(self._at, "locals")
        return found

    def variables(self, path: Sequence[str] = ()) -> list[Variable]:
        """Describe its variables, or what one of them holds."""
        found: list[Variable] = self._live.call(self._at, "variables", tuple(path))
        return found

    def evaluate(self, expression: str) -> Any:
        """Give the value of an expression over its variables."""
        return self._live.call(self._at, "evaluate", expression)

    def text(self, expression: str, width: int | None = None) -> str:
        """Give the text of an expression's value."""
        found: str = self._live.call(self._at, "text", expression, width)
        return found

    def holds(self, condition: str) -> Truth:
        """Say whether a condition is true."""
        found: Truth = self._live.call(self._at, "holds", condition)
        return found
