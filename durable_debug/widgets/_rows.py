"""The list of operations: what the history holds and what the handler asked for, as one tree."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from durable_debug.history import History, Operation
    from durable_debug.replay.asked import AskedOperation
    from durable_debug.widgets._messages import Rows

__all__ = ["CODES", "Row", "Table"]

CODES = {
    "STARTED": "s",
    "PENDING": "p",
    "READY": "r",
    "SUCCEEDED": "S",
    "FAILED": "F",
    "TIMED_OUT": "T",
    "STOPPED": "X",
    "CANCELLED": "C",
}
"""Letter for each status. Besides: ``.`` not begun as of then, ``-`` not in the history, ``?`` a status not known here."""


@dataclass(frozen=True, slots=True)
class Row:
    """An operation of the history, one that was asked for, or both."""

    recorded: Operation | None
    asked: AskedOperation | None
    position: str
    depth: int
    parent: int


class Table:
    """Operations in reading order: a parent before its children, those by their number.

    Parameters
    ----------
    history
        The record.
    asked
        What the handler asked for, in order: stop by stop.
    answers
        By stop, id of the recorded operation that answers; None where the history has none.
    """

    def __init__(
        self, history: History, asked: Sequence[AskedOperation], answers: Sequence[str | None]
    ) -> None:
        self._history = history
        self.rows = _in_order(history.tree(), asked, answers)
        self.row_of_stop = {row.asked.seq: at for at, row in enumerate(self.rows) if row.asked is not None}
        self.row_of_id = {row.recorded.id: at for at, row in enumerate(self.rows) if row.recorded is not None}

    def columns(self) -> Rows:
        """Give the columns that are sent once."""
        kinds: dict[str, int] = {}
        statuses: dict[str, int] = {}
        columns: Rows = {
            "position": [row.position for row in self.rows],
            "name": [_name(row) for row in self.rows],
            "parent": [row.parent for row in self.rows],
            "depth": [row.depth for row in self.rows],
            "kind": [kinds.setdefault(_kind(row), len(kinds)) for row in self.rows],
            "recorded": [
                statuses.setdefault(row.recorded.status if row.recorded else "", len(statuses))
                for row in self.rows
            ],
            "stop": [row.asked.seq if row.asked else -1 for row in self.rows],
            "attempts": [len(row.recorded.all_attempts) if row.recorded else 0 for row in self.rows],
            "kinds": [],
            "statuses": [],
        }
        columns["kinds"], columns["statuses"] = list(kinds), list(statuses)
        return columns

    def statuses(self, event_id: int) -> str:
        """Give one letter a row: what the service knew of it after an event."""
        now = {state["Id"]: state["Status"] for state in self._history.state_at(event_id)}
        return "".join(self._code(row, now) for row in self.rows)

    @staticmethod
    def _code(row: Row, now: dict[str, str]) -> str:
        if row.recorded is None:
            return "-"
        status = now.get(row.recorded.id)
        return "." if status is None else CODES.get(status, "?")


def _name(row: Row) -> str | None:
    name = row.recorded.name if row.recorded is not None else row.asked.name if row.asked else None
    return name if name is None or len(name) <= 256 else f"{name[:255]}…"


def _kind(row: Row) -> str:
    one = row.recorded or row.asked
    assert one is not None
    return one.sub_type or one.type


def _in_order(
    tree: Sequence[Operation], asked: Sequence[AskedOperation], answers: Sequence[str | None]
) -> list[Row]:
    ask_of = {answer: ask for ask, answer in zip(asked, answers, strict=True) if answer is not None}
    answer_of = {
        ask.position: answer for ask, answer in zip(asked, answers, strict=True) if answer is not None
    }
    place_of = {operation.id: operation.position for operation in tree}
    known = set(place_of.values())
    only_asked = [ask for ask, answer in zip(asked, answers, strict=True) if answer is None]

    # Keys are ids of recorded operations, and ("asked", seq) for those that the history does not have.
    virtual = {ask.position: f"asked {ask.seq}" for ask in only_asked}
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
        found[key] = (operation, ask_of.get(key), operation.position)
        children[parent_key(operation.position, operation.parent_id)].append(
            (_numbers(operation.position), 1, key)
        )
    for ask in only_asked:
        key = f"asked {ask.seq}"
        found[key] = (None, ask, ask.position)
        parent = answer_of.get(ask.parent_position) or virtual.get(ask.parent_position)
        children[parent or parent_key(ask.position, None)].append((_numbers(ask.position), 0, key))

    def walk() -> Iterator[Row]:
        stack = [(key, -1, 0) for *_, key in sorted(children[""], reverse=True)]
        count = 0
        while stack:
            key, parent, depth = stack.pop()
            operation, ask, position = found[key]
            yield Row(operation, ask, position, depth, parent)
            stack += [(inner, count, depth + 1) for *_, inner in sorted(children[key], reverse=True)]
            count += 1

    return list(walk())


def _numbers(position: str) -> tuple[int, ...]:
    """Sort key: 10 after 9, and what has no known position last."""
    try:
        return tuple(int(part) for part in position.split("-"))
    except ValueError:
        return (1 << 30,)
