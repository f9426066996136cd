"""The debugger: verbs over the stops of one replay, forward and back."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import queue
import threading
from typing import TYPE_CHECKING, Any, Literal, Never, Self

from durable_debug.debugger.breakpoints import Breakpoint, same_file
from durable_debug.debugger.states import reached_statuses, state_frame
from durable_debug.debugger.stop import StackFrame, Stop
from durable_debug.debugger.trail import Trail
from durable_debug.divergence import Run, replay
from durable_debug.divergence.run import as_history
from durable_debug.engine.guard import unguarded
from durable_debug.errors import ClosedError, DurableDebugError
from durable_debug.options import NAMES, unknown_options
from durable_debug.views import view

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import pandas as pd

    from durable_debug.engine.runner import Decide, Held, HeldFrame, HeldPass
    from durable_debug.engine.tape import Ask, LogLine
    from durable_debug.engine.variables import Variable
    from durable_debug.history import History

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
    python: str | os.PathLike[str] | Literal[False] | None = None,
    sdk: str | None = None,
    **unknown: Never,
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
    run, allow, python, sdk
        See `replay`. In another interpreter `Debugger.locals` and `Debugger.evaluate` give values of Python's own kinds as
        they are, and others as what is shown of them.
    timeout
        Seconds without a further operation after which the handler is ended.

    Returns
    -------
    Debugger
        Standing at the first stop.

    Raises
    ------
    HandlerError, HistoryError, OptionError
        See `replay`.

    Examples
    --------
    >>> with debug("sample_histories/apps/espresso.py:handler", "sample_histories/espresso_timed_out.json") as dbg:
    ...     _ = dbg.break_at(status="TIMED_OUT")
    ...     stop = dbg.run()
    ...     stop.operation.name, dbg.locals["order"]["drink"]
    ('barista-acceptance create callback id', 'flat white')
    """
    unknown_options("debug", unknown, NAMES)
    first = replay(
        handler,
        as_history(history),
        invocation=invocation,
        enter=enter,
        run=run,
        allow=allow,
        timeout=timeout,
        python=python,
        sdk=sdk,
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
        self._trail = Trail(run)
        self._breakpoints: list[Breakpoint] = [Breakpoint(0, divergence=True, bound=bool(run.divergences))]
        self._next_id = 1
        self._live: HeldPass | None = None
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
        """Go to the next operation of this context or one around it, over what happens inside child contexts.

        A breakpoint in there stops it.
        """
        return self._verb(
            lambda: self._over(self._trail.after(self.stop.index, lambda depth, here: depth <= here), "step")
        )

    def step_in(self) -> Stop:
        """Go to the next operation, into child contexts, map items and branches."""
        return self._verb(lambda: self._goto(min(self.stop.index + 1, self._trail.end), "step in"))

    def step_out(self) -> Stop:
        """Go to the next operation outside this context, or to a breakpoint before it."""
        return self._verb(
            lambda: self._over(
                self._trail.after(self.stop.index, lambda depth, here: depth < here), "step out"
            )
        )

    def step_back(self) -> Stop:
        """Go to the operation before, of this context or one around it."""
        return self._verb(lambda: self._goto(self._trail.before(self.stop.index), "step back"))

    def run_back(self) -> Stop:
        """Go back to the breakpoint before, or to the first stop."""
        return self._verb(self._run_back)

    def restart(self) -> Stop:
        """Go to the first stop."""
        return self._verb(lambda: self._goto(0, "restart"))

    def goto(
        self,
        *,
        event_id: int | None = None,
        position: str | None = None,
        name: str | None = None,
        index: int | None = None,
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
        places = {"event_id": event_id, "position": position, "name": name, "index": index}
        place: dict[str, Any] = {key: value for key, value in places.items() if value is not None}
        if len(place) != 1:
            raise DurableDebugError(
                "goto takes one place.", cure="Give one of event_id=, position=, name= or index=."
            )
        return self._verb(lambda: self._goto(self._trail.find(self.stop.index, **place), "goto"))

    def close(self) -> None:
        """Leave: end the replay and its threads. Closing twice does no harm."""
        if self.status == "closed":
            return
        under_way = self._live
        if under_way is not None:
            under_way.end()  # a verb that waits for the handler gives the lock up then
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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        # Whichever thread collects it: that of a replay is not to blame for what is done here.
        with unguarded():
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
        if divergence is not None and not any(
            (name, type, sub_type, status, attempt, position, event_id, line, invocation is not None, when)
        ):
            self._breakpoints[0].enabled = divergence
            self._tell()
            return self._breakpoints[0]
        made = Breakpoint(
            self._next_id,
            name,
            type,
            sub_type,
            status,
            attempt,
            None if position is None else str(position),
            event_id,
            line,
            file,
            invocation,
            when,
            divergence,
            hits,
        )
        if not made.stops_at_something:
            raise DurableDebugError(
                "A breakpoint needs something to stop at.",
                cure='For example name="charge-*", status="FAILED" or line=42.',
            )
        self._bind(made)
        with self._lock:
            self._open()
            self._count_so_far(made)
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
        made.stops = tuple(ask.seq for ask in self._trail.asks if self._fits(made, ask))
        made.bound = bool(made.stops)
        if not made.bound and not made.note:
            made.note = "no operation of this replay fits it"

    def _bind_line(self, made: Breakpoint) -> None:
        wanted = made.file or self._trail.handler_file
        places = {ask.place for ask in self._trail.asks if ask.place is not None}
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
            self._trail.answers.get(ask.seq),
            handler_file=self._trail.handler_file,
            diverges=ask.seq in self._trail.diverging,
            boundary=self._trail.boundaries.get(ask.seq),
        )

    # ------------------------------------------------------------------------------------ what is seen here

    @property
    def stack(self) -> tuple[StackFrame, ...]:
        """The user's functions on the call stack, the innermost first."""
        held = self._held
        if held is None:
            return ()
        places = [frame.place for frame in held.frames]
        return tuple(StackFrame(place.function, place.file, place.line) for place in places)

    @property
    def locals(self) -> dict[str, Any]:
        """Variables of the innermost function, by name; the live objects. Empty at the end stop."""
        frame = self._frame(0)
        return frame.locals() if frame is not None else {}

    def evaluate(self, expression: str, frame: int = 0) -> Any:
        """Evaluate an expression over a function's variables.

        Parameters
        ----------
        expression
            Python; it may read anything. Sockets, processes and written files are refused. One that changes what the
            handler holds is evaluated, and the stops from here on say so (``stop.changed_by``), until the replay is
            taken anew: by going back, say.
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
                cure="The handler has ended: step back into it."
                if self._held is None
                else f"The stack has {len(self._held.frames)} functions.",
            )
        live = self._live
        assert live is not None
        before = live.changed_by
        try:
            return found.evaluate(expression)
        finally:
            if live.changed_by != before:
                self.stop = dataclasses.replace(self.stop, changed_by=live.changed_by)
                self._tell()

    def variables(self, frame: int = 0, path: Sequence[str] = ()) -> list[Variable]:
        """Describe a function's variables, or what one of them holds: bounded, for display.

        Parameters
        ----------
        path
            Names to go down by, as given by `Variable.name`.
        """
        found = self._frame(frame)
        return found.variables(path) if found is not None else []

    @property
    def state(self) -> pd.DataFrame:
        """All operations as they stood when the execution first came here.

        Returns
        -------
        pandas.DataFrame
            The columns ``position``, ``name``, ``type``, ``sub_type``; ``status`` (string, missing where it had not
            started); ``reached`` (bool: asked for before this stop); ``current`` (bool).
        """
        return state_frame(self.history, self.stop, self._trail.answers, self._trail.asks)

    @property
    def statuses(self) -> list[str]:
        """Status of each operation of ``history.tree()`` as of this stop; empty text where it had not started."""
        return reached_statuses(self.history, self.stop.state_event_id)

    @property
    def logs(self) -> tuple[LogLine, ...]:
        """What the handler has logged and printed up to here."""
        return tuple(line for line in self.run_result.complete.logs if line.seq < self.stop.index)

    def _frame(self, number: int) -> HeldFrame | None:
        self._open()
        held = self._held
        return held.frames[number] if held is not None and 0 <= number < len(held.frames) else None

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
            raise DurableDebugError(
                f"There is no verb {verb!r}.", cure=f"There are {', '.join(sorted(_VERBS))}."
            )
        self._open()
        if self._control is None:
            self._control = threading.Thread(
                target=_serve, args=(self._posted, _Weak(self)), name="durable-debug-control", daemon=True
            )
            self._control.start()
        self._posted.put((verb, arguments))

    def _tell(self) -> None:
        for callback in list(self._subscribers):
            with contextlib.suppress(Exception):  # a view that is gone must not stop a verb half-way
                callback()

    def _verb(self, move: Callable[[], Stop]) -> Stop:
        with self._lock:
            self._open()
            before = self.status
            self.status = "running"
            self._tell()
            try:
                if self._held is None and self.stop.kind != "end":  # a verb was interrupted
                    self._goto(self.stop.index, self.stop.reason)
                self.stop = move()
                self.problem = None
                if self.stop.kind == "end":
                    self.status = "ended"
            except BaseException as error:
                self.status = before
                if not isinstance(error, Exception):  # Ctrl-C: the handler may stand anywhere
                    self._leave()
                raise
            finally:
                self._tell()
        return self.stop

    def _leave(self) -> None:
        if self._live is not None:
            self._live.end()
        self._live = self._held = None

    def _open(self) -> None:
        if self.status == "closed":
            raise ClosedError("The debugger is closed.", cure="Open it again with debug(handler, history).")

    # ----------------------------------------------------------------------------------------- moving about

    def _goto(self, target: int, reason: str) -> Stop:
        """Stand at a stop: go on to it if it lies ahead, else begin a new pass."""
        here = self._live is not None and self._held is not None
        changed = self._live is not None and self._live.changed_by is not None
        if here and target == self.stop.index and not changed:
            return self._standing(target, reason)
        with _no_collection():
            if not here or target < self.stop.index + changed:
                self._begin()
            return self._forward(lambda ask, _: reason if ask.seq >= target else None, target, reason)

    def _forward(self, decide: Decide, target: int | None, reason: str) -> Stop:
        assert self._live is not None
        self._held = self._live.go(self._counting(decide))
        while (
            self._held is not None
            and self._held.ask is None
            and target is not None
            and target > len(self._trail.asks)
        ):
            self._held = self._live.go(lambda *_: None)  # past the exception, to the end
        if self._held is None:
            return self._standing(self._trail.end, reason)
        index = self._held.ask.seq if self._held.ask is not None else len(self._trail.asks)
        return self._standing(index, self._held.reason if self._held.ask is not None else "exception")

    def _begin(self) -> None:
        self._leave()
        for known in self._breakpoints:
            known.hit_count = 0
        self._live = self._fresh()

    def _fresh(self) -> HeldPass:
        first = self.run_result.recording
        return first.runner.hold(first, self.run_result.matcher(), hangs_after=self._trail.hangs_after)

    def _counting(self, decide: Decide) -> Decide:
        """Count hits on the way, so that they are the same whichever way a stop is reached."""
        counted = [b for b in self._breakpoints if b.id != 0]

        def counting(ask: Ask, frame: HeldFrame) -> str | None:
            for known in counted:
                known.hit_count += self._hits(known, ask, frame)
            return decide(ask, frame)

        return counting if counted else decide

    def _hits(self, breakpoint: Breakpoint, ask: Ask, frame: HeldFrame) -> bool:  # noqa: A002
        return self._fits(breakpoint, ask) and breakpoint.holds(frame)

    def _count_so_far(self, made: Breakpoint) -> None:
        """Count the hits that a new breakpoint would have had on the way to this stop."""
        here = self.stop.index
        if made.when is None:
            made.hit_count = sum(self._fits(made, ask) for ask in self._trail.asks[: here + 1])
            return
        if not any(self._fits(made, ask) for ask in self._trail.asks[: here + 1]):
            return

        pass_ = self._fresh()  # its condition needs the variables of then

        def counting(ask: Ask, frame: HeldFrame) -> str | None:
            made.hit_count += self._hits(made, ask, frame)
            return "counted" if ask.seq >= here else None

        try:
            pass_.go(counting)
        finally:
            pass_.end()

    def _hit(self, ask: Ask, counts: dict[int, int]) -> str | None:
        """Which breakpoint stops here, after its hits have been counted."""
        for known in self._breakpoints:
            if not known.enabled:
                continue
            if known.id == 0:
                if ask.seq in self._trail.diverging:
                    return "divergence"
            elif known.hit_count > counts.get(known.id, 0) and known.hit_count >= known.hits:
                return f"breakpoint {known.id}: {known.spec}"
        return None

    def _run_on(self) -> Stop:
        if self.stop.kind == "end":
            return self.stop
        return self._forward(self._at_hits(), None, "run")

    def _over(self, target: int, reason: str) -> Stop:
        """Go on to a stop or to what stops before it."""
        if self.stop.kind == "end":
            return self.stop
        at_hits = self._at_hits()

        def decide(ask: Ask, frame: HeldFrame) -> str | None:
            return at_hits(ask, frame) or (reason if ask.seq >= target else None)

        return self._forward(decide, target, reason)

    def _at_hits(self) -> Decide:
        counts = {known.id: known.hit_count for known in self._breakpoints}

        def decide(ask: Ask, _: HeldFrame) -> str | None:
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

        def decide(ask: Ask, frame: HeldFrame) -> str | None:
            reason = at_hits(ask, frame)
            if ask.seq >= here or ask.seq >= len(self._trail.asks) - 1:
                if reason is not None and ask.seq < here:
                    hits.append((ask.seq, reason))
                return "run back"
            if reason is not None:
                hits.append((ask.seq, reason))
            return None

        assert self._live is not None
        self._live.go(self._counting(decide))
        if here > len(self._trail.asks) and self._trail.raised is not None:
            hits.append((len(self._trail.asks), "exception"))
        target, reason = hits[-1] if hits else (0, "run back")
        self._begin()
        return self._forward(lambda ask, _: reason if ask.seq >= target else None, target, reason)

    def _standing(self, index: int, reason: str) -> Stop:
        ended = self._held is None
        self.status = "ended" if ended else "stopped"
        stop = self._trail.stop(
            self._trail.end if ended else index, reason, self._held.frames if self._held else None
        )
        changed_by = self._live.changed_by if self._live is not None else None
        return dataclasses.replace(stop, changed_by=changed_by) if changed_by is not None else stop

    # ------------------------------------------------------------------------------------------------ shown

    def __repr__(self) -> str:
        name = self.run_result.recording.runner.name
        return f"<Debugger of {name}: {self.status}, {self.stop!r}>"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return view("debugger.workbench")(self)._repr_mimebundle_(**kwargs)


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Put the garbage collector off: over a large history one collection takes as long as going there."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class _Weak:
    """A debugger seen from its own thread, which must not keep it alive."""

    def __init__(self, debugger: Debugger) -> None:
        import weakref

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
