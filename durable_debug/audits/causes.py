"""Causes: what histories that diverge alike have in common, so that 500 that break at one line are one finding."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from durable_debug.audits.check import OBSTACLES
from durable_debug.divergence.facts import Operations
from durable_debug.wording import named

if TYPE_CHECKING:
    from collections.abc import Iterable

    from durable_debug.divergence.divergence import Divergence

__all__ = ["Cause", "Collector", "worst"]

SEVERITIES = ("info", "warning", "error")
_VARIES = re.compile(
    r"0x[0-9a-f]+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\S*[/\\]\S*|\S+\.json\b|\d+", re.IGNORECASE
)
_QUOTED = re.compile(r"(?<!\w)'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|\([^)]*\)")  # of a file, by its reader
_Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Cause:
    """One finding of an audit.

    Attributes
    ----------
    id
        Its number, from 1: what the code does comes before what could not be compared; of these the most severe first,
        then the one of the most histories.
    count
        In how many histories it shows.
    example
        A history in which it shows: a label of the report's rows.
    divergence
        What it is there: kind, line of code, both sides, what Lambda does, advice.
    """

    id: int
    count: int
    example: str
    divergence: Divergence


@dataclass(slots=True)
class _Group:
    count: int
    index: int
    label: str
    divergence: Divergence


class Collector:
    """Puts findings together while they come in, in any order; keeps one example of each kind only."""

    def __init__(self) -> None:
        self._numbers: dict[_Key, int] = {}
        self._groups: list[_Group] = []

    def add(
        self, index: int, label: str, findings: Iterable[Divergence], sdk: str | None = None
    ) -> tuple[int, ...]:
        """Take one history's findings; give the provisional numbers of their causes.

        What Lambda does is another thing on each version of the SDK, and so is the cause.
        """
        numbers: list[int] = []
        for one in findings:
            number = self._numbers.setdefault((sdk, *_key(one, label)), len(self._groups))
            if number == len(self._groups):
                self._groups.append(_Group(0, index, label, one))
            group = self._groups[number]
            if number not in numbers:
                group.count += 1
                numbers.append(number)
            if (-_weight(one), index) < (-_weight(group.divergence), group.index):
                group.index, group.label, group.divergence = index, label, one
        return tuple(numbers)

    def causes(self) -> tuple[tuple[Cause, ...], dict[int, int]]:
        """Give the causes, in the order of their numbers; and by provisional number the final one."""
        order = sorted(range(len(self._groups)), key=self._rank)
        final = {number: place for place, number in enumerate(order, 1)}
        groups = [self._groups[number] for number in order]
        return tuple(Cause(n, g.count, g.label, g.divergence) for n, g in enumerate(groups, 1)), final

    def _rank(self, number: int) -> tuple[bool, int, int, int, str]:
        group = self._groups[number]
        one = group.divergence
        return (
            one.kind in OBSTACLES,
            -_weight(one),
            -group.count,
            group.index,
            f"{one.kind} {one.line} {one.message}",
        )


def _weight(one: Divergence) -> int:
    return SEVERITIES.index(one.severity)


def worst(findings: Iterable[Divergence]) -> str | None:
    """Give the highest severity; None of nothing."""
    return max((one.severity for one in findings), key=SEVERITIES.index, default=None)


def _key(one: Divergence, label: str) -> _Key:
    """The same kind at the same line is the same cause, whatever names, numbers and payloads stood there.

    What is missing, or has no line, has no call of its own to tell it by: there its name counts; of what can't be read,
    the reason, without the file's name and content.
    """
    if one.kind == "unreadable":
        reason = one.message.removeprefix(f"{PurePath(label).name}: ")
        return (one.kind, _VARIES.sub("#", _QUOTED.sub("#", reason)))
    place = (one.place.file, one.place.line, one.place.function) if one.place else None
    was, now = one.sides
    if isinstance(was, Operations) and one.kind == "missing":
        return (one.kind, place, _VARIES.sub("#", named(was.identities[0])))
    return (one.kind, place, _VARIES.sub("#", one.message) if place is None and was is now is None else "")
