"""The operations of an execution as a graph, to look into and to go to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import traitlets

from durable_debug.errors import DurableDebugError
from durable_debug.widgets._history_view import HistoryView, esm
from durable_debug.widgets._scene import scene

if TYPE_CHECKING:
    from collections.abc import Collection

    from matplotlib.axes import Axes

    from durable_debug.debugger import Debugger
    from durable_debug.history import History

__all__ = ["Graph"]

_MOST_UNFOLDED = 300


class Graph(HistoryView):
    """How the operations of an execution follow each other; alike ones folded, and unfolded on request.

    Of a debugger it shows where it stands, and a click on an operation goes there.

    Parameters
    ----------
    source
        A history or a debugger.
    direction
        ``"TB"`` from top to bottom, ``"LR"`` from left to right.
    fold, unfold
        Which alike operations are one box: see `durable_debug.plots.folding.fold`.
    details
        Whether what is selected is shown below.

    Raises
    ------
    DurableDebugError
        There is no such direction.

    Examples
    --------
    >>> Graph(dd.load("order.json"))  # doctest: +SKIP
    """

    _esm = esm("graph.js")

    scene = traitlets.Dict().tag(sync=True)
    """Boxes and edges, placed: see `durable_debug.widgets._scene`. Sent anew when something is unfolded."""

    def __init__(
        self,
        source: History | Debugger,
        *,
        direction: Literal["TB", "LR"] = "TB",
        fold: bool | int = True,
        unfold: Collection[str] = (),
        details: bool = True,
    ) -> None:
        self._given = (unfold,) if isinstance(unfold, str) else tuple(unfold)
        self._fold, self._unfold, self._direction = fold, self._given, direction
        super().__init__(source, details=details)

    def _content(self) -> dict[str, Any]:
        if self._direction not in {"TB", "LR"}:
            raise DurableDebugError(
                f"There is no direction {self._direction!r:.40}.", cure="Use 'TB' or 'LR'."
            )
        return {"scene": self._scene()}

    def _scene(self) -> dict[str, Any]:
        made = scene(
            self.history, self._table, fold=self._fold, unfold=self._unfold, direction=self._direction
        )
        return made | {"unfolded": self._unfold != self._given}

    def _data(self, request: dict[str, Any]) -> Any:
        match request:
            case {"kind": "unfold", "rows": [*rows]}:
                if len(rows) > _MOST_UNFOLDED:
                    raise DurableDebugError(
                        f"{len(rows):,} boxes are too many to look at.",
                        cure="The timeline unfolds them, one row each; Graph(history, unfold=…) takes what you choose.",
                    )
                self._unfold = (*self._unfold, *(self._table.rows[int(row)].position for row in rows))
            case {"kind": "fold"}:
                self._unfold = self._given
            case {"kind": "turn"}:
                self._direction = "LR" if self._direction == "TB" else "TB"
            case _:
                return super()._data(request)
        self.scene = self._scene()
        return {"note": f"{len(self.scene['nodes']):,} boxes"}

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the same with matplotlib: see `durable_debug.plots.graph.plot_graph`."""
        from durable_debug.plots.graph import plot_graph

        return plot_graph(
            self.history, ax=ax, direction=self._direction, fold=self._fold, unfold=self._unfold
        )
