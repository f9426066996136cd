"""Everything of a debugger at once: code and variables, timeline, graph."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from durable_debug.widgets._history_view import HERE
from durable_debug.widgets.debugger import DebuggerPanel
from durable_debug.widgets.graph import Graph
from durable_debug.widgets.timeline import Timeline

if TYPE_CHECKING:
    from durable_debug.debugger import Debugger

__all__ = ["Workbench"]


class Workbench(anywidget.AnyWidget):
    """A debugger's panel, timeline and graph in one frame, whose parts can be resized and folded away.

    They follow the same debugger: what is clicked in one moves all, and a breakpoint set in one shows in all.

    Parameters
    ----------
    debugger
        The debugger to show.

    Attributes
    ----------
    panel, timeline, graph
        The parts, each a widget of its own.

    Examples
    --------
    >>> Workbench(dd.debug("orders.py:handler", "order.json"))  # doctest: +SKIP
    """

    _esm = HERE / "workbench.js"
    _css = HERE / "workbench.css"

    title = traitlets.Unicode().tag(sync=True)
    """Name of the execution or function."""

    parts = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """References to the models of timeline, graph and panel, in this order."""

    hidden = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """Parts that are folded away: ``"timeline"``, ``"graph"``, ``"panel"``. May be set."""

    def __init__(self, debugger: Debugger) -> None:
        self.timeline = Timeline(debugger, details=False)
        self.graph = Graph(debugger, details=False)
        self.panel = DebuggerPanel(debugger)
        super().__init__(
            title=self.timeline.title,
            parts=[f"IPY_MODEL_{part.model_id}" for part in (self.timeline, self.graph, self.panel)],
        )

    def close(self) -> None:
        """Take it off the page. The debugger stays as it is."""
        for part in (self.timeline, self.graph, self.panel):
            part.close()
        super().close()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """Give the widget, and for pages that have no kernel what the panel shows, and the timeline."""
        shown = super()._repr_mimebundle_(**kwargs)
        static = self.panel._repr_mimebundle_()
        if isinstance(shown, tuple) and isinstance(static, tuple):
            picture = base64.b64encode(self.timeline.picture()).decode()
            image = f'<img alt="Timeline" style="max-width:100%" src="data:image/png;base64,{picture}">'
            shown[0]["text/html"] = f"{static[0]['text/html']}<div>{image}</div>"
            shown[0]["text/plain"] = static[0]["text/plain"]
        return shown
