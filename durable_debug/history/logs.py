"""The log of one execution: CloudWatch's log events, each joined to its invocation, operation and attempt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from durable_debug.history.documents import unicode
from durable_debug.history.log_lines import Line, Said, read
from durable_debug.history.timestamps import from_microseconds, microseconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from durable_debug.history.invocations import Invocation
    from durable_debug.history.operations import Attempt, Operation

__all__ = ["LogEvent", "Logs", "joined"]

_ASTRAY = 60_000_000  # microseconds by which a line may lie outside an invocation that has no request id
_LARGEST = 7_258_118_400_000  # milliseconds: the year 2200, as of all timestamps


class LogEvent(NamedTuple):
    """One log event of an execution.

    Attributes
    ----------
    timestamp
        When it was written: aware UTC.
    level
        ``"INFO"``, ``"ERROR"`` …; None for what was printed, and for most of the lines that Lambda itself writes.
    message
        What was written, without what runtime and logger put around it, and with its traceback behind it.
    invocation
        Number of the invocation that wrote it; None where the history has no such invocation.
    position, name, operation_id
        The operation that wrote it; None where the handler itself did, or where nothing tells.
    attempt
        Number of the operation's attempt; None where it is not known.
    joined
        ``"recorded"`` where the line itself names its operation, ``"inferred"`` where it was written while only this
        attempt ran; None where no operation is named.
    request_id, stream
        Lambda's request id, and the log stream.
    platform
        Whether Lambda itself wrote it: START, END, REPORT, a timeout …
    trace_id
        X-Ray's, where the line names one.
    line
        The whole line as CloudWatch has it.
    """

    timestamp: datetime
    level: str | None
    message: str
    invocation: int | None
    position: str | None
    name: str | None
    operation_id: str | None
    attempt: int | None
    joined: Literal["recorded", "inferred"] | None
    request_id: str | None
    stream: str
    platform: bool
    trace_id: str | None
    line: str


@dataclass(frozen=True, slots=True)
class Logs:
    """What CloudWatch has of an execution, as it is kept with a history.

    Attributes
    ----------
    group
        Name of the log group.
    lines
        In order of time.
    remarks
        What is missing, and why, in sentences.
    """

    group: str
    lines: tuple[Line, ...]
    remarks: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """Write it as JSON has it: the events in the form of FilterLogEvents."""
        return {
            "LogGroup": self.group,
            "Remarks": list(self.remarks),
            "Events": [
                {"timestamp": line.timestamp, "logStreamName": line.stream, "message": line.message}
                for line in self.lines
            ],
        }

    @classmethod
    def of_document(cls, document: object) -> Logs | None:
        """Read what `document` writes, whatever stands in its place; None where there is nothing of it."""
        if not isinstance(document, dict) or not isinstance(document.get("Events"), list):
            return None
        group, remarks = document.get("LogGroup"), document.get("Remarks")
        lines = tuple(line for line in map(_line, document["Events"]) if line is not None)
        lost = len(document["Events"]) - len(lines)
        said = [unicode(each) for each in remarks or () if isinstance(each, str)] if isinstance(remarks, list) else []  # fmt: skip
        if lost:
            said.append(f"{lost} log events are left out: they are of another shape than CloudWatch's.")
        return cls(unicode(group) if isinstance(group, str) else "", lines, tuple(said))

    @classmethod
    def of_events(cls, group: str, events: Iterable[object], remarks: Sequence[str] = ()) -> Logs:
        """Make it of log events as FilterLogEvents gives them, in any order."""
        lines = [line for line in map(_line, events) if line is not None]
        return cls(group, tuple(sorted(lines, key=lambda line: line.timestamp)), tuple(remarks))


def _line(event: object) -> Line | None:
    if not isinstance(event, dict):
        return None
    at, message, stream = (event.get(key) for key in ("timestamp", "message", "logStreamName"))
    if type(at) is not int or not 0 <= at < _LARGEST or not isinstance(message, str):
        return None
    return Line(at, unicode(stream) if isinstance(stream, str) else "", unicode(message))


# ------------------------------------------------------------------------------------------------ joining


def joined(
    lines: Iterable[Line],
    arn: str | None,
    operations: Sequence[Operation],
    invocations: Sequence[Invocation],
) -> Iterator[LogEvent]:
    """Give the log events that are this execution's, in order of time; those of others are left out.

    Parameters
    ----------
    lines
        Of a log group, those of other executions among them. Of one stream the whole of what an invocation wrote, so that
        lines that name no request are told by those around them.
    arn, operations, invocations
        The execution's.
    """
    read_lines = [(line, read(line.message)) for line in sorted(lines, key=lambda line: line.timestamp)]
    requests = _requests(read_lines)
    numbers = _numbers(read_lines, requests, arn, invocations)
    by_id = {operation.id: operation for operation in operations}
    attempts = _by_invocation(operations)
    for (line, said), request in zip(read_lines, requests, strict=True):
        if request not in numbers or (said.arn is not None and arn is not None and said.arn != arn):
            continue
        number = numbers[request]
        when = from_microseconds(line.timestamp * 1000)
        named = by_id.get(said.operation_id or said.parent_id or "")
        how: Literal["recorded", "inferred"] | None = "recorded" if named is not None else None
        attempt = said.attempt if named is not None and named.all_attempts else None
        if number is None and named is not None:
            number = next((its.start_invocation for its in named.all_attempts if its.number == attempt), None)
        if named is None and said.arn is None and not said.platform:
            running = [each for each in attempts.get(number, ()) if _runs(each[1], when)]
            if len(running) == 1:
                how, (named, its) = "inferred", running[0]
                attempt = its.number
        yield LogEvent(
            timestamp=when,
            level=said.level,
            message=said.text,
            invocation=number,
            position=named.position if named else None,
            name=named.name if named else None,
            operation_id=named.id if named else None,
            attempt=attempt,
            joined=how,
            request_id=request,
            stream=line.stream,
            platform=said.platform,
            trace_id=said.trace_id,
            line=line.message,
        )


class _Sandbox:
    """What a log stream has told so far of the requests that its sandbox works on."""

    def __init__(self) -> None:
        self.under_way: list[str] = []
        self.last: str | None = None
        self.starting: list[int] | None = (
            None  # lines of a cold start: they belong to the request that follows
        )

    def of_line(self, said: Said, at: int, found: list[str | None]) -> str | None:
        """Request of a line: its own, else the one that is under way; of earlier lines it may set it."""
        if said.mark == "init":
            self.under_way, self.starting = [], [at]
            return None
        request = said.request_id
        if request is None:
            if self.starting is not None:
                self.starting.append(at)
                return None
            if self.under_way:
                return self.under_way[0] if len(self.under_way) == 1 else None
            return self.last
        for earlier in self.starting or ():
            found[earlier] = request
        self.starting, self.last = None, request
        if said.mark == "start" and request not in self.under_way:
            self.under_way.append(request)
        elif said.mark == "end" and request in self.under_way:
            self.under_way.remove(request)
        return request


def _requests(lines: Sequence[tuple[Line, Said]]) -> list[str | None]:
    """Request id of each line."""
    found: list[str | None] = [None] * len(lines)
    sandboxes: dict[str, _Sandbox] = {}
    for at, (line, said) in enumerate(lines):
        found[at] = sandboxes.setdefault(line.stream, _Sandbox()).of_line(said, at, found)
    return found


def _numbers(
    lines: Sequence[tuple[Line, Said]],
    requests: Sequence[str | None],
    arn: str | None,
    invocations: Sequence[Invocation],
) -> Mapping[str | None, int | None]:
    """Invocation of each request that is this execution's.

    Of one that the history does not name (it runs yet, or it died and left nothing), a line of it that the SDK's logger wrote
    tells whose it is, and the time which invocation.
    """
    numbers: dict[str | None, int | None] = {
        each.request_id: each.number for each in invocations if each.request_id is not None
    }
    nameless = [each for each in invocations if each.request_id is None and each.start is not None]
    for (line, said), request in zip(lines, requests, strict=True):
        if request is not None and request not in numbers and arn is not None and said.arn == arn:
            numbers[request] = _at(nameless, line.timestamp * 1000)
    return numbers


def _at(invocations: Sequence[Invocation], moment: int) -> int | None:
    """Number of the last of these that may have been under way then."""
    for one in reversed(invocations):
        began = microseconds(one.start) if one.start is not None else moment
        ended = microseconds(one.end) if one.end is not None else moment
        if began - _ASTRAY <= moment <= ended + _ASTRAY:
            return one.number
    return None


def _by_invocation(
    operations: Sequence[Operation],
) -> Mapping[int | None, list[tuple[Operation, Attempt]]]:
    """Attempts whose body ran in one invocation, and of which it is known when, by that invocation."""
    found: dict[int | None, list[tuple[Operation, Attempt]]] = {}
    for operation in operations:
        for attempt in operation.all_attempts:
            if attempt.began == 1 and attempt.start is not None and attempt.start_invocation is not None:
                found.setdefault(attempt.start_invocation, []).append((operation, attempt))
    return found


def _runs(attempt: Attempt, when: datetime) -> bool:
    """Whether its body ran at that moment; the log counts in milliseconds."""
    assert attempt.start is not None
    began = attempt.start.replace(microsecond=attempt.start.microsecond // 1000 * 1000)
    return began <= when and (attempt.end is None or when <= attempt.end)
