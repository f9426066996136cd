"""The debugger's panel: shows a session in a notebook and passes on what is clicked and typed."""

from __future__ import annotations

import functools
import threading
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from durable_debug.errors import ClosedError, DurableDebugError
from durable_debug.widgets import _commands, _details
from durable_debug.widgets._fallback import static_html
from durable_debug.widgets._queue import Queue
from durable_debug.widgets._rows import Table
from durable_debug.widgets._sources import source_of
from durable_debug.widgets._view import view_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from durable_debug.debugger import Debugger
    from durable_debug.widgets._messages import Answer, Source

__all__ = ["DebuggerPanel"]

_HERE = Path(__file__).parent


class DebuggerPanel(anywidget.AnyWidget):  # type: ignore[misc]
    """A debugger's session in a notebook.

    Clicks and keys become commands that are posted to the session; nothing here waits for the handler. Several panels
    may show one session. A panel that is nowhere on a page does not listen; one whose session is closed lets go of it.

    Parameters
    ----------
    session
        The debugger to show.

    Examples
    --------
    >>> DebuggerPanel(dd.debug("orders.py:handler", "order.json"))  # doctest: +SKIP
    """

    _esm = _HERE / "debugger.js"
    _css = _HERE / "debugger.css"

    title = traitlets.Unicode().tag(sync=True)
    """Name of the execution or function."""

    operations = traitlets.Dict().tag(sync=True)
    """`Rows`: what never changes of the operations, sent once."""

    source = traitlets.Dict().tag(sync=True)
    """`Source` of the handler's file, sent once; others are asked for."""

    statuses = traitlets.Unicode().tag(sync=True)
    """As of this stop, a letter for each row (`durable_debug.widgets._rows.CODES`)."""

    view = traitlets.Dict().tag(sync=True)
    """`View`: where the session stands."""

    def __init__(self, session: Debugger) -> None:
        run = session.run_result
        self._session: Debugger | None = session
        self._table = Table(session.history, run.operations, _answers(session))
        self._places: defaultdict[str, set[int]] = defaultdict(set)
        for asked in run.operations:
            self._places[asked.file].add(asked.line)
        self._state = threading.Lock()
        self._serial = 0
        self._last_event = -1
        self._pages = 0
        self._unsubscribe: Callable[[], None] | None = None
        self._looks = Queue("durable-debug panel")
        self._evaluations = Queue("durable-debug evaluate")
        super().__init__(
            title=_title(session), operations=self._table.columns(), source=dict(self._source(_first_file(session)))
        )
        self.on_msg(DebuggerPanel._received)
        self._listen()

    # ---- the session's side

    def _listen(self) -> None:
        if self._session is not None and self._unsubscribe is None:
            self._unsubscribe = self._session.subscribe(self._refresh)
        self._refresh()

    def _refresh(self) -> None:
        """Show where the session stands; called from any thread."""
        with self._state:
            session = self._session
            if session is None:
                return
            self._serial += 1
            event = session.stop.state_event_id
            with self.hold_sync():
                if event != self._last_event:
                    self.statuses, self._last_event = self._table.statuses(event), event
                self.view = dict(view_of(session, self._table, self._serial))
        if session.status == "closed":
            self._let_go()

    def _ignore(self) -> None:
        """Listen no more."""
        unsubscribe, self._unsubscribe = self._unsubscribe, None
        if unsubscribe is not None:
            unsubscribe()

    def _let_go(self) -> None:
        self._ignore()
        self._looks.drop()
        self._evaluations.drop()
        self._session = None

    def close(self) -> None:
        """Take the panel off the page. The session stays."""
        self._let_go()
        super().close()

    # ---- the page's side

    def _received(self, content: dict[str, Any], _buffers: object) -> None:
        kind = content.get("kind")
        if kind in {"shown", "hidden"}:
            self._pages += 1 if kind == "shown" else -1
            if self._pages > 0:
                self._listen()
            else:
                self._ignore()
            return
        answer = functools.partial(self._answer, content)
        if kind in _commands.KINDS:
            answer()
        else:
            (self._evaluations if kind == "evaluate" else self._looks).put(answer)

    def _answer(self, request: dict[str, Any]) -> None:
        """Do what is asked, or say why not. Never raises: it ends a thread's or a kernel's work otherwise."""
        reply: Answer
        try:
            reply = {"id": request["id"], "ok": True, "data": self._data(request)}
        except DurableDebugError as error:
            reply = {"id": request.get("id", -1), "ok": False, "error": str(error)}
        except Exception as error:  # noqa: BLE001 - a user's own expression, repr or property may raise anything
            reply = {"id": request.get("id", -1), "ok": False, "error": f"{type(error).__name__}: {error}"[:2_000]}
        if self.comm is not None:
            self.send(dict(reply))

    def _data(self, request: dict[str, Any]) -> Any:
        session, table = self._session, self._table
        match request:
            case {"kind": "operation", "row": int(row)}:
                return _details.operation(table, row)
            case {"kind": "payload", "row": int(row), "field": str(field), "start": int(start)}:
                return _details.payload(table, row, field, start)
            case {"kind": "source", "file": str(file)} if file in self._known_files():
                return self._source(file)
        if session is None:
            raise ClosedError("The debugger is closed.", cure="Make another with dd.debug(handler, history).")
        match request:
            case {"kind": "variables", "frame": int(frame), "path": [*path]}:
                return _details.variables(session, frame, tuple(map(str, path)))
            case {"kind": "evaluate", "frame": int(frame), "expression": str(expression)}:
                return _details.evaluated(session, expression, frame)
            case {"kind": "logs"}:
                return _details.logs(session, table)
            case {"kind": "divergences"}:
                return _details.divergences(session, table)
        done = _commands.do(session, request)
        self._refresh()
        return done

    def _known_files(self) -> set[str]:
        """Only files of the user's own code are shown, whatever a page asks for."""
        frames = {frame.file for frame in self._session.stack if frame.user} if self._session else set()
        return frames | set(self._places)

    def _source(self, file: str) -> Source:
        return source_of(file, self._places.get(file, ()))

    # ---- without a kernel

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The widget; and a static picture for pages that have no kernel."""
        shown = super()._repr_mimebundle_(**kwargs)
        if isinstance(shown, tuple):
            shown[0]["text/html"] = static_html(self.title, self.view, self.operations, self.source)
            shown[0]["text/plain"] = self.view["headline"]
        return shown


def _answers(session: Debugger) -> list[str | None]:
    """By stop, the recorded operation that answers it."""
    run = session.run_result
    recorded = {operation.position: operation.id for operation in session.history.tree()}
    plan = run.plan
    return [recorded.get(asked.position if plan is None else plan.get(asked.position) or "") for asked in run.operations]


def _first_file(session: Debugger) -> str:
    """The handler's own file: that of the first operation it asks for."""
    place = session.stop.source or next((asked.place for asked in session.run_result.operations), None)
    return place.file if place else ""


def _title(session: Debugger) -> str:
    history = session.history
    return f"{history.name or history.function_name or 'Durable execution'}"[:120]
