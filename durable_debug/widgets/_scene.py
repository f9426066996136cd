"""What a graph draws: boxes, edges and grounds, placed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from durable_debug.plots import style
from durable_debug.plots.graph import graph
from durable_debug.plots.layout import lay_out

if TYPE_CHECKING:
    from collections.abc import Collection

    from durable_debug.history import History
    from durable_debug.widgets._rows import Table

__all__ = ["scene"]

_ONE_AT_A_TIME = threading.Lock()  # Graphviz keeps global state


def scene(
    history: History, table: Table, *, fold: bool | int, unfold: Collection[str], direction: str
) -> dict[str, Any]:
    """Lay the graph of a history out.

    Returns
    -------
    dict
        ``nodes``: boxes with their middle, size, words and ``rows`` (of the operations that they stand for; none for
        what is no operation) and ``beside`` (row of the operation whose other side it is, or -1). ``edges``: kind and a Bézier curve, ``[x, y, x, y, …]``. ``grounds``: left, top, width,
        height and depth of each context. ``width``, ``height``. All in points, y downwards.
    """
    # Boxes have the words and sizes of the static picture.
    from durable_debug.plots.boxes import _Box as Box
    from durable_debug.plots.boxes import _label as label_of

    drawn = graph(history, fold=fold, unfold=unfold)
    boxes = {node: Box(data, label_of(data)) for node, data in drawn.nodes(data=True)}
    with _ONE_AT_A_TIME:
        layout = lay_out(drawn, {node: box.room for node, box in boxes.items()}, direction)
    row_of = {row.recorded.id: at for at, row in enumerate(table.rows) if row.recorded is not None}
    number = {node: at for at, node in enumerate(boxes)}
    height = layout.height
    return {
        "width": round(layout.width, 1),
        "height": round(height, 1),
        "direction": direction,
        "nodes": [
            {
                "x": round(layout.centers[node][0], 1),
                "y": round(height - layout.centers[node][1], 1),
                "w": round(box.size[0], 1),
                "h": round(box.size[1], 1),
                "kind": box.data["kind"],
                "type": box.data["type"] or "",
                "look": style.activity_of(box.data["type"]) if box.operation else None,
                "mark": box.label.mark,
                "name": box.label.name,
                "detail": box.label.detail,
                "wrong": style.went_wrong(box.data["status"]) and box.data["kind"] != "outside",
                "open": box.open,
                "count": box.data["count"] if box.operation else 0,
                "pattern": style.one_line(box.data["name"] or "", 120) if box.piled else None,
                "beside": row_of.get(node.partition(":")[2], -1),
                "rows": [row_of[each] for each in box.data["operations"]] if box.operation else [],
            }
            for node, box in boxes.items()
        ],
        "edges": [
            {
                "kind": data["kind"],
                "from": number[start],
                "to": number[end],
                "points": [
                    round(value, 1) for x, y in layout.routes[start, end] for value in (x, height - y)
                ],
                "times": data.get("times", 0),
            }
            for start, end, data in drawn.edges(data=True)
            if start != end
        ],
        "grounds": [
            [
                round(left, 1),
                round(height - top, 1),
                round(right - left, 1),
                round(top - low, 1),
                drawn.nodes[node]["depth"],
            ]
            for node, (left, low, right, top) in sorted(
                layout.grounds.items(), key=lambda each: drawn.nodes[each[0]]["depth"]
            )
        ],
    }
