"""A time axis on which 50 ms can be seen beside 30 days: stretches in which nothing ran are cut short, and marked."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, log10
from typing import TYPE_CHECKING, Any

import numpy as np

from durable_debug.plots import style
from durable_debug.plots.activity import Interval, merged, minus

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Gap", "TimeAxis", "clock", "long_gaps", "width_for"]

_LONG_FOR = 0.5  # an idle stretch is cut when it is longer than half of all that is not cut
_SHARE_OF_GAPS = 0.55  # of the width, at most
_LABEL, _TICK = 7.5, 8.0  # sizes of text in points
_SLIM = 13.0  # points for a gap whose duration is written upright
_PAD = 0.012
_WIDEST = 1600.0
_FINEST = 1e-9


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch that is drawn shorter than it was: seconds since the start."""

    start: float
    end: float
    upright: bool

    @property
    def label(self) -> str:
        """Its duration, for people."""
        return style.duration(self.end - self.start)


class TimeAxis:
    """Piecewise linear: one scale for all that is not cut, a fixed width for each stretch that is.

    Parameters
    ----------
    start, end
        Microseconds since 1970.
    cut
        Stretches to cut short, in order: see `long_gaps`.
    width
        Points from the left to the right.
    open_end
        Leave room at the right for what has not ended.

    Attributes
    ----------
    gaps
        What is cut.
    low, high
        Limits of the axis, seconds since the start.
    width
        As given.
    """

    def __init__(
        self, start: int, end: int, *, cut: Sequence[Interval], width: float, open_end: bool = False
    ) -> None:
        self.width = width
        self._origin = start
        self._end = max((end - start) / 1e6, _FINEST)
        self.gaps, widths = _gaps([self.seconds(gap) for gap in cut], width)
        linear = max(self._end - sum(gap.end - gap.start for gap in self.gaps), _FINEST)
        room = width * (1 - 2 * _PAD - (0.05 if open_end else 0.0)) - sum(widths)
        self._scale = max(room, 1.0) / linear  # points per second
        known, shown = [0.0], [width * _PAD]
        for gap, gap_width in zip(self.gaps, widths, strict=True):
            for at in (gap.start, gap.end):
                if at > known[-1]:
                    step = gap_width if at == gap.end else (at - known[-1]) * self._scale
                    shown.append(shown[-1] + step)
                    known.append(at)
        if self._end > known[-1]:
            shown.append(shown[-1] + (self._end - known[-1]) * self._scale)
            known.append(self._end)
        far = 1e7  # beyond both ends the scale goes on
        self._known = np.array([known[0] - far / self._scale, *known, known[-1] + far / self._scale])
        self._shown = np.array([shown[0] - far, *shown, shown[-1] + far])
        self.low, self.high = (float(each) for each in self.inverse(np.array([0.0, width])))

    def seconds(self, times: Interval) -> tuple[float, float]:
        """Seconds since the start."""
        return (times[0] - self._origin) / 1e6, (times[1] - self._origin) / 1e6

    def forward(self, seconds: Any) -> Any:
        """Points from the left edge for seconds since the start."""
        return np.interp(seconds, self._known, self._shown)

    def inverse(self, points: Any) -> Any:
        """Seconds since the start for points from the left edge."""
        return np.interp(points, self._shown, self._known)

    def ticks(self) -> tuple[list[float], list[str]]:
        """Places and labels of ticks that do not touch each other, none within a gap."""
        step = _nice(62.0 / self._scale)
        places: list[float] = []
        edges = [0.0, *(edge for gap in self.gaps for edge in (gap.start, gap.end)), self._end]
        for start, end in zip(edges[::2], edges[1::2], strict=True):
            first = ceil(start / step - 1e-9)
            inside = [k * step for k in range(first, first + 200) if k * step <= end + step * 1e-6]
            places += inside or [start]
        kept: list[float] = []
        labels: list[str] = []
        right = -1e9
        for place in places:
            label = clock(place, step)
            half = style.text_width(label, _TICK) / 2 + 4
            at = float(self.forward(place))
            if at - half >= right:
                kept.append(place)
                labels.append(label)
                right = at + half
        return kept, labels

    @property
    def upright(self) -> bool:
        """Whether durations of gaps stand."""
        return any(gap.upright for gap in self.gaps)

    def middle(self, start: float, end: float) -> float:
        """The time that is drawn half-way between two."""
        return float(self.inverse(self.forward(np.array([start, end])).mean()))

    def points(self, start: float, end: float) -> float:
        """How far apart two times are drawn."""
        low, high = self.forward(np.array([start, end]))
        return float(high - low)


def _gaps(cut: Sequence[tuple[float, float]], width: float) -> tuple[list[Gap], list[float]]:
    """Gaps and their widths in points: their durations lie above them where there is room, else they stand."""
    lying = [Gap(start, end, upright=False) for start, end in cut]
    widths = [max(30.0, style.text_width(gap.label, _LABEL) + 14) for gap in lying]
    if sum(widths) <= _SHARE_OF_GAPS * width:
        return lying, widths
    narrow = min(_SLIM, _SHARE_OF_GAPS * width / len(cut))
    return [Gap(start, end, upright=True) for start, end in cut], [narrow] * len(cut)


def width_for(cut: Sequence[Interval], least: float) -> float:
    """Points that an axis needs so that the durations of its gaps can be read."""
    return min(max(least, len(cut) * _SLIM / _SHARE_OF_GAPS), _WIDEST)


def long_gaps(start: int, end: int, busy: Iterable[Interval], moments: Iterable[int]) -> list[Interval]:
    """Find the stretches that are cut short: those without anything running that are long beside all the rest.

    Parameters
    ----------
    start, end
        Microseconds since 1970.
    busy
        When something ran.
    moments
        Times at which something happened: no gap goes across one.
    """
    busy = merged(busy)
    cuts = sorted({moment for moment in moments if start < moment < end})
    pieces: list[Interval] = []
    for a, b in minus([(start, end)], busy):
        pieces += pairwise([a, *cuts[bisect_right(cuts, a) : bisect_left(cuts, b)], b])
    shown = sum(b - a for a, b in busy)
    long = []
    for a, b in sorted(pieces, key=lambda piece: piece[1] - piece[0]):
        if b - a <= _LONG_FOR * shown:
            shown += b - a
        else:
            long.append((a, b))
    return sorted(long)


def _nice(seconds: float) -> float:
    """The next larger step that people count in."""
    if seconds <= 1:
        power = 10.0 ** ceil(log10(max(seconds, _FINEST)) - 1)
        return next(power * each for each in (1, 2, 5, 10, 20) if power * each >= seconds)
    steps = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400)
    found = next((step for step in steps if step >= seconds), None)
    return float(found) if found else 86_400.0 * _nice_count(seconds / 86_400)


def _nice_count(count: float) -> float:
    power = 10.0 ** int(log10(count))
    return next(power * each for each in (1, 2, 5, 10) if power * each >= count)


def clock(seconds: float, step: float) -> str:
    """Write a time since the start, as fine as the step between ticks.

    >>> clock(0.4, 0.2), clock(121.8, 0.2), clock(2_592_000.05, 0.05), clock(7200, 60)
    ('0.4 s', '2:01.8', '30 d 0:00:00.05', '2:00:00')
    """
    digits = max(0, min(6, ceil(-log10(step) - 1e-9)))
    seconds = round(seconds, digits)
    if seconds < 60:
        return f"{seconds:.{digits}f} s" if seconds else "0"
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    width = 3 + digits if digits else 2
    last = f"{rest:0{width}.{digits}f}"
    if hours == 0:
        return f"{minutes}:{last}"
    days, hours = divmod(hours, 24)
    return (f"{days:,} d " if days else "") + f"{hours}:{minutes:02}:{last}"
