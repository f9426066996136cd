"""The timeline of an execution: one row an operation, attempts as bars, invocations as bands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from durable_debug.plots import style
from durable_debug.plots.activity import Span, merged
from durable_debug.plots.folding import Group, fold as folded, in_order
from durable_debug.plots.time_axis import TimeAxis

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from matplotlib.axes import Axes

    from durable_debug.history import History
    from durable_debug.plots.activity import Segment

__all__ = ["plot_timeline"]

_ROW, _WIDTH = 17.0, 620.0  # points: a row's height, the time axis' width
_NAME, _SMALL, _TITLE = 8.5, 7.5, 11.0
_TOP, _BOTTOM, _RIGHT = 54.0, 70.0, 66.0
_LARGEST_INCHES = 300.0
_HEIGHTS = {"work": 0.62, "context": 0.10}
_OTHER_HEIGHT = 0.34
_ORDER = ("context", "wait", "callback", "invoke", "unknown", "backoff", "work")


def plot_timeline(
    history: History,
    *,
    ax: Axes | None = None,
    fold: bool | int = True,
    unfold: Collection[str] = (),
) -> Axes:
    """Draw when each operation did what.

    A row is an operation, or several alike ones that are folded (``×193``); those inside others are indented. Thick
    bars are attempts of steps, those that failed have a cross at their end. Thin bars with a texture are what costs no compute:
    retry backoff, waits, callbacks and invokes. A line spans what lies in a child context, map or parallel. Bands with
    numbers are the invocations of the handler. To the right stands how long it took; of folded ones, from first to last.

    Long stretches in which no invocation ran are cut short: the axis has break marks there, and their duration is
    written above them.

    Parameters
    ----------
    history
        The record; also of an execution that is still running, whose open bars end in an arrow.
    ax
        Axes to draw on; without one a figure is made that is as high as the rows need.
    fold, unfold
        Which alike operations are one row: see `durable_debug.plots.folding.fold`.

    Returns
    -------
    matplotlib.axes.Axes
        x is seconds since the first event, on a piecewise linear scale; y the number of the row from the top. Each
        kind of bar is one collection whose ``get_gid()`` is its name.
    """
    rows = list(in_order(folded(history, fold, unfold)))
    span = Span(history)
    labels = [_label(group) for group in rows]
    left = max([style.text_width(label, _NAME) for label in labels], default=60.0) + 10
    if ax is None:
        ax = _new_axes(len(rows), left)
    width = ax.get_window_extent().width * 72 / ax.figure.dpi
    segments = [[span.segments(operation) for operation in group.operations] for group in rows]
    flat = [segment for row in segments for each in row for segment in each]
    busy = [
        *span.invocations,
        *((each.start, each.end) for each in flat if each.kind == "work" and not each.open),
    ]
    moments = [time for each in flat for time in (each.start, each.end)]
    axis = TimeAxis(
        span.start, span.end, busy, moments, width=width, open_end=any(each.open for each in flat)
    )
    theme = style.Theme.of(ax)
    _scales(ax, theme, axis, history, rows, labels, left)
    _invocations(ax, theme, axis, span)
    _gaps(ax, theme, axis)
    _bars(ax, theme, axis, segments)
    _durations(ax, theme, rows)
    _legend(ax, theme, flat)
    return ax


def _new_axes(rows: int, left: float) -> Axes:
    import matplotlib.pyplot as plt

    width, height = left + _WIDTH + _RIGHT, max(rows, 1) * _ROW + _TOP + _BOTTOM
    shrink = min(1.0, _LARGEST_INCHES * 72 / height)
    figure = plt.figure(figsize=(width / 72, height * shrink / 72))
    top, bottom = _TOP / (height * shrink), _BOTTOM / (height * shrink)
    return figure.add_axes((left / width, bottom, _WIDTH / width, 1 - top - bottom))


def _label(group: Group) -> str:
    name = style.one_line(group.name, 40)
    count = f" ×{group.count:,}" if group.count > 1 else ""
    return f"{'    ' * group.depth}{style.mark(group.first.status)} {name}{count}"


def _scales(
    ax: Axes,
    theme: style.Theme,
    axis: TimeAxis,
    history: History,
    rows: Sequence[Group],
    labels: Sequence[str],
    left: float,
) -> None:
    ax.set_xscale("function", functions=(axis.forward, axis.inverse))
    ax.set_xlim(axis.low, axis.high)
    ax.set_ylim(max(len(rows), 1) - 0.5, -0.5)
    places, texts = axis.ticks() if len(history) else ([], [])
    ax.set_xticks(places, labels=texts, fontsize=8)
    ax.set_xticks([], minor=True)
    ax.set_yticks(range(len(rows)), labels=labels, fontsize=_NAME, ha="left", parse_math=False)
    ax.tick_params(axis="y", length=0, pad=left - 6)
    for group, text in zip(rows, ax.get_yticklabels(), strict=True):
        if style.went_wrong(group.first.status):
            text.set_color(theme.failure)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    note = " (// idle time cut short)" if axis.gaps else ""
    start = f", {history.events['timestamp'].min():%Y-%m-%d %H:%M:%S} UTC" if len(history) else ""
    ax.set_xlabel(f"time since the start{start}{note}", fontsize=8, color=theme.muted, loc="left")
    width = ax.get_window_extent().width * 72 / ax.figure.dpi
    upright = any(gap.upright for gap in axis.gaps)
    ax.set_title(
        _title(history),
        loc="left",
        x=-(left - 6) / width,
        pad=52 if upright else 24,
        fontsize=_TITLE,
        parse_math=False,
    )


def _title(history: History) -> str:
    name = style.one_line(history.name or history.function_name or "execution", 48)
    parts = [name, f"{style.mark(history.status)} {history.status}"]
    if history.duration_seconds is not None:
        parts.append(style.duration(history.duration_seconds))
    for count, word in ((len(history.tree()), "operation"), (history.invocation_count, "invocation")):
        parts.append(f"{count:,} {word}{'' if count == 1 else 's'}")
    return " · ".join(parts)


def _above(ax: Axes) -> Any:
    """x in seconds, y in points above the axes."""
    from matplotlib.transforms import ScaledTranslation, blended_transform_factory

    return blended_transform_factory(ax.transData, ax.transAxes) + ScaledTranslation(
        0, 6 / 72, ax.figure.dpi_scale_trans
    )


def _invocations(ax: Axes, theme: style.Theme, axis: TimeAxis, span: Span) -> None:
    right = -1e9
    for number, times in enumerate(span.invocations, 1):
        start, end = axis.seconds(times)
        ax.axvspan(
            start,
            end,
            facecolor=theme.mix(style.ACTIVITIES["work"].color, 0.22 if theme.dark else 0.09),
            edgecolor=theme.mix(style.ACTIVITIES["work"].color, 0.5),
            linewidth=0.6,
            zorder=0.5,
            gid=f"invocation {number}",
        )
        low, high = axis.forward([start, end])
        half = style.text_width(str(number), _SMALL, bold=True) / 2 + 3
        middle = float(low + high) / 2
        if middle - half < right:
            continue
        right = middle + half
        ax.text(
            float(axis.inverse(middle)),
            1,
            str(number),
            transform=_above(ax),
            fontsize=_SMALL,
            fontweight="bold",
            ha="center",
            va="center",
            color=theme.strong(style.ACTIVITIES["work"].color),
            gid=f"number {number}",
        )
    ax.text(
        0,
        1,
        "invocation",
        transform=ax.transAxes + _shift(ax, -8, 6),
        fontsize=_SMALL,
        ha="right",
        va="center",
        color=theme.muted,
    )


def _shift(ax: Axes, x: float, y: float) -> Any:
    from matplotlib.transforms import ScaledTranslation

    return ScaledTranslation(x / 72, y / 72, ax.figure.dpi_scale_trans)


def _gaps(ax: Axes, theme: style.Theme, axis: TimeAxis) -> None:
    for gap in axis.gaps:
        ax.axvspan(
            gap.start, gap.end, facecolor=theme.mix(theme.line, 0.06), edgecolor="none", zorder=0.4, gid="gap"
        )
        middle = float(axis.inverse(axis.forward([gap.start, gap.end]).mean()))
        ax.plot(
            [middle],
            [0],
            transform=ax.get_xaxis_transform(),
            clip_on=False,
            linestyle="none",
            color=theme.text,
            marker=_BREAK,
            markersize=9,
            markeredgewidth=0.8,
            gid="break",
            zorder=6,
        )
        ax.text(
            middle,
            1,
            gap.label,
            transform=_above(ax) + _shift(ax, 0, 8 if gap.upright else 0),
            fontsize=_SMALL if not gap.upright else 6.5,
            rotation=90 if gap.upright else 0,
            ha="center",
            va="bottom" if gap.upright else "center",
            color=theme.muted,
            gid="gap label",
        )


_BREAK = "$//$"


def _bars(
    ax: Axes, theme: style.Theme, axis: TimeAxis, segments: Sequence[Sequence[Sequence[Segment]]]
) -> None:
    from matplotlib.collections import PolyCollection

    found: dict[str, list[Any]] = {}
    crosses: list[tuple[float, int]] = []
    arrows: list[tuple[float, int]] = []
    for row, operations in enumerate(segments):
        flat = [segment for each in operations for segment in each]
        for name, bars in _by_look(flat).items():
            if len(operations) > 1:
                bars = merged(bars)  # noqa: PLW2901  # what lies under something else is not seen
            half = _HEIGHTS.get(name.removesuffix(" failed"), _OTHER_HEIGHT) / 2
            for bar in bars:
                start, end = axis.seconds(bar)
                found.setdefault(name, []).append(
                    [(start, row - half), (end, row - half), (end, row + half), (start, row + half)]
                )
        crosses += [(axis.seconds((each.start, each.end))[1], row) for each in flat if _failed(each)]
        if any(each.open for each in flat):
            arrows.append((axis.seconds((0, max(each.end for each in flat if each.open)))[1], row))
        if len(operations) == 1:
            _numbers(ax, axis, flat, row)
    for name in sorted(found, key=lambda each: _ORDER.index(each.removesuffix(" failed"))):
        look = style.ACTIVITIES[name.removesuffix(" failed")]
        color = theme.failure if name.endswith(" failed") else theme.strong(look.color)
        bars = PolyCollection(
            found[name],
            facecolor=theme.mix(color, 0.25) if look.hatch else color,
            edgecolor=color,
            linewidth=0.9,
            zorder=2 + _ORDER.index(name.removesuffix(" failed")) * 0.1,
            gid=name,
        )
        if look.hatch:
            bars.set_hatch(look.hatch)
        ax.add_collection(bars, autolim=False)
    if crosses:
        ax.scatter(
            *zip(*crosses, strict=True),
            marker="x",
            s=20,
            color=theme.text,
            linewidths=1.4,
            zorder=4,
            gid="failed attempt",
        )
    if arrows:
        ends, at = zip(*arrows, strict=True)
        ax.hlines(at, ends, axis.high, color=theme.muted, linewidth=1.0, linestyle=":", zorder=3)
        ax.scatter(
            [axis.high] * len(at),
            at,
            marker=">",
            s=26,
            color=theme.muted,
            zorder=4,
            clip_on=False,
            gid="still open",
        )


def _by_look(segments: Iterable[Segment]) -> dict[str, list[tuple[int, int]]]:
    found: dict[str, list[tuple[int, int]]] = {}
    for each in segments:
        name = f"{each.kind} failed" if _failed(each) else each.kind
        found.setdefault(name, []).append((each.start, each.end))
    return found


def _failed(segment: Segment) -> bool:
    return segment.kind == "work" and style.went_wrong(segment.status)


def _numbers(ax: Axes, axis: TimeAxis, segments: Sequence[Segment], row: int) -> None:
    """Numbers of attempts in their bars, where there are several and they fit."""
    attempts = [each for each in segments if each.kind == "work"]
    if len(attempts) < 2:
        return
    for each in attempts:
        low, high = axis.forward(axis.seconds((each.start, each.end)))
        if high - low >= style.text_width(str(each.attempt), 6.5) + (10 if _failed(each) else 4):
            middle = float(axis.inverse((low + high) / 2))
            ax.text(
                middle,
                row,
                str(each.attempt),
                fontsize=6.5,
                color="white",
                fontweight="bold",
                ha="center",
                va="center_baseline",
                zorder=5,
                gid="attempt",
                clip_on=True,
            )


def _durations(ax: Axes, theme: style.Theme, rows: Sequence[Group]) -> None:
    for row, group in enumerate(rows):
        starts = [each.start for each in group.operations if each.start is not None]
        ends = [each.end for each in group.operations if each.end is not None]
        if not starts or len(ends) < group.count:
            continue
        ax.text(
            1,
            row,
            ("over " if group.count > 1 else "") + style.duration((max(ends) - min(starts)).total_seconds()),
            fontsize=_SMALL,
            color=theme.muted,
            transform=ax.get_yaxis_transform() + _shift(ax, 7, 0),
            va="center_baseline",
            gid="duration",
        )


def _legend(ax: Axes, theme: style.Theme, segments: Iterable[Segment]) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    present = set(_by_look(segments))
    entries: list[tuple[Any, str]] = []
    for name, look in style.ACTIVITIES.items():
        color = theme.strong(look.color)
        if name not in present:
            continue
        if name == "context":
            entries.append((Line2D([], [], color=color, linewidth=2), look.word))
        else:
            face = theme.mix(color, 0.25) if look.hatch else color
            entries.append((Patch(facecolor=face, edgecolor=color, hatch=look.hatch), look.word))
    if "work failed" in present:
        cross = Line2D(
            [], [], linestyle="none", marker="x", color=theme.text, markersize=4.5, markeredgewidth=1.3
        )
        entries.insert(1, ((Patch(facecolor=theme.failure), cross), "failed attempt"))
    if not entries:
        return
    height = ax.get_window_extent().height * 72 / ax.figure.dpi
    ax.legend(
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
        labelcolor=theme.muted,
    )
