"""Operations as one tree: what the history holds and what the handler asked for."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from durable_debug.divergence import Run
    from durable_debug.engine.asked import AskedOperation
    from durable_debug.history import Operation

__all__ = ["Row", "in_order", "rows_of"]


@dataclass(frozen=True, slots=True)
class Row:
    """An operation of the history, one that was asked for, or both."""

    recorded: Operation | None
    asked: AskedOperation | None
    position: str
    depth: int
    parent: int


def rows_of(run: Run) -> list[Row]:
    """Give all operations of a replay in reading order, a parent before its children."""
    tree = run.history.tree()
    known = {operation.id for operation in tree}
    answers = [call.match_id if call.match_id in known else None for call in run.complete.calls]
    return in_order(tree, run.complete.operations, answers)


def in_order(
    tree: Sequence[Operation], asked: Sequence[AskedOperation], answers: Sequence[str | None]
) -> list[Row]:
    """Give operations in reading order; `answers` are the ids of the recorded ones that answer, one for each asked."""
    call_of = {answer: call for call, answer in zip(asked, answers, strict=True) if answer is not None}
    answer_of = {
        call.position: answer for call, answer in zip(asked, answers, strict=True) if answer is not None
    }
    place_of = {operation.id: operation.position for operation in tree}
    known = set(place_of.values())
    only_asked = [call for call, answer in zip(asked, answers, strict=True) if answer is None]

    # Keys are ids of recorded operations, and ("asked", seq) for those that the history does not have.
    virtual = {call.position: f"asked {call.seq}" for call in only_asked}
    children: defaultdict[str, list[tuple[tuple[int, ...], int, str]]] = defaultdict(list)
    found: dict[str, tuple[Operation | None, AskedOperation | None, str]] = {}
    id_at = {operation.position: operation.id for operation in tree}

    def parent_key(position: str, fallback: str | None) -> str:
        path = position.rpartition("-")[0]
        while path:
            if path in known:
                return id_at[path]
            if path in virtual:
                return virtual[path]
            path = path.rpartition("-")[0]
        return fallback if fallback in place_of else ""

    for operation in tree:
        key = operation.id
        found[key] = (operation, call_of.get(key), operation.position)
        children[parent_key(operation.position, operation.parent_id)].append(
            (_numbers(operation.position), 1, key)
        )
    for call in only_asked:
        key = f"asked {call.seq}"
        found[key] = (None, call, call.position)
        parent = answer_of.get(call.parent_position) or virtual.get(call.parent_position)
        children[parent or parent_key(call.position, None)].append((_numbers(call.position), 0, key))

    def walk() -> Iterator[Row]:
        stack = [(key, -1, 0) for *_, key in sorted(children[""], reverse=True)]
        count = 0
        while stack:
            key, parent, depth = stack.pop()
            operation, call, position = found[key]
            yield Row(operation, call, position, depth, parent)
            stack += [(inner, count, depth + 1) for *_, inner in sorted(children[key], reverse=True)]
            count += 1

    return list(walk())


def _numbers(position: str) -> tuple[int, ...]:
    """Sort key: 10 after 9, and what has no known position last."""
    try:
        return tuple(int(part) for part in position.split("-"))
    except ValueError:
        return (1 << 30,)
