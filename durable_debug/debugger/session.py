"""The debugger: verbs over the stops of one replay, forward and back."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Any

from durable_debug.debugger.breakpoints import Breakpoint, evaluated, same_file
from durable_debug.debugger.live import Held, Live
from durable_debug.debugger.states import reached_statuses, state_frame
from durable_debug.debugger.stop import StackFrame, Stop, Variable, inside, variables
from durable_debug.divergence import Run, replay
from durable_debug.divergence.run import as_history
from durable_debug.errors import ClosedError, DurableDebugError, NoSuchStopError
from durable_debug.replay.asked import place_of
from durable_debug.replay.guard import SideEffect, guarded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import FrameType

    import pandas as pd

    from durable_debug.history import History, Operation
    from durable_debug.replay.tape import Ask, LogLine

__all__ = ["Debugger", "debug"]

_VERBS = frozenset({"run", "step", "step_in", "step_out", "step_back", "run_back", "goto", "restart"})


def debug(  # noqa: PLR0913
    handler: object,
    history: object,
    *,
    invocation: int | None = None,
    enter: bool = True,
    run: str | Iterable[str] = (),
    allow: str | Iterable[str] = (),
    timeout: float | None = 10.0,
) -> Debugger:
    """Open the debugger on a handler and a recorded history.

    The options are those of `replay`. In a notebook the debugger shows itself as a panel; in a script or a
    test the same object is driven by its methods.

    Parameters
    ----------
    handler
        The function decorated with ``@durable_execution``, or ``"package.module:name"``, ``"path/app.py:name"``.
    history
        A `History`, or whatever `load` takes.
    invocation
        Debug this one invocation (from 1), as it was.
    enter
        Whether bodies of completed child contexts, maps and parallels can be stepped into.
    run, allow
        See `replay`.
    timeout
        Seconds without a further operation after which the handler is ended.

    Returns
    -------
    Debugger
        Standing at the first stop.

    Raises
    ------
    HandlerError, HistoryError
        See `replay`.

    Examples
    --------
    >>> with debug("sample_histories/apps/espresso.py:handler", "sample_histories/espresso_timed_out.json") as dbg:
    ...     _ = dbg.break_at(status="TIMED_OUT")
    ...     stop = dbg.run()
    ...     stop.operation.name, dbg.locals["order"]["drink"]
    ('barista-acceptance create callback id', 'flat white')
    """
    first = replay(
        handler, as_history(history), invocation=invocation, enter=enter, run=run, allow=allow, timeout=timeout
    )
    return Debugger(first)


class Debugger:
    """A replay held still, that can be moved forward and back.

    Going forward resumes the handler's thread; going back replays it from the top, to the stop wanted. The
    handler is deterministic where the history decides, so a stop is the same whichever way it was reached.

    Parameters
    ----------
    run
        The replay to move in.

    Attributes
    ----------
    run_result
        The complete replay: all operations, divergences, the outcome.
    status
        ``"stopped"``, ``"running"``, ``"ended"`` (at the end stop) or ``"closed"``.
    problem
        Message of the last error of a verb that was posted; None after one that went well.
    """

    def __init__(self, run: Run) -> None:
        self.run_result = run
        self.history: History = run.history
        self.problem: str | None = None
        self.status = "stopped"
        self._trail: Sequence[Ask] = run.complete.asks
        self._answers = self._answering_operations()
        self._by_id = {operation.id: operation for operation in self.history.tree()}
        self._boundaries = self._invocation_boundaries()
        self._diverging = self._divergences_by_stop()
        self._handler_file = run.recording.handler.code.co_filename if run.recording.handler.code else None
        self._breakpoints: list[Breakpoint] = [Breakpoint(0, divergence=True, bound=bool(run.divergences))]
        self._next_id = 1
        self._live: Live | None = None
        self._held: Held | None = None
        self._lock = threading.RLock()
        self._subscribers: list[Callable[[], None]] = []
        self._posted: queue.SimpleQueue[tuple[str, dict[str, Any]] | None] = queue.SimpleQueue()
        self._control: threading.Thread | None = None
        self.stop: Stop = self._goto(0, "start")

    # ---------------------------------------------------------------------------------------------- verbs

    def run(self) -> Stop:
        """Go on to the next breakpoint, divergence or exception, or to the end."""
        return self._verb(self._run_on)

    def step(self) -> Stop:
        """Go to the next operation of this context or one around it, over what happens inside child contexts."""
        return self._verb(lambda: self._goto(self._next(lambda depth, here: depth <= here), "step"))

    def step_in(self) -> Stop:
        """Go to the next operation, into child contexts, map items and branches."""
        return self._verb(lambda: self._goto(min(self.stop.index + 1, self._end), "step in"))

    def step_out(self) -> Stop:
        """Go to the next operation outside this context."""
        return self._verb(lambda: self._goto(self._next(lambda depth, here: depth < here), "step out"))

    def step_back(self) -> Stop:
        """Go to the operation before, of this context or one around it."""
        return self._verb(lambda: self._goto(self._previous(), "step back"))

    def run_back(self) -> Stop:
        """Go back to the breakpoint before, or to the first stop."""
        return self._verb(self._run_back)

    def restart(self) -> Stop:
        """Go to the first stop."""
        return self._verb(lambda: self._goto(0, "restart"))

    def goto(
        self, *, event_id: int | None = None, position: str | None = None, name: str | None = None, index: int | None = None
    ) -> Stop:
        """Go to a stop, earlier or later.

        Parameters
        ----------
        event_id
            The operation that a recorded event belongs to; for an event of the execution itself or the end
            of an invocation, the first operation that began after it.
        position
            Logical position, such as ``"3-1"``.
        name
            The next operation of this name, or else the first.
        index
            Number of the stop; negative ones count from the end.

        Raises
        ------
        NoSuchStopError
            This replay does not get there.
        """
        given = [key for key, value in (("event_id", event_id), ("position", position), ("name", name), ("index", index)) if value is not None]
        if len(given) != 1:
            raise DurableDebugError("goto takes one place.", cure="Give one of event_id=, position=, name= or index=.")
        return self._verb(lambda: self._goto(self._find(event_id, position, name, index), "goto"))

    def close(self) -> None:
        """Leave: end the replay and its threads. Closing twice does no harm."""
        with self._lock:
            if self.status == "closed":
                return
            self.status = "closed"
            self._held = None
            if self._live is not None:
                self._live.end()
                self._live = None
            self._posted.put(None)
        self._tell()
        self._subscribers.clear()

    def __enter__(self) -> Debugger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        live = getattr(self, "_live", None)
        if live is not None:
            live.end()
        if hasattr(self, "_posted"):
            self._posted.put(None)

    # ---------------------------------------------------------------------------------------- breakpoints

    @property
    def breakpoints(self) -> tuple[Breakpoint, ...]:
        """All breakpoints; number 0 stops at divergences."""
        return tuple(self._breakpoints)

    def break_at(  # noqa: PLR0913
        self,
        name: str | None = None,
        *,
        type: str | None = None,  # noqa: A002 - the field's own word
        sub_type: str | None = None,
        status: str | None = None,
        attempt: int | None = None,
        position: str | None = None,
        event_id: int | None = None,
        line: int | None = None,
        file: str | None = None,
        invocation: int | None = None,
        when: str | None = None,
        hits: int = 1,
        divergence: bool | None = None,
    ) -> Breakpoint:
        """Stop at operations that fit all that is given; see `Breakpoint` for each.

        A line without an operation binds to the next one that has one.

        Raises
        ------
        DurableDebugError
            Nothing is given, or `when` is not an expression.
        """
        if divergence is not None and not any((name, type, sub_type, status, attempt, position, event_id, line, invocation is not None, when)):
            self._breakpoints[0].enabled = divergence
            self._tell()
            return self._breakpoints[0]
        made = Breakpoint(
            self._next_id, name, type, sub_type, status, attempt, position, event_id, line, file, invocation, when, divergence, hits
        )
        if not made.spec or made.spec.startswith("hits"):
            raise DurableDebugError("A breakpoint needs something to stop at.", cure="For example name=\"charge-*\", status=\"FAILED\" or line=42.")
        self._bind(made)
        with self._lock:
            self._next_id += 1
            self._breakpoints.append(made)
        self._tell()
        return made

    def clear(self, breakpoint: Breakpoint | int | None = None) -> None:  # noqa: A002
        """Remove a breakpoint, by itself or by its number; without one, all that were set."""
        with self._lock:
            if breakpoint is None:
                self._breakpoints = self._breakpoints[:1]
            else:
                number = breakpoint if isinstance(breakpoint, int) else breakpoint.id
                self._breakpoints = [b for b in self._breakpoints if b.id != number or b.id == 0]
        self._tell()

    def _bind(self, made: Breakpoint) -> None:
        if made.line is not None:
            self._bind_line(made)
        made.bound = any(self._fits(made, ask) for ask in self._trail)
        if not made.bound and not made.note:
            made.note = "no operation of this replay fits it"

    def _bind_line(self, made: Breakpoint) -> None:
        wanted = made.file or self._handler_file
        places = {place_of(ask.code, ask.lasti) for ask in self._trail if ask.code is not None}
        here = [p for p in places if wanted is None or same_file(p.file, wanted)]
        assert made.line is not None
        if any(p.line <= made.line <= p.end_line for p in here):
            return
        later = [p.line for p in here if p.line > made.line]
        if later:
            made.note = f"line {made.line} has no operation: moved to line {min(later)}"
            made.line = min(later)

    def _fits(self, breakpoint: Breakpoint, ask: Ask) -> bool:  # noqa: A002
        return breakpoint.fits(
            ask,
            self._answers.get(ask.seq),
            handler_file=self._handler_file,
            diverges=ask.seq in self._diverging,
            boundary=self._boundaries.get(ask.seq),
        )

    # ------------------------------------------------------------------------------------ what is seen here

    @property
    def stack(self) -> tuple[StackFrame, ...]:
        """The user's functions on the call stack, the innermost first."""
        held = self._held
        if held is None:
            return ()
        found = []
        for frame, lasti in held.frames:
            place = place_of(frame.f_code, lasti)
            found.append(StackFrame(place.function, place.file, place.line))
        return tuple(found)

    @property
    def locals(self) -> dict[str, Any]:
        """Variables of the innermost function, by name; the live objects. Empty at the end stop."""
        frame = self._frame(0)
        return dict(frame.f_locals) if frame is not None else {}

    def evaluate(self, expression: str, frame: int = 0) -> Any:
        """Evaluate an expression over a function's variables.

        Parameters
        ----------
        expression
            Python; it may read anything. Sockets, processes and written files are refused.
        frame
            Number of the function on the `stack`, 0 the innermost.

        Raises
        ------
        DurableDebugError
            There is no such function here, or the expression is none.
        Exception
            Whatever the expression raises.
        """
        found = self._frame(frame)
        if found is None:
            raise DurableDebugError(
                "There are no variables here.",
                cure="The handler has ended: step back into it." if self._held is None else f"The stack has {len(self._held.frames)} functions.",
            )
        try:
            code = compile(expression.strip(), "<expression>", "eval")
        except SyntaxError as error:
            raise DurableDebugError(f"{expression!r} is not an expression: {error.msg}.", cure="Write one, such as \"order['id']\".") from None
        live = self._live
        assert live is not None
        live.tape.local.evaluating = True
        try:
            with guarded(_refuse):
                return evaluated(code, found)
        finally:
            live.tape.local.evaluating = False

    def variables(self, frame: int = 0, path: Sequence[str] = ()) -> list[Variable]:
        """Describe a function's variables, or what one of them holds: bounded, for display.

        Parameters
        ----------
        path
            Names to go down by, as given by `Variable.name`.
        """
        found = self._frame(frame)
        if found is None:
            return []
        items = [(name, value) for name, value in found.f_locals.items() if not name.startswith("__")]
        for name in path:
            items = inside(dict(items).get(name))
        return variables(items)

    @property
    def state(self) -> pd.DataFrame:
        """All operations as they stood when the execution first came here.

        Returns
        -------
        pandas.DataFrame
            The columns ``position``, ``name``, ``type``, ``sub_type``; ``status`` (string, missing where it had not
            started); ``reached`` (bool: asked for before this stop); ``current`` (bool).
        """
        return state_frame(self.history, self.stop, self._answers, self._trail)

    @property
    def statuses(self) -> list[str]:
        """Status of each operation of ``history.tree()`` as of this stop; empty text where it had not started."""
        return reached_statuses(self.history, self.stop.state_event_id)

    @property
    def logs(self) -> tuple[LogLine, ...]:
        """What the handler has logged and printed up to here."""
        return tuple(line for line in self.run_result.complete.logs if line.seq < self.stop.index)

    def _frame(self, number: int) -> FrameType | None:
        self._open()
        held = self._held
        return held.frames[number][0] if held is not None and 0 <= number < len(held.frames) else None

    # --------------------------------------------------------------------------------- panels and threads

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have a function called after every change, from whichever thread; gives the way to end that."""
        self._subscribers.append(callback)

        def unsubscribe() -> None:
            if callback in self._subscribers:
                self._subscribers.remove(callback)

        return unsubscribe

    def post(self, verb: str, **arguments: Any) -> None:
        """Have a verb done by the debugger's own thread; never waits. What goes wrong is kept in `problem`."""
        if verb not in _VERBS:
            raise DurableDebugError(f"There is no verb {verb!r}.", cure=f"There are {', '.join(sorted(_VERBS))}.")
        self._open()
        if self._control is None:
            self._control = threading.Thread(target=_serve, args=(self._posted, _Weak(self)), name="durable-debug-control", daemon=True)
            self._control.start()
        self._posted.put((verb, arguments))

    def _tell(self) -> None:
        for callback in list(self._subscribers):
            callback()

    def _verb(self, move: Callable[[], Stop]) -> Stop:
        with self._lock:
            self._open()
            before = self.status
            self.status = "running"
            self._tell()
            try:
                self.stop = move()
                self.problem = None
            except BaseException:
                self.status = before
                raise
            finally:
                self._tell()
        return self.stop

    def _open(self) -> None:
        if self.status == "closed":
            raise ClosedError("The debugger is closed.", cure="Open it again with debug(handler, history).")

    # ----------------------------------------------------------------------------------------- moving about

    @property
    def _exception(self) -> BaseException | None:
        return self.run_result.complete.exception

    @property
    def _end(self) -> int:
        return len(self._trail) + (self._exception is not None)

    def _next(self, wanted: Callable[[int, int], bool]) -> int:
        here = self.stop.index
        if here >= len(self._trail):
            return self._end
        depth = self._trail[here].depth
        return next((i for i in range(here + 1, len(self._trail)) if wanted(self._trail[i].depth, depth)), len(self._trail))

    def _previous(self) -> int:
        here = min(self.stop.index, self._end)
        if here > len(self._trail):
            return len(self._trail)
        depth = self._trail[here].depth if here < len(self._trail) else 0
        return next((i for i in range(here - 1, -1, -1) if self._trail[i].depth <= depth), 0)

    def _find(self, event_id: int | None, position: str | None, name: str | None, index: int | None) -> int:
        if index is not None:
            wanted = index if index >= 0 else self._end + 1 + index
            if 0 <= wanted <= self._end:
                return wanted
            raise NoSuchStopError(f"There is no stop {index}.", cure=f"They go from 0 to {self._end}, the end.")
        if position is not None:
            found = [ask.seq for ask in self._trail if ask.position == position]
            if found:
                return found[0]
            raise NoSuchStopError(f"This replay asks for nothing at position {position!r}.", cure="`run_result.operations` lists what it asks for.")
        if name is not None:
            found = [ask.seq for ask in self._trail if ask.name == name]
            if found:
                return next((seq for seq in found if seq > self.stop.index), found[0])
            raise NoSuchStopError(f"This replay asks for no operation named {name!r}.", cure="`run_result.operations` lists what it asks for.")
        assert event_id is not None
        return self._find_event(event_id)

    def _find_event(self, event_id: int) -> int:
        last = len(self.history)
        known = {event["EventId"] for event in self.history.raw}
        if event_id not in known:
            raise NoSuchStopError(f"The history has no event {event_id}.", cure=f"It has {last} events.")
        for seq, operation in self._answers.items():
            if event_id in operation.event_ids:
                return seq
        if any(event_id in operation.event_ids for operation in self.history.tree()):
            raise NoSuchStopError(f"Event {event_id} belongs to an operation that this replay does not ask for.", cure="See `run_result.divergences`.")
        later = [(o.start_event_id, seq) for seq, o in self._answers.items() if o.start_event_id is not None and o.start_event_id > event_id]
        return min(later)[1] if later else self._end

    def _goto(self, target: int, reason: str) -> Stop:
        """Stand at a stop: go on to it if it lies ahead, else begin a new pass."""
        here = self._live is not None and self._held is not None
        if here and target == self.stop.index:
            return self._standing(target, reason)
        if not here or target < self.stop.index:
            self._begin()
        return self._forward(lambda ask, _: reason if ask.seq >= target else None, target, reason)

    def _forward(self, decide: Callable[[Ask, FrameType], str | None], target: int | None, reason: str) -> Stop:
        assert self._live is not None
        self._held = self._live.go(self._counting(decide))
        while self._held is not None and self._held.ask is None and target is not None and target > len(self._trail):
            self._held = self._live.go(lambda *_: None)  # past the exception, to the end
        if self._held is None:
            return self._standing(self._end, reason)
        index = self._held.ask.seq if self._held.ask is not None else len(self._trail)
        return self._standing(index, self._held.reason if self._held.ask is not None else "exception")

    def _begin(self) -> None:
        if self._live is not None:
            self._live.end()
        for known in self._breakpoints:
            known.hit_count = 0
        first = self.run_result.recording
        self._live = Live(first.handler, first.script, first.options, self.run_result.matcher())
        self._held = None

    def _counting(self, decide: Callable[[Ask, FrameType], str | None]) -> Callable[[Ask, FrameType], str | None]:
        """Count hits on the way, so that they are the same whichever way a stop is reached."""
        conditional = [b for b in self._breakpoints if b.id != 0]

        def counted(ask: Ask, frame: FrameType) -> str | None:
            for known in conditional:
                if known.enabled and self._fits(known, ask) and known.holds(frame):
                    known.hit_count += 1
            return decide(ask, frame)

        return counted if conditional else decide

    def _hit(self, ask: Ask, counts: dict[int, int]) -> str | None:
        """Which breakpoint stops here, after its hits have been counted."""
        for known in self._breakpoints:
            if not known.enabled:
                continue
            if known.id == 0:
                if ask.seq in self._diverging:
                    return "divergence"
            elif known.hit_count > counts.get(known.id, 0) and known.hit_count >= known.hits:
                return f"breakpoint {known.id}: {known.spec}"
        return None

    def _run_on(self) -> Stop:
        if self.stop.kind == "end":
            return self.stop
        return self._forward(self._at_hits(), None, "run")

    def _at_hits(self) -> Callable[[Ask, FrameType], str | None]:
        counts = {known.id: known.hit_count for known in self._breakpoints}

        def decide(ask: Ask, _: FrameType) -> str | None:
            reason = self._hit(ask, counts)
            counts.update({known.id: known.hit_count for known in self._breakpoints})
            return reason

        return decide

    def _run_back(self) -> Stop:
        here = self.stop.index
        if here == 0:
            return self._goto(0, "run back")
        self._begin()
        hits: list[tuple[int, str]] = []
        at_hits = self._at_hits()

        def decide(ask: Ask, frame: FrameType) -> str | None:
            reason = at_hits(ask, frame)
            if ask.seq >= here or ask.seq >= len(self._trail) - 1:
                if reason is not None and ask.seq < here:
                    hits.append((ask.seq, reason))
                return "run back"
            if reason is not None:
                hits.append((ask.seq, reason))
            return None

        assert self._live is not None
        self._live.go(self._counting(decide))
        if here > len(self._trail) and self._exception is not None:
            hits.append((len(self._trail), "exception"))
        target, reason = hits[-1] if hits else (0, "run back")
        self._begin()
        return self._forward(lambda ask, _: reason if ask.seq >= target else None, target, reason)

    def _standing(self, index: int, reason: str) -> Stop:
        trail, answers = self._trail, self._answers
        diverging = self._diverging.get(index, ())
        if index < len(trail):
            self.status = "stopped"
            ask = trail[index]
            assert ask.code is not None
            operation = answers.get(index)
            return Stop(
                index, "operation", reason, operation, self.run_result.complete.operations[index],
                place_of(ask.code, ask.lasti), diverging, None, self._state_event(index),
            )
        last = max((event["EventId"] for event in self.history.raw), default=0)
        error = self._exception
        text = f"{type(error).__name__}: {error}" if error is not None else None
        if index == len(trail) and error is not None and self._held is not None:
            self.status = "stopped"
            frames = self._held.frames
            source = place_of(frames[0][0].f_code, frames[0][1]) if frames else None
            return Stop(index, "exception", "exception", None, None, source, diverging, text, last)
        self.status = "ended"
        outcome = self.run_result.complete.outcome
        halt = self.run_result.complete.halt
        return Stop(
            self._end, "end", reason, None, None, None, self._diverging.get(self._end, ()), text or (halt.message if halt else None), last, outcome.status
        )

    # ------------------------------------------------------------------------- what is known beforehand

    def _answering_operations(self) -> dict[int, Operation]:
        by_id = {operation.id: operation for operation in self.history.tree()}
        found = {}
        for ask in self._trail:
            if ask.match is not None and ask.match.operation_id in by_id:
                found[ask.seq] = by_id[ask.match.operation_id]
        return found

    def _invocation_boundaries(self) -> dict[int, int]:
        first: dict[int, int] = {}
        for seq in sorted(self._answers):
            invocation = self._answers[seq].start_invocation
            if invocation is not None:
                first.setdefault(invocation, seq)
        return {seq: invocation for invocation, seq in first.items()}

    def _divergences_by_stop(self) -> dict[int, tuple[Any, ...]]:
        found: dict[int, list[Any]] = {}
        by_position = {ask.position: ask.seq for ask in self._trail}
        for divergence in self.run_result.divergences:
            at = {by_position[p] for p in divergence.positions if divergence.position is not None and p in by_position}
            at.add(divergence.index if divergence.index is not None and divergence.index < len(self._trail) else self._end) if not at else None
            for index in at:
                found.setdefault(index, []).append(divergence)
        return {index: tuple(divergences) for index, divergences in found.items()}

    def _state_event(self, index: int) -> int:
        operation = self._answers.get(index)
        if operation is not None and operation.start_event_id is not None:
            return max(1, operation.start_event_id - 1)
        earlier = [self._answers[i] for i in range(index) if i in self._answers]
        return max((o.end_event_id or o.start_event_id or 1 for o in earlier), default=1)

    # ------------------------------------------------------------------------------------------------ shown

    def __repr__(self) -> str:
        name = self.run_result.recording.handler.name
        return f"<Debugger of {name}: {self.status}, {self.stop!r}>"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        from durable_debug.widgets import DebuggerPanel  # noqa: PLC0415 - only a notebook asks for it

        return DebuggerPanel(self)._repr_mimebundle_(**kwargs)  # noqa: SLF001


class _Weak:
    """A debugger seen from its own thread, which must not keep it alive."""

    def __init__(self, debugger: Debugger) -> None:
        import weakref  # noqa: PLC0415

        self.debugger = weakref.ref(debugger)


def _serve(posted: queue.SimpleQueue[tuple[str, dict[str, Any]] | None], weak: _Weak) -> None:
    while (command := posted.get()) is not None:
        debugger = weak.debugger()
        if debugger is None or debugger.status == "closed":
            return
        verb, arguments = command
        try:
            getattr(debugger, verb)(**arguments)
        except ClosedError:
            return
        except Exception as error:  # noqa: BLE001 - shown in the panel
            debugger.problem = str(error)
            debugger._tell()  # noqa: SLF001
        del debugger


def _refuse(effect: SideEffect) -> None:
    if effect.refused:
        raise DurableDebugError(f"The expression is refused a side effect: {effect.detail}.", cure="Look, but don't touch.")
