"""Which operations are shown together: alike siblings as one, with a count.

Every view folds by these rules, so that a fold in one is a fold in all:

- Two operations are alike when type, sub-type and status are the same, and their names but for the digits in them.
  The items of one map are alike whatever their names.
- Items and branches of a map or parallel fold wherever they stand in it; other operations where alike ones follow each
  other. A run may repeat a block of several: ``reserve-1, charge-1, reserve-2, charge-2, …`` folds to two.
- What lies in folded operations is folded along with them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from durable_debug.history import History, Operation

__all__ = ["FOLD_FROM", "Group", "family_names", "fold", "in_order", "strands"]

FOLD_FROM = 4
"""How many alike siblings are folded when nobody says how many."""

_LONGEST_BLOCK = 6
_CONCURRENT = frozenset({"Map", "Parallel"})
_DIGITS = re.compile(r"\d+")

_Key = tuple[str, str | None, str | None, str]


@dataclass(frozen=True, eq=False)
class Group:
    """What a view shows as one thing: an operation, or alike siblings folded.

    Attributes
    ----------
    operations
        One, or those that are folded, in start order.
    strands
        What lies in it: in a map or parallel one strand for each item or branch shown, elsewhere one strand with the
        operations in the order in which the code came to them. Without any where there is nothing in it.
    depth
        How many groups it lies in.
    block
        How many groups, from this one on, repeat together, one after the other; 1 for most.
    """

    operations: tuple[Operation, ...]
    strands: tuple[tuple[Group, ...], ...]
    depth: int
    block: int = 1

    @property
    def first(self) -> Operation:
        """The operation that stands for all."""
        return self.operations[0]

    @property
    def count(self) -> int:
        """How many operations it stands for."""
        return len(self.operations)

    @property
    def concurrent(self) -> bool:
        """Whether its strands ran beside each other."""
        return self.first.sub_type in _CONCURRENT

    @cached_property
    def name(self) -> str:
        """Name; of folded ones with ``*`` where they differ."""
        return _common([_name(operation) for operation in self.operations])

    @property
    def attempts(self) -> int:
        """Attempts begun, of all together."""
        return sum(operation.attempts for operation in self.operations)


def fold(history: History, fold: bool | int = True, unfold: Collection[str] = ()) -> tuple[Group, ...]:  # noqa: FBT001, FBT002
    """Group the operations of a history for a view.

    Parameters
    ----------
    history
        The record.
    fold
        True folds from 4 alike ones on, a number (2 or more) from so many on, False not at all.
    unfold
        Names or positions, exact or as globs: operations that match are shown by themselves, with those they lie in.
        ``["2-*"]`` unfolds all that lies in operation 2, ``["charge-card"]`` every operation of that name.

    Returns
    -------
    tuple of Group
        Those at the top, in order; what lies in them is in their strands.
    """
    least = FOLD_FROM if fold is True else max(2, fold) if fold else 0
    return _Folder(history.tree(), least, (unfold,) if isinstance(unfold, str) else unfold).top()


def family_names(operations: Sequence[Operation]) -> list[str]:
    """Name of the family of each operation: what tables by name put together.

    Operations of one type and sub-type whose names differ in digits only are a family, and so are the items of a map.
    The name of a family has ``*`` where its members' names differ. The operations may be of several executions.
    """
    families: dict[tuple[str, str | None, str], list[int]] = {}
    for at, operation in enumerate(operations):
        item = operation.sub_type == "MapIteration"
        same = f"items of {operation.parent_id}" if item else _without_digits(_name(operation))
        families.setdefault((operation.type, operation.sub_type, same), []).append(at)
    names = [""] * len(operations)
    for members in families.values():
        name = _common([_name(operations[at]) for at in members])
        for at in members:
            names[at] = name
    return names


def in_order(groups: Iterable[Group]) -> Iterator[Group]:
    """All groups, each before what lies in it."""
    for group in groups:
        yield group
        for strand in group.strands:
            yield from in_order(strand)


def strands(parent: Operation | None, children: Sequence[Operation]) -> list[list[Operation]]:
    """Children of an operation as those that ran one after the other.

    One list for each item or branch of a map or parallel (a FLAT one has no operations of its own for them: the
    positions tell), a single one for everything else.
    """
    if not children:
        return []
    if parent is None or parent.sub_type not in _CONCURRENT:
        return [list(children)]
    found: dict[str, list[Operation]] = {}
    level = parent.position.count("-") + 1
    for child in children:
        parts = child.position.split("-")
        branch = parts[level] if child.position.startswith(f"{parent.position}-") else child.id
        found.setdefault(branch, []).append(child)
    return list(found.values())


class _Folder:
    def __init__(self, operations: Sequence[Operation], least: int, unfold: Collection[str]) -> None:
        self._least = least
        known = {operation.id for operation in operations}
        self._children: dict[str | None, list[Operation]] = {}
        for operation in operations:
            parent = operation.parent_id if operation.parent_id in known else None
            self._children.setdefault(parent, []).append(operation)
        self._alone = _unfolded(operations, unfold)

    def top(self) -> tuple[Group, ...]:
        return self._sequence(self._children.get(None, []), 0)

    def _group(self, operations: Sequence[Operation], depth: int, block: int = 1) -> Group:
        if len(operations) > 1:
            inner = self._merged(operations, depth + 1)
        else:
            parent = operations[0]
            children = strands(parent, self._children.get(parent.id, []))
            if len(children) > 1 or parent.sub_type in _CONCURRENT:
                inner = self._beside(children, depth + 1)
            else:
                inner = tuple(self._sequence(child, depth + 1) for child in children)
        return Group(tuple(operations), inner, depth, block)

    def _sequence(self, operations: Sequence[Operation], depth: int) -> tuple[Group, ...]:
        """Fold runs, and runs of blocks, in operations that follow each other."""
        keys = [self._key(operation) for operation in operations]
        groups: list[Group] = []
        at = 0
        while at < len(operations):
            period, times = _run(keys, at, self._least)
            alike: dict[_Key, list[Operation]] = {}
            for key, operation in zip(keys[at : at + period * times], operations[at:], strict=False):
                alike.setdefault(key, []).append(operation)
            for i, same in enumerate(alike.values()):
                groups.append(self._group(same, depth, len(alike) if i == 0 else 1))
            at += period * times
        return tuple(groups)

    def _beside(self, branches: Sequence[Sequence[Operation]], depth: int) -> tuple[tuple[Group, ...], ...]:
        """Fold alike strands of a map or parallel, wherever they stand."""
        alike: dict[tuple[_Key, ...], list[Sequence[Operation]]] = {}
        for branch in branches:
            alike.setdefault(tuple(self._key(operation) for operation in branch), []).append(branch)
        found: list[tuple[Group, ...]] = []
        for same in alike.values():
            if self._least and len(same) >= self._least:
                columns = zip(*same, strict=True)
                found.append(tuple(self._group(column, depth) for column in columns))
            else:
                found.extend(self._sequence(branch, depth) for branch in same)
        return tuple(found)

    def _merged(self, parents: Sequence[Operation], depth: int) -> tuple[tuple[Group, ...], ...]:
        """Fold all that lies in folded operations: what is alike in any of them is one."""
        alike: dict[_Key, list[Operation]] = {}
        for parent in parents:
            for child in self._children.get(parent.id, []):
                alike.setdefault(self._key(child), []).append(child)
        groups = tuple(self._group(same, depth) for same in alike.values())
        if parents[0].sub_type in _CONCURRENT:
            return tuple((group,) for group in groups)
        return (groups,) if groups else ()

    def _key(self, operation: Operation) -> _Key:
        if operation.id in self._alone:
            return (operation.type, operation.sub_type, operation.id, operation.status)
        if operation.sub_type == "MapIteration":
            return (operation.type, operation.sub_type, None, operation.status)
        name = _without_digits(operation.name) if operation.name is not None else None
        return (operation.type, operation.sub_type, name, operation.status)


def _run(keys: Sequence[_Key], at: int, least: int) -> tuple[int, int]:
    """Period and number of repetitions of the longest run that begins there; (1, 1) where none folds."""
    best = (1, 1)
    if not least:
        return best
    for period in range(1, _LONGEST_BLOCK + 1):
        end = at + period
        while end < len(keys) and keys[end] == keys[end - period]:
            end += 1
        times = (end - at) // period
        if times >= least and period * times > best[0] * best[1]:
            best = (period, times)
    return best


def _unfolded(operations: Sequence[Operation], unfold: Collection[str]) -> set[str]:
    """Ids of operations that stand by themselves, and of those they lie in."""
    if not unfold:
        return set()
    by_id = {operation.id: operation for operation in operations}
    alone: set[str] = set()
    for operation in operations:
        texts = (operation.position, operation.name) if operation.name is not None else (operation.position,)
        if any(text == each or fnmatchcase(text, each) for each in unfold for text in texts):
            inner: Operation | None = operation
            while inner is not None and inner.id not in alone:
                alone.add(inner.id)
                inner = by_id.get(inner.parent_id) if inner.parent_id is not None else None
    return alone


def _name(operation: Operation) -> str:
    return operation.name if operation.name is not None else (operation.sub_type or operation.type)


@lru_cache(maxsize=8192)
def _without_digits(name: str) -> str:
    return _DIGITS.sub("#", name)


def _common(names: Sequence[str]) -> str:
    """One name for several: digits that differ become ``*``, and else whatever lies between the common ends."""
    if len(set(names)) == 1:
        return names[0]
    texts = [_DIGITS.split(name) for name in names]
    if all(text == texts[0] for text in texts):
        numbers = [_DIGITS.findall(name) for name in names]
        middles = [column[0] if len(set(column)) == 1 else "*" for column in zip(*numbers, strict=True)]
        return "".join(text + middle for text, middle in zip(texts[0], [*middles, ""], strict=True))
    low, high = min(names), max(names)
    start = next(
        (i for i, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), min(len(low), len(high))
    )
    return f"{low[:start]}*"
