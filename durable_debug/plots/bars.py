"""What is drawn on a timeline: bars, bands, break marks, labels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
from matplotlib.collections import PolyCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.transforms import ScaledTranslation, blended_transform_factory

from durable_debug.plots import style
from durable_debug.plots.activity import Interval, merged, other_events

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.axes import Axes

    from durable_debug.history import History
    from durable_debug.plots.activity import OtherEvents, Segment
    from durable_debug.plots.folding import Group
    from durable_debug.plots.time_axis import TimeAxis

__all__ = ["Drawing", "Row", "label_width", "new_axes", "other_events"]

_ROW = 17.0  # points
_NAME, _SMALL, _TINY, _TITLE = 8.5, 7.5, 6.5, 11.0  # sizes of text in points
_TOP, _BOTTOM, _RIGHT, _UPRIGHT = 50.0, 70.0, 66.0, 24.0
_LARGEST_INCHES = 300.0  # agg draws at most 65,536 pixels
_MOST_DETAILED = 600  # rows
_HEIGHTS = {"work": 0.62, "work failed": 0.62, "context": 0.10}
_THIN = 0.34
_ORDER = (
    "context",
    "wait",
    "callback",
    "invoke",
    "unknown",
    "backoff",
    "work",
    "work failed",
)  # the last on top


@dataclass(frozen=True, eq=False)
class Row:
    """An operation or folded ones, and the segments of each."""

    group: Group
    each: list[list[Segment]]

    @cached_property
    def segments(self) -> list[Segment]:
        """Of all together."""
        return [segment for segments in self.each for segment in segments]

    @property
    def label(self) -> str:
        """What stands at its left."""
        count = f" ×{self.group.count:,}" if self.group.count > 1 else ""
        name = style.one_line(self.group.name, 40)
        return f"{'    ' * self.group.depth}{style.mark(self.group.first.status)} {name}{count}"

    @property
    def seconds(self) -> float | None:
        """From the first start to the last end; None where something has not ended."""
        starts = [each.start for each in self.group.operations if each.start is not None]
        ends = [each.end for each in self.group.operations if each.end is not None]
        if not starts or len(ends) < self.group.count:
            return None
        return (max(ends) - min(starts)).total_seconds()


def label_width(rows: Iterable[Row], others: OtherEvents) -> float:
    """Points that the labels at the left need."""
    labels = [row.label for row in rows] + [label for label, _ in others]
    return max([style.text_width(label, _NAME) for label in labels] + [56.0]) + 12


def new_axes(axis: TimeAxis, rows: int, left: float) -> Axes:
    """Axes of a figure that is as large as the time axis and so many rows need."""
    width = axis.width
    top = _TOP + (_UPRIGHT if axis.upright else 0)
    whole, height = left + width + _RIGHT, max(rows, 1) * _ROW + top + _BOTTOM
    height = min(height, _LARGEST_INCHES * 72)
    figure = plt.figure(figsize=(whole / 72, height / 72))
    return figure.add_axes((left / whole, _BOTTOM / height, width / whole, 1 - (top + _BOTTOM) / height))


class Drawing:
    """Draws on one axes.

    Parameters
    ----------
    ax
        The axes.
    axis
        Its time axis.
    """

    def __init__(self, ax: Axes, axis: TimeAxis) -> None:
        self._ax = ax
        self._axis = axis
        self._theme = style.Theme.of(ax)
        self._work = style.ACTIVITIES["work"].color
        self._shrink = 1.0  # of text in rows that are lower than usual

    def scales(self, history: History, rows: Sequence[Row], others: OtherEvents, left: float) -> None:
        """Axes, labels of the rows, title."""
        ax, axis, theme = self._ax, self._axis, self._theme
        lines = max(len(rows) + len(others), 1)
        self._shrink = min(1.0, ax.get_window_extent().height * 72 / ax.figure.dpi / lines / (_ROW * 0.7))
        ax.set_xscale("function", functions=(axis.forward, axis.inverse))
        ax.set_xlim(axis.low, axis.high)
        ax.set_ylim(lines - 0.5, -0.5)
        places, texts = axis.ticks() if len(history) else ([], [])
        ax.set_xticks(places, labels=texts, fontsize=8)
        ax.set_xticks([], minor=True)
        labels = [row.label for row in rows] + [label for label, _ in others]
        look: dict[str, Any] = {"fontsize": _NAME * self._shrink, "family": style.fonts()}
        ax.set_yticks(range(len(labels)), labels=labels, ha="left", parse_math=False, **look)
        ax.tick_params(axis="y", length=0, pad=left - 6)
        for row, text in zip(rows, ax.get_yticklabels(), strict=False):
            if style.went_wrong(row.group.first.status):
                text.set_color(theme.failure)
        for side in ("top", "right", "left"):
            ax.spines[side].set_visible(False)
        note = " (// idle time cut short)" if axis.gaps else ""
        start = f", {history.events['timestamp'].min():%Y-%m-%d %H:%M:%S} UTC" if len(history) else ""
        ax.set_xlabel(f"time since the start{start}{note}", fontsize=8, color=theme.muted, loc="left")
        ax.set_title(
            _title(history),
            loc="left",
            x=-(left - 6) / (ax.get_window_extent().width * 72 / ax.figure.dpi),
            pad=24 + (_UPRIGHT if axis.upright else 0),
            fontsize=_TITLE,
            parse_math=False,
            family=style.fonts(),
        )

    def invocations(self, invocations: Iterable[Interval]) -> None:
        """Bands, numbered as far as the numbers do not touch."""
        right = -1e9
        for number, times in enumerate(invocations, 1):
            start, end = self._axis.seconds(times)
            self._ax.axvspan(
                start,
                end,
                facecolor=self._theme.mix(self._work, 0.22 if self._theme.dark else 0.09),
                edgecolor=self._theme.mix(self._work, 0.5),
                linewidth=0.6,
                zorder=0.5,
                gid=f"invocation {number}",
            )
            middle = self._axis.middle(start, end)
            at, half = (
                float(self._axis.forward(middle)),
                style.text_width(str(number), _SMALL, bold=True) / 2 + 3,
            )
            if at - half >= right:
                right = at + half
                color = self._theme.strong(self._work)
                self._above(middle, str(number), color=color, fontweight="bold", gid=f"number {number}")
        transform = self._ax.transAxes + self._shift(-8, 6)
        self._text(0, 1, "invocation", transform=transform, ha="right", va="center", color=self._theme.muted)

    def gaps(self) -> None:
        """A grey ground and a break mark where the axis is cut, and above it for how long."""
        right = -1e9
        for gap in self._axis.gaps:
            self._ax.axvspan(
                gap.start,
                gap.end,
                facecolor=self._theme.mix(self._theme.line, 0.06),
                edgecolor="none",
                zorder=0.4,
                gid="gap",
            )
            middle = self._axis.middle(gap.start, gap.end)
            at = float(self._axis.forward(middle))
            if at < right:
                continue  # so many gaps that marks would touch
            right = at + 8.5
            self._ax.plot(
                [middle],
                [0],
                transform=self._ax.get_xaxis_transform(),
                clip_on=False,
                linestyle="none",
                color=self._theme.text,
                marker="$//$",
                markersize=9 if not gap.upright else 7,
                markeredgewidth=0.8,
                gid="break",
                zorder=6,
            )
            stand: dict[str, Any] = (
                {"rotation": 90, "up": 8, "va": "bottom", "fontsize": _TINY} if gap.upright else {}
            )
            self._above(middle, gap.label, color=self._theme.muted, gid="gap label", **stand)

    def bars(self, rows: Sequence[Row]) -> None:
        """One collection for each kind of bar, and marks for what failed or has not ended."""
        found: dict[str, list[Any]] = {}
        for at, row in enumerate(rows):
            for look, intervals in _by_look(row.segments).items():
                half = _HEIGHTS.get(look, _THIN) / 2
                # Of folded ones, what lies under something else is not seen.
                for interval in merged(intervals) if row.group.count > 1 else intervals:
                    start, end = self._axis.seconds(interval)
                    box = [(start, at - half), (end, at - half), (end, at + half), (start, at + half)]
                    found.setdefault(look, []).append(box)
            if row.group.count == 1:
                self._numbers(row.segments, at)
        for look in sorted(found, key=_ORDER.index):
            self._ax.add_collection(self._collection(look, found[look]), autolim=False)
        self._crosses(rows)
        self._arrows(rows)

    def _collection(self, look: str, boxes: list[Any]) -> PolyCollection:
        color, face, hatch = self._colors(look)
        bars = PolyCollection(
            boxes,
            facecolor=face,
            edgecolor=color,
            linewidth=0.9,
            zorder=2 + _ORDER.index(look) * 0.1,
            gid=look,
        )
        if hatch:
            bars.set_hatch(hatch)
        return bars

    def _colors(self, look: str) -> tuple[str, str, str]:
        """Colours of edge and inside, and the texture."""
        if look == "work failed":
            return self._theme.failure, self._theme.failure, ""
        activity = style.ACTIVITIES[look]
        color = self._theme.strong(activity.color)
        return color, self._theme.mix(color, 0.25) if activity.hatch else color, activity.hatch

    def _numbers(self, segments: Sequence[Segment], row: int) -> None:
        """Numbers of attempts in their bars, where there are several and they fit."""
        attempts = [each for each in segments if each.kind == "work"]
        for each in attempts if len(attempts) > 1 else []:
            start, end = self._axis.seconds((each.start, each.end))
            room = self._axis.points(start, end) - (10 if _failed(each) else 4)
            if room >= style.text_width(str(each.attempt), _TINY, bold=True):
                self._text(
                    self._axis.middle(start, end),
                    row,
                    str(each.attempt),
                    fontsize=_TINY,
                    color="white",
                    fontweight="bold",
                    ha="center",
                    va="center_baseline",
                    zorder=5,
                    clip_on=True,
                    gid="attempt",
                )

    def _crosses(self, rows: Sequence[Row]) -> None:
        failed = [
            (self._axis.seconds((each.start, each.end))[1], number)
            for number, row in enumerate(rows)
            for each in row.segments
            if _failed(each)
        ]
        if failed:
            ends, at = zip(*failed, strict=True)
            self._ax.scatter(
                ends,
                at,
                marker="x",
                s=20,
                color=self._theme.text,
                linewidths=1.4,
                zorder=4,
                gid="failed attempt",
            )

    def _arrows(self, rows: Sequence[Row]) -> None:
        for at, row in enumerate(rows):
            ends = [each.end for each in row.segments if each.open and each.end]
            if not ends or row.group.first.end is not None:
                continue
            _, end = self._axis.seconds((0, max(ends)))
            color = self._theme.muted
            self._ax.hlines(at, end, self._axis.high, color=color, linewidth=1.0, linestyle=":", zorder=3)
            self._ax.scatter(
                [self._axis.high],
                [at],
                marker=">",
                s=26,
                color=color,
                zorder=4,
                clip_on=False,
                gid="still open",
            )

    def durations(self, rows: Sequence[Row]) -> None:
        """How long each took, at the right, as far as there are not too many."""
        if len(rows) > _MOST_DETAILED:
            return
        transform = self._ax.get_yaxis_transform() + self._shift(7, 0)
        for at, row in enumerate(rows):
            if row.seconds is not None:
                text = ("over " if row.group.count > 1 else "") + style.duration(row.seconds)
                color = self._theme.muted
                self._text(
                    1, at, text, color=color, transform=transform, va="center_baseline", gid="duration"
                )

    def events(self, others: OtherEvents, *, below: int) -> None:
        """Marks for events that are about no operation."""
        for at, (_, times) in enumerate(others, below):
            seconds = [self._axis.seconds((time, time))[0] for time in times]
            self._ax.scatter(
                seconds,
                [at] * len(seconds),
                marker="D",
                s=22,
                facecolor=self._theme.background,
                edgecolor=self._theme.text,
                zorder=4,
                gid="other events",
            )

    def legend(self, segments: Iterable[Segment]) -> None:
        """What the bars that are there mean."""
        present = set(_by_look(segments))
        entries: list[tuple[Any, str]] = []
        for look in [*style.ACTIVITIES, "work failed"]:
            if look not in present:
                continue
            color, face, hatch = self._colors(look)
            if look == "context":
                entries.append((Line2D([], [], color=color, linewidth=2), style.ACTIVITIES[look].word))
            elif look == "work failed":
                cross = Line2D([], [], linestyle="none", marker="x", color=self._theme.text, markersize=4.5)
                entries.append(((Patch(facecolor=face), cross), "failed attempt"))
            else:
                patch = Patch(facecolor=face, edgecolor=color, hatch=hatch)
                entries.append((patch, style.ACTIVITIES[look].word))
        if not entries:
            return
        height = self._ax.get_window_extent().height * 72 / self._ax.figure.dpi
        self._ax.legend(
            *zip(*entries, strict=True),
            loc="upper left",
            bbox_to_anchor=(0, -38 / max(height, 1)),
            ncols=4,
            fontsize=_SMALL,
            frameon=False,
            borderaxespad=0,
            borderpad=0,
            handlelength=2.2,
            columnspacing=1.4,
            labelcolor=self._theme.muted,
        )

    def _above(self, x: float, text: str, *, up: float = 0, **look: Any) -> None:
        """Write above the axes."""
        both = blended_transform_factory(self._ax.transData, self._ax.transAxes)
        look = {"ha": "center", "va": "center"} | look
        self._text(x, 1, text, transform=both + self._shift(0, 6 + up), **look)

    def _text(self, x: float, y: float, text: str, **look: Any) -> None:
        self._ax.text(x, y, text, **({"fontsize": _SMALL, "parse_math": False} | look))

    def _shift(self, x: float, y: float) -> ScaledTranslation:
        return ScaledTranslation(x / 72, y / 72, self._ax.figure.dpi_scale_trans)


def _title(history: History) -> str:
    name = style.one_line(history.name or history.function_name or "execution", 48)
    parts = [name, f"{style.mark(history.status)} {history.status}"]
    if history.duration_seconds is not None:
        parts.append(style.duration(history.duration_seconds))
    for count, word in ((len(history.tree()), "operation"), (history.invocation_count, "invocation")):
        parts.append(f"{count:,} {word}{'' if count == 1 else 's'}")
    return " · ".join(parts)


def _by_look(segments: Iterable[Segment]) -> dict[str, list[Interval]]:
    found: dict[str, list[Interval]] = {}
    for each in segments:
        found.setdefault("work failed" if _failed(each) else each.kind, []).append((each.start, each.end))
    return found


def _failed(segment: Segment) -> bool:
    return segment.kind == "work" and style.went_wrong(segment.status)
