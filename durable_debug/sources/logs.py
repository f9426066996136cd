"""The logs of executions, from CloudWatch: searched for by the request ids that histories hold."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from durable_debug.errors import HistoryError
from durable_debug.history.keeping import ENDED
from durable_debug.history.logs import Logs, joined
from durable_debug.history.timestamps import microseconds
from durable_debug.sources.calling import NEVER
from durable_debug.sources.connection import Connection, connect
from durable_debug.sources.log_search import Filtering, Found, Querying, Reach, Search, Span
from durable_debug.sources.problems import AccessDeniedError
from durable_debug.sources.redacted_logs import redacted_logs

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from durable_debug.history import History, Invocation
    from durable_debug.sources.calling import Caller

__all__ = ["BATCH", "LogFetcher", "log_group", "with_logs"]

BATCH = 100
"""Histories whose logs are searched for at once."""
_FEW = 3  # for which FilterLogEvents is quicker, and costs nothing
_MOST_EVENTS = 10_000  # of one execution: of more, about the last
_MOST_SPANS = 100  # of one execution: of more, the last
_BEFORE = 15_000  # milliseconds: a cold start comes before its invocation
_AFTER = 5_000  # REPORT comes after it
_LONGEST = 15 * 60_000  # of an invocation
_INGESTED = 120_000  # until then a line may be yet to come
_DAY = 86_400_000
_PLAIN = re.compile(r"[A-Za-z0-9_-]{8,}")
_FUNCTION = re.compile(r"(?P<arn>arn:[^:]+:lambda:[^:]*:[^:]*:function:(?P<name>[^:/]+)(?::[^/]*)?)/")


def log_group(logs: bool | str) -> str | None:  # noqa: FBT001
    """Read the option as users give it: the name of the log group, None for each function's own.

    Raises
    ------
    HistoryError
        It is neither True nor a name.
    """
    if logs is True:
        return None
    if not isinstance(logs, str) or not logs:
        raise HistoryError(
            f"logs={logs!r:.80} names no log group.", cure="Give logs=True, or logs='/aws/lambda/orders'."
        )
    return logs


def with_logs(logs: bool | str, where: dict[str, Any]) -> Callable[[History], History] | None:  # noqa: FBT001
    """Return the function that gives a history its logs; None where none are asked for.

    A history that has its logs is returned as it is. One that comes from an account has them from there, else from where
    `where` says.
    """
    if logs is False or logs is None:
        return None
    group = log_group(logs)
    fetchers: dict[Any, LogFetcher] = {}  # by connection, or by region where there is none yet

    def give(history: History) -> History:
        if history.log_events is not None:
            return history
        if group is None:
            _function_of(history)  # said before credentials and a region are asked for
        source = history.source
        if isinstance(source, LogFetcher):
            source = source.connection
        known = source if isinstance(source, Connection) else None
        key = known or (history.arn or "").partition(":function:")[0]
        if key not in fetchers:
            fetchers[key] = LogFetcher(known or connect(subject=history.arn or "", **where), group)
        return fetchers[key].given([history])[0]

    return give


class LogFetcher:
    """Gives histories of an account their logs. Called with an ARN it loads that execution with them: a history's source.

    Parameters
    ----------
    connection
        To the account.
    group
        Name of the log group; None: each function's own.
    """

    def __init__(self, connection: Connection, group: str | None = None) -> None:
        self.connection = connection
        self._group = group
        self._groups: dict[str, _Group] = {}

    def __call__(self, arn: str) -> History:
        """Load one execution, with its logs."""
        return self.given([self.connection(arn)])[0]

    def given(self, histories: Sequence[History], stop: threading.Event = NEVER) -> list[History]:
        """Return the same histories, at most some hundred, with their logs; until `stop` is set.

        Raises
        ------
        HistoryError
            There is no such log group, or the account does not let you; the message names the permission.
        """
        call = self.connection.service("logs")
        wanted = [_Wanted(history, *self._group_of(history, stop)) for history in histories]
        kind = Filtering if len(wanted) <= _FEW else Querying
        for name in dict.fromkeys(each.group for each in wanted):
            _gather([each for each in wanted if each.group == name], kind(call, name, stop))
        return [self._finished(each, stop) for each in wanted]

    def _finished(self, one: _Wanted, stop: threading.Event) -> History:
        history = one.history
        retention = None if one.events else _retention(self.connection.service("logs"), one.group, stop)
        source = self if isinstance(history.source, Connection | LogFetcher) else history.source
        logs = one.logs(retention)
        if history.redacted is not None:
            logs = redacted_logs(logs)
        return history.rewritten(history.raw, execution=history.execution, source=source, logs=logs)

    def _group_of(self, history: History, stop: threading.Event) -> _Group:
        """The log group of a history's function: the one that it is configured for, else the usual one."""
        if self._group is not None:
            return _Group(self._group)
        arn, name = _function_of(history)
        if arn not in self._groups:
            self._groups[arn] = _configured(arn, name, self.connection.service("lambda"), stop)
        return self._groups[arn]


# ------------------------------------------------------------------------------------------------ where and when


class _Group(NamedTuple):
    """A log group, and why it may not be the one."""

    name: str
    doubt: str = ""


def _function_of(history: History) -> tuple[str, str]:
    """ARN and name of a history's function."""
    function = _FUNCTION.match(history.arn or "")
    if function is None:
        raise HistoryError(
            "This history has no ARN of Lambda's, which would name its function and so its log group.",
            cure="Name the log group: logs='/aws/lambda/orders', --log-group in the terminal.",
        )
    return function["arn"], function["name"]


def _configured(arn: str, name: str, call: Caller, stop: threading.Event) -> _Group:
    usual = f"/aws/lambda/{name}"
    try:
        told = call("GetFunctionConfiguration", {"FunctionName": arn}, arn, stop)
    except AccessDeniedError:
        return _Group(usual, "whether it writes to another one is not known without the permission lambda:GetFunctionConfiguration")  # fmt: skip
    except HistoryError:  # deleted, or a server that knows no functions
        return _Group(usual, "whether it wrote to another one is not known: its configuration can't be had")
    config = told.get("LoggingConfig")
    configured = config.get("LogGroup") if isinstance(config, dict) else None
    return _Group(configured if isinstance(configured, str) and configured else usual)


@dataclass
class _Wanted:
    """A history, and what is found for it."""

    history: History
    group: str
    doubt: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    whole: bool = True
    spans: list[Span] = field(init=False)
    texts: list[str] = field(init=False)
    left_out: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        invocations = [self.history.invocation(n + 1) for n in range(self.history.invocation_count)]
        spans = _merged(_spans(invocations, self.history), Filtering.reach)
        self.left_out = max(len(spans) - _MOST_SPANS, 0)
        self.spans = spans[-_MOST_SPANS:]
        ids = [each.request_id for each in invocations]
        execution = (self.history.arn or "").rpartition("/")[2]
        # The SDK's logger names the execution in each line: so requests are found that the history does not name.
        told = [*ids, execution] if None in ids or not ids else ids
        self.texts = [text for text in dict.fromkeys(told) if text and _PLAIN.fullmatch(text)]

    def logs(self, retention: int | None) -> Logs:
        """What was found, without what belongs to others."""
        logs = Logs.of_events(self.group, self.events)
        history = self.history
        invocations = [history.invocation(n + 1) for n in range(history.invocation_count)]
        own = list(joined(logs.lines, history.arn, history.tree(), invocations))
        kept = own[-_MOST_EVENTS:]
        events = [
            {
                "timestamp": microseconds(each.timestamp) // 1000,
                "logStreamName": each.stream,
                "message": each.line,
            }
            for each in kept
        ]
        return Logs.of_events(self.group, events, list(self._remarks(len(own), retention)))

    def _remarks(self, found: int, retention: int | None) -> Iterator[str]:
        history, group = self.history, self.group
        end = max((span.end for span in self.spans), default=0) - _AFTER
        now = time.time() * 1000
        if found > _MOST_EVENTS:
            yield f"Of {found:,} log events, only the last {_MOST_EVENTS:,} were kept."
        elif not self.whole:
            yield f"Not all of its log events are here: the log group {group} has too many at that time."
        if self.left_out:
            yield f"Log events of its first {self.left_out} spells of work are left out."
        if found:
            if now - end < _INGESTED and history.status in ENDED:
                yield "Its last log events may be yet to come: CloudWatch has them some seconds after they are written."
            return
        if retention is not None and end < now - retention * _DAY:
            yield f"The log group {group} keeps log events for {retention} days: those of this execution are gone."
        elif now - end < _INGESTED:
            yield f"The log group {group} has no log events of this execution yet: they come some seconds after they are written."
        else:
            doubt = f"; {self.doubt}" if self.doubt else ""
            yield f"The log group {group} has no log events of this execution{doubt}."


def _spans(invocations: Sequence[Invocation], history: History) -> Iterator[Span]:
    now = round(time.time() * 1000)
    starts = [each.start for each in invocations] + [None]
    for each, following in zip(invocations, starts[1:], strict=True):
        if each.start is None:
            continue
        start = microseconds(each.start) // 1000
        latest = microseconds(following) // 1000 if following is not None else now
        end = (
            microseconds(each.end) // 1000
            if each.end is not None
            else min(start + _LONGEST, max(latest, start))
        )
        yield Span(start - _BEFORE, end + _AFTER)
    if not invocations and len(history):
        times = [microseconds(event["EventTimestamp"]) // 1000 for event in history.raw]
        ended = history.status in ENDED
        yield Span(min(times) - _BEFORE, (max(times) if ended else min(max(times) + _LONGEST, now)) + _AFTER)


def _merged(spans: Iterable[Span], reach: Reach) -> list[Span]:
    """Join those that are searched as one."""
    found: list[Span] = []
    for span in sorted(spans):
        if found:
            both = Span(found[-1].start, max(found[-1].end, span.end))
            gap = span.start - found[-1].end
            if gap <= 0 or (gap <= reach.near and both.end - both.start <= reach.longest):
                found[-1] = both
                continue
        found.append(span)
    return found


# ------------------------------------------------------------------------------------------------ the search


def _gather(wanted: Sequence[_Wanted], search: Search) -> None:
    """Find what belongs to these, all of one log group.

    First which streams hold a line that names one of them; then all that these streams hold at that time: what is printed, and
    tracebacks, name no request.
    """
    for span in _merged([span for each in wanted for span in each.spans], search.reach):
        meant = [each for each in wanted if any(_overlap(span, its) for its in each.spans)]
        named = search(span, texts=list(dict.fromkeys(text for each in meant for text in each.texts)))
        streams = {id(each): _streams(named, each.texts) for each in meant}
        all_streams = sorted(set().union(*streams.values()))
        held = search(span, streams=all_streams) if all_streams else Found([], whole=True)
        for each in meant:
            each.whole = each.whole and named.whole and held.whole
            each.events += [
                event
                for event in held.events
                if event.get("logStreamName") in streams[id(each)]
                and any(its.start <= event["timestamp"] <= its.end for its in each.spans)
            ]


def _overlap(one: Span, other: Span) -> bool:
    return one.start <= other.end and other.start <= one.end


def _streams(named: Found, texts: Sequence[str]) -> set[str]:
    """Streams of the lines that hold one of these; a search may give others, too."""
    if not texts:
        return set()
    pattern = re.compile("|".join(texts))
    return {
        str(event["logStreamName"])
        for event in named.events
        if event.get("logStreamName") and pattern.search(str(event.get("message")))
    }


def _retention(call: Caller, group: str, stop: threading.Event) -> int | None:
    """For how many days a log group keeps log events; None where it keeps them, or does not say."""
    try:
        asked = {"logGroupNamePrefix": group}
        told = call("DescribeLogGroups", asked, group, stop)
    except HistoryError:  # it is only for the sentence
        return None
    for each in told.get("logGroups") or ():
        if each.get("logGroupName") == group:
            days = each.get("retentionInDays")
            return days if type(days) is int else None
    return None
