"""What runs in the other interpreter: replays on request, one at a time, and answers questions about them.

Requests are ``(name, arguments)``; an answer is ``("done", value)`` or ``("failed", error)``. On the way to it the server may
ask back, ``("ask", name, arguments)``, from the thread of the handler: which recorded operation answers a call, whether to hold
there. Until that is answered it serves requests about frames: conditions of breakpoints.
"""

from __future__ import annotations

import faulthandler
import functools
import importlib
import os
import sys
import threading
import time
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, cast

from durable_debug.engine import taken_lines
from durable_debug.engine.elsewhere.values import Shown, carried
from durable_debug.engine.elsewhere.wire import WireRecording, to_wire
from durable_debug.engine.environment import Environment
from durable_debug.engine.guard import unguarded
from durable_debug.engine.one_core import OneCore
from durable_debug.engine.read_files import CodeState, ReadFiles, packages
from durable_debug.errors import DurableDebugError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from durable_debug.engine.call import Call
    from durable_debug.engine.in_process import InProcess
    from durable_debug.engine.line_trace import LineTrace
    from durable_debug.engine.live import Live
    from durable_debug.engine.places import Place
    from durable_debug.engine.recording import Recording
    from durable_debug.engine.runner import Held, HeldFrame, Pass
    from durable_debug.engine.script import Script
    from durable_debug.options import Options

__all__ = ["serve"]

_MOST_PASSES = 24  # whose calls can still be asked about
_LOOK_SECONDS = 1.0
_LONGEST_WITHOUT_PYTHON = 3_600.0


def serve(descriptor: int) -> None:
    """Serve until the other end is gone."""
    os.set_inheritable(descriptor, False)
    connection = Connection(descriptor)
    server = _Server(connection)
    threading.Thread(target=_end_with, args=(os.getppid(),), name="durable-debug-orphan", daemon=True).start()
    while True:
        try:
            request = connection.recv()
        except KeyboardInterrupt:  # it came too late: what it was for is done
            continue
        except (EOFError, OSError):
            os._exit(0)  # threads of the user's may never end
        server.answer(*request)


def _end_with(parent: int) -> None:
    """End this process when the one that started it is gone, also while a handler runs."""
    while os.getppid() == parent:
        # Where code in C keeps the interpreter to itself for very long, this ends it.
        faulthandler.dump_traceback_later(_LONGEST_WITHOUT_PYTHON, exit=True)
        time.sleep(_LOOK_SECONDS)
    os._exit(0)


def _carried_copy(value: Any) -> Any:
    """Give what is kept of a value as it goes to the other side."""
    from durable_debug.engine.value_copies import Instance

    found = carried(value)
    return Instance(found.type, {}, id(value), found.text) if isinstance(found, Shown) else found


class _Server:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._asking = threading.Lock()
        self._runners: dict[int, InProcess] = {}
        self._passes: dict[int, Recording] = {}
        self._lives: dict[int, Live] = {}
        self._frames: dict[int, tuple[HeldFrame, ...]] = {}  # by the live pass
        self._next = 0
        self._core: OneCore | None = None
        self._files = ReadFiles()
        self._packages = functools.cache(packages)

    def answer(self, name: str, arguments: Sequence[Any]) -> None:
        """Do what is asked for, and say what came of it."""
        try:
            value = getattr(self, name)(*arguments)
        except BaseException as error:  # noqa: BLE001 - told to the other side
            self._send(("failed", _told(error)))
        else:
            self._send(("done", value))

    def _send(self, message: tuple[Any, ...]) -> None:
        try:
            self._connection.send(message)
        except OSError:
            os._exit(0)

    def _call(self, name: str, *arguments: Any) -> Any:
        """Ask the other side; meanwhile it may ask about frames."""
        with self._asking, unguarded():  # it is asked in a thread whose side effects are refused
            self._send(("call", name, arguments))
            while True:
                try:
                    kind, *rest = self._connection.recv()
                except (EOFError, OSError):
                    os._exit(0)
                if kind == "answer":
                    return rest[0]
                self.answer(kind, rest[0])

    def _number(self) -> int:
        self._next += 1
        return self._next

    # ---- passes

    def hello(self) -> dict[str, Any]:
        """Say what is here."""
        sdk = importlib.import_module(
            "durable_debug.engine.sdk"
        )  # looks whether this SDK is one that is known
        return {"python": sys.version.split()[0], "sdk": sdk.contract.version()}

    def begin(self, handler: str, script: Script, options: Options) -> tuple[dict[str, Any], WireRecording]:
        """Find a handler and run it as Lambda would; say what is to be known of it, and what it did."""
        if self._core is not None:
            self._core.stay()
        from durable_debug.engine.handlers import resolve
        from durable_debug.engine.in_process import InProcess

        environment = Environment.of(script.arn, dict(options.env))
        found = resolve(handler, environment=environment, allow=options.allow)
        runner = InProcess(found, script, options, {})
        number = self._number()
        self._passes.clear()
        self._runners = {number: runner, **dict(list(self._runners.items())[:8])}
        wire = self.record(number, options)  # which may find more to remark
        return {"number": number, "name": runner.name, "file": runner.file, "remarks": runner.remarks}, wire

    def find(self, handler: str, options: Options) -> None:
        """Find a handler that is to be run many times; say what is wrong with it."""
        from durable_debug.engine.handlers import resolve

        self._core = OneCore()

        resolve(handler, environment=Environment.of(None, dict(options.env)), allow=options.allow)

    def code(self) -> CodeState:
        """Say what was read since this was asked for last."""
        return CodeState(self._packages(), self._files.new(), taken_lines.new())

    def count_lines(self, on: bool) -> None:  # noqa: FBT001
        """Count from now on which lines are taken, or not any more."""
        taken_lines.count(on=on)

    def says(self, runner: int, name: str) -> bool:
        """Whether the handler's own code has a name."""
        return self._runners[runner].says(name)

    def record(self, runner: int, options: Options) -> WireRecording:
        """Run the handler as Lambda would."""
        return self._wire(self._runners[runner].record(None, options))  # type: ignore[arg-type]  # it only hands it on

    def again(self, runner: int, options: Options, how: Pass, aligned: bool) -> WireRecording:  # noqa: FBT001
        """Run it once more."""
        import dataclasses

        if aligned:
            how = dataclasses.replace(how, matcher=self._match)
        first = _Options(options)
        return self._wire(self._runners[runner].again(first, how))  # type: ignore[arg-type]  # all that is asked of it

    def _match(self, call: Call) -> str | None:
        found: str | None = self._call("match", to_wire(call, call.place))  # type: ignore[arg-type]  # by itself
        return found

    def without_looking(self, runner: int, options: Options, contexts: frozenset[str]) -> WireRecording:
        """Run it once more without looking into the bodies of ended contexts."""
        return self._wire(self._runners[runner].replaying(None, options, contexts))  # type: ignore[arg-type]

    def more(self, number: int, seq: int, what: str, argument: Any = None) -> Any:
        """Say more about a call."""
        calls = {call.seq: call for call in self._passes[number].calls}
        call = calls[seq]
        match what:
            case "items":
                return dict(call.items)
            case "strategy":
                found = call.strategy
                return None if found is None else (found.most, found.of_any_error)
            case "delays" if call.strategy is not None:
                return call.strategy.delays(argument)
            case "would_send":
                return call.would_send(argument)
            case "body" if call.body is not None:
                return getattr(call.body, argument)
            case "reads_as" if call.body is not None:
                return call.body.reads_as(argument)
        raise LookupError(what)

    def _number_of(self, runner: InProcess) -> int:
        for number, known in self._runners.items():
            if known is runner:
                return number
        number = self._number()
        self._runners[number] = runner
        return number

    def _wire(self, recording: Recording) -> WireRecording:
        number = self._number()
        self._passes[number] = recording
        while len(self._passes) > _MOST_PASSES:
            del self._passes[next(iter(self._passes))]
        places: dict[int, int] = {}
        known: list[Place] = []

        def index(place: Place | None) -> int | None:
            if place is None:
                return None
            if id(place) not in places:
                places[id(place)] = len(known)
                known.append(place)
            return places[id(place)]

        calls = tuple([to_wire(call, index(call.place)) for call in recording.calls])
        stacks = {
            seq: tuple([at for place in stack if (at := index(place)) is not None])
            for seq, stack in recording.stacks.items()
        }
        halt = recording.halt
        return WireRecording(
            runner=self._number_of(cast("InProcess", recording.runner)),
            number=number,
            outcome=recording.outcome,
            places=tuple(known),
            calls=calls,
            logs=recording.logs,
            side_effects=recording.side_effects,
            beyond=recording.beyond.seq if recording.beyond is not None else None,
            halt=None
            if halt is None
            else (halt.kind, halt.message, halt.call.seq if halt.call is not None else None, halt.at),
            raised=recording.raised,
            ends=recording.ends,
            ran=recording.ran,
            stacks=stacks,
            looks=recording.looks,
        )

    # ---- passes that are held

    def trace(self, runner: int, options: Options, aligned: bool) -> LineTrace:  # noqa: FBT001
        """Run it once more, and say which lines ran."""
        from durable_debug.engine.line_trace import portable

        matcher = self._match if aligned else None
        return portable(self._runners[runner].trace(_Options(options), matcher), _carried_copy)  # type: ignore[arg-type]

    def look(
        self,
        runner: int,
        options: Options,
        aligned: bool,  # noqa: FBT001
        lines: frozenset[int],
        expressions: Sequence[str],
    ) -> dict[int, tuple[Any, ...]]:
        """Run it once more, and evaluate expressions at lines."""
        from durable_debug.engine.line_trace import portable_copy

        matcher = self._match if aligned else None
        found = self._runners[runner].look(_Options(options), matcher, lines, expressions)  # type: ignore[arg-type]
        return {
            index: tuple([portable_copy(one, _carried_copy) for one in values])
            for index, values in found.items()
        }

    def hold(
        self,
        runner: int,
        options: Options,
        aligned: bool,  # noqa: FBT001
        hangs_after: int | None,
        lines: bool,  # noqa: FBT001
    ) -> int:
        """Prepare a pass that can be held."""
        matcher = self._match if aligned else None
        live = self._runners[runner].hold(_Options(options), matcher, hangs_after=hangs_after, lines=lines)  # type: ignore[arg-type]
        number = self._number()
        self._lives[number] = live
        return number

    def go(self, number: int, line: int | None = None) -> tuple[str, Any, tuple[Place, ...]] | None:
        """Go on, to a line, or to where the other side says."""
        self._frames.pop(number, None)

        def decide(call: Call, frame: HeldFrame) -> str | None:
            self._frames[number] = (frame,)
            try:
                reason: str | None = self._call("decide", to_wire(call, call.place))  # type: ignore[arg-type]
            finally:
                self._frames.pop(number, None)
            return reason

        try:
            live = self._lives[number]
            held: Held | None = live.go(decide) if line is None else live.go_to_line(line)
        except KeyboardInterrupt:
            self.end(number)  # so that it asks nothing more
            raise
        if held is None:
            return None
        self._frames[number] = held.frames
        call = None if held.call is None else to_wire(held.call, held.call.place)  # type: ignore[arg-type]
        return held.reason, call, tuple([frame.place for frame in held.frames])

    def end(self, number: int) -> None:
        """End it."""
        self._frames.pop(number, None)
        live = self._lives.pop(number, None)
        if live is not None:
            live.end()

    def changed_by(self, number: int) -> str | None:
        """The expression that changed what the handler holds."""
        return self._lives[number].changed_by

    def frame(self, number: int, at: int, what: str, *arguments: Any) -> Any:
        """Answer a question about a function that stands still."""
        frame = self._frames[number][at]
        method: Callable[..., Any] = getattr(frame, what)
        value = method(*arguments)
        if what == "locals":
            return {name: carried(held) for name, held in value.items()}
        return carried(value) if what == "evaluate" else value


class _Options:
    """As much of a recording as a further pass needs."""

    history = None

    def __init__(self, options: Options) -> None:
        self.options = options


def _told(error: BaseException) -> tuple[str, str, str]:
    if isinstance(error, DurableDebugError):
        return type(error).__name__, error.message, error.cure
    return type(error).__name__, str(error), ""
