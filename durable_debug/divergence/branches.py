"""Which recorded branch of a map or parallel belongs to which one asked for, where there are more or fewer of them.

The SDK goes by the index. A person does not: of ``map([1, 2, 3])`` that is now ``map([2, 3])`` the first item is gone, and
the other two are as they were, at another index. So branches are paired at the least cost, like operations, by what tells
them apart: the names that the code gives them, the operations in them, and what they returned.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from durable_debug.divergence.sequences import Costs, Sequences
from durable_debug.divergence.tree import identity_of
from durable_debug.divergence.values import same_as_payload

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from durable_debug.divergence.tree import Node, RecordedTree
    from durable_debug.engine.ongoing_pass import Call

__all__ = ["given_names", "paired_by_content"]

_MOST_CELLS = 40_000  # for an exact alignment
_GONE = 1.0  # what it costs to take a branch for gone, or for new
_OTHER_NAME = 1.5
_OTHER_CONTENT = 1.2  # in proportion
_OTHER_RESULT = 0.4


def given_names(index: int) -> tuple[str, str]:
    """Names that the SDK gives to branches without one."""
    return f"map-item-{index}", f"parallel-branch-{index}"


def paired_by_content(
    calls: Sequence[Call],
    nodes: Sequence[Node],
    groups: Mapping[str, Mapping[str, Call]],
    recorded: RecordedTree,
) -> list[tuple[Call, Node | None]]:
    """Pair branches in their order; None for those that are new.

    Parameters
    ----------
    asks, nodes
        The branches asked for and the recorded ones, each in the order of their indices.
    groups
        By position of a context asked for, the calls in it.
    """
    wanted = [_Branch(call.name, call.number, _asked(call.position, groups), call) for call in calls]
    held = [
        _Branch(node.identity[2], node.number, _recorded(node.position, recorded), node) for node in nodes
    ]
    found = _SEQUENCES.aligned(wanted, held)
    return [(one.of, other.of if other is not None else None) for one, other in found]


class _Branch:
    """One branch of either side, by what tells it from others."""

    def __init__(self, name: str | None, number: int, content: Counter[Any], of: Any) -> None:
        self.name = None if name in {None, *given_names(number)} else name
        self.content = content
        self.of = of
        self.key = (self.name, frozenset(content.items()))


def _asked(position: str, groups: Mapping[str, Mapping[str, Call]]) -> Counter[Any]:
    found: Counter[Any] = Counter()
    for call in groups.get(position, {}).values():
        kind = call.kind
        detail = (
            call.arguments.get("seconds") if kind == "wait" else call.payload if kind == "invoke" else None
        )
        found[*identity_of(call), detail] += 1
        found += _asked(call.position, groups)
    return found


def _recorded(position: str, recorded: RecordedTree) -> Counter[Any]:
    found: Counter[Any] = Counter()
    for node in recorded.inside(position):
        operation = node.operation
        detail: Any = None
        if operation is not None:
            detail = operation.duration_seconds if operation.type == "WAIT" else operation.payload
        found[*node.identity, detail] += 1
    return found


def _cost(one: _Branch, other: _Branch) -> float:
    """What it costs to take a recorded branch for one that is asked for."""
    name = _OTHER_NAME * (one.name != other.name)
    most = max(one.content.total(), other.content.total())
    content = 1 - (one.content & other.content).total() / most if most else 0.0
    return name + _OTHER_CONTENT * content + _OTHER_RESULT * _has_other_result(one.of, other.of)


def _has_other_result(call: Call, node: Node) -> bool:
    if call.body is None or call.body.how != "returned" or node.operation is None:
        return False
    return node.operation.status == "SUCCEEDED" and same_as_payload(call.body, node.operation.result) is False


def _alone(mine: Sequence[_Branch], theirs: Sequence[_Branch]) -> Costs:
    return Costs([_GONE] * len(mine), [_GONE] * len(theirs), _GONE, _GONE)


_SEQUENCES: Sequences[_Branch, _Branch] = Sequences(
    _cost, _alone, lambda one: one.key, lambda one: one.key, _MOST_CELLS
)
