"""The operations of an execution as a graph, and that graph drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from durable_debug.errors import DurableDebugError
from durable_debug.plots.folding import Group
from durable_debug.plots.folding import fold as folded

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import networkx as nx
    from matplotlib.axes import Axes

    from durable_debug.history import History

__all__ = ["graph", "plot_graph"]


def graph(history: History, *, fold: bool | int = False, unfold: Collection[str] = ()) -> nx.DiGraph[str]:
    """Operations of an execution as a directed graph, in the order in which the code came to them.

    Parameters
    ----------
    history
        The record.
    fold, unfold
        Which alike operations are one node: see `durable_debug.plots.folding.fold`. Not folded by default.

    Returns
    -------
    networkx.DiGraph
        Attributes of the graph: ``arn``, ``name``, ``function_name``, ``status``.

        A node is known by its operation's id (of folded ones: by that of the first). Its attributes:

        ==================  ================================================================================
        kind                ``operation``; ``start`` and ``end`` of the execution (nodes ``"start"``, ``"end"``);
                            ``outside`` for whoever answers a callback (node ``"callback:<id>"``) and for another
                            execution or function that is invoked (``"invoke:<id>"``)
        position            logical position, ``"3-1"``
        name                as recorded, or None; with ``*`` where folded ones differ
        type, sub_type      as the service has them; None for what is no operation
        status              as the service has it
        start, end          aware datetimes, UTC, or None; of folded ones the first and the last
        elapsed_seconds     from start to end or None; of folded ones the median
        attempts            attempts begun; of folded ones all together
        depth               how many nodes it lies in
        count               how many operations it stands for
        operations          their ids, a tuple
        parent              node that it lies in, or None
        start_invocation    in which it began, or None
        error_type          or None
        function_name       of an invoke and what it invokes, or None
        ==================  ================================================================================

        An edge has a ``kind``:

        ==================  ================================================================================
        sequence            the code came from one to the other
        parent              from a child context to the first operation in it
        fan_out, join       from a map or parallel to the first operation of each item or branch, and from the last of
                            each to what comes after
        retry               from a node to itself: it was tried again; ``retries`` says how often
        repeat              back to the first of several operations that repeat together (folded), ``times`` in all
        callback            from outside to a callback
        invoke              to the function or execution that is invoked
        ==================  ================================================================================

        ``retry`` and ``repeat`` lead back; without them the graph has no cycle.
    """
    import networkx as nx

    drawn: nx.DiGraph[str] = nx.DiGraph(
        arn=history.arn, name=history.name or "", function_name=history.function_name, status=history.status
    )
    _Builder(drawn).build(history, folded(history, fold, unfold))
    return drawn


class _Builder:
    def __init__(self, drawn: nx.DiGraph[str]) -> None:
        self._graph = drawn

    def build(self, history: History, groups: Sequence[Group]) -> None:
        raw_start, raw_end = _bounds(history)
        self._graph.add_node("start", **_plain("start", history.name, "STARTED", start=raw_start))
        self._add(groups, None)
        self._graph.add_node("end", **_plain("end", history.name, history.status, end=raw_end))
        exits = self._chain(groups, ["start"], "sequence")
        for leaf, kind in exits:
            self._graph.add_edge(leaf, "end", kind=kind)

    def _add(self, groups: Sequence[Group], parent: str | None) -> None:
        for group in groups:
            self._graph.add_node(group.first.id, **_attributes(group, parent))
            self._outside(group, parent)
            retries = sum(max(0, len(each.all_attempts) - 1) for each in group.operations)
            if retries:
                self._graph.add_edge(group.first.id, group.first.id, kind="retry", retries=retries)
            for strand in group.strands:
                self._add(strand, group.first.id)

    def _outside(self, group: Group, parent: str | None) -> None:
        first = group.first
        beside = {
            "depth": group.depth,
            "count": group.count,
            "parent": parent,
            "function_name": first.function_name,
        }
        if first.type == "CALLBACK":
            node = f"callback:{first.id}"
            self._graph.add_node(node, **_plain("outside", None, first.status, **beside))
            self._graph.add_edge(node, first.id, kind="callback")
        elif first.type == "CHAINED_INVOKE":
            node = f"invoke:{first.id}"
            self._graph.add_node(node, **_plain("outside", first.function_name, first.status, **beside))
            self._graph.add_edge(first.id, node, kind="invoke")

    def _chain(self, groups: Sequence[Group], entry: Sequence[str], kind: str) -> list[tuple[str, str]]:
        """Connect groups one after the other; return the nodes that lead on from the last, and how."""
        ways = [(node, kind) for node in entry]
        block: list[str] = []
        block_length = times = 0
        for group in groups:
            for node, how in ways:
                self._graph.add_edge(node, group.first.id, kind=how)
            ways = self._through(group)
            if group.block > 1:
                block, block_length, times = [], group.block, group.count
            if len(block) < block_length:
                block.append(group.first.id)
                times = min(times, group.count)
                if len(block) == block_length:
                    last = ways[0][0]
                    self._graph.add_edge(last, block[0], kind="repeat", times=times)
        return ways

    def _through(self, group: Group) -> list[tuple[str, str]]:
        node = group.first.id
        if not group.strands:
            return [(node, "sequence")]
        into, out = ("fan_out", "join") if group.concurrent else ("parent", None)
        ways = [way for strand in group.strands for way in self._chain(strand, [node], into)]
        return [(leaf, out or kind) for leaf, kind in ways]


def _attributes(group: Group, parent: str | None) -> dict[str, Any]:
    first = group.first
    starts = [each.start for each in group.operations if each.start is not None]
    ends = [each.end for each in group.operations if each.end is not None]
    elapsed = sorted(each.elapsed_seconds for each in group.operations if each.elapsed_seconds is not None)
    return {
        "kind": "operation",
        "position": first.position,
        "name": group.name if any(each.name is not None for each in group.operations) else None,
        "type": first.type,
        "sub_type": first.sub_type,
        "status": first.status,
        "start": min(starts, default=None),
        "end": max(ends, default=None) if len(ends) == group.count else None,
        "elapsed_seconds": elapsed[len(elapsed) // 2] if elapsed else None,
        "attempts": group.attempts,
        "depth": group.depth,
        "count": group.count,
        "operations": tuple(each.id for each in group.operations),
        "parent": parent,
        "start_invocation": first.start_invocation,
        "error_type": (first.error or {}).get("ErrorType"),
        "function_name": first.function_name,
    }


def _plain(kind: str, name: str | None, status: str, **other: Any) -> dict[str, Any]:
    """Attributes of a node that is no operation."""
    empty = dict.fromkeys(_ATTRIBUTES)
    known = {
        "kind": kind,
        "name": name,
        "status": status,
        "attempts": 0,
        "depth": 0,
        "count": 0,
        "operations": (),
    }
    return empty | known | other


_ATTRIBUTES = (
    "kind",
    "position",
    "name",
    "type",
    "sub_type",
    "status",
    "start",
    "end",
    "elapsed_seconds",
    "attempts",
    "depth",
    "count",
    "operations",
    "parent",
    "start_invocation",
    "error_type",
    "function_name",
)


def _bounds(history: History) -> tuple[Any, Any]:
    if not len(history):
        return None, None
    times = history.events["timestamp"]
    ended = history.status not in {"RUNNING", "PAUSED"}
    return times.min().to_pydatetime(), times.max().to_pydatetime() if ended else None


def plot_graph(
    history: History,
    *,
    ax: Axes | None = None,
    direction: Literal["TB", "LR"] = "TB",
    fold: bool | int = True,
    unfold: Collection[str] = (),
) -> Axes:
    """Draw the operations of an execution as a graph, in layers.

    A box is an operation, or several alike ones that are folded (``×193``); its outline, colour and second line tell its
    kind, the mark before its name its status. Child contexts, maps and parallels have what lies in them on a ground of
    their own. Beside a callback stands who answers it, beside an invoke what is invoked.

    Graphviz lays it out where the extra ``graph`` is installed (``pip install "durable_debug[graph]"``), networkx
    otherwise, which places boxes in layers but does not keep edges from crossing them.

    Parameters
    ----------
    history
        The record.
    ax
        Axes to draw on; without one a figure is made that is as large as the drawing needs. Text scales with the axes.
    direction
        ``"TB"`` from top to bottom, ``"LR"`` from left to right.
    fold, unfold
        Which alike operations are one box: see `durable_debug.plots.folding.fold`.

    Returns
    -------
    matplotlib.axes.Axes
        With one patch per box whose ``get_gid()`` is the node of `graph`.

    Raises
    ------
    DurableDebugError
        There is no such direction.
    """
    if direction not in {"TB", "LR"}:
        raise DurableDebugError(f"There is no direction {direction!r:.40}.", cure="Use 'TB' or 'LR'.")
    from durable_debug.plots.boxes import draw

    return draw(graph(history, fold=fold, unfold=unfold), ax=ax, direction=direction)
