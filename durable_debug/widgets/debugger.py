"""The debugger's panel: shows a session in a notebook and passes on what is clicked and typed."""

from __future__ import annotations

import functools
import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from durable_debug.errors import ClosedError, DurableDebugError
from durable_debug.widgets import _commands, _details, _logs
from durable_debug.widgets._fallback import static_html
from durable_debug.widgets._queue import Queue
from durable_debug.widgets._rows import Table
from durable_debug.widgets._sources import source_of
from durable_debug.widgets._view import marks_of, view_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from durable_debug.debugger import Debugger
    from durable_debug.widgets._messages import Answer

__all__ = ["DebuggerPanel"]

_HERE = Path(__file__).parent


class DebuggerPanel(anywidget.AnyWidget):
    """A debugger in a notebook.

    Clicks and keys become commands that are posted to the debugger; nothing here waits for the handler. Several panels
    may show one debugger. A panel that is on no page does not listen, and does not keep its debugger alive.

    Parameters
    ----------
    debugger
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
    """`Rows`: what never changes of the operations. Sent once."""

    source = traitlets.Dict().tag(sync=True)
    """`Source` of the handler's file. Sent once; other files are asked for."""

    view = traitlets.Dict().tag(sync=True)
    """`View`: where the debugger stands."""

    marks: traitlets.List[Any] = traitlets.List().tag(sync=True)
    """``[id, rows]`` of each breakpoint that operations of the list fit. Changes with the breakpoints, not with the stops."""

    def __init__(self, debugger: Debugger) -> None:
        self._weak = weakref.ref(debugger)
        self._debugger: Debugger | None = debugger  # kept alive while a page shows it
        self._table = Table(debugger)
        self._changing = threading.RLock()
        self._serial = 0
        self._shown = 0  # pages that show it
        self._unsubscribe: Callable[[], None] | None = None
        self._looks = Queue("durable-debug panel")
        self._evaluations = Queue("durable-debug evaluate")
        history = debugger.history
        super().__init__(
            title=f"{history.name or history.function_name or 'durable execution'}"[:120],
            operations=dict(self._table.columns()),
            source=dict(source_of(self._table.handler_file, self._table.lines(self._table.handler_file))),
            view=dict(view_of(debugger, self._table, 0)),
        )
        self.on_msg(DebuggerPanel._received)
        self._listen()

    # ---- the debugger's side

    def _listen(self) -> None:
        with self._changing:
            self._debugger = self._weak()
            if self._debugger is not None and self._debugger.status != "closed" and self._unsubscribe is None:
                self._unsubscribe = self._debugger.subscribe(self._changed)
        self._changed()

    def _ignore(self) -> None:
        """Listen no more, and let go of the debugger."""
        with self._changing:
            unsubscribe, self._unsubscribe, self._debugger = self._unsubscribe, None, None
        if unsubscribe is not None:
            unsubscribe()

    def _changed(self) -> None:
        """Show where the debugger stands; called from any thread."""
        with self._changing:
            debugger = self._debugger
            if debugger is None:
                self.view = {**self.view, "status": "closed", "headline": "This debugger is closed."}
                return
            if (
                debugger.status == "running"
            ):  # the page that asked for it knows, and its end is another change
                return
            self._serial += 1
            with self.hold_sync():  # a breakpoint and its marks are one change
                self.marks = marks_of(debugger, self._table)
                self.view = dict(view_of(debugger, self._table, self._serial))
        if debugger.status == "closed":
            self._ignore()

    def close(self) -> None:
        """Take the panel off the page. The debugger stays as it is."""
        self._ignore()
        self._looks.drop()
        self._evaluations.drop()
        super().close()

    # ---- the page's side

    def _received(self, content: dict[str, Any], _buffers: object) -> None:
        """Take a message; in the kernel's thread, so whatever may wait goes to one of our own."""
        answer = functools.partial(self._answer, content)
        match content.get("kind"):
            case "shown":
                self._shown += 1
                self._listen()
            case "hidden":
                self._shown -= 1
                if self._shown <= 0:
                    self._ignore()
            case "verb" | "goto":
                answer()  # posted: waits for nothing, and must not queue behind what does
            case "evaluate":
                self._evaluations.put(answer)
            case _:
                self._looks.put(answer)

    def _answer(self, request: dict[str, Any]) -> None:
        """Do what is asked, or say why not. Never raises, which would end the thread that it runs in."""
        reply: Answer = {"id": request.get("id", -1), "ok": True}
        try:
            reply["data"] = self._data(request)
        except DurableDebugError as error:
            reply |= {"ok": False, "error": str(error)[:2_000]}
        except Exception as error:  # noqa: BLE001 - a user's own expression, repr or property may raise anything
            reply |= {"ok": False, "error": f"{type(error).__name__}: {error}"[:2_000]}
        if self.comm is not None:
            self.send(dict(reply))

    def _data(self, request: dict[str, Any]) -> Any:
        table = self._table
        match request:
            case {"kind": "operation", "row": int(row)}:
                return _details.operation(table, row)
            case {"kind": "payload", "row": int(row), "field": str(field), "start": int(start)}:
                return _details.payload(table, row, field, start)
        debugger = self._debugger
        if debugger is None or debugger.status == "closed":
            raise ClosedError("The debugger is closed.", cure="dd.debug(handler, history) opens another.")
        match request:
            case {"kind": "source", "file": str(file)}:
                return _details.source(debugger, table, file)
            case {"kind": "variables", "frame": int(frame), "path": [*path]}:
                return _details.variables(debugger, frame, tuple(map(str, path)))
            case {"kind": "evaluate", "frame": int(frame), "expression": str(expression)}:
                return _details.evaluated(debugger, expression, frame)
            case {"kind": "logs"}:
                return _logs.logs(debugger, table)
            case {"kind": "divergences"}:
                return _details.divergences(debugger, table)
        done = _commands.do(debugger, request)
        if request.get("kind") == "enable":  # the one thing that a debugger does not tell of
            self._changed()
        return done

    # ---- without a kernel

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """Give the widget, and a static picture for pages that have no kernel."""
        shown = super()._repr_mimebundle_(**kwargs)
        if isinstance(shown, tuple):
            shown[0]["text/html"] = static_html(self.title, self.view, self.operations, self.source)
            shown[0]["text/plain"] = self.view["headline"]
        return shown
