"""What a timeline draws, as columns: a time axis that long pauses don't spoil, bars, and rows folded like the plots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from durable_debug.plots import style
from durable_debug.plots.activity import Span
from durable_debug.plots.folding import fold, in_order
from durable_debug.plots.time_axis import TimeAxis, long_gaps

if TYPE_CHECKING:
    from collections.abc import Collection

    from durable_debug.history import History
    from durable_debug.widgets._rows import Table

__all__ = ["bars_and_axis", "groups"]

_WIDTH = 760.0  # points, as far as gaps go: the page scales it
_MOST_OTHER = 500
LOOKS = (*style.ACTIVITIES, "failed")


def bars_and_axis(history: History, table: Table) -> dict[str, Any]:
    """Give everything that is drawn over time. Times are whole microseconds since the first event.

    Returns
    -------
    dict
        ``start``, ``end`` of each row's operation (-1 where there is none). ``bars``: columns ``row``, ``look`` (index
        into ``looks``), ``start``, ``length``, ``attempt``, ``open``. ``axis``: ``knots``, times and their places from
        0 to 1 of a scale that is linear between them; ``gaps``, the stretches that are cut short, with their words;
        ``open``, whether something has not ended. ``invocations``: start and end of each. ``others``: events about no
        operation.
    """
    span = Span(history)
    origin = span.start
    bars: dict[str, list[int]] = {key: [] for key in ("row", "look", "start", "length", "attempt", "open")}
    starts, ends, moments, busy = [], [], [], list(span.invocations)
    for at, row in enumerate(table.rows):
        one = row.recorded
        whole = span.of(one) if one is not None else None
        starts.append(whole[0] - origin if whole else -1)
        ends.append(whole[1] - origin if whole and one is not None and one.end is not None else -1)
        for each in span.segments(one) if one is not None else ():
            moments += [each.start, each.end]
            if each.kind == "work" and not each.open:
                busy.append((each.start, each.end))
            failed = each.kind == "work" and style.went_wrong(each.status)
            bars["row"].append(at)
            bars["look"].append(LOOKS.index("failed" if failed else each.kind))
            bars["start"].append(each.start - origin)
            bars["length"].append(each.end - each.start)
            bars["attempt"].append(each.attempt)
            bars["open"].append(int(each.open))
    others = _others(history, origin)
    moments += [origin + time for time, _ in others]
    open_end = any(bars["open"])
    axis = TimeAxis(
        span.start,
        span.end,
        cut=long_gaps(span.start, span.end, busy, moments),
        width=_WIDTH,
        open_end=open_end,
    )
    knots = np.array(
        [axis.low, *sorted({edge for gap in axis.gaps for edge in (gap.start, gap.end)}), axis.high]
    )
    return {
        "origin": f"{history.events['timestamp'].min():%Y-%m-%d %H:%M:%S} UTC" if len(history) else "",
        "total": span.end - span.start,
        "looks": list(LOOKS),
        "start": starts,
        "end": ends,
        "bars": bars,
        "axis": {
            "knots": [round(float(each) * 1e6) for each in knots],
            "places": [round(float(each) / _WIDTH, 6) for each in axis.forward(knots)],
            "gaps": [[round(gap.start * 1e6), round(gap.end * 1e6), gap.label] for gap in axis.gaps],
            "open": open_end,
        },
        "invocations": [[start - origin, end - origin] for start, end in span.invocations],
        "others": others,
    }


def _others(history: History, origin: int) -> list[tuple[int, str]]:
    from durable_debug.plots.bars import other_events

    found = [(time - origin, label) for label, times in other_events(history) for time in times]
    return sorted(found)[:_MOST_OTHER]


def groups(history: History, table: Table, *, folded: bool | int, unfold: Collection[str]) -> list[list[Any]]:
    """Give what is one line of the view: ``[depth, name, row, row, …]``, each before what lies in it.

    The name is None where the group is a single operation. What only the handler has, and not the history, stands
    where the list of operations has it.
    """
    row_of = {row.recorded.id: at for at, row in enumerate(table.rows) if row.recorded is not None}
    found: list[list[Any]] = [
        [
            group.depth,
            None if group.count == 1 else style.one_line(group.name, 120),
            *(row_of[each.id] for each in group.operations),
        ]
        for group in in_order(fold(history, folded, unfold))
    ]
    place = {row: group for group in found for row in group[2:]}
    for at, row in enumerate(table.rows):
        if row.recorded is None:
            own = [row.depth, None, at]
            before = place.get(at - 1)
            found.insert(next((i for i, each in enumerate(found) if each is before), -1) + 1, own)
            place[at] = own
    return found
