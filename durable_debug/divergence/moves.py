"""Operations that are asked for in another context, or in another order."""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from typing import TYPE_CHECKING

from durable_debug.divergence.facts import VIRTUAL, Operations, Said, Where
from durable_debug.divergence.tree import identity_of, parent_of, recorded_identity
from durable_debug.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from durable_debug.divergence.pairing import Pairing
    from durable_debug.engine.ongoing_pass import Call
    from durable_debug.history import Operation

__all__ = ["find_moves"]

_Pair = tuple["Call", "Operation"]


def find_moves(pairing: Pairing) -> None:
    """Find what stands elsewhere than recorded."""
    for path, calls in list(pairing.children.items()):
        home = pairing.target(path)
        at_home: list[_Pair] = []
        _find_flat(pairing, [call for call in calls if call.virtual and call.kind == "branch"])
        for call in calls:
            operation = pairing.operation(call) or _later(pairing, call)
            if operation is None or home is None or not pairing.is_compared(call):
                continue
            came_from = parent_of(operation.position)
            if came_from == home:
                at_home.append((call, operation))
            elif came_from not in pairing.unwrapped and call.kind != "branch" and pairing.is_known(call):
                was = Operations((recorded_identity(operation),), _there(pairing, came_from))
                now = Operations(where=_here(pairing, path))
                pairing.add("reparented", was, now, call=call, operation=operation)
        at_home.sort(key=lambda pair: pair[0].number)
        for block in _crossing(at_home):
            if any(pairing.is_known(call) for call, _ in block):
                _add_reordered(pairing, block)


def _later(pairing: Pairing, call: Call) -> Operation | None:
    """What was recorded for a call after the invocation that is compared: its place tells."""
    node = pairing.recorded.node(pairing.used[call.position] or "") if pairing.is_later(call) else None
    return node.operation if node is not None else None


def _find_flat(pairing: Pairing, branches: list[Call]) -> None:
    """FLAT branches in another order: they have no operations of their own, but what they hold has."""
    at = [int((pairing.used.get(b.position) or b.position).rpartition("-")[2]) for b in branches]
    moved = [b for b, number in zip(branches, at, strict=True) if number != b.number]
    if at == sorted(at):  # some came or went before them
        return
    batch = moved[0].within if moved else None
    operation = pairing.operation(batch) if batch is not None else None
    if operation is None:
        return
    was, now = (Said(listed([f"branch {n}" for n in numbers])) for numbers in _orders(pairing, branches))
    pairing.add("reordered", was, now, call=moved[0], operation=operation, run=moved[0])


def _orders(pairing: Pairing, branches: list[Call]) -> tuple[list[str], list[str]]:
    """Indices of branches, as recorded and as asked for."""
    now = [(pairing.used.get(b.position) or "").rpartition("-")[2] for b in branches]
    return sorted(now), now


def _there(pairing: Pairing, position: str) -> Where:
    operation = pairing.recorded.by_position.get(position)
    if operation is not None:
        return Where("in", recorded_identity(operation))
    return Where("in", VIRTUAL if position else None)


def _here(pairing: Pairing, path: str) -> Where:
    call = pairing.calls.get(path)
    return Where("in", identity_of(call) if call is not None else None, path)


def _crossing(pairs: Sequence[_Pair]) -> Iterator[list[_Pair]]:
    """Cut a sequence where no operation crosses the cut, and give the parts that are in another order."""
    ranks = _ranks(pairs)
    start, highest = 0, -1
    for index, rank in enumerate(ranks):
        highest = max(highest, rank)
        if highest == index:
            if index > start:
                yield list(pairs[start : index + 1])
            start = index + 1


def _ranks(pairs: Sequence[_Pair]) -> list[int]:
    numbers = [int(operation.position.rpartition("-")[2]) for _, operation in pairs]
    rank = {number: i for i, number in enumerate(sorted(numbers))}
    return [rank[number] for number in numbers]


def _add_reordered(pairing: Pairing, block: list[_Pair]) -> None:
    moved = _out_of_order(_ranks(block))
    call, operation = block[moved[0]]
    by_record = sorted(block, key=lambda pair: int(pair[1].position.rpartition("-")[2]))
    was, now = (tuple([recorded_identity(one) for _, one in pairs]) for pairs in (by_record, block))
    numbers: tuple[tuple[str, ...], ...] = ((), ())
    if was == now:  # the same names: what they were asked with tells them apart
        numbers = tuple([tuple([one.position for _, one in pairs]) for pairs in (by_record, block)])
    others = tuple(one for _, one in block if one is not operation)
    first = block[0][0]
    pairing.add(
        "reordered",
        Operations(was, numbers=numbers[0]),
        Operations(now, numbers=numbers[1]),
        call=call,
        operation=operation,
        also=others,
        run=first,
        order=float(first.seq),
    )


def _out_of_order(ranks: list[int]) -> list[int]:
    """Indices outside of a longest increasing subsequence; one that keeps what stands where it stood, if there is one."""
    fixed = [i for i, rank in enumerate(ranks) if i == rank]
    kept = set(_longest_increasing(ranks))
    if fixed and len(fixed) >= len(kept):
        kept = set(fixed)
    return [i for i in range(len(ranks)) if i not in kept]


def _longest_increasing(ranks: list[int]) -> list[int]:
    ends: list[int] = []  # the lowest rank that ends an increasing run of each length
    at: list[int] = []
    before: list[int] = []
    for index, rank in enumerate(ranks):
        length = bisect_left(ends, rank)
        before.append(at[length - 1] if length else -1)
        if length == len(ends):
            ends.append(rank)
            at.append(index)
        else:
            ends[length], at[length] = rank, index
    found: list[int] = []
    index = at[-1] if at else -1
    while index >= 0:
        found.append(index)
        index = before[index]
    found.reverse()
    assert all(ranks[a] < ranks[b] for a, b in pairwise(found))
    return found
