"""What an audit counts while rows come in, so that no report has to go through all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from durable_debug.audits.check import OBSTACLES

if TYPE_CHECKING:
    from datetime import datetime

    from durable_debug.audits.rows import Row

__all__ = ["Deployed", "Share", "Tally", "Times"]

Deployed = tuple[str | None, str | None]
"""Name and version of a function; None where the history does not say."""


@dataclass(slots=True)
class Times:
    """When executions began: the earliest and the latest; None where none says when."""

    first: datetime | None = None
    last: datetime | None = None

    def add(self, moment: datetime | None) -> None:
        """Take one more."""
        if moment is not None:
            self.first = moment if self.first is None else min(self.first, moment)
            self.last = moment if self.last is None else max(self.last, moment)


@dataclass(slots=True)
class Share:
    """Of the histories of one version of a function: all, those that diverge, those that could not be compared."""

    histories: int = 0
    diverging: int = 0
    uncompared: int = 0
    times: Times = field(default_factory=Times)


@dataclass(slots=True)
class Tally:
    """Counts of an audit's histories.

    Attributes
    ----------
    histories, clean, as_before, diverging, uncompared
        All; those that replayed clean; those that diverge only as under the handler compared with; those that diverge
        (newly); those that could not be compared. The last four make up the first.
    redacted
        Those whose values are placeholders.
    known, with_known
        Divergences left out since the other handler has them too, and in how many histories.
    no_baseline, lost
        Those that could not be compared with the other handler; of the first of them the label and the reason.
    times
        When the executions began.
    shares
        By function and version.
    """

    histories: int = 0
    clean: int = 0
    as_before: int = 0
    diverging: int = 0
    uncompared: int = 0
    redacted: int = 0
    known: int = 0
    with_known: int = 0
    no_baseline: int = 0
    lost: tuple[str, str] | None = None
    times: Times = field(default_factory=Times)
    shares: dict[Deployed, Share] = field(default_factory=dict)

    def add(self, row: Row) -> None:
        """Count one more."""
        share = self.shares.setdefault((row.function, row.version), Share())
        share.histories += 1
        self.histories += 1
        self.redacted += row.redacted
        self.times.add(row.started)
        share.times.add(row.started)
        if row.as_before:
            self.as_before += 1
        elif row.clean:
            self.clean += 1
        elif set(row.kinds) <= set(OBSTACLES):
            self.uncompared += 1
            share.uncompared += 1
        else:
            self.diverging += 1
            share.diverging += 1
        if row.known:
            self.known += row.known
            self.with_known += 1
        if row.no_baseline:
            self.no_baseline += 1
            self.lost = min(self.lost or (row.history, row.no_baseline), (row.history, row.no_baseline))
