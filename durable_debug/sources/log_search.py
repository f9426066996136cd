"""Two ways to search a log group: FilterLogEvents, which costs nothing, and Logs Insights, which takes many ids at once."""

from __future__ import annotations

import contextlib
import itertools
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from durable_debug.errors import HistoryError
from durable_debug.sources.problems import AccessDeniedError, ServiceUnavailableError

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Sequence

    from durable_debug.sources.calling import Caller

__all__ = ["MOST", "Filtering", "Found", "Querying", "Reach", "Search", "Span"]

MOST = 100_000
"""Log events of one search."""
_MOST_PAGES = 2_000  # most of them empty, in a large group
_IDS_A_PATTERN = 24  # of 36 characters: a pattern has 1,024
_IDS_A_QUERY = 200  # a query has 10,000
_STREAMS = 100  # of a call
_ROWS = 10_000  # of a query
_POLLS = 600
_UNFINISHED = frozenset({"Scheduled", "Running", "Unknown"})

Event = dict[str, Any]


class Span(NamedTuple):
    """From when to when: milliseconds since 1970, both included."""

    start: int
    end: int


class Found(NamedTuple):
    """Log events in the form of FilterLogEvents, and whether they are all."""

    events: list[Event]
    whole: bool


class Reach(NamedTuple):
    """Which spans are searched as one: those that overlap, or lie so near, while they are not longer; in milliseconds."""

    near: int
    longest: int


class Search(Protocol):
    """Finds log events of a span that hold one of these texts, or that are of these streams."""

    reach: Reach

    def __call__(self, span: Span, *, texts: Sequence[str] = (), streams: Sequence[str] = ()) -> Found:
        """Find them."""


class Filtering:
    """By FilterLogEvents.

    Parameters
    ----------
    call
        Calls CloudWatch Logs.
    group
        Name of the log group.
    stop
        Ends it when it is set.
    """

    reach = Reach(60_000, 600_000)  # it reads all that was written then, page by page

    def __init__(self, call: Caller, group: str, stop: threading.Event) -> None:
        self._call = call
        self._group = group
        self._stop = stop

    def __call__(self, span: Span, *, texts: Sequence[str] = (), streams: Sequence[str] = ()) -> Found:
        """Find log events."""
        events: list[Event] = []
        for asked in (*_patterns(texts), *_of_streams(streams)):
            for page in self._pages({"startTime": span.start, "endTime": span.end, **asked}):
                events += page or ()
                if page is None or len(events) > MOST:
                    return Found(events[:MOST], whole=False)
        return Found(events, whole=True)

    def _pages(self, asked: dict[str, Any]) -> Iterator[list[Event] | None]:
        """Events page by page; None where they do not come to an end."""
        asked = {"logGroupName": self._group, "limit": _ROWS, **asked}
        tokens: set[str] = set()
        for number in itertools.count(1):
            page = self._call("FilterLogEvents", asked, self._group, self._stop)
            yield [each for each in page.get("events") or () if type(each.get("timestamp")) is int]
            token = page.get("nextToken")
            if not token:
                return
            if token in tokens:
                raise ServiceUnavailableError(
                    f"{self._call.endpoint} gives the same page of FilterLogEvents again and again.",
                    cure="Try again.",
                )
            if number >= _MOST_PAGES:
                yield None
            tokens.add(token)
            asked["nextToken"] = token


def _patterns(texts: Sequence[str]) -> Iterator[dict[str, Any]]:
    for some in _chunks(texts, _IDS_A_PATTERN):
        yield {"filterPattern": " ".join(f'?"{text}"' for text in some) if len(some) > 1 else f'"{some[0]}"'}


def _of_streams(streams: Sequence[str]) -> Iterator[dict[str, Any]]:
    for some in _chunks(streams, _STREAMS):
        yield {"logStreamNames": some}


def _chunks(values: Sequence[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(values), size):
        yield list(values[start : start + size])


class Querying:
    """By queries of Logs Insights; by FilterLogEvents, where the account does not let one query.

    Parameters
    ----------
    call, group, stop
        As for `Filtering`.
    """

    reach = Reach(3_600_000, 86_400_000)  # each query takes its second or two, whatever it reads

    def __init__(self, call: Caller, group: str, stop: threading.Event) -> None:
        self._call = call
        self._group = group
        self._stop = stop
        self._instead: Filtering | None = None

    def __call__(self, span: Span, *, texts: Sequence[str] = (), streams: Sequence[str] = ()) -> Found:
        """Find log events."""
        if self._instead is None:
            try:
                return self._queried(span, texts, streams)
            except AccessDeniedError:
                self._instead = Filtering(self._call, self._group, self._stop)
        return self._instead(span, texts=texts, streams=streams)

    def _queried(self, span: Span, texts: Sequence[str], streams: Sequence[str]) -> Found:
        filters = [
            *(f"@message like /{'|'.join(some)}/" for some in _chunks(texts, _IDS_A_QUERY)),
            *(f"@logStream in [{', '.join(map(_quoted, some))}]" for some in _chunks(streams, _STREAMS)),
        ]
        events: list[Event] = []
        for one in filters:
            waiting = [(span.start // 1000, span.end // 1000)]
            while waiting:
                start, end = waiting.pop()
                rows = self._rows(one, start, end)
                if len(rows) >= _ROWS and end > start:  # there may be more: ask for each half
                    middle = (start + end) // 2
                    waiting += [(middle + 1, end), (start, middle)]
                    continue
                events += [row for row in rows if span.start <= row["timestamp"] <= span.end]
                if len(events) > MOST or len(rows) >= _ROWS:
                    return Found(events[:MOST], whole=False)
        return Found(events, whole=True)

    def _rows(self, filter_: str, start: int, end: int) -> list[Event]:
        """Answer one query; start and end are seconds."""
        query = f"fields @timestamp, @message, @logStream | filter {filter_} | sort @timestamp asc | limit {_ROWS}"
        asked = {"logGroupName": self._group, "startTime": start, "endTime": end, "queryString": query}
        number = self._call("StartQuery", asked, self._group, self._stop)["queryId"]
        try:
            answer = self._answer(number)
        except BaseException:
            with contextlib.suppress(HistoryError):  # it is paid for by what it reads
                self._call("StopQuery", {"queryId": number}, self._group)
            raise
        return [row for row in map(_row, answer.get("results") or ()) if row is not None]

    def _answer(self, number: Any) -> dict[str, Any]:
        for polled in range(_POLLS):
            answer = self._call("GetQueryResults", {"queryId": number}, self._group, self._stop)
            status = answer.get("status")
            if status == "Complete":
                return answer
            if status not in _UNFINISHED:
                break
            self._stop.wait(min(0.2 * (polled + 1), 2.0))
        raise ServiceUnavailableError(
            f"A query of Logs Insights on {self._group} ended as {status!s:.40}.", cure="Try again."
        )


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _row(fields: Any) -> Event | None:
    """A row of a query as FilterLogEvents has it."""
    if not isinstance(fields, list):
        return None
    held = {each.get("field"): each.get("value") for each in fields if isinstance(each, dict)}
    at = str(held.get("@timestamp"))
    try:
        moment = int(at) if at.isdecimal() else _milliseconds(at)
    except ValueError:
        return None
    return {"timestamp": moment, "message": held.get("@message"), "logStreamName": held.get("@logStream")}


def _milliseconds(text: str) -> int:
    """Read the time as Insights writes it: ``2026-11-21 21:27:08.662``, UTC."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)
