"""The drawing of a graph: boxes with their text, edges, grounds of contexts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, PathPatch, Polygon
from matplotlib.path import Path
from matplotlib.text import Text

from durable_debug.plots import style
from durable_debug.plots.layout import Layout, Point, lay_out

if TYPE_CHECKING:
    from collections.abc import Mapping

    import networkx as nx
    from matplotlib.axes import Axes
    from matplotlib.patches import Patch

__all__ = ["draw"]

_NAME, _DETAIL, _TITLE = 9.0, 7.5, 11.0  # sizes of text in points
_MARGIN = 14.0
_PILE = 4.0  # how far the boxes behind a folded one look out
_LARGEST_INCHES = 300.0  # agg draws at most 65,536 pixels: enough at 200 dots an inch


@dataclass(frozen=True, slots=True)
class _Label:
    mark: str
    name: str
    detail: str


class _ScaledText(Text):
    """Text whose size is in the data's units, so that it fits its box however large the axes are."""

    def __init__(self, *args: Any, points: float, **kwargs: Any) -> None:
        super().__init__(*args, parse_math=False, **kwargs)
        self._points = points

    def _fit(self) -> None:
        if self.axes is not None and self.figure is not None:
            (_, low), (_, high) = self.axes.transData.transform([(0, 0), (0, 1)])
            self.set_fontsize(max(0.1, self._points * (high - low) * 72 / self.figure.dpi))

    def draw(self, renderer: Any) -> None:
        self._fit()
        super().draw(renderer)

    def get_window_extent(self, renderer: Any = None, dpi: float | None = None) -> Any:
        self._fit()
        return super().get_window_extent(renderer, dpi)


def draw(graph: nx.DiGraph[str], *, ax: Axes | None, direction: str) -> Axes:
    """Draw a graph made by `durable_debug.plots.graph.graph`."""
    labels = {node: _label(data) for node, data in graph.nodes(data=True)}
    sizes = {node: _size(labels[node], data["kind"]) for node, data in graph.nodes(data=True)}
    room = {node: _with_pile(sizes[node], data["count"]) for node, data in graph.nodes(data=True)}
    layout = lay_out(graph, room, direction)
    ax = _axes(ax, layout)
    theme = style.Theme.of(ax)
    for node, ground in layout.grounds.items():
        _ground(ax, theme, ground, graph.nodes[node]["depth"])
    for start, end, data in graph.edges(data=True):
        if start != end:
            _edge(ax, theme, layout.routes[start, end], data)
    for node, data in graph.nodes(data=True):
        _box(ax, theme, node, data, layout.centers[node], sizes[node])
        _text(ax, theme, labels[node], data, layout.centers[node], sizes[node])
    ax.set_title(
        _title(graph), loc="left", x=_MARGIN / (layout.width + 2 * _MARGIN), fontsize=_TITLE, parse_math=False
    )
    return ax


def _axes(ax: Axes | None, layout: Layout) -> Axes:
    width, height = layout.width + 2 * _MARGIN, layout.height + 2 * _MARGIN
    if ax is None:
        title = 30.0
        shrink = min(1.0, _LARGEST_INCHES * 72 / max(width, height + title))
        inches = max(width * shrink, 220.0) / 72, (height * shrink + title) / 72
        figure = plt.figure(figsize=inches)
        ax = figure.add_axes((0.0, 0.0, 1.0, 1 - title / 72 / inches[1]))
    box = ax.get_window_extent()
    room = box.width * 72 / ax.figure.dpi, box.height * 72 / ax.figure.dpi
    # Never larger than natural size: what is small stays small in a large axes, in the middle.
    scale = min(1.0, room[0] / width, room[1] / height)
    spare_x, spare_y = (room[0] / scale - width) / 2, (room[1] / scale - height) / 2
    ax.set_xlim(-_MARGIN - spare_x, layout.width + _MARGIN + spare_x)
    ax.set_ylim(-_MARGIN - spare_y, layout.height + _MARGIN + spare_y)
    ax.set_aspect("equal", adjustable="datalim")
    ax.set_axis_off()
    return ax


def _title(graph: nx.DiGraph[str]) -> str:
    name = style.one_line(graph.graph["name"] or graph.graph["function_name"] or "execution", 48)
    status = graph.graph["status"]
    return f"{name} · {style.mark(status)} {status}"


def _label(data: Mapping[str, Any]) -> _Label:
    status = data["status"]
    if data["kind"] == "start":
        return _Label("", "start", "")
    if data["kind"] == "end":
        return _Label(style.mark(status), status.replace("_", " ").lower(), "")
    if data["kind"] == "outside":
        return _outside(data)
    count = data["count"]
    kind = style.kind_word(data["type"], data["sub_type"])
    name = style.one_line(data["name"], 34) if data["name"] else kind
    details = [kind] if data["name"] else []
    if status != "SUCCEEDED":
        details.append(status.replace("_", " ").lower())
    if data["elapsed_seconds"] is not None:
        about = "median " if count > 1 else ""
        details.append(about + style.duration(data["elapsed_seconds"]))
    if data["type"] == "STEP" and data["attempts"] > count:
        word = "polls" if data["sub_type"] == "WaitForCondition" else "attempts"
        details.append(f"↻ {data['attempts']:,} {word}")
    return _Label(style.mark(status), f"{name}  ×{count:,}" if count > 1 else name, " · ".join(details))


_ANSWERS = {
    "SUCCEEDED": "answered",
    "FAILED": "answered: failed",
    "TIMED_OUT": "no answer in time",
    "STARTED": "no answer yet",
}


def _outside(data: Mapping[str, Any]) -> _Label:
    if data["function_name"]:
        return _Label("", style.one_line(data["function_name"], 34), "function invoked")
    if data["name"] is None and data["function_name"] is None:
        return _Label("", _ANSWERS.get(data["status"], "outside"), "from outside")
    return _Label("", "function", "invoked")


def _size(label: _Label, kind: str) -> Point:
    name = style.text_width(label.name, _NAME) + (1.5 * _NAME if label.mark else 0)
    width = max(name, style.text_width(label.detail, _DETAIL)) + 22
    height = 34.0 if label.detail else 22.0
    return (max(width, 46.0 if kind in {"start", "end"} else 76.0), height)


def _with_pile(size: Point, count: int) -> Point:
    return (size[0] + 2 * _PILE, size[1] + 2 * _PILE) if count > 1 else size


def _shape(data: Mapping[str, Any], center: Point, size: Point) -> Patch:
    """Outline that tells the kind: steps round-cornered, waits pills, callbacks and invokes with points, contexts square."""
    (x, y), (w, h) = center, size
    left, right, low, high = x - w / 2, x + w / 2, y - h / 2, y + h / 2
    cut = 7.0
    match data["type"]:
        case "CALLBACK":
            return Polygon(
                [
                    (left + cut, high),
                    (right - cut, high),
                    (right, high - cut),
                    (right, low + cut),
                    (right - cut, low),
                    (left + cut, low),
                    (left, low + cut),
                    (left, high - cut),
                ]
            )
        case "CHAINED_INVOKE":
            return Polygon([(left, high), (right - cut, high), (right, y), (right - cut, low), (left, low)])
        case "CONTEXT":
            return FancyBboxPatch((left, low), w, h, boxstyle="square,pad=0")
        case "STEP":
            rounding = 4.0
        case _:
            rounding = h / 2
    return FancyBboxPatch((left, low), w, h, boxstyle=f"round,pad=0,rounding_size={rounding}")


def _box(
    ax: Axes, theme: style.Theme, node: str, data: Mapping[str, Any], center: Point, size: Point
) -> None:
    wrong = style.went_wrong(data["status"])
    operation = data["kind"] == "operation"
    color = (
        style.ACTIVITIES[style.activity_of(data["type"])].color if operation else theme.mix(theme.text, 0.6)
    )
    if data["count"] > 1 and operation:
        for offset in (_PILE, _PILE / 2):
            behind = _shape(data, (center[0] + offset, center[1] - offset), size)
            behind.set(facecolor=theme.tint(color), edgecolor=theme.strong(color), linewidth=0.7, zorder=2.8)
            ax.add_patch(behind)
    patch = _shape(data, center, size)
    patch.set(
        facecolor=theme.tint(color) if operation else theme.background,
        edgecolor=theme.failure if wrong and data["kind"] != "outside" else theme.strong(color),
        linewidth=2.0 if wrong and data["kind"] != "outside" else 1.1,
        linestyle="--"
        if data["kind"] == "outside" or data["status"] in {"STARTED", "PENDING", "READY"} and operation
        else "-",
        zorder=3,
        gid=node,
    )
    ax.add_patch(patch)


def _text(
    ax: Axes, theme: style.Theme, label: _Label, data: Mapping[str, Any], center: Point, size: Point
) -> None:
    x, y = center
    up = 6.5 if label.detail else 0.0
    width = style.text_width(label.name, _NAME) + (1.5 * _NAME if label.mark else 0)
    left = x - width / 2
    if label.mark:
        color = theme.failure if style.went_wrong(data["status"]) else theme.muted
        _write(ax, left, y + up, label.mark, _NAME, ha="left", color=color, family=style.MARK_FONT)
        left += 1.5 * _NAME
    _write(ax, left, y + up, label.name, _NAME, ha="left", color=theme.text)
    if label.detail:
        _write(ax, x, y - 8.0, label.detail, _DETAIL, ha="center", color=theme.muted)


def _write(ax: Axes, x: float, y: float, text: str, points: float, **look: Any) -> None:
    artist = _ScaledText(x, y, text, points=points, va="center_baseline", zorder=4, clip_on=True, **look)
    artist.set_transform(ax.transData)
    ax.add_artist(artist)


def _ground(ax: Axes, theme: style.Theme, ground: tuple[float, float, float, float], depth: int) -> None:
    left, low, right, high = ground
    ax.add_patch(
        FancyBboxPatch(
            (left, low),
            right - left,
            high - low,
            boxstyle="round,pad=0,rounding_size=5",
            facecolor=theme.mix(theme.line, 0.05 + 0.03 * min(depth, 4)),
            edgecolor=theme.mix(theme.line, 0.3),
            linewidth=0.7,
            zorder=1 + min(depth, 50) * 0.01,
        )
    )


def _edge(ax: Axes, theme: style.Theme, route: list[Point], data: Mapping[str, Any]) -> None:
    kind = data["kind"]
    dashed = {
        "repeat": (0, (4, 2)),
        "callback": (0, (1, 1.5)),
        "invoke": (0, (1, 1.5)),
        "parent": (0, (1, 1.5)),
    }
    color = theme.mix(theme.text, 0.6)
    path = Path(route, [Path.MOVETO, *[Path.CURVE4] * (len(route) - 1)])
    ax.add_patch(
        PathPatch(
            path,
            facecolor="none",
            edgecolor=color,
            linewidth=1.0,
            linestyle=dashed.get(kind, "-"),
            zorder=2,
            gid=kind,
        )
    )
    ax.add_patch(
        FancyArrowPatch(
            _before_tip(route),
            route[-1],
            arrowstyle="-|>",
            mutation_scale=8,
            shrinkA=0,
            shrinkB=0,
            color=color,
            linewidth=0.8,
            zorder=2,
        )
    )
    if kind == "repeat":
        x, y = route[len(route) // 2]
        _write(
            ax,
            x,
            y,
            f"×{data['times']:,}",
            _DETAIL,
            ha="center",
            color=theme.muted,
            bbox={"facecolor": theme.background, "edgecolor": "none", "pad": 1.0},
        )


def _before_tip(route: list[Point]) -> Point:
    """A point 8 points before the tip, in the direction in which the curve arrives."""
    (x1, y1) = route[-1]
    x0, y0 = next((each for each in reversed(route[:-1]) if each != (x1, y1)), (x1, y1 + 1))
    length = max(1e-9, ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5)
    return x1 - (x1 - x0) / length * 8, y1 - (y1 - y0) / length * 8
