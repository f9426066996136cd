"""Which of many executions: by status and by when they started."""

from __future__ import annotations

import difflib
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from durable_debug.errors import HistoryError
from durable_debug.spelling import option

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["STATUSES", "Choice"]

_AGO = re.compile(r"(?P<count>\d+(?:\.\d+)?)\s*(?P<unit>[smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
STATUSES = ("RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "STOPPED", "PAUSED")


class Choice(NamedTuple):
    """What was asked for.

    Attributes
    ----------
    statuses
        Any of these; none for all.
    earliest
        Only what started then or later; None for all.
    """

    statuses: frozenset[str]
    earliest: datetime | None

    @classmethod
    def of(
        cls,
        status: str | Iterable[str] | None,
        since: str | datetime | timedelta | None,
        limit: int | None = None,
        *,
        known: Iterable[str | None] = (),
    ) -> Choice:
        """Read it as users write it; besides the statuses of today, those that are `known` to be there are taken.

        Raises
        ------
        HistoryError
            It is no status, no time or no number.
        """
        if limit is not None and limit < 1:
            raise HistoryError(
                f"{option('limit', limit)} is no number of executions.", cure="Leave it out for all of them."
            )
        given = (status,) if isinstance(status, str) else tuple(status or ())
        return cls(frozenset(_status(each, frozenset(known)) for each in given), _moment(since))

    def fits(self, status: str | None, start: datetime | None) -> bool:
        """Whether an execution is one of them; one of which no start is known may be."""
        if self.earliest is not None and start is not None and start < self.earliest:
            return False
        return not self.statuses or status in self.statuses


def _status(text: str, known: frozenset[str | None]) -> str:
    """A status, in any case."""
    word = text.strip().upper().replace("-", "_").replace(" ", "_")
    if word in STATUSES or word in known:
        return word
    near = difflib.get_close_matches(word, STATUSES, n=1)
    raise HistoryError(
        f"There is no status {text!r:.40}.",
        cure=f"Did you mean {near[0]}?" if near else f"There are {', '.join(STATUSES)}.",
    )


def _moment(since: str | datetime | timedelta | None) -> datetime | None:
    now = datetime.now(UTC)
    try:
        if isinstance(since, str):
            if ago := _AGO.fullmatch(since.strip().lower()):
                since = timedelta(**{_UNITS[ago["unit"]]: float(ago["count"])})
            else:
                since = datetime.fromisoformat(since)
        if isinstance(since, timedelta):
            return now - since
    except (ValueError, OverflowError):
        raise HistoryError(
            f"{option('since', since)} is no time.",
            cure="Write it as 90m, 36h, 2d, 1w or 2026-11-20T08:00.",
        ) from None
    if since is not None and since.tzinfo is None:
        return since.astimezone()  # a time without a zone is this machine's
    return since
