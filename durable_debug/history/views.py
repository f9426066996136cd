"""The pictures and figures of a history, as methods: each is drawn in the room of plots, when first asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from durable_debug.views import view

if TYPE_CHECKING:
    from collections.abc import Collection

    import networkx as nx
    from matplotlib.axes import Axes

    from durable_debug.history.measures import Cost, Prices, Timing

__all__ = ["Views"]


class Views:
    """What a `History` shows of itself."""

    def graph(self, *, fold: bool | int = False, unfold: Collection[str] = ()) -> nx.DiGraph[str]:
        """Give the operations as a directed graph; see `durable_debug.plots.graph.graph`.

        Returns
        -------
        networkx.DiGraph
            A node an operation (or a fold of alike ones), with its data as attributes; edges of the kinds
            sequence, parent, fan_out, join, retry, callback and invoke.
        """
        return view("history.graph")(self, fold=fold, unfold=unfold)

    def plot_graph(
        self,
        *,
        ax: Axes | None = None,
        direction: Literal["TB", "LR"] = "TB",
        fold: bool | int = True,
        unfold: Collection[str] = (),
    ) -> Axes:
        """Draw the operations in layers; see `durable_debug.plots.graph.plot_graph`.

        Parameters
        ----------
        ax
            Where to draw; a figure of fitting size by default.
        direction
            Top to bottom or left to right.
        fold
            Whether (or from how many on) alike operations share a box with a count.
        unfold
            Positions or names of folds to open.
        """
        shown: Axes = view("history.plot_graph")(self, ax=ax, direction=direction, fold=fold, unfold=unfold)
        return shown

    def plot_timeline(
        self, *, ax: Axes | None = None, fold: bool | int = True, unfold: Collection[str] = ()
    ) -> Axes:
        """Draw when each operation did what, on an axis that survives long waits.

        See `durable_debug.plots.timeline.plot_timeline`; the parameters are those of `plot_graph`.
        """
        shown: Axes = view("history.plot_timeline")(self, ax=ax, fold=fold, unfold=unfold)
        return shown

    def timing(self) -> Timing:
        """Say where the time went: working, waiting, suspended, backoff, replay; by operation and by name."""
        shown: Timing = view("history.timing")(self)
        return shown

    def cost(self, *, prices: Prices | None = None, memory_mb: int = 128, retention_days: float = 14) -> Cost:
        """Estimate operations metered, bytes, shares of the limits and dollars; see `durable_debug.plots.cost`."""
        shown: Cost = view("history.cost")(
            self, prices=prices, memory_mb=memory_mb, retention_days=retention_days
        )
        return shown
