"""Two sequences aligned at the least cost: what was asked for, and what was recorded."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

__all__ = ["Costs", "Sequences"]

Mine = TypeVar("Mine")
Theirs = TypeVar("Theirs")


@dataclass(frozen=True, slots=True)
class Costs:
    """What it costs to leave something alone.

    Attributes
    ----------
    mine, theirs
        Of each of ours, and of each of theirs.
    beyond
        Of one of theirs behind the last of ours.
    to_come
        At most, of one of ours behind the last of theirs.
    """

    mine: Sequence[float]
    theirs: Sequence[float]
    beyond: float
    to_come: float


@dataclass(frozen=True, slots=True)
class Sequences(Generic[Mine, Theirs]):
    """How two sequences are aligned.

    Attributes
    ----------
    cost
        What it costs to take one for the other; 0 where they are the same.
    alone
        What it costs to leave something of two sequences alone.
    sign_of_mine, sign_of_theirs
        What is the same in both, where they are too long for an exact alignment.
    most_cells
        Ours times theirs, for an exact alignment; longer ones are cut at what is the same in both.
    """

    cost: Callable[[Mine, Theirs], float]
    alone: Callable[[Sequence[Mine], Sequence[Theirs]], Costs]
    sign_of_mine: Callable[[Mine], Hashable]
    sign_of_theirs: Callable[[Theirs], Hashable]
    most_cells: int

    def aligned(self, mine: Sequence[Mine], theirs: Sequence[Theirs]) -> list[tuple[Mine, Theirs | None]]:
        """Pair each of ours with one of theirs, or with None; equal beginnings and ends need no search."""
        first, last, behind = 0, len(mine), len(theirs)
        while first < min(last, behind) and self.cost(mine[first], theirs[first]) == 0:
            first += 1
        while last > first < behind and self.cost(mine[last - 1], theirs[behind - 1]) == 0:
            last, behind = last - 1, behind - 1
        return [
            *zip(mine[:first], theirs[:first], strict=True),
            *self._searched(mine[first:last], theirs[first:behind]),
            *zip(mine[last:], theirs[behind:], strict=True),
        ]

    def _searched(self, mine: Sequence[Mine], theirs: Sequence[Theirs]) -> list[tuple[Mine, Theirs | None]]:
        if not mine or not theirs:
            return [(one, None) for one in mine]
        if len(mine) * len(theirs) <= self.most_cells:
            return self._at_least_cost(mine, theirs)
        ours, others = [*map(self.sign_of_mine, mine)], [*map(self.sign_of_theirs, theirs)]
        found: list[tuple[Mine, Theirs | None]] = []
        i = j = 0
        for block in difflib.SequenceMatcher(None, ours, others, autojunk=False).get_matching_blocks():
            gap = mine[i : block.a], theirs[j : block.b]
            few = len(gap[0]) * len(gap[1]) <= self.most_cells
            found += self._searched(*gap) if few else self._by_order(*gap)
            i, j = block.a + block.size, block.b + block.size
            found += zip(mine[block.a : i], theirs[block.b : j], strict=True)
        return found

    def _by_order(self, mine: Sequence[Mine], theirs: Sequence[Theirs]) -> list[tuple[Mine, Theirs | None]]:
        """Pair what has nothing in common by the order alone."""
        others = [*theirs[: len(mine)], *[None] * (len(mine) - len(theirs))]
        return [
            (one, other if other is not None and self.cost(one, other) < float("inf") else None)
            for one, other in zip(mine, others, strict=True)
        ]

    def _at_least_cost(
        self, mine: Sequence[Mine], theirs: Sequence[Theirs]
    ) -> list[tuple[Mine, Theirs | None]]:
        rows, columns = len(mine), len(theirs)
        pair = [[self.cost(one, other) for other in theirs] for one in mine]
        alone = self.alone(mine, theirs)
        costs = [[0.0] * (columns + 1) for _ in range(rows + 1)]
        costs[rows] = [(columns - j) * alone.beyond for j in range(columns + 1)]
        for i in range(rows - 1, -1, -1):
            here, below, pairs = costs[i], costs[i + 1], pair[i]
            here[columns] = below[columns] + min(alone.to_come, alone.mine[i])
            for j in range(columns - 1, -1, -1):
                here[j] = min(
                    below[j + 1] + pairs[j], below[j] + alone.mine[i], here[j + 1] + alone.theirs[j]
                )
        found: list[tuple[Mine, Theirs | None]] = []
        i = j = 0
        while i < rows:
            if j < columns and costs[i][j] == costs[i + 1][j + 1] + pair[i][j]:
                found.append((mine[i], theirs[j]))
                i, j = i + 1, j + 1
            elif j < columns and costs[i][j] == costs[i][j + 1] + alone.theirs[j]:
                j += 1
            else:
                found.append((mine[i], None))
                i += 1
        return found
