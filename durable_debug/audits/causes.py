"""Causes: what histories that diverge alike have in common, so that 500 that break at one line are one finding."""

from __future__ import annotations

import bisect
import hashlib
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING

from durable_debug.audits.check import OBSTACLES
from durable_debug.audits.tally import Times
from durable_debug.divergence.facts import Operations, OtherFunction
from durable_debug.wording import named

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from durable_debug.audits.check import Checked
    from durable_debug.audits.rows import Row
    from durable_debug.audits.tally import Deployed
    from durable_debug.divergence.divergence import Divergence

__all__ = ["MOST_EXAMPLES", "SEVERITIES", "Cause", "Collector", "by_level", "worst"]

SEVERITIES = ("info", "warning", "error")
MOST_EXAMPLES = 20
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
        Its number, from 1: what the code does comes before what could not be compared, and that before what is accepted; of
        these the most severe first, then the one of the most histories.
    count
        In how many histories it shows.
    example
        A history in which it shows: a label of the report's rows.
    divergence
        What it is there: kind, line of code, both sides, what Lambda does, advice.
    accepted
        Whether it is in the baseline.
    level
        How much it counts: ``"error"``, ``"warning"`` or ``"info"``, as its severity is or the project's levels say; or
        ``"off"``.
    examples
        The first histories in which it shows, at most `MOST_EXAMPLES`.
    first_seen, last_seen
        When the earliest and the latest execution that shows it began; None where none says when.
    versions
        By name and version of the function, in how many histories; the most first.
    statuses
        Of the executions that show it, as recorded; None of what can't be read.
    """

    id: int
    count: int
    example: str
    divergence: Divergence
    accepted: bool = False
    level: str = "error"
    examples: tuple[str, ...] = ()
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    versions: tuple[tuple[Deployed, int], ...] = ()
    statuses: frozenset[str | None] = frozenset()

    @property
    def counts(self) -> bool:
        """Whether it is neither accepted nor switched off."""
        return not self.accepted and self.level != "off"


@dataclass(slots=True)
class _Group:
    """What is known of a cause: of its example all, of others a few facts."""

    index: int
    label: str
    divergence: Divergence
    accepted: bool
    count: int = 0
    first: list[tuple[int, str]] = field(default_factory=list)  # the lowest indexes, with their labels
    times: Times = field(default_factory=Times)
    versions: Counter[Deployed] = field(default_factory=Counter)
    statuses: set[str | None] = field(default_factory=set)

    def add(self, index: int, label: str, of: Checked | Row) -> None:
        self.count += 1
        self.times.add(of.started)
        self.versions[of.function, of.version] += 1
        self.statuses.add(of.recorded_status)
        if len(self.first) < MOST_EXAMPLES or index < self.first[-1][0]:
            bisect.insort(self.first, (index, label))
            del self.first[MOST_EXAMPLES:]

    def told(self, number: int) -> Cause:
        return Cause(
            number,
            self.count,
            self.label,
            self.divergence,
            self.accepted,
            self.divergence.severity,
            tuple(label for _, label in self.first),
            self.times.first,
            self.times.last,
            tuple(sorted(self.versions.items(), key=lambda one: (-one[1], str(one[0])))),
            frozenset(self.statuses),
        )


class Collector:
    """Puts findings together while they come in, in any order; keeps one example of each kind only."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._groups: list[_Group] = []

    def add(
        self,
        index: int,
        label: str,
        checked: Checked,
        sdk: str | None = None,
        accepted: Sequence[bool] = (),
    ) -> tuple[int, ...]:
        """Take one history's findings, and which of them are accepted; give the provisional numbers of their causes.

        What Lambda does is another thing on each version of the SDK, and so is the cause. What is accepted is a cause of
        its own, beside what else may show at the same line.
        """
        numbers: list[int] = []
        for one, known in zip(checked.findings, accepted or (False,) * len(checked.findings), strict=True):
            mark = _mark(one, label, sdk, accepted=known)
            number = self._numbers.setdefault(mark, len(self._groups))
            if number == len(self._groups):
                self._groups.append(_Group(index, label, one, known))
            group = self._groups[number]
            if number not in numbers:
                group.add(index, label, checked)
                numbers.append(number)
            if (-_weight(one), index) < (-_weight(group.divergence), group.index):
                group.index, group.label, group.divergence = index, label, one
        return tuple(numbers)

    def marks(self, label: str, findings: Iterable[Divergence], sdk: str | None) -> list[tuple[str, int]]:
        """Give what is to be kept of one history's findings: what stands for each cause, and the worst of it there."""
        found: dict[str, int] = {}
        for one in findings:
            mark = _mark(one, label, sdk)
            found[mark] = max(found.get(mark, 0), _weight(one))
        return list(found.items())

    def recall(self, index: int, row: Row, marks: Sequence[tuple[str, int]]) -> tuple[int, ...] | None:
        """Take a history of which only the marks were kept; None where it is an example, which is looked at anew."""
        numbers = []
        for mark, weight in marks:
            number = self._numbers.get(mark)
            if number is None:
                return None
            group = self._groups[number]
            if (-weight, index) < (-_weight(group.divergence), group.index):
                return None
            numbers.append(number)
        for number in numbers:
            self._groups[number].add(index, row.history, row)
        return tuple(numbers)

    def causes(self) -> tuple[tuple[Cause, ...], dict[int, int]]:
        """Give the causes, in the order of their numbers; and by provisional number the final one."""
        order = sorted(range(len(self._groups)), key=self._rank)
        final = {number: place for place, number in enumerate(order, 1)}
        causes = (self._groups[number].told(place) for place, number in enumerate(order, 1))
        return tuple(causes), final

    def _rank(self, number: int) -> tuple[bool, bool, int, int, int, str]:
        group = self._groups[number]
        one = group.divergence
        return (
            group.accepted,
            one.kind in OBSTACLES,
            -_weight(one),
            -group.count,
            group.index,
            f"{one.kind} {one.line} {one.message}",
        )


def by_level(cause: Cause) -> tuple[bool, bool, bool, int, int]:
    """Where a cause stands in a report: what counts before what does not, and there the highest level first."""
    off = cause.level == "off"
    return (
        off,
        cause.accepted,
        cause.divergence.kind in OBSTACLES,
        0 if off else -SEVERITIES.index(cause.level),
        cause.id,
    )


def _weight(one: Divergence) -> int:
    return SEVERITIES.index(one.severity)


def worst(findings: Iterable[Divergence]) -> str | None:
    """Give the highest severity; None of nothing."""
    return max((one.severity for one in findings), key=SEVERITIES.index, default=None)


def _mark(one: Divergence, label: str, sdk: str | None, *, accepted: bool = False) -> str:
    """What stands for a cause, in a file too."""
    return hashlib.blake2b(repr((sdk, accepted, *_key(one, label))).encode(), digest_size=12).hexdigest()


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
    if isinstance(was, OtherFunction):
        return (one.kind, was.function)
    if isinstance(was, Operations) and one.kind == "missing":
        return (one.kind, place, _VARIES.sub("#", named(was.identities[0])))
    return (one.kind, place, _VARIES.sub("#", one.message) if place is None and was is now is None else "")
