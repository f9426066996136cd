"""What every view of a history has in common: its operations, where a debugger stands in them, and the way to the page."""

from __future__ import annotations

import base64
import functools
import io
import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import anywidget
import traitlets

from durable_debug.debugger.rows import in_order
from durable_debug.errors import ClosedError, DurableDebugError
from durable_debug.plots import style
from durable_debug.widgets import _commands, _details
from durable_debug.widgets._queue import Queue
from durable_debug.widgets._rows import Table
from durable_debug.widgets._text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from durable_debug.debugger import Breakpoint, Debugger
    from durable_debug.history import History

__all__ = ["HistoryView", "esm"]

HERE = Path(__file__).parent
_MOST_DIVERGENCES = 200
_MOST_BREAKPOINTS = 100
_SUFFIXES = {".png", ".svg", ".pdf"}


def esm(name: str) -> str:
    """Module of a view: what all views share, and then its own. Relative imports do not reach an anywidget."""
    return "".join((HERE / file).read_text(encoding="utf-8") for file in ("views.js", name))


class HistoryView(anywidget.AnyWidget):
    """A view of a history, or of where a debugger stands in one.

    Parameters
    ----------
    source
        A history; or a debugger, which the view then follows and commands. A view that is on no page does not listen
        to its debugger, and does not keep it alive.
    details
        Whether what is selected is shown below: times, attempts and payloads.
    """

    _css = HERE / "views.css"

    title = traitlets.Unicode().tag(sync=True)
    """Name of the execution or function."""

    palette = traitlets.Dict().tag(sync=True)
    """Colours, textures and words of activities; marks of statuses. Those of the static plots."""

    operations = traitlets.Dict().tag(sync=True)
    """`durable_debug.widgets._messages.Rows`. Sent once."""

    divergences: traitlets.List[Any] = traitlets.List().tag(sync=True)
    """``[row, message]`` of each divergence that belongs to an operation."""

    later: traitlets.List[Any] = traitlets.List().tag(sync=True)
    """Rows of operations that began after the one invocation that is debugged."""

    at = traitlets.Dict().tag(sync=True)
    """Where the debugger stands: see `_at`. Empty without one."""

    breakpoints: traitlets.List[Any] = traitlets.List().tag(sync=True)
    """``{id, spec, enabled, rows}`` of each breakpoint."""

    selected = traitlets.Unicode().tag(sync=True)
    """Logical position of the selected operation, ``""`` for none; may be set."""

    details = traitlets.Bool(default_value=True).tag(sync=True)
    """Whether what is selected is shown below."""

    def __init__(self, source: History | Debugger, *, details: bool = True) -> None:
        debugger = cast("Debugger", source) if hasattr(source, "run_result") else None
        self.history: History = debugger.history if debugger else cast("History", source)
        self._weak = weakref.ref(debugger) if debugger else None
        self._debugger = debugger  # kept alive while a page shows it
        self._table = Table(debugger) if debugger else _Recorded(self.history)
        self._changing = threading.RLock()
        self._serial = 0
        self._shown = 0
        self._unsubscribe: Callable[[], None] | None = None
        self._looks = Queue("durable-debug view")
        title = self.history.name or self.history.function_name or "durable execution"
        super().__init__(
            title=one_line(title, 120),
            palette=_palette(),
            operations=dict(self._table.columns()),
            divergences=_divergences(debugger, self._table) if debugger else [],
            later=_later(debugger, self._table) if debugger else [],
            details=details,
            **self._content(),
        )
        self.on_msg(HistoryView._received)
        if debugger:
            self._listen()

    def _content(self) -> dict[str, Any]:
        """Further traits, whose values need the history."""
        return {}

    # ---- the debugger's side

    def _listen(self) -> None:
        with self._changing:
            self._debugger = self._weak() if self._weak else None
            if self._debugger is not None and self._debugger.status != "closed" and self._unsubscribe is None:
                self._unsubscribe = self._debugger.subscribe(self._changed)
        self._changed()

    def _ignore(self) -> None:
        with self._changing:
            unsubscribe, self._unsubscribe, self._debugger = self._unsubscribe, None, None
        if unsubscribe is not None:
            unsubscribe()

    def _changed(self) -> None:
        """Show where the debugger stands; called from any thread."""
        with self._changing:
            debugger = self._debugger
            if debugger is None:
                self.at = {**self.at, "status": "closed"} if self.at else {}
                return
            if debugger.status == "running":  # its end is another change
                return
            self._serial += 1
            self.breakpoints = [self._breakpoint(each) for each in debugger.breakpoints[:_MOST_BREAKPOINTS]]
            self.at = self._at(debugger)
        if debugger.status == "closed":
            self._ignore()

    def _at(self, debugger: Debugger) -> dict[str, Any]:
        """Where it stands: the stop's number, the row of its operation (-1 at the end) and the state's event."""
        stop = debugger.stop
        return {
            "serial": self._serial,
            "status": debugger.status,
            "kind": "operation" if stop.kind == "line" else stop.kind,  # before the next one
            "index": stop.index,
            "total": self._table.total,
            "row": self._table.row_of_stop.get(stop.index, -1) if stop.kind in {"operation", "line"} else -1,
            "event": stop.state_event_id,
            "problem": None if debugger.problem is None else one_line(debugger.problem, 1_000),
        }

    def _breakpoint(self, one: Breakpoint) -> dict[str, Any]:
        return {
            "id": one.id,
            "spec": one_line(one.spec, 200),
            "enabled": one.enabled,
            "rows": self._table.rows_of(one),
        }

    def close(self) -> None:
        """Take the view off the page. A debugger stays as it is."""
        self._ignore()
        self._looks.drop()
        super().close()

    # ---- the page's side

    def _received(self, content: dict[str, Any], _buffers: object) -> None:
        """Take a message; in the kernel's thread, so whatever may take time goes to one of our own."""
        match content.get("kind"):
            case "shown":
                self._shown += 1
                if self._weak:
                    self._listen()
            case "hidden":
                self._shown -= 1
                if self._shown <= 0:
                    self._ignore()
            case "verb" | "goto":
                self._answer(content)  # posted: waits for nothing, and must not queue behind what does
            case _:
                self._looks.put(functools.partial(self._answer, content))

    def _answer(self, request: dict[str, Any]) -> None:
        """Do what is asked, or say why not. Never raises, which would end the thread that it runs in."""
        reply: dict[str, Any] = {"id": request.get("id", -1), "ok": True}
        try:
            reply["data"] = self._data(request)
        except DurableDebugError as error:
            reply |= {"ok": False, "error": str(error)[:2_000]}
        except Exception as error:  # noqa: BLE001 - a message from a page may hold anything
            reply |= {"ok": False, "error": f"{type(error).__name__}: {error}"[:2_000]}
        if self.comm is not None:
            self.send(reply)

    def _data(self, request: dict[str, Any]) -> Any:
        match request:
            case {"kind": "operation", "row": int(row)} if 0 <= row < len(self._table.rows):
                return _details.operation(self._table, row)
            case {"kind": "payload", "row": int(row), "field": str(field), "start": int(start)} if (
                0 <= row < len(self._table.rows)
            ):
                return _details.payload(self._table, row, field, start)
            case {"kind": "export", "format": "png" | "svg" as format_}:
                return {"name": f"{self._file_name()}.{format_}", **_encoded(self.picture(format_), format_)}
        debugger = self._debugger
        if debugger is None or debugger.status == "closed":
            raise ClosedError("The debugger is closed.", cure="dd.debug(handler, history) opens another.")
        match request:
            case {"kind": "toggle", "name": str(name)} if name:
                return _toggle(debugger, name=name)
            case {"kind": "toggle", "position": str(position)}:
                return _toggle(debugger, position=position)
        return _commands.do(debugger, request)

    # ---- pictures, and pages without a kernel

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the same as a static picture."""
        raise NotImplementedError

    def picture(self, format: str = "png") -> bytes:  # noqa: A002 - matplotlib's word
        """Give the static picture as a file: ``"png"``, ``"svg"`` or ``"pdf"``."""
        import matplotlib.pyplot as plt

        # Whatever style the notebook has: the picture may be seen on any ground.
        with plt.style.context("default"):
            figure = cast("Figure", self.plot().figure)
            try:
                file = io.BytesIO()
                figure.savefig(file, format=format, dpi=110)
                return file.getvalue()
            finally:
                plt.close(figure)

    def save(self, path: str | Path) -> None:
        """Write the static picture to a file.

        Parameters
        ----------
        path
            Ends in ``.png``, ``.svg`` or ``.pdf``.

        Raises
        ------
        DurableDebugError
            It ends in something else.
        """
        path = Path(path)
        if path.suffix.lower() not in _SUFFIXES:
            raise DurableDebugError(
                f"A picture can't be saved as {path.suffix or path.name!r:.20}.",
                cure="Let the name end in .png, .svg or .pdf.",
            )
        path.write_bytes(self.picture(path.suffix[1:].lower()))

    def _file_name(self) -> str:
        kept = "".join(each if each.isalnum() or each in "-_." else "-" for each in self.title)
        return f"{kept[:60].strip('.-') or 'execution'}-{type(self).__name__.lower()}"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """Give the widget, and a static picture for pages that have no kernel."""
        shown = super()._repr_mimebundle_(**kwargs)
        if isinstance(shown, tuple):
            shown[0]["image/png"] = base64.b64encode(self.picture()).decode()
            shown[0]["text/plain"] = f"<{type(self).__name__} of {self.history!r}>"
        return shown


class _Recorded(Table):
    """The operations of a history that nobody replays."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.rows = in_order(history.tree(), (), ())
        self.row_of_stop = {}
        self.total = 0


def _encoded(picture: bytes, format_: str) -> dict[str, str]:
    kind = {"png": "image/png", "svg": "image/svg+xml"}[format_]
    return {"type": kind, "base64": base64.b64encode(picture).decode()}


def _toggle(debugger: Debugger, **field: Any) -> dict[str, str]:
    """Clear the breakpoint that says just this, or set it."""
    (key, value), *_ = field.items()
    for one in debugger.breakpoints:
        if one.spec == f"{key}={value}":
            debugger.clear(one)
            return {"note": f"Breakpoint {one.id} cleared: {one_line(one.spec, 200)}"}
    made = debugger.break_at(**field)
    return {"note": made.note or f"Breakpoint {made.id} set: {one_line(made.spec, 200)}"}


def _divergences(debugger: Debugger, table: Table) -> list[list[Any]]:
    rows = {row.asked.position: at for at, row in enumerate(table.rows) if row.asked is not None}
    recorded = {row.recorded.position: at for at, row in enumerate(table.rows) if row.recorded is not None}
    found: list[list[Any]] = [
        [
            rows.get(one.position or "", recorded.get(one.recorded_position or "", -1)),
            one_line(one.message, 300),
        ]
        for one in debugger.run_result.divergences[:_MOST_DIVERGENCES]
    ]
    return [each for each in found if each[0] >= 0]


def _later(debugger: Debugger, table: Table) -> list[int]:
    invocation = debugger.run_result.recording.options.invocation
    if invocation is None:
        return []
    starts = [row.recorded.start_invocation if row.recorded is not None else None for row in table.rows]
    return [at for at, start in enumerate(starts) if start is not None and start > invocation]


@functools.cache
def _palette() -> dict[str, Any]:
    looks = {name: list(each) for name, each in style.ACTIVITIES.items()}
    return {"activities": looks, "failure": style.FAILURE, "marks": style.MARKS}
