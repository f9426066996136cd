"""The debugger: verbs over the stops of one replay, forward and back."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Literal, Never, Self

from durable_debug.debugger.breakpoint_list import BreakpointList
from durable_debug.debugger.breakpoints import Breakpoint
from durable_debug.debugger.inspection import Inspection
from durable_debug.debugger.mailbox import Mailbox
from durable_debug.debugger.navigator import Navigator
from durable_debug.debugger.states import reached_statuses, state_frame
from durable_debug.debugger.stop_index import StopIndex
from durable_debug.debugger.subscribers import Subscribers
from durable_debug.debugger.value_history import changes_of, frame_of
from durable_debug.debugger.value_tables import table_of
from durable_debug.divergence import Run, replay
from durable_debug.divergence.run import as_history
from durable_debug.divergence.swapped import refuse_swapped
from durable_debug.engine.guard import unguarded
from durable_debug.errors import ClosedError, DurableDebugError
from durable_debug.options import NAMES, unknown_options
from durable_debug.typed_places import line_place
from durable_debug.views import view

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import pandas as pd

    from durable_debug.debugger.line_moves import LineMoves
    from durable_debug.debugger.stop import StackFrame, Stop
    from durable_debug.engine.ongoing_pass import LogLine
    from durable_debug.engine.runner import HeldFrame
    from durable_debug.engine.variables import Variable
    from durable_debug.history import History

__all__ = ["Debugger", "debug"]

_VERBS = frozenset(
    {"run", "step", "step_in", "step_out", "step_back", "run_back", "goto", "restart"}
    | {"step_line", "next_line", "step_into", "step_return", "run_to", "last_change", "next_change"}
)


def debug(  # noqa: PLR0913
    handler: object,
    history: object,
    *,
    invocation: int | None = None,
    enter: bool = True,
    run: str | Iterable[str] = (),
    allow: str | Iterable[str] = (),
    timeout: float | None = 10.0,
    env: Mapping[str, str] | None = None,
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
    run, allow, env, python, sdk
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
    refuse_swapped(handler, history, "debug")
    first = replay(
        handler,
        as_history(history),
        invocation=invocation,
        enter=enter,
        run=run,
        allow=allow,
        timeout=timeout,
        env=env,
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

    # One verb at a time moves it: that is what the lock is for. What panels read meanwhile, from threads of their own
    # (`status`, `stop`, `breakpoints`), is replaced as a whole, so that reading never waits for the handler.

    def __init__(self, run: Run) -> None:
        self.run_result = run
        self.history: History = run.history
        self.problem: str | None = None
        self._stops = StopIndex(run)
        self._breakpoints = BreakpointList(self._stops, diverges=bool(run.divergences))
        self._subscribers = Subscribers()
        self._lock = threading.RLock()
        self._moving = self._closed = False
        first, hangs_after = run.recording, self._stops.hangs_after
        self._navigator = Navigator(
            self._stops,
            self._breakpoints,
            lambda lines: first.runner.hold(first, run.matcher(), hangs_after=hangs_after, lines=lines),
            lambda: first.runner.trace(first, run.matcher()),
        )
        self._mailbox = Mailbox(self._do_posted, self._navigator.leave)
        self._navigator.goto(0, "start")

    @property
    def stop(self) -> Stop:
        """Where it stands; while a verb is under way, where it stood."""
        return self._navigator.stop

    @property
    def status(self) -> str:
        """``"stopped"``, ``"running"``, ``"ended"`` (at the end stop) or ``"closed"``."""
        if self._closed:
            return "closed"
        if self._moving:
            return "running"
        return "ended" if self.stop.kind == "end" else "stopped"

    # ---------------------------------------------------------------------------------------------- verbs

    def run(self) -> Stop:
        """Go on to the next breakpoint, divergence or exception, or to the end."""
        return self._verb(self._navigator.run)

    def step(self) -> Stop:
        """Go to the next operation of this context or one around it, over what happens inside child contexts.

        A breakpoint in there stops it.
        """
        return self._verb(lambda: self._navigator.over(self._coming(self._stops.after), "step"))

    def step_in(self) -> Stop:
        """Go to the next operation, into child contexts, map items and branches."""
        return self._verb(
            lambda: self._navigator.goto(self._coming(lambda here: min(here + 1, self._stops.end)), "step in")
        )

    def step_out(self) -> Stop:
        """Go to the next operation outside this context, or to a breakpoint before it."""
        return self._verb(lambda: self._navigator.over(self._stops.outside(self.stop.index), "step out"))

    def step_back(self) -> Stop:
        """Go to the operation before, of this context or one around it."""

        def move() -> Stop:
            _ = self._navigator.moves  # what is recorded once is gone back over at once
            return self._navigator.goto(self._stops.before(self.stop.index), "step back")

        return self._verb(move)

    def run_back(self) -> Stop:
        """Go back to the breakpoint before, or to the first stop."""
        return self._verb(self._navigator.run_back)

    def restart(self) -> Stop:
        """Go to the first stop."""
        return self._verb(lambda: self._navigator.goto(0, "restart"))

    def _coming(self, after: Callable[[int], int]) -> int:
        """The stop after this one; between operations, the operation that comes next."""
        return self.stop.index if self.stop.kind == "line" else after(self.stop.index)

    # --------------------------------------------------------------------------------------------- by line

    def step_line(self, *, back: bool = False) -> Stop:
        """Go to the next line of your code that runs, in whichever function; or to the one that ran before.

        The lines are those of your own files: libraries are stepped over. They are recorded once, when a line is first
        asked for, and moving between them, or back to any operation, takes no replay from then on. What an expression
        needs is held there when it is evaluated.

        Parameters
        ----------
        back
            Back instead of forward.

        Examples
        --------
        >>> app, history = "sample_histories/apps/espresso.py:handler", "sample_histories/espresso_timed_out.json"
        >>> with debug(app, history) as dbg:
        ...     stop = dbg.step_line()
        ...     stop.kind, dbg.step_line(back=True).source.line < stop.source.line
        ('line', True)
        """
        return self._by_line(lambda moves, here: moves.step(here, back=back), within=back)

    def next_line(self, *, back: bool = False) -> Stop:
        """Go to the next line of this function, over the functions that this one calls; at its end, of its caller."""
        return self._by_line(lambda moves, here: moves.over(here, back=back), within=back)

    def step_into(self, *, back: bool = False) -> Stop:
        """Go to the first line of the function of yours that this line calls; back: to the last line of the one before.

        Raises
        ------
        NoSuchStopError
            It calls none.
        """
        return self._by_line(lambda moves, here: moves.into(here, back=back))

    def step_return(self, *, back: bool = False) -> Stop:
        """Go out of this function, to its caller's next line; back: to the line that called it."""
        return self._by_line(lambda moves, here: moves.out(here, back=back))

    def run_to(self, line: int, file: str | None = None, *, back: bool = False) -> Stop:
        """Go to where a line runs next; back: to where it ran before.

        Parameters
        ----------
        line
            Number of the line, from 1.
        file
            The end of its file's path; by default the file of this stop.

        Raises
        ------
        NoSuchStopError
            It does not.
        """

        def to(moves: LineMoves, here: int) -> int:
            source = self.stop.source
            return moves.to(here, file or (source.file if source else None), line, back=back)

        return self._by_line(to, reason=f"run to line {line}")

    def history_of(self, expression: str) -> pd.DataFrame:
        """Give every value that a variable had over the replay, and the line that set it.

        Parameters
        ----------
        expression
            A variable of whichever function, or a part of one: ``"total"``, ``"order['items'][0].price"``.

        Returns
        -------
        pandas.DataFrame
            A row a value, in the order of the replay:

            ====================  =======  ================================================================
            column                dtype    meaning
            ====================  =======  ================================================================
            value                 object   a copy, bounded; None where it was deleted
            text                  str
            file, line, function  str      the line that set it; of an argument, the function's first
            call                  int64    which call of the function, in the order of calls
            line_index            int64    as `Stop.line_index`: of the line that set it
            position, operation   str      the operation that had been asked for last; missing where none
            ====================  =======  ================================================================

        Raises
        ------
        DurableDebugError
            The expression is no variable, nor a part of one.

        Examples
        --------
        >>> dbg.history_of("order['state']")[["text", "line", "operation"]]  # doctest: +SKIP
        """
        with self._lock:
            self._require_open()
            trace = self._navigator.moves.trace
        return frame_of(trace, changes_of(trace, expression), self._stops.calls)

    def table(self, *expressions: str, where: int | str) -> pd.DataFrame:
        """Evaluate expressions each time that a line runs: as if they had always been printed there.

        Parameters
        ----------
        expressions
            Python, over the variables there; as for `evaluate`.
        where
            The line, before which they are evaluated: its number in the handler's file, or ``"service.py:41"``.

        Returns
        -------
        pandas.DataFrame
            A row a time: ``line_index`` (int64, as `Stop.line_index`), ``function`` (str), ``position`` and ``operation`` (str: the
            operation that had been asked for last; missing where none), and a column an expression (object: copies, bounded).
            Where an expression has no value, that is missing; ``errors`` (str) says why.

        Raises
        ------
        DurableDebugError
            An expression is none, or there is none; the place can't be read.
        NoSuchStopError
            The line does not run in this replay.

        Examples
        --------
        >>> dbg.table("cart.total", "len(items)", where="service.py:41")  # doctest: +SKIP
        """
        with self._lock:
            self._require_open()
            moves = self._navigator.moves
        return table_of(self.run_result, moves, expressions, where, self._stops)

    def last_change(self, expression: str) -> Stop:
        """Go back to the line that gave a variable, or a part of one, the value that it has here.

        Raises
        ------
        NoSuchStopError
            Nothing set it before here.
        DurableDebugError
            The expression is no variable, nor a part of one.
        """
        return self._to_change(expression, back=True)

    def next_change(self, expression: str) -> Stop:
        """Go on to the line that gives a variable, or a part of one, another value; see `last_change`."""
        return self._to_change(expression, back=False)

    def _to_change(self, expression: str, *, back: bool) -> Stop:
        def to(moves: LineMoves, here: int) -> int:
            return moves.to_change(here, expression, back=back)

        way = "last" if back else "next"
        return self._by_line(to, reason=f"{way} change of {expression}")

    def _by_line(
        self, to: Callable[[LineMoves, int], int], *, reason: str = "line", within: bool = False
    ) -> Stop:
        def move() -> Stop:
            moves, here = self._navigator.moves, self._navigator.line
            if within and self.stop.kind == "operation":
                here += 1  # the line that asks for it is under way: back is to its beginning
            return self._navigator.to_line(to(moves, here), reason)

        return self._verb(move)

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
        return self._verb(lambda: self._navigator.goto(self._stops.find(self.stop.index, **place), "goto"))

    def close(self) -> None:
        """Leave: end the replay and its threads. Closing twice does no harm."""
        if self.status == "closed":
            return
        self._navigator.interrupt()  # a verb that waits for the handler gives the lock up then
        with self._lock:
            if self.status == "closed":
                return
            self._closed = True
            self._navigator.leave()
            self._mailbox.close()
        self._subscribers.tell()
        self._subscribers.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        # Whichever thread collects it: that of a replay is not to blame for what is done here.
        with unguarded():
            if hasattr(self, "_mailbox"):
                self._mailbox.close()

    def _verb(self, move: Callable[[], Stop]) -> Stop:
        with self._lock:
            self._require_open()
            self._moving = True
            try:
                self._subscribers.tell()
                self._navigator.stand_again()
                stop = move()
                self.problem = None
            except BaseException as error:
                if not isinstance(error, Exception):  # Ctrl-C: the handler may stand anywhere
                    self._navigator.leave()
                raise
            finally:
                self._moving = False
                self._subscribers.tell()
        return stop

    def _require_open(self) -> None:
        if self._closed:
            raise ClosedError("The debugger is closed.", cure="Open it again with debug(handler, history).")

    # ---------------------------------------------------------------------------------------- breakpoints

    @property
    def breakpoints(self) -> tuple[Breakpoint, ...]:
        """All breakpoints; number 0 stops at divergences."""
        return self._breakpoints.all

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

        ``break_at("orders.py:54")`` is a line, too. A line without an operation binds to the next one that has one. While a posted verb is under way it waits for
        that verb, since its hits are counted up to the stop.

        Raises
        ------
        DurableDebugError
            Nothing is given, or `when` is not an expression.
        """
        if divergence is not None and not any(
            (name, type, sub_type, status, attempt, position, event_id, line, invocation is not None, when)
        ):
            self._breakpoints.at_divergences.enabled = divergence
            self._subscribers.tell()
            return self._breakpoints.at_divergences
        place = line_place(name) if name is not None and line is None else None
        if place is not None and "file" in place:
            name, file, line = None, place["file"], place["line"]
        made = Breakpoint(
            0,  # gets its number in the list
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
        self._breakpoints.bind(made)
        with self._lock:
            self._require_open()
            self._navigator.count_so_far(made)
            self._breakpoints.add(made)
        self._subscribers.tell()
        return made

    def clear(self, breakpoint: Breakpoint | int | None = None) -> None:  # noqa: A002
        """Remove a breakpoint, by itself or by its number; without one, all that were set."""
        with self._lock:
            self._breakpoints.remove(breakpoint.id if isinstance(breakpoint, Breakpoint) else breakpoint)
        self._subscribers.tell()

    # ------------------------------------------------------------------------------------ what is seen here

    @property
    def stack(self) -> tuple[StackFrame, ...]:
        """The user's functions on the call stack, the innermost first."""
        return self._looking(live=False).stack

    @property
    def locals(self) -> dict[str, Any]:
        """Variables of the innermost function, by name; the live objects. Empty at the end stop."""
        return self._inspection().locals()

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
        looking = self._inspection()
        with self._navigator.noticing_changes(self._subscribers.tell):
            return looking.evaluate(expression, frame)

    def text(self, expression: str, frame: int = 0, *, width: int | None = None) -> str:
        """Give the text of an expression's value: its whole `repr`, made where the handler is held.

        What the value's own `repr` does is guarded as the expression is; see `evaluate`.

        Parameters
        ----------
        width
            Columns over which it is laid out, as `pprint` does; None for one line.
        """
        looking = self._inspection()
        with self._navigator.noticing_changes(self._subscribers.tell):
            return looking.text(expression, frame, width)

    def variables(self, frame: int = 0, path: Sequence[str] = ()) -> list[Variable]:
        """Describe a function's variables, or what one of them holds: bounded, for display.

        Parameters
        ----------
        path
            Names to go down by, as given by `Variable.name`.
        """
        return self._inspection(live=False).variables(frame, path)

    @property
    def state(self) -> pd.DataFrame:
        """All operations as they stood when the execution first came here.

        Returns
        -------
        pandas.DataFrame
            The columns ``position``, ``name``, ``type``, ``sub_type``; ``status`` (string, missing where it had not
            started); ``reached`` (bool: asked for before this stop); ``current`` (bool).
        """
        return state_frame(self.history, self.stop, self._stops.answers, self._stops.calls)

    @property
    def statuses(self) -> list[str]:
        """Status of each operation of ``history.tree()`` as of this stop; empty text where it had not started."""
        return reached_statuses(self.history, self.stop.state_event_id)

    @property
    def logs(self) -> tuple[LogLine, ...]:
        """What the handler has logged and printed up to here."""
        return tuple(line for line in self.run_result.complete.logs if line.seq < self.stop.index)

    def _inspection(self, *, live: bool = True) -> Inspection:
        self._require_open()
        return self._looking(live=live)

    def _looking(self, *, live: bool) -> Inspection:
        frames = self._live_frames() if live else self._navigator.frames(self._live_frames)
        return Inspection(frames, self.stop.kind == "end")

    def _live_frames(self) -> tuple[HeldFrame, ...]:
        """Have the handler stand where the trace shows it, and give its functions."""
        if self._navigator.is_by_trace:
            with self._lock:
                self._navigator.hold()
        held = self._navigator.held
        return held.frames if held is not None else ()

    # --------------------------------------------------------------------------------- panels and threads

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have a function called after every change, from whichever thread; gives the way to end that."""
        return self._subscribers.add(callback)

    def post(self, verb: str, **arguments: Any) -> None:
        """Have a verb done by the debugger's own thread; never waits. What goes wrong is kept in `problem`."""
        if verb not in _VERBS:
            raise DurableDebugError(
                f"There is no verb {verb!r}.", cure=f"There are {', '.join(sorted(_VERBS))}."
            )
        self._require_open()
        self._mailbox.post(verb, arguments)

    def _do_posted(self, verb: str, arguments: dict[str, Any]) -> bool:
        with self._lock:  # the problem is that of this verb, whatever another thread does next
            try:
                getattr(self, verb)(**arguments)
            except ClosedError:
                return False
            except Exception as error:  # noqa: BLE001 - shown in the panel
                self.problem = str(error)
                self._subscribers.tell()
        return True

    # ------------------------------------------------------------------------------------------------ shown

    def __repr__(self) -> str:
        name = self.run_result.recording.runner.name
        return f"<Debugger of {name}: {self.status}, {self.stop!r}>"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return view("debugger.workbench")(self)._repr_mimebundle_(**kwargs)
