"""Which line of the user's code a difference is put down to, and which differences are one change.

A call is seldom alone on its line: a loop, the branches of a map, or a helper called from many places ask from
the same one. The line to blame is the one of whose calls the most differ: if all calls through a helper differ, the
helper was changed; if only one of its callers is concerned, the caller was. Where that leaves several, as of a helper
with one caller, it is the one that has what is new written in it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from durable_debug.divergence.facts import Finding
    from durable_debug.engine.ongoing_pass import Call
    from durable_debug.engine.places import Place, Stack

__all__ = ["Group", "grouped"]

_Key = tuple[object, ...]  # a call with those around it, innermost first

_SINGLE = {"result", "error", "outcome"}


@dataclass(frozen=True, slots=True)
class Group:
    """Findings that one change made, the first in the order of the replay first, and its line."""

    findings: tuple[Finding, ...]
    place: Place | None


def grouped(findings: Sequence[Finding], calls: Iterable[Call], stacks: Mapping[int, Stack]) -> list[Group]:
    """Put findings of one change together, in the order of the replay.

    Parameters
    ----------
    findings
        In the order of the replay.
    asks
        All calls of the pass.
    stacks
        By the number of a call, the user's frames that it was made from.
    """
    blame = _Blame(findings, calls, stacks)
    joined = _Joined()
    first_of_row = {
        (f.kind, id(f.run)): f for f in reversed(findings) if f.run is not None and f.call is f.run
    }
    for index, finding in enumerate(findings):
        mine = (index,)
        joined.add(mine)
        if finding.kind in _SINGLE:
            continue
        if finding.kind == "missing":
            for key in blame.gaps(finding):
                joined.join(mine, ("missing", key))
            continue
        call, fraction = blame.of(finding)
        head = first_of_row.get((finding.kind, id(finding.run))) if finding.kind == "unexpected" else None
        if head is not None and head is not finding and fraction < 1:  # a further turn of a loop
            call, _ = blame.of(head)
        joined.join(mine, (finding.kind, call or finding.place or mine))
        if finding.place is not None:  # where a body ends that several calls give
            joined.join(mine, (finding.kind, finding.place))
    groups: dict[object, list[Finding]] = {}
    for index, finding in enumerate(findings):
        groups.setdefault(joined.root((index,)), []).append(finding)
    return [Group(tuple(group), group[0].place or blame.place(group[0])) for group in groups.values()]


class _Blame:
    def __init__(
        self, findings: Iterable[Finding], calls: Iterable[Call], stacks: Mapping[int, Stack]
    ) -> None:
        self._stacks = stacks
        # How many calls go through each way; branches, which have the way of their batch, are counted apart.
        self._calls: dict[bool, Counter[_Key]] = {True: Counter(), False: Counter()}
        for call in calls:
            self._calls[call.kind == "branch"].update(key for _, key in self._ways(call))
        self._affected: dict[str, Counter[_Key]] = defaultdict(Counter)
        seen: set[tuple[str, int]] = set()
        for finding in findings:
            anchor = finding.anchor
            if anchor is not None and (finding.kind, anchor.seq) not in seen:
                seen.add((finding.kind, anchor.seq))
                self._affected[finding.kind].update(key for _, key in self._ways(anchor))

    def _ways(self, call: Call) -> list[tuple[Place, _Key]]:
        """The frames of a call, and for each the way from the call to it."""
        stack = self._stacks.get(call.seq, ())
        calls = [place.call for place in stack]
        return [(place, tuple(calls[: i + 1])) for i, place in enumerate(stack)]

    def whole(self, call: Call) -> _Key:
        """All frames of a call."""
        ways = self._ways(call)
        return ways[-1][1] if ways else (call.seq,)

    def gaps(self, finding: Finding) -> Iterator[object]:
        """What tells the place in the code that something is missing from: any of these, where two have it in common."""
        for side in (finding.leader, finding.follower):
            if side is not None:
                yield side is finding.leader, self.whole(side)
        yield from self._tail_of_helper(finding)
        place = finding.place or self.place(finding)
        if place is not None:
            yield place

    def _tail_of_helper(self, finding: Finding) -> Iterator[object]:
        """The last call of a helper, behind which something of the helper itself is missing."""
        leader = self._stacks.get(finding.leader.seq, ()) if finding.leader is not None else ()
        follower = self._stacks.get(finding.follower.seq, ()) if finding.follower is not None else ()
        held = finding.operation
        if (
            len(leader) > 1
            and held is not None
            and all(not _same_function(place, leader[0]) for place in follower)
        ):
            yield *leader[0].call, held.type, held.sub_type

    def _blamed(self, finding: Finding) -> tuple[Place, _Key, float] | None:
        anchor = finding.anchor
        if anchor is None:
            return None
        affected, calls = self._affected[finding.kind], self._calls[anchor.kind == "branch"]
        ways = [(place, key, affected[key] / calls[key]) for place, key in self._ways(anchor) if calls[key]]
        most = max((fraction for _, _, fraction in ways), default=0.0)
        ways = [way for way in ways if way[2] == most]
        written = next((way for way in ways if self._is_written_in(finding, way[0], way[1])), None)
        if written is not None or not ways:
            return written
        # Of a helper that is right for other calls, the caller is to blame: the loop, not the line that it comes down to.
        return ways[0] if most == 1 else ways[-1]

    def _is_written_in(self, finding: Finding, place: Place, way: _Key) -> bool:
        """Whether a line is where something new was written, or where calls part from those before."""
        if finding.kind == "missing":
            leader = self._stacks.get(finding.leader.seq, ()) if finding.leader is not None else ()
            follower = self._stacks.get(finding.follower.seq, ()) if finding.follower is not None else ()
            return len(way) == len(_in_functions(follower)) - _shared(leader, follower)
        return finding.call is not None and finding.call.name in place.names

    def of(self, finding: Finding) -> tuple[_Key, float]:
        """The call to blame, and which part of its calls differ."""
        blamed = self._blamed(finding)
        return (blamed[1], blamed[2]) if blamed else ((), 1.0)

    def place(self, finding: Finding) -> Place | None:
        """The line to blame."""
        blamed = self._blamed(finding)
        return blamed[0] if blamed else None


def _same_function(one: Place, other: Place) -> bool:
    return (one.file, one.function) == (other.file, other.function)


def _in_functions(stack: Stack) -> Stack:
    """Leave out the lambdas around: there is but one call in them, so nothing is gone from there."""
    while len(stack) > 1 and stack[-1].is_lambda:
        stack = stack[:-1]
    return stack


def _shared(one: Stack, other: Stack) -> int:
    """How many frames two calls share, from the outermost inwards."""
    count = 0
    for mine, theirs in zip(reversed(one), reversed(other), strict=False):
        if mine.call != theirs.call:
            break
        count += 1
    return count


class _Joined:
    """Sets that are put together by what they share."""

    def __init__(self) -> None:
        self._above: dict[object, object] = {}

    def add(self, one: object) -> None:
        self._above.setdefault(one, one)

    def root(self, one: object) -> object:
        while (above := self._above[one]) != one:
            self._above[one] = self._above[above]
            one = above
        return one

    def join(self, one: object, other: object) -> None:
        self.add(other)
        self._above[self.root(other)] = self.root(one)
