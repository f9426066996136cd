"""A timeline of the size of a thumb, as SVG inside a card: no axis, no words, nothing to load."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from durable_debug.plots import style
from durable_debug.plots.activity import Interval, Segment, Span, merged
from durable_debug.plots.folding import fold, in_order
from durable_debug.plots.time_axis import long_gaps

if TYPE_CHECKING:
    from collections.abc import Iterable

    from durable_debug.history import History

__all__ = ["mini_timeline"]

_WIDTH, _ROW, _GAP = 420.0, 7.0, 10.0
_MOST_ROWS, _MOST_BARS = 24, 80
_HEIGHTS = {"work": 5.0, "failed": 5.0, "context": 1.0}
_THIN = 2.5
_BAND = '<rect x="{:.1f}" y="0" width="{:.1f}" height="{:.0f}" fill="#0072B2" fill-opacity=".13"/>'
_BREAK = '<path d="M{:.1f} {:.0f}l-2 5m5 -5l-2 5" stroke="currentColor" stroke-opacity=".7" fill="none"/>'


def mini_timeline(history: History) -> str:
    """Draw what each operation did when, for a card; folded, and at most 24 rows.

    Thick bars are attempts of steps (vermillion where they failed), thin ones backoff and waiting, lines contexts, bands
    invocations; a double stroke below marks idle time that is cut short. It has no text of the history in it.

    Parameters
    ----------
    history
        The record.

    Returns
    -------
    str
        An ``<svg>`` element; empty where there is nothing to draw.
    """
    groups = list(islice(in_order(fold(history)), _MOST_ROWS))
    if not groups:
        return ""
    span = Span(history)
    rows = [[segment for each in group.operations for segment in span.segments(each)] for group in groups]
    every = [segment for each in history.tree() for segment in span.segments(each)]
    scale = _Scale(span, every)
    height = len(rows) * _ROW
    parts = [
        _BAND.format(left, max(width, 0.8), height)
        for left, width in (scale.bar(each) for each in span.invocations[: 4 * _MOST_BARS])
    ]
    for at, segments in enumerate(rows):
        parts += _row(segments, scale, (at + 0.5) * _ROW)
    parts += [_BREAK.format(scale.place((start + end) // 2), height) for start, end in scale.cut[:_MOST_BARS]]
    return (
        f'<svg role="img" aria-label="Timeline" viewBox="0 0 {_WIDTH:.0f} {height + 6:.0f}" '
        f'style="display:block;width:100%;max-width:{_WIDTH:.0f}px;margin:.5em 0 .1em">{"".join(parts)}</svg>'
    )


class _Scale:
    """Linear, with a fixed width for each long idle stretch."""

    def __init__(self, span: Span, segments: list[Segment]) -> None:
        busy = [
            *span.invocations,
            *((each.start, each.end) for each in segments if each.kind == "work" and not each.open),
        ]
        moments = [time for each in segments for time in (each.start, each.end)]
        self.cut = long_gaps(span.start, span.end, busy, moments)
        gap = min(_GAP, 0.4 * _WIDTH / max(len(self.cut), 1))
        rest = span.end - span.start - sum(end - start for start, end in self.cut)
        pace = (_WIDTH - gap * len(self.cut)) / max(rest, 1)
        self._knots = [(span.start, 0.0)]
        for start, end in self.cut:
            time, place = self._knots[-1]
            self._knots.append((start, place + (start - time) * pace))
            self._knots.append((end, self._knots[-1][1] + gap))
        self._knots.append((span.end, _WIDTH))

    def place(self, time: int) -> float:
        """Where a time is drawn."""
        from bisect import bisect_right

        at = min(max(bisect_right(self._knots, (time, _WIDTH + 1)), 1), len(self._knots) - 1)
        (start, left), (end, right) = self._knots[at - 1 : at + 1]
        return left + (time - start) / (end - start) * (right - left) if end > start else left

    def bar(self, interval: Interval) -> tuple[float, float]:
        """Left edge and width."""
        left = self.place(interval[0])
        return left, self.place(interval[1]) - left


def _row(segments: Iterable[Segment], scale: _Scale, middle: float) -> list[str]:
    looks: dict[str, list[Interval]] = {}
    for each in segments:
        failed = each.kind == "work" and style.went_wrong(each.status)
        looks.setdefault("failed" if failed else each.kind, []).append((each.start, each.end))
    parts = []
    for look in sorted(looks, key=lambda name: (name == "failed", name == "work", name != "context")):
        color = style.FAILURE if look == "failed" else style.ACTIVITIES[look].color
        high = _HEIGHTS.get(look, _THIN)
        bars = merged(
            (round(left * 2), round((left + max(width, 1.0)) * 2))
            for left, width in map(scale.bar, looks[look])
        )
        parts += [
            f'<rect x="{start / 2:g}" y="{middle - high / 2:g}" width="{(end - start) / 2:g}" height="{high:g}" fill="{color}"/>'
            for start, end in bars[:_MOST_BARS]
        ]
    return parts
