"""Where the boxes of a graph go: Graphviz' dot where it is installed, networkx' layers where it is not."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import networkx as nx

__all__ = ["Layout", "Point", "lay_out"]

Point = tuple[float, float]

_BETWEEN_LAYERS, _BESIDE = 26.0, 18.0
_PADDING = 8.0  # of a context's ground around what lies in it
_LONGEST_EXACT = 400  # boxes; for more, dot takes the first ordering that it finds


@dataclass(frozen=True, slots=True)
class Layout:
    """Places in points, y upwards.

    Attributes
    ----------
    centers
        Of the box of each node.
    routes
        Of each edge the points of a Bézier curve (one, and three for each piece), from box to box.
    grounds
        Left, bottom, right and top of the ground of each context; empty where the layout does not keep them apart.
    width, height
        Of all.
    """

    centers: dict[str, Point]
    routes: dict[tuple[str, str], list[Point]]
    grounds: dict[str, tuple[float, float, float, float]] = field(default_factory=dict)
    width: float = 0.0
    height: float = 0.0


def lay_out(graph: nx.DiGraph[str], sizes: Mapping[str, Point], direction: str) -> Layout:
    """Place boxes of given widths and heights, in points; those of self-loops have no route."""
    with contextlib.suppress(ImportError):
        return _with_dot(graph, sizes, direction)
    return _with_networkx(graph, sizes, direction)


def _with_dot(graph: nx.DiGraph[str], sizes: Mapping[str, Point], direction: str) -> Layout:
    import pygraphviz

    numbers = {node: f"n{at}" for at, node in enumerate(graph)}  # names that need no quoting
    many = len(graph) > _LONGEST_EXACT
    drawing = pygraphviz.AGraph(
        directed=True,
        strict=False,
        rankdir=direction,
        ranksep=_BETWEEN_LAYERS / 72,
        nodesep=_BESIDE / 72,
        splines="true" if not many else "line",
        newrank="true",
        **({"nslimit": "2", "nslimit1": "2", "mclimit": "0.1"} if many else {}),
    )
    drawing.node_attr.update(shape="box", fixedsize="true", label="")
    for node, number in numbers.items():
        width, height = sizes[node]
        drawing.add_node(number, width=width / 72, height=height / 72)
    clusters = _clusters(graph, drawing, numbers)
    for start, end, kind in graph.edges(data="kind"):
        if start != end:
            back = {"constraint": "false"} if kind == "repeat" else {}
            drawing.add_edge(numbers[start], numbers[end], **back)
    drawing.layout("dot")
    left, bottom, right, top = (float(each) for each in drawing.graph_attr["bb"].split(","))
    return Layout(
        centers={node: _point(drawing.get_node(number).attr["pos"]) for node, number in numbers.items()},
        routes={
            (start, end): _route(drawing.get_edge(numbers[start], numbers[end]).attr["pos"])
            for start, end in graph.edges
            if start != end
        },
        grounds={node: _box(cluster.graph_attr["bb"]) for node, cluster in clusters.items()},
        width=right - left,
        height=top - bottom,
    )


def _clusters(graph: nx.DiGraph[str], drawing: Any, numbers: Mapping[str, str]) -> dict[str, Any]:
    """A cluster for each context, holding its own box and all that lies in it."""
    inner: dict[str | None, list[str]] = {}
    for node, data in graph.nodes(data=True):
        if data["kind"] != "outside":
            inner.setdefault(data["parent"], []).append(node)
    clusters: dict[str, Any] = {}

    def place(parent: str | None, within: Any) -> None:
        for node in inner.get(parent, []):
            home = within
            if node in inner:
                home = within.add_subgraph(name=f"cluster_{numbers[node]}", margin=_PADDING, label="")
                clusters[node] = home
                place(node, home)
            beside = _beside(graph, node)
            for each in (node, *beside):
                home.add_node(numbers[each])
            if beside:
                row = home.add_subgraph(rank="same")
                for each in (node, *beside):
                    row.add_node(numbers[each])

    place(None, drawing)
    return clusters


def _beside(graph: nx.DiGraph[str], node: str) -> list[str]:
    """Nodes that stand for what is outside, which belong beside this one."""
    found = [other for _, other, kind in graph.out_edges(node, data="kind") if kind == "invoke"]
    return found + [other for other, _, kind in graph.in_edges(node, data="kind") if kind == "callback"]


def _point(text: str) -> Point:
    x, y = text.split(",")[:2]
    return float(x), float(y)


def _box(text: str) -> tuple[float, float, float, float]:
    left, bottom, right, top = (float(each) for each in text.split(","))
    return left, bottom, right, top


def _route(text: str) -> list[Point]:
    """Read dot's ``e,<tip> <point> …``: the tip of the arrow first, then a Bézier curve up to its base."""
    points, tip, tail = [], None, None
    for part in text.replace("\\\n", "").split():
        if part.startswith("e,"):
            tip = _point(part[2:])
        elif part.startswith("s,"):
            tail = _point(part[2:])
        else:
            points.append(_point(part))
    if tail is not None:
        points[0] = tail
    if tip is not None:
        points[-1] = tip
    return points


def _with_networkx(graph: nx.DiGraph[str], sizes: Mapping[str, Point], direction: str) -> Layout:
    import networkx as nx

    forward = nx.DiGraph(
        (start, end)
        for start, end, kind in graph.edges(data="kind")
        if kind not in {"retry", "repeat", "callback", "invoke"}
    )
    forward.add_nodes_from(node for node, kind in graph.nodes(data="kind") if kind != "outside")
    layers: dict[int, list[str]] = dict(enumerate(nx.topological_generations(forward)))
    order = {node: at for at, node in enumerate(graph)}
    for layer, nodes in layers.items():
        ordered = sorted(nodes, key=order.__getitem__)
        layers[layer] = [each for node in ordered for each in (node, *_beside(graph, node))]
    down = direction == "TB"
    raw = nx.multipartite_layout(
        forward.__class__(graph), subset_key=layers, align="horizontal" if down else "vertical"
    )
    # It places on a grid and then shrinks all to fit into a square: the grid is stretched to the boxes.
    across, along = (0, 1) if down else (1, 0)
    step = _grid_step(raw.values(), along)
    spacing = {
        across: max(size[across] for size in sizes.values()) + _BESIDE,
        along: max(size[along] for size in sizes.values()) + _BETWEEN_LAYERS,
    }
    sign = {across: 1 if down else -1, along: -1 if down else 1}
    placed = {
        node: tuple(float(point[axis]) / step * spacing[axis] * sign[axis] for axis in (0, 1))
        for node, point in raw.items()
    }
    left, bottom = (
        min(point[axis] - sizes[node][axis] / 2 for node, point in placed.items()) for axis in (0, 1)
    )
    centers = {node: (x - left, y - bottom) for node, (x, y) in placed.items()}
    back = _BESIDE if any(kind == "repeat" for *_, kind in graph.edges(data="kind")) else 0.0
    return Layout(
        centers=centers,
        routes={
            (start, end): _straight(centers, sizes, start, end, down=down)
            for start, end in graph.edges
            if start != end
        },
        width=max(x + sizes[node][0] / 2 for node, (x, _) in centers.items()) + (back if down else 0),
        height=max(y + sizes[node][1] / 2 for node, (_, y) in centers.items()) + (0 if down else back),
    )


def _grid_step(points: Iterable[Any], along: int) -> float:
    """Distance between layers, which is that between neighbours in a layer too."""
    layers = sorted({round(float(point[along]), 9) for point in points})
    return min((b - a for a, b in pairwise(layers)), default=1.0)


def _straight(
    centers: Mapping[str, Point], sizes: Mapping[str, Point], start: str, end: str, *, down: bool
) -> list[Point]:
    """A curve from the edge of one box to the edge of the other."""
    (x0, y0), (x1, y1) = centers[start], centers[end]
    (w0, h0), (w1, h1) = sizes[start], sizes[end]
    if down and y0 - h0 / 2 > y1 + h1 / 2:
        a, b = (x0, y0 - h0 / 2), (x1, y1 + h1 / 2)
        bend = (a[1] + b[1]) / 2
        return [a, (a[0], bend), (b[0], bend), b]
    if not down and x0 + w0 / 2 < x1 - w1 / 2:
        a, b = (x0 + w0 / 2, y0), (x1 - w1 / 2, y1)
        bend = (a[0] + b[0]) / 2
        return [a, (bend, a[1]), (bend, b[1]), b]
    side = 1 if x1 > x0 else -1
    if down and y0 == y1:
        a, b = (x0 + side * w0 / 2, y0), (x1 - side * w1 / 2, y1)
        return [a, a, b, b]
    if not down and x0 == x1:
        side = 1 if y1 > y0 else -1
        a, b = (x0, y0 + side * h0 / 2), (x1, y1 - side * h1 / 2)
        return [a, a, b, b]
    # Back to an earlier layer: around the boxes.
    if down:
        a, b = (x0 + w0 / 2, y0), (x1 + w1 / 2, y1)
        out = max(a[0], b[0]) + _BESIDE
        return [a, (out, a[1]), (out, b[1]), b]
    a, b = (x0, y0 + h0 / 2), (x1, y1 + h1 / 2)
    out = max(a[1], b[1]) + _BESIDE
    return [a, (a[0], out), (b[0], out), b]
