"""The timeline of an execution: one row an operation, attempts as bars, invocations as bands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from durable_debug.plots.activity import Span, other_events
from durable_debug.plots.folding import fold as folded
from durable_debug.plots.folding import in_order
from durable_debug.plots.time_axis import TimeAxis, long_gaps, width_for

if TYPE_CHECKING:
    from collections.abc import Collection

    from matplotlib.axes import Axes

    from durable_debug.history import History

__all__ = ["plot_timeline"]

_WIDTH = 620.0  # points: the time axis of a figure of our own


def plot_timeline(
    history: History,
    *,
    ax: Axes | None = None,
    fold: bool | int = True,
    unfold: Collection[str] = (),
) -> Axes:
    """Draw when each operation did what.

    A row is an operation, or several alike ones that are folded (``×193``); those inside others are indented. Thick
    bars are attempts of steps; those that failed have a cross at their end. Thin bars with a texture cost no compute:
    retry backoff, waits, callbacks and invokes. A line spans what lies in a child context, map or parallel. Bands with
    numbers are the invocations of the handler. To the right stands how long it took; of folded ones, from the first
    start to the last end. Events that are about no operation (a pause, or of a type that is not known) have rows below.

    Long stretches in which no invocation ran are cut short: the axis has break marks there, and their duration is
    written above them.

    Parameters
    ----------
    history
        The record; also of an execution that is still running, whose open bars end in an arrow.
    ax
        Axes to draw on; without one a figure is made that is as large as the rows need.
    fold, unfold
        Which alike operations are one row: see `durable_debug.plots.folding.fold`.

    Returns
    -------
    matplotlib.axes.Axes
        x is seconds since the first event, on a piecewise linear scale; y the number of the row from the top. Each
        kind of bar is one collection whose ``get_gid()`` is its name: ``work``, ``work failed``, ``backoff``, ``wait``,
        ``callback``, ``invoke``, ``context``, ``unknown``.
    """
    from durable_debug.plots import bars

    groups = list(in_order(folded(history, fold, unfold)))
    span = Span(history)
    rows = [bars.Row(group, [span.segments(each) for each in group.operations]) for group in groups]
    flat = [segment for row in rows for segment in row.segments]
    busy = [
        *span.invocations,
        *((each.start, each.end) for each in flat if each.kind == "work" and not each.open),
    ]
    others = other_events(history)
    moments = [time for each in flat for time in (each.start, each.end)] + [
        time for _, each in others for time in each
    ]
    cut = long_gaps(span.start, span.end, busy, moments)
    left = bars.label_width(rows, others)
    width = ax.get_window_extent().width * 72 / ax.figure.dpi if ax else width_for(cut, _WIDTH)
    open_end = any(each.open for each in flat)
    axis = TimeAxis(span.start, span.end, cut=cut, width=width, open_end=open_end)
    if ax is None:
        ax = bars.new_axes(axis, len(rows) + len(others), left)
    drawing = bars.Drawing(ax, axis)
    drawing.scales(history, rows, others, left)
    drawing.invocations(span.invocations)
    drawing.gaps()
    drawing.bars(rows)
    drawing.durations(rows)
    drawing.events(others, below=len(rows))
    drawing.legend(flat)
    return ax
