"""The timeline of an execution, to look into and to travel along."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import traitlets

from durable_debug.widgets._history_view import HistoryView, esm
from durable_debug.widgets._times import bars_and_axis, groups

if TYPE_CHECKING:
    from collections.abc import Collection

    from matplotlib.axes import Axes

    from durable_debug.debugger import Debugger
    from durable_debug.history import History

__all__ = ["Timeline"]


class Timeline(HistoryView):
    """When each operation did what: attempts, backoff, waits, callbacks, and the invocations of the handler.

    Of a debugger it shows where it stands, and what is clicked or dragged moves the debugger there.

    Parameters
    ----------
    source
        A history or a debugger.
    fold, unfold
        Which alike operations are one row at first: see `durable_debug.plots.folding.fold`.
    details
        Whether what is selected is shown below.

    Examples
    --------
    >>> Timeline(dd.load("order.json"))  # doctest: +SKIP
    """

    _esm = esm("timeline.js")

    times = traitlets.Dict().tag(sync=True)
    """Bars and axis: see `durable_debug.widgets._times`. Sent once."""

    groups: traitlets.List[Any] = traitlets.List().tag(sync=True)
    """Rows, folded: see `durable_debug.widgets._times`. Sent once."""

    time = traitlets.Float(allow_none=True, default_value=None).tag(sync=True)
    """Seconds since the first event at which the handle stands; None where it has not been moved. May be set."""

    def __init__(
        self,
        source: History | Debugger,
        *,
        fold: bool | int = True,
        unfold: Collection[str] = (),
        details: bool = True,
    ) -> None:
        self._folding: dict[str, Any] = {"fold": fold, "unfold": unfold}
        super().__init__(source, details=details)

    def _content(self) -> dict[str, Any]:
        folding = self._folding
        return {
            "times": bars_and_axis(self.history, self._table),
            "groups": groups(self.history, self._table, folded=folding["fold"], unfold=folding["unfold"]),
        }

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the same with matplotlib: see `durable_debug.plots.timeline.plot_timeline`."""
        from durable_debug.plots.timeline import plot_timeline

        return plot_timeline(self.history, ax=ax, **self._folding)
