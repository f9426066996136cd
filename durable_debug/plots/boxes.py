"""The drawing of a graph: boxes with their text, edges, grounds of contexts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
from matplotlib.patches import FancyBboxPatch, PathPatch, Polygon
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
_MOST_DETAILED = 600  # boxes; of more, the second line would only cost time
_MARGIN = 14.0
_PILE = 4.0  # how far the boxes behind a folded one look out
_LARGEST_INCHES = 300.0  # agg draws at most 65,536 pixels: enough at 200 dots an inch
_NOT_ENDED = frozenset({"STARTED", "PENDING", "READY"})
_DOTS = (0, (1, 1.5))
_DASHES: dict[str, Any] = {"repeat": (0, (4, 2)), "callback": _DOTS, "invoke": _DOTS, "parent": _DOTS}


@dataclass(frozen=True, slots=True)
class _Label:
    mark: str
    name: str
    detail: str

    @property
    def first(self) -> str:
        """The first line."""
        return f"{self.mark} {self.name}" if self.mark else self.name


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
    boxes = {node: _Box(data, _label(data)) for node, data in graph.nodes(data=True)}
    layout = lay_out(graph, {node: box.room for node, box in boxes.items()}, direction)
    margin = 0.0 if ax else _MARGIN / (layout.width + 2 * _MARGIN)
    ax = _axes(ax, layout)
    drawing = _Drawing(ax)
    for node, ground in layout.grounds.items():
        drawing.ground(ground, graph.nodes[node]["depth"])
    for start, end, data in graph.edges(data=True):
        if start != end:
            drawing.edge(layout.routes[start, end], data)
    for node, box in boxes.items():
        drawing.box(node, box, layout.centers[node])
        drawing.text(box, layout.centers[node], detailed=len(boxes) <= _MOST_DETAILED)
    ax.set_title(_title(graph), loc="left", x=margin, fontsize=_TITLE, parse_math=False, family=style.fonts())
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


@dataclass(frozen=True, eq=False)
class _Box:
    data: Mapping[str, Any]
    label: _Label

    @cached_property
    def size(self) -> Point:
        """Width and height in points."""
        least = 46.0 if self.data["kind"] in {"start", "end"} else 76.0
        texts = style.text_width(self.label.first, _NAME), style.text_width(self.label.detail, _DETAIL)
        return max(*texts, least - 22) + 22, 34.0 if self.label.detail else 22.0

    @property
    def piled(self) -> bool:
        """Whether it stands for several."""
        return bool(self.data["count"] > 1 and self.operation)

    @property
    def operation(self) -> bool:
        """Whether it is one."""
        return bool(self.data["kind"] == "operation")

    @property
    def room(self) -> Point:
        """Width and height with the pile behind it."""
        width, height = self.size
        return (width + 2 * _PILE, height + 2 * _PILE) if self.piled else (width, height)

    @property
    def open(self) -> bool:
        """Whether it is drawn with a dashed outline: it has not ended, or is not of this execution."""
        return self.data["kind"] == "outside" or (self.operation and self.data["status"] in _NOT_ENDED)

    def outline(self, center: Point, **look: Any) -> Patch:
        """Make an outline that tells the kind: steps rounded, waits pills, callbacks and invokes cut, contexts square."""
        (x, y), (w, h) = center, self.size
        left, right, low, high = x - w / 2, x + w / 2, y - h / 2, y + h / 2
        cut = 7.0
        match self.data["type"]:
            case "CALLBACK":
                upper = [(left, high - cut), (left + cut, high), (right - cut, high), (right, high - cut)]
                lower = [(right, low + cut), (right - cut, low), (left + cut, low), (left, low + cut)]
                return Polygon(upper + lower, **look)
            case "CHAINED_INVOKE":
                tip = [(right - cut, high), (right, y), (right - cut, low)]
                return Polygon([(left, high), *tip, (left, low)], **look)
            case "CONTEXT":
                shape = "square,pad=0"
            case "STEP":
                shape = "round,pad=0,rounding_size=4"
            case _:
                shape = f"round,pad=0,rounding_size={h / 2}"
        return FancyBboxPatch((left, low), w, h, boxstyle=shape, **look)


class _Drawing:
    def __init__(self, ax: Axes) -> None:
        self._ax = ax
        self._theme = style.Theme.of(ax)

    def box(self, node: str, box: _Box, center: Point) -> None:
        theme = self._theme
        wrong = style.went_wrong(box.data["status"]) and box.data["kind"] != "outside"
        color = theme.mix(theme.text, 0.6)
        if box.operation:
            color = style.ACTIVITIES[style.activity_of(box.data["type"])].color
        look = {
            "facecolor": theme.tint(color) if box.operation else theme.background,
            "edgecolor": theme.strong(color),
        }
        for offset in (_PILE, _PILE / 2) if box.piled else ():
            behind = center[0] + offset, center[1] - offset
            self._ax.add_patch(box.outline(behind, linewidth=0.7, zorder=2.8, **look))
        if wrong:
            look["edgecolor"] = theme.failure
        dashes = "--" if box.open else "-"
        width = 2.0 if wrong else 1.1
        self._ax.add_patch(box.outline(center, linewidth=width, linestyle=dashes, zorder=3, gid=node, **look))

    def text(self, box: _Box, center: Point, *, detailed: bool) -> None:
        x, y = center
        label, theme = box.label, self._theme
        color = theme.failure if style.went_wrong(box.data["status"]) and label.mark else theme.text
        line = y + (6.5 if label.detail else 0.0)
        self._write(x, line, label.first, _NAME, color=color)
        if label.detail and detailed:
            self._write(x, y - 8.0, label.detail, _DETAIL, color=theme.muted)

    def ground(self, ground: tuple[float, float, float, float], depth: int) -> None:
        left, low, right, high = ground
        self._ax.add_patch(
            FancyBboxPatch(
                (left, low),
                right - left,
                high - low,
                boxstyle="round,pad=0,rounding_size=5",
                facecolor=self._theme.mix(self._theme.line, 0.05 + 0.03 * min(depth, 4)),
                edgecolor=self._theme.mix(self._theme.line, 0.3),
                linewidth=0.7,
                zorder=1 + min(depth, 50) * 0.01,
                gid="ground",
            )
        )

    def edge(self, route: list[Point], data: Mapping[str, Any]) -> None:
        color = self._theme.mix(self._theme.text, 0.6)
        path = Path(route, [Path.MOVETO, *[Path.CURVE4] * (len(route) - 1)])
        look = {
            "linewidth": 1.0,
            "linestyle": _DASHES.get(data["kind"], "-"),
            "zorder": 2,
            "gid": data["kind"],
        }
        self._ax.add_patch(PathPatch(path, facecolor="none", edgecolor=color, **look))
        self._ax.add_patch(
            Polygon(
                _arrow_head(route), facecolor=color, edgecolor="none", zorder=2, gid=f"{data['kind']} arrow"
            )
        )
        if data["kind"] == "repeat":
            x, y = _middle(route)
            ground = {"facecolor": self._theme.background, "edgecolor": "none", "pad": 1.0}
            text = f"×{data['times']:,}"
            self._write(x, y, text, _DETAIL, color=self._theme.muted, bbox=ground)

    def _write(self, x: float, y: float, text: str, points: float, **look: Any) -> None:
        look |= {"ha": "center", "va": "center_baseline", "family": style.fonts()}
        artist = _ScaledText(x, y, text, points=points, zorder=4, clip_on=True, **look)
        artist.set_transform(self._ax.transData)
        self._ax.add_artist(artist)


def _arrow_head(route: list[Point]) -> list[Point]:
    """Tip and both sides of an arrow's head, in the direction in which the curve arrives."""
    x1, y1 = route[-1]
    x0, y0 = next((each for each in reversed(route[:-1]) if each != (x1, y1)), (x1, y1 + 1))
    length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
    dx, dy = (x1 - x0) / length, (y1 - y0) / length
    x, y = x1 - 6.5 * dx, y1 - 6.5 * dy
    return [(x1, y1), (x - 2.4 * dy, y + 2.4 * dx), (x + 2.4 * dy, y - 2.4 * dx)]


def _middle(route: list[Point]) -> Point:
    """The middle of the middle piece of a Bézier curve."""
    at = 3 * ((len(route) - 1) // 3 // 2)
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = route[at : at + 4]
    return (x0 + 3 * x1 + 3 * x2 + x3) / 8, (y0 + 3 * y1 + 3 * y2 + y3) / 8
